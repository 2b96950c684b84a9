// calicoctl without any configuration: it works on the private etcd that the agent of this host keeps, as root alone.
import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRIVATE_ETCD_DIRECTORY } from '../../src/datastore/open/config.ts';

const SOURCES = join(import.meta.dir, '../../src');

/** Runs as its own program: starts the private etcd, runs commands with nothing but PATH, prints what they print. */
function program(folder: string): string {
  return `
    import { openPrivateEtcd } from '${SOURCES}/agent/private-etcd.ts';
    const runAs = (prefix, ...args) => {
      const env = { PATH: process.env.PATH };
      const argv = [...prefix, process.execPath, '${SOURCES}/main.ts', 'calicoctl', ...args];
      const stdin = Buffer.from('kind: Profile\\napiVersion: projectcalico.org/v3\\nmetadata: {name: network1}\\n');
      const run = Bun.spawnSync(argv, { env, stdin, timeout: 20000 });
      process.stdout.write('$ ' + args.join(' ') + '\\n' + run.stdout + run.stderr + run.exitCode + '\\n');
    };
    const calicoctl = (...args) => runAs([], ...args);
    const options = { dataDirectory: '${folder}/etcd', runDirectory: '${PRIVATE_ETCD_DIRECTORY}', log: () => undefined };
    const etcd = await openPrivateEtcd(options, new AbortController().signal);
    try {
      calicoctl('apply', '-f', '-');
      calicoctl('get', 'profiles');
      runAs(['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'], 'get', 'profiles');
    } finally {
      await etcd.close();
    }
    calicoctl('get', 'profiles');`;
}

test('in a namespace with nothing but its loopback, and no file in /etc/calico', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ocitest-private-'));
  try {
    const script =
      'ip link set lo up; mount -t tmpfs tmpfs /run; [ ! -d /etc/calico ] || mount -t tmpfs tmpfs /etc/calico; exec "$0" -e "$1"';
    const run = Bun.spawn(['unshare', '--net', '--mount', 'sh', '-c', script, process.execPath, program(folder)], {
      env: { PATH: process.env.PATH ?? '' },
      stdout: 'pipe',
      stderr: 'pipe',
      timeout: 60_000,
    });
    const [out, err] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()]);
    expect([out.replace(/(\$ get profiles\n)(?!NAME).*\n1\n$/, '$1UNREACHABLE\n1\n'), err]).toEqual([
      `$ apply -f -
Successfully applied 1 'Profile' resource(s)
0
$ get profiles
NAME
network1
0
$ get profiles
open datastore: only root may use this machine's private etcd; ETCD_ENDPOINTS or a configuration file names another
1
$ get profiles
UNREACHABLE
1
`,
      '',
    ]);
    expect(out).toContain('/var/run/calico/etcd/client:0');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 70_000);
