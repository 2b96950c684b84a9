// How long the ways to other hosts take: into an empty kernel, against ip and bridge with the same routes, neighbours and forwarding
// entries; how much goes through our tunnels, against the same ones made by hand; and how soon hosts have routes to one that joins.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportNodes } from './parts/bgp-nodes.ts';
import { reportManyNodes } from './parts/many-nodes.ts';
import { installPackages } from './parts/packages.ts';
import { median, report, round } from './parts/report.ts';
import { reportJoins } from './parts/route-joins.ts';
import type { RoutesFigures } from './parts/routes-inside.ts';
import { type ClusterSize, printLines, UPLINK } from './parts/routes-workload.ts';
import { reportStreams } from './parts/tunnel-streams.ts';

const ROUNDS = 9;
const SIZE: ClusterSize = { hosts: 500, blocks: 4 };
const TWICE: ClusterSize = { hosts: 1_000, blocks: 4 };

/** In a network namespace of its own, with an uplink; what the command prints. */
function runInside(folder: string, command: readonly string[]): string {
  const script = `ip -batch ${join(folder, 'uplink')} && exec "$@"`;
  const words = ['unshare', '--net', 'sh', '-c', script, 'sh', ...command];
  const { exitCode, stdout } = Bun.spawnSync(words, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 120_000 });
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: exit status ${exitCode}`);
  return stdout.toString();
}

function measureOurs(folder: string, { hosts, blocks }: ClusterSize): RoutesFigures {
  const inside = join(import.meta.dir, 'parts/routes-inside.ts');
  const figures: RoutesFigures = JSON.parse(
    runInside(folder, [process.execPath, inside, String(hosts), String(blocks)]),
  );
  if (figures.failures > 0) throw new Error(`${figures.failures} routes could not be made`);
  return figures;
}

/** Milliseconds, from the start of ip to the end of bridge. */
function measureByHand(folder: string): number {
  const clock = 'date +%s%N';
  const lines = `${clock}; ip -batch ${join(folder, 'ip')} && bridge -batch ${join(folder, 'bridge')} && ${clock}`;
  const [from = '', to = ''] = runInside(folder, ['sh', '-c', lines]).trim().split('\n');
  return Number(BigInt(to) - BigInt(from)) / 1e6;
}

function measureRoutes(folder: string): void {
  for (const [name, text] of Object.entries({ uplink: UPLINK.join('\n'), ...printLines(SIZE) }))
    writeFileSync(join(folder, name), `${text}\n`);
  const rounds = Array.from({ length: ROUNDS }, () => ({
    ours: measureOurs(folder, SIZE),
    byHand: measureByHand(folder),
    twice: measureOurs(folder, TWICE),
  }));
  const ours = median(rounds.map((one) => one.ours.ms));
  report({
    bench: `routes-${SIZE.hosts * SIZE.blocks}-blocks`,
    ours,
    peer: median(rounds.map(({ byHand }) => byHand)),
    peerName: 'ip -batch and bridge -batch',
    unit: 'ms',
    more: {
      grown_mb: round(median(rounds.map((one) => one.ours.grownMb))),
      heap_mb: round(median(rounds.map((one) => one.ours.heapMb))),
      one_host_ms: round(median(rounds.map((one) => one.ours.oneHostMs))),
      look_ms: round(median(rounds.map((one) => one.ours.lookMs))),
      twice_the_work: round(median(rounds.map(({ twice }) => twice.ms)) / ours),
      twice_one_host_ms: round(median(rounds.map(({ twice }) => twice.oneHostMs))),
    },
  });
}

const folder = mkdtempSync(join(tmpdir(), 'ocicat-routing-'));
try {
  measureRoutes(folder);
} finally {
  rmSync(folder, { recursive: true });
}
installPackages(['iperf3']);
await reportStreams();
await reportJoins();
await reportNodes();
reportManyNodes();
