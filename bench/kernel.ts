// How long the kernel takes to have what policy says: against Felix's benchmark of its nftables backend with the same sets,
// members and rules, and against one process of nft for each change.
import { measurePeer, type PeerWork } from './parts/kernel-peer.ts';
import { openTables, type Times } from './parts/kernel-tables.ts';
import * as workload from './parts/kernel-workload.ts';
import { median, report } from './parts/report.ts';

const RUNS = 20;
const RESYNCS = 3;
const BURST = 100;

function inTurn<T>(one: T, other: T, count = RUNS): readonly T[] {
  return Array.from({ length: count }, (_, index) => (index % 2 === 0 ? one : other));
}

function round(ms: number): number {
  return Number(ms.toPrecision(4));
}

/** A change that Felix's benchmark makes as well. */
function reportShared(
  work: PeerWork,
  size: workload.Size,
  ours: readonly number[],
  more: Record<string, number>,
): void {
  const peer = measurePeer(work, size);
  report({
    bench: `kernel-${work}-${size.sets}`,
    ours: median(ours),
    peer: peer.ms,
    peerName: peer.name,
    unit: 'ms',
    more,
  });
}

function reportAgainstNft(bench: string, { ours, nft }: Times, more: Record<string, number> = {}): void {
  report({ bench, ours: median(ours), peer: median(nft), peerName: 'nft -f', unit: 'ms', more });
}

/** All policies on one endpoint. */
function measureAllOnOne(size: workload.Size, ownDelta: number): void {
  const tables = openTables(workload.allOnOne(size));
  try {
    const delta = tables.measure(inTurn(workload.moveMember(true), workload.moveMember(false)));
    const chain = tables.measure(inTurn(workload.changeRule(size, 2000), workload.changeRule(size, 2001)));
    reportShared('delta', size, delta.ours, { own_policies_ms: round(ownDelta), nft_ms: round(median(delta.nft)) });
    reportShared('chain', size, chain.ours, { nft_ms: round(median(chain.nft)) });
    reportShared('resync', size, tables.measureResync(RESYNCS), {});
  } finally {
    tables.close();
  }
}

/** Every endpoint has a policy of its own. Returns what one member takes there. */
function measureOneForEach(size: workload.Size): number {
  const { sets } = size;
  const tables = openTables(workload.oneForEach(size));
  try {
    const endpoint = inTurn(workload.addEndpoints(size, 1), workload.removeEndpoints(size, 1));
    const sharing = inTurn(workload.addSharing(size), workload.removeSharing(size));
    const burst = inTurn(workload.addEndpoints(size, BURST), workload.removeEndpoints(size, BURST), 4);
    const shared = tables.measure(sharing);
    reportAgainstNft(`kernel-endpoint-${sets}`, tables.measure(endpoint), {
      shared_policies_ms: round(median(shared.ours)),
    });
    reportAgainstNft(`kernel-burst-${sets}`, tables.measure(burst));
    return median(tables.measure(inTurn(workload.moveMember(true), workload.moveMember(false))).ours);
  } finally {
    tables.close();
  }
}

function measureStart(count: number): void {
  const tables = openTables(workload.oneForEach({ sets: count, members: 100, policies: count }));
  try {
    const { ours, nft } = tables.start;
    const resync = median(tables.measureResync(RESYNCS));
    reportAgainstNft(`kernel-start-${count}`, { ours: [ours], nft: [nft] }, { resync_ms: round(resync) });
  } finally {
    tables.close();
  }
}

for (const size of workload.sizes) measureAllOnOne(size, measureOneForEach(size));
for (const count of [2000, 5000]) measureStart(count);
