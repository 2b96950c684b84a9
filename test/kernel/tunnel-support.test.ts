import { expect, test } from 'bun:test';
import { hasTunnels } from '../../src/kernel/link/tunnel-support.ts';

test.each(['vxlan', 'ipip'] as const)('whether the kernel has tunnels of %s is what ip(8) finds', (kind) => {
  const options = kind === 'vxlan' ? 'id 1 dstport 4789' : 'local 10.0.0.1';
  const { exitCode } = Bun.spawnSync(
    ['unshare', '--net', 'ip', 'link', 'add', 'name', 'x0', 'type', kind, ...options.split(' ')],
    {
      stderr: 'ignore',
    },
  );
  expect(hasTunnels(kind)).toBe(exitCode === 0);
});
