// How long calicoctl takes and what memory it needs, against Calico's own on a store of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEtcd } from '../test/store/etcd-server.ts';
import { printPolicies, printProfiles } from './parts/ctl-documents.ts';
import { type CtlRun, openCtlPeer, openOwnCtl } from './parts/ctl-programs.ts';
import { median, report } from './parts/report.ts';

const RESOURCES = 10_000;
const SHORT_RUNS = 21;
const LISTINGS = 5;

function medianSeconds(runs: readonly CtlRun[]): number {
  return median(runs.map((run) => run.seconds));
}

const folder = mkdtempSync(join(tmpdir(), 'ocicat-bench-ctl-'));
const [ownStore, peerStore] = [await startEtcd(), await startEtcd()];
const own = openOwnCtl(ownStore.endpoint);
const peer = openCtlPeer(peerStore.endpoint);

/** Both programs in turns, so that both see the same machine. */
function compare(bench: string, argv: readonly string[], runs: number): void {
  const pairs = Array.from({ length: runs }, () => ({ ours: own.run(argv), theirs: peer.run(argv) }));
  const ours = pairs.map((pair) => pair.ours);
  const theirs = pairs.map((pair) => pair.theirs);
  report({
    bench,
    ours: medianSeconds(ours),
    peer: medianSeconds(theirs),
    peerName: peer.name,
    unit: 's',
    more: {
      mb: Math.max(...ours.map((run) => run.peakMb)),
      peer_mb: Math.max(...theirs.map((run) => run.peakMb)),
    },
  });
}

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

try {
  const policies = write('policies.yaml', printPolicies(RESOURCES));
  const profiles = write('profiles.yaml', printProfiles(RESOURCES));
  compare('ctl-apply-10k', ['apply', '-f', policies], 1);
  compare('ctl-apply-again-10k', ['apply', '-f', policies], 1);
  compare('ctl-yaml-10k', ['get', 'gnp', '-o', 'yaml'], LISTINGS);
  for (const program of [own, peer]) program.run(['apply', '-f', profiles]);
  compare('ctl-get-10k', ['get', 'profiles'], LISTINGS);
  compare('ctl-get-nodes', ['get', 'nodes'], SHORT_RUNS);
  compare('ctl-version', ['version'], SHORT_RUNS);
} finally {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([ownStore.stop(), peerStore.stop()]);
}
