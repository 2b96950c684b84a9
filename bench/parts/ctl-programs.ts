// The programs that read and write resources from a command line: ours as built, Calico's own, or etcdctl in its place.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { peerFolder } from './calico-peer.ts';

export interface CtlRun {
  readonly seconds: number;
  /** The most memory that it held at a time (ru_maxrss). */
  readonly peakMb: number;
}

export interface CtlProgram {
  readonly name: string;
  /** Runs `apply -f FILE`, `get KINDS …` or `version`. Throws when the command fails. */
  run(argv: readonly string[]): CtlRun;
}

/**
 * The peak that the kernel reports for a child is at least what its parent held when it was born, so a small program,
 * GNU time, stands between where there is one.
 */
const TIME = Bun.which('time');
const launcher = TIME === null ? [] : [TIME, '--format', '%M', '--quiet'];

function readPeakMb(result: Bun.SyncSubprocess<'pipe', 'pipe'>): number {
  const kilobytes = TIME === null ? Number.NaN : Number(result.stderr.toString().trim().split('\n').at(-1));
  return Math.round(Number.isNaN(kilobytes) ? result.resourceUsage.maxRSS / 1024 / 1024 : kilobytes / 1024);
}

/** Throws when the command ends with another status than wanted. */
export function runTimed(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  input: string = '',
  status = 0,
): CtlRun {
  const from = performance.now();
  const result = Bun.spawnSync([...launcher, ...command], {
    env: { PATH: process.env.PATH, ...environment },
    stdin: Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const seconds = (performance.now() - from) / 1000;
  if (result.exitCode !== status) throw new Error(`${command.join(' ')}: ${result.stderr.toString()}`);
  return { seconds, peakMb: readPeakMb(result) };
}

function calicoctl(name: string, path: string, endpoint: string): CtlProgram {
  const environment = { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: endpoint };
  return { name, run: (argv) => runTimed([path, ...argv], environment) };
}

/** Ours, as built. */
export const OWN_CTL = join(import.meta.dir, '../../dist/bin/calicoctl');

export function openOwnCtl(endpoint: string): CtlProgram {
  return calicoctl('Ocicat', OWN_CTL, endpoint);
}

const RESOURCES = '/calico/resources/v3/projectcalico.org/';
const PLURALS: Readonly<Record<string, string>> = {
  gnp: 'globalnetworkpolicies',
  GlobalNetworkPolicy: 'globalnetworkpolicies',
  Profile: 'profiles',
};
/** etcd's default `--max-txn-ops`. */
const MAX_OPERATIONS = 128;

/** What etcdctl reads on its standard input: no comparisons, the puts, nothing otherwise. */
function printTransactions(path: string): readonly string[] {
  const puts = parseAllDocuments(readFileSync(path, 'utf8')).map((parsed) => {
    const resource = parsed.toJS() as { readonly kind: string; readonly metadata: { readonly name: string } };
    const key = `${RESOURCES}${PLURALS[resource.kind]}/${resource.metadata.name}`;
    return `put ${key} ${JSON.stringify(JSON.stringify(resource))}`;
  });
  const texts: string[] = [];
  for (let at = 0; at < puts.length; at += MAX_OPERATIONS)
    texts.push(`\n${puts.slice(at, at + MAX_OPERATIONS).join('\n')}\n\n\n`);
  return texts;
}

/** The same reads and writes without knowing what a resource is. Its memory is that of one process of many. */
function etcdctl(endpoint: string): CtlProgram {
  const run = (args: readonly string[], input?: string) =>
    runTimed(['etcdctl', '--endpoints', endpoint, ...args], { ETCDCTL_API: '3' }, input);
  return {
    name: 'etcdctl',
    run([verb = '', second = '', third = '']) {
      if (verb === 'version') return run(['endpoint', 'status']);
      if (verb === 'get') return run(['get', '--prefix', `${RESOURCES}${PLURALS[second] ?? second}/`]);
      const runs = printTransactions(third).map((input) => run(['txn'], input));
      return {
        seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
        peakMb: Math.max(...runs.map(({ peakMb }) => peakMb)),
      };
    },
  };
}

/** Calico's calicoctl where OCICAT_PEERS has it, else etcdctl. */
export function openCtlPeer(endpoint: string): CtlProgram {
  const folder = peerFolder();
  const path = folder === undefined ? undefined : join(folder, 'calicoctl');
  if (path !== undefined && existsSync(path)) return calicoctl("Calico's calicoctl", path, endpoint);
  return etcdctl(endpoint);
}
