// Hosts with a BIRD each, in network namespaces of their own that a link joins: 10.0.0.N and fd00::N are theirs.
import { expect } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bird, openBird } from '../../../src/bird/bird.ts';
import { askBird } from '../../../src/bird/control.ts';
import { ipv4Of, ipv6Of, parseIp } from '../../../src/net/ip.ts';
import type { RoutingNode } from '../../../src/routing/input.ts';
import * as libc from '../../../src/sys/libc.ts';
import { createNetns, withNetns } from '../../../src/sys/netns.ts';

export interface Host {
  readonly node: RoutingNode;
  readonly netns: number;
  readonly directory: string;
  readonly bird: Bird;
  readonly log: string[];
}

export function node(number: number): RoutingNode {
  return {
    name: `host-${number}`,
    ipv4: ipv4Of(Number(parseIp('10.0.0.0')) + number),
    ipv6: ipv6Of(BigInt(parseIp('fd00::')) + BigInt(number)),
    labels: new Map(),
  };
}

function openHost(number: number): Host {
  const netns = createNetns();
  const directory = mkdtempSync(join(tmpdir(), 'ocitest-bird-'));
  const log: string[] = [];
  const bird = openBird({ runDirectory: directory, netnsFd: netns, log: (line) => log.push(line) });
  return { node: node(number), netns, directory, bird, log };
}

/** What a shell command in the host's network namespace prints. */
export function run({ netns }: Pick<Host, 'netns'>, command: string): string {
  const { stdout, stderr } = withNetns(netns, () => Bun.spawnSync(['sh', '-c', command]));
  return `${stdout}${stderr}`.replaceAll(/[ \t]+$/gm, '').trim();
}

/** Hosts 1 and 2. */
export function openPair(): readonly [Host, Host] {
  const pair = [openHost(1), openHost(2)] as const;
  run(pair[0], `ip link add eth0 type veth peer name eth0 netns /proc/${process.pid}/fd/${pair[1].netns}`);
  for (const [index, host] of pair.entries()) {
    run(host, `ip link set lo up; ip addr add 10.0.0.${index + 1}/24 dev eth0; ip link set eth0 up`);
    run(host, `ip addr add fd00::${index + 1}/64 dev eth0 nodad`);
  }
  return pair;
}

export async function closeHost(host: Host): Promise<void> {
  await host.bird.stop();
  libc.close(host.netns);
  rmSync(host.directory, { recursive: true });
}

/** So many sessions are up, and what a restart has left open is settled. */
export async function untilSteady({ bird }: Host, sessions = 2): Promise<void> {
  for (let i = 0; i < 150; i++) {
    const up = (await bird.observeProtocols()).filter(({ info }) => info === 'Established').length;
    const status = (await askBird(bird.socketPath, 'show status')).map(({ text }) => text).join('\n');
    if (up === sessions && !status.includes('Graceful restart recovery')) return;
    await Bun.sleep(100);
  }
  throw new Error('the sessions did not come up');
}

export async function until(wanted: string, observe: () => string, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (observe() !== wanted && performance.now() < deadline) await Bun.sleep(100);
  expect(observe()).toBe(wanted);
}
