// node status against a real BIRD: it is asked over its socket and answers with a table.
import { afterAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeBgp } from '../../src/ctl/node/status.ts';

const folder = mkdtempSync(join(tmpdir(), 'ocitest-bird-'));
let bird: Bun.Subprocess | undefined;

afterAll(async () => {
  bird?.kill();
  await bird?.exited;
  rmSync(folder, { recursive: true, force: true });
});

const CONFIG = `router id 10.0.0.1;
protocol device {}
protocol bgp Mesh_127_0_0_9 { local 127.0.0.1 port 17901 as 64512; neighbor 127.0.0.9 port 17902 as 64512; ipv4 {}; passive; }
`;

/** In a network namespace of its own, so that nothing of this machine is touched. */
async function startBird(): Promise<string> {
  const socket = join(folder, 'bird.ctl');
  writeFileSync(join(folder, 'bird.conf'), CONFIG);
  bird = Bun.spawn(
    ['unshare', '-n', 'bird', '-f', '-c', join(folder, 'bird.conf'), '-s', socket, '-P', join(folder, 'pid')],
    {
      stdout: 'ignore',
      stderr: 'ignore',
    },
  );
  for (let attempt = 0; attempt < 100 && !(await Bun.file(join(folder, 'pid')).exists()); attempt++)
    await Bun.sleep(20);
  return socket;
}

test('a session that waits is shown with its address and state', async () => {
  const socket = await startBird();
  const text = await describeBgp([join(folder, 'nowhere.ctl'), socket]);
  expect(
    text
      .replace(/\d\d:\d\d:\d\d(\.\d+)?/, 'SINCE')
      .replace(/ *\| Passive *\|/, ' | Passive |')
      .split('\n')
      .slice(1, 4)
      .join('\n'),
  ).toStartWith('IPv4 BGP status\n+-');
  expect(text).toMatch(
    /\| 127\.0\.0\.9 +\| node-to-node mesh \| (start|down) +\| [\d:.-]+ +\| (Passive|Active|Idle|Connect)/,
  );
  expect(text).toContain('No IPv6 peers found.');
}, 20_000);

test('without a BIRD the table says so', async () => {
  expect(await describeBgp([join(folder, 'nowhere.ctl')])).toBe('\nThe BGP backend process (BIRD) is not running.\n');
});
