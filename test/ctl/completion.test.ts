// Completion in real shells: keys go into a terminal, and what the completed line prints comes out of it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';

const MAIN = join(import.meta.dir, '../../src/main.ts');
/** As it is installed. */
const SHARE = join(import.meta.dir, '../../dist/share');
const POOL = 'pool-with-a-long-name';
const TIMEOUT_MS = 20_000;

let etcd: EtcdServer;
let folder: string;

function environment(): Readonly<Record<string, string>> {
  const path = `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`;
  return { PATH: path, HOME: folder, TERM: 'dumb', ETCD_ENDPOINTS: etcd.endpoint, LC_ALL: 'C.UTF-8' };
}

beforeAll(async () => {
  etcd = await startEtcd();
  folder = mkdtempSync(join(tmpdir(), 'completion-'));
  for (const [name, program] of [
    ['calicoctl', 'calicoctl'],
    ['ocicat', ''],
  ] as const) {
    writeFileSync(join(folder, name), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' ${program} "$@"\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const metadata = { name: POOL };
  const pool = { apiVersion: 'projectcalico.org/v3', kind: 'IPPool', metadata, spec: { cidr: '10.0.0.0/16' } };
  writeFileSync(join(folder, 'a-pool-of-mine.json'), JSON.stringify(pool));
  const applied = Bun.spawnSync(['calicoctl', 'apply', '-f', 'a-pool-of-mine.json'], {
    cwd: folder,
    env: environment(),
  });
  expect(applied.exitCode).toBe(0);
}, 30_000);
afterAll(async () => {
  await etcd.stop();
  rmSync(folder, { recursive: true });
});

/**
 * Types keys into a terminal, each time until the words after them have appeared; bells are not heard. Throws with what
 * came out when they do not.
 */
async function typeInto(shell: string, steps: readonly (readonly [keys: string, until: string])[]): Promise<void> {
  const child = Bun.spawn(['script', '--quiet', '--flush', '--command', shell, '/dev/null'], {
    cwd: folder,
    env: environment(),
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  let seen = '';
  const reading = (async () => {
    for await (const chunk of child.stdout) seen += new TextDecoder().decode(chunk).replaceAll('\x07', '');
  })();
  try {
    for (const [keys, until] of steps) {
      const from = seen.length;
      child.stdin.write(keys);
      child.stdin.flush();
      for (let waitedMs = 0; !seen.slice(from).includes(until); waitedMs += 20) {
        if (waitedMs > TIMEOUT_MS) throw new Error(`${shell}: no ${JSON.stringify(until)} in ${JSON.stringify(seen)}`);
        await Bun.sleep(20);
      }
    }
  } finally {
    child.stdin.end();
    child.kill('SIGKILL');
    await reading;
  }
}

const SHELLS: readonly (readonly [name: string, command: string, load: string])[] = [
  ['bash', 'bash --norc --noprofile -i', 'source <(calicoctl completion bash)'],
  ['zsh', 'zsh -f -i', 'autoload -Uz compinit; compinit -u -D; source <(calicoctl completion zsh)'],
  [
    'zsh, by itself,',
    'zsh -f -i',
    `fpath=(${SHARE}/zsh/vendor-completions $fpath); autoload -Uz compinit; compinit -u -D`,
  ],
];

test.each(SHELLS)(
  '%s completes commands, kinds, names in the store, flags, their words, and files',
  async (_, command, load) => {
    await typeInto(command, [
      [`${load}; echo load''ed\n`, 'loaded'],
      ['calicoctl ge\t', 'get '],
      ['ippo\t', 'ippool '],
      ['pool-w\t', POOL],
      ['--outp\t', '--output '],
      ['jso\t', 'json'],
      ['\n', '"cidr": "10.0.0.0/16"'],
      ['calicoctl ipam sp\t', 'split '],
      ['\x15calicoctl validate -f a-poo\t', 'a-pool-of-mine.json'],
      ['\n', "Successfully validated 1 'IPPool' resource(s)"],
    ]);
  },
  60_000,
);

test.each<[typed: string, completed: string]>([
  ['la', 'lab\nlabel'],
  ['ge', 'get'],
  ['lab u', 'up'],
  ['lab up --no', '--nodes'],
  ['rkt image l', 'list'],
  ['rkt run --hostn', '--hostname='],
  ['calico-node --ch', '--check'],
  ['uninstall --f', '--force'],
  ['calicoctl ipam sp', 'split'],
  ['completion z', 'zsh'],
  ['get ippool pool-w', POOL],
])('ocicat %s goes on with %s', (typed, completed) => {
  const script = `source <(ocicat completion bash); COMP_WORDS=(ocicat ${typed}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_ocicat 2>/dev/null; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const bash = Bun.spawnSync(['bash', '-c', script], { cwd: folder, env: environment() });
  expect([bash.stdout.toString(), bash.stderr.toString()]).toEqual([`${completed}\n`, '']);
});

test.each<[typed: string, found: string]>([
  ['calicoctl ge', 'get'],
  ['calicoctl get ippo', 'ippool'],
  ['calicoctl get ippool pool-w', POOL],
  ['calicoctl get ippool --outp', '--output'],
  ['calicoctl get ippool --output j', 'json\njsonpath='],
  ['calicoctl validate -f a-poo', 'a-pool-of-mine.json'],
])('fish completes %s', (typed, found) => {
  const script = `calicoctl completion fish | source; complete --do-complete '${typed}'`;
  const fish = Bun.spawnSync(['fish', '--no-config', '-c', script], { cwd: folder, env: environment() });
  expect([fish.stdout.toString(), fish.stderr.toString()]).toEqual([`${found}\n`, '']);
});
