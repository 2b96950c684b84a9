// Every command of calicoctl, run by a shell against a real etcd, with its whole output: walk/*.txt are the scripts and
// what they print. A line that starts with `$ ` is run; below it stand its output (indented), its errors (after `! `)
// and its exit status where it is not 0 (after `=> `). OCICAT_WRITE=1 writes what it prints today.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { VERSION } from '../../src/base/version.ts';
import { calicoctl } from '../../src/ctl/main/commands.ts';
import { type EtcdServer, startEtcd } from '../support/etcd/etcd-server.ts';
import { steady } from './session.ts';

const SCRIPTS = join(import.meta.dir, 'walk');
const MAIN = join(import.meta.dir, '../../src/main.ts');
const TIMEOUT_MS = 30_000;

let etcd: EtcdServer;
let root: string;

beforeAll(async () => {
  etcd = await startEtcd();
  root = mkdtempSync(join(tmpdir(), 'ocitest-walk-'));
  mkdirSync(join(root, 'bin'));
  mkdirSync(join(root, 'tmp'));
  const program = join(root, 'bin/calicoctl');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' calicoctl "$@"\n`);
  chmodSync(program, 0o755);
});
afterAll(async () => {
  await etcd?.stop();
  rmSync(root, { recursive: true, force: true });
});

/** Puts what differs from run to run into words. */
function steadyText(text: string): string {
  return steady(text)
    .replaceAll(/^(Client Version: +v?)\S+$/gm, '$1VERSION')
    .replaceAll(`ocicat ${VERSION}`, 'ocicat VERSION')
    .replaceAll(`"version": "v${VERSION}"`, '"version": "vVERSION"')
    .replaceAll(etcd.endpoint, 'ENDPOINT')
    .replaceAll(root, 'ROOT')
    .replaceAll(dirname(process.execPath), 'BIN')
    .replaceAll(/ROOT\/files-\w{6}/g, 'FILES')
    .replaceAll(/(calico(?:ctl-edit-)?)\w{6}\//g, '$1XXXXXX/')
    .replaceAll(/diags-\d{8}_\d{6}/g, 'diags-STAMP')
    .replaceAll(/\b\d+\.\d+ ms\b/g, 'N ms')
    .replaceAll(/revision \d+/g, 'revision N')
    .replaceAll(/(clusterInformationRevision": )"\d+"/g, '$1"REVISION"')
    .replaceAll(/^(\t\tnet\.ipv\S+ +)(?:OK|off .*)$/gm, '$1SWITCH')
    .replaceAll(/^(\t\tpackets of workloads +)(?:OK|WARNING)$/gm, '$1STATE')
    .replaceAll(/^WARNING: table .*\n/gm, '')
    .replaceAll(/^\t\t\d+\.\d+\S* +OK$/gm, '\t\tKERNEL   OK');
}

function indent(text: string, prefix: string): string {
  if (text === '') return '';
  const whole = text.endsWith('\n') ? text.slice(0, -1) : `${text}⏎`;
  return `${whole.replaceAll(/^/gm, prefix)}\n`;
}

async function runLine(line: string, folder: string): Promise<string> {
  const child = Bun.spawn(['bash', '-c', `. ./functions.sh\n${line}`], {
    cwd: folder,
    env: {
      PATH: `${join(root, 'bin')}:${process.env.PATH}`,
      HOME: root,
      TMPDIR: join(root, 'tmp'),
      ETCD_ENDPOINTS: etcd.endpoint,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: TIMEOUT_MS,
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const status = await child.exited;
  const ended = status === 0 ? '' : `=> ${status}\n`;
  return indent(steadyText(out), '  ') + indent(steadyText(err), '! ') + ended;
}

/** The script with what its lines print now. */
async function walk(script: string): Promise<string> {
  const folder = mkdtempSync(join(root, 'files-'));
  cpSync(join(SCRIPTS, 'files'), folder, { recursive: true });
  cpSync(join(import.meta.dir, 'documents'), join(folder, 'documents'), { recursive: true });
  await etcd.ctl('del', '--prefix', '');
  let text = '';
  for (const line of script.split('\n')) {
    if (line.startsWith('$ ')) text += `${line}\n${await runLine(line.slice(2), folder)}`;
    else if (line === '' || line.startsWith('#')) text += `${line}\n`;
  }
  return text.replace(/\n+$/, '\n');
}

const names = ['resources.txt', 'kinds.txt', 'store.txt', 'beyond.txt', 'help.txt'];

test.each(names)(
  '%s',
  async (name) => {
    const path = join(SCRIPTS, name);
    const found = await walk(readFileSync(path, 'utf8'));
    if (process.env.OCICAT_WRITE === '1') writeFileSync(path, found);
    expect(found).toBe(readFileSync(path, 'utf8'));
  },
  240_000,
);

test('every command is walked, and its help is shown', () => {
  const texts = names.map((name) => readFileSync(join(SCRIPTS, name), 'utf8')).join('\n');
  for (const { path, hidden } of calicoctl.commands) {
    const line = `calicoctl ${path.join(' ')}`;
    expect(texts).toMatch(new RegExp(`^\\$ (?:[^\\n]*[ (])?${line}(?! --help)(?:[ )|;]|$)`, 'm'));
    if (!hidden) expect(texts).toContain(`$ ${line} --help\n`);
  }
});
