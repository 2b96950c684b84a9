import { expect, test } from 'bun:test';
import { type Pool, parsePool } from '../../ipam/pool.ts';
import { openLog } from '../../sys/log.ts';
import { createTunnelSupport } from './tunnel-support.ts';

const pool = (name: string, spec: object): Pool =>
  parsePool(name, JSON.stringify({ kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata: { name }, spec }));
const direct = pool('direct', { cidr: '10.1.0.0/16' });
const ipip = pool('old', { cidr: '10.2.0.0/16', ipipMode: 'Always' });
const other = pool('other', { cidr: '10.3.0.0/16', ipipMode: 'CrossSubnet' });

test('pools whose tunnels the kernel has not are named once; it is asked again after a while, and for nothing that no pool needs', () => {
  const lines: string[] = [];
  const asked: string[] = [];
  let [pools, kernelHas, nowMs]: [readonly Pool[], boolean, number] = [[direct], false, 0];
  const support = createTunnelSupport({
    pools: () => pools,
    has: (kind) => asked.push(kind) > 0 && kernelHas,
    now: () => nowMs,
    log: openLog((line) => void lines.push(line.replace(/^\S+ /, '').trimEnd())),
  });
  const unmade = () => [...support.unmade()];
  expect([unmade(), asked, lines]).toEqual([[], [], []]);
  pools = [direct, ipip];
  expect([unmade(), unmade(), asked]).toEqual([['ipip'], ['ipip'], ['ipip']]);
  const why = 'have no way to other hosts, and give no addresses here, until its module ipip is there';
  expect(lines).toEqual([`ERROR the kernel has no tunnels of ipip: pools "old" (10.2.0.0/16) ${why}`]);
  pools = [direct, ipip, other];
  nowMs = 10_000;
  expect([unmade(), asked.length, lines.length]).toEqual([['ipip'], 2, 2]);
  kernelHas = true;
  nowMs = 20_000;
  expect([unmade(), unmade(), asked.length]).toEqual([[], [], 3]);
  expect(lines.at(-1)).toBe('INFO no pool needs tunnels of ipip that the kernel has not');
});
