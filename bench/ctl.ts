// How long calicoctl takes and what memory it needs, against Calico's own on a store of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEtcd } from '../test/support/etcd/etcd-server.ts';
import { printLabels, printPolicies, printPolicyList, printProfiles } from './parts/ctl-documents.ts';
import { type CtlRun, OWN_CTL, openCtlPeer, openOwnCtl, runTimed } from './parts/ctl-programs.ts';
import { median, report } from './parts/report.ts';

const RESOURCES = 10_000;
const MISTAKES = 400;
const SHORT_RUNS = 21;
const LISTINGS = 5;

function medianSeconds(runs: readonly CtlRun[]): number {
  return median(runs.map((run) => run.seconds));
}

const folder = mkdtempSync(join(tmpdir(), 'ocicat-bench-ctl-'));
const [ownStore, peerStore] = [await startEtcd(), await startEtcd()];
const own = openOwnCtl(ownStore.endpoint);
const peer = openCtlPeer(peerStore.endpoint);

/** Both in turns, so that both see the same machine. */
function compareRuns(bench: string, runs: number, run: () => CtlRun, peerName: string, runPeer: () => CtlRun): void {
  const pairs = Array.from({ length: runs }, () => ({ ours: run(), theirs: runPeer() }));
  const ours = pairs.map((pair) => pair.ours);
  const theirs = pairs.map((pair) => pair.theirs);
  report({
    bench,
    ours: medianSeconds(ours),
    peer: medianSeconds(theirs),
    peerName,
    unit: 's',
    more: {
      mb: Math.max(...ours.map((run) => run.peakMb)),
      peer_mb: Math.max(...theirs.map((run) => run.peakMb)),
    },
  });
}

function compare(bench: string, argv: readonly string[], runs: number): void {
  compareRuns(
    bench,
    runs,
    () => own.run(argv),
    peer.name,
    () => peer.run(argv),
  );
}

/** A file of many mistakes against the same file without them. */
function measureMistakes(): void {
  const [right, wrong] = [false, true].map((is) => write(`list-${is}.yaml`, printPolicyList(MISTAKES, is)));
  const validate = (path = '', status = 0) => runTimed([OWN_CTL, 'validate', '-f', path], {}, '', status);
  compareRuns(
    'ctl-mistakes-400',
    LISTINGS,
    () => validate(wrong, 1),
    'the same file without mistakes',
    () => validate(right),
  );
}

/** A resource of many lines, most of which have changed, against `diff -u` of the two files. */
function measureDiff(): void {
  const [stored, wanted] = [1, 7].map((step) => write(`labels-${step}.yaml`, printLabels(RESOURCES, step)));
  const store = { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: ownStore.endpoint };
  runTimed([OWN_CTL, 'apply', '-f', stored ?? ''], store);
  compareRuns(
    'ctl-diff-10k',
    LISTINGS,
    () => runTimed([OWN_CTL, 'diff', '-f', wanted ?? ''], store, '', 1),
    'diff -u of the files',
    () => runTimed(['diff', '-u', stored ?? '', wanted ?? ''], {}, '', 1),
  );
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
  measureMistakes();
  measureDiff();
} finally {
  rmSync(folder, { recursive: true, force: true });
  await Promise.all([ownStore.stop(), peerStore.stop()]);
}
