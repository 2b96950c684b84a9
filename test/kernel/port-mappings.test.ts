// Ports of a host that lead to workloads, in the kernel: the rules as nft reads them, and packets of both families and protocols.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { formatIp, type Ip } from '../../src/net/ip.ts';
import { tryParsePortMapping } from '../../src/net/port-mapping.ts';
import { computeContent } from '../../src/nftables/changes.ts';
import { printBatch } from '../../src/nftables/print.ts';
import {
  addNetns,
  inNetns,
  listRuleset,
  nft,
  openFirewallIn,
  removeAllNetns,
  runIn,
} from '../support/firewall/firewall-net.ts';
import {
  addHost,
  addPod,
  endpointOf,
  HOST_IPV4,
  HOST_IPV6,
  networkOf,
  type Pod,
} from '../support/firewall/firewall-pods.ts';

const PORT = 80;
let host: string;
let kernel: KernelFirewall;
let firewall: Firewall;
let a: Pod;
let b: Pod;
const servers: { stop(force: boolean): void }[] = [];

/** Answers with its own name and who asks. */
function serve(pod: Pod, port: number): void {
  for (const hostname of [pod.ipv4, pod.ipv6].map(formatIp)) {
    const open = (socket: Bun.Socket) => void socket.end(`${pod.interfaceName} ${port} ${socket.remoteAddress}`);
    servers.push(inNetns(pod.netns, () => Bun.listen({ hostname, port, socket: { open, data() {} } })));
  }
}

function map(pod: Pod, ...texts: readonly string[]): void {
  const portMappings = texts.map((text) => tryParsePortMapping(text) ?? expect.unreachable(text));
  const changes = [{ kind: 'endpoint-set', endpoint: endpointOf(pod, 'one', { portMappings }) }] as const;
  expect(kernel.apply(firewall.apply(changes), firewall.ruleset)).toEqual({ kind: 'applied' });
  expect(kernel.resync(firewall.ruleset)).toEqual([]);
}

/** The answer, as a program of the namespace gets it; undefined when none comes. */
async function ask(netns: string, to: Ip | string, port: number): Promise<string | undefined> {
  const address = typeof to === 'string' ? to : formatIp(to);
  const script = `exec 3<>/dev/tcp/${address}/${port} && timeout 2 cat <&3`;
  const command = ['ip', 'netns', 'exec', netns, 'timeout', '3', 'bash', '-c', script];
  const { stdout } = Bun.spawn(command, { stdout: 'pipe', stderr: 'ignore' });
  return (await new Response(stdout).text()) || undefined;
}

beforeAll(() => {
  host = addHost();
  [a, b] = [addPod(host, 1), addPod(host, 2)];
  [kernel, firewall] = [openFirewallIn(host), createFirewall(defaultFirewallConfig)];
  firewall.apply(networkOf('one', [a, b]));
  kernel.loadBase(defaultFirewallConfig);
  kernel.resync(firewall.ruleset);
  for (const port of [PORT, 1001, 2001]) serve(a, port);
});

afterAll(() => {
  for (const server of servers) server.stop(true);
  kernel.close();
  removeAllNetns();
});

test('nft reads the maps and the rules that translate by them as the kernel got them', () => {
  map(
    a,
    '8080:80/tcp',
    '127.0.0.1:1-9:1-9/sctp',
    '[::1]:53:53/udp',
    '1000-1009:1000-1009/tcp',
    '2000-2001:3000-3001/tcp',
  );
  const text = addNetns();
  nft(text, printBatch([{ kind: 'add-table' }]));
  for (const step of computeContent(firewall.ruleset)) nft(text, printBatch(step));
  expect(listRuleset(text)).toEqual(listRuleset(host));
  expect(runIn(host, ['nft', 'list', 'map', 'inet', 'ocicat', 'mapped-port4'])).toContain(
    'tcp . 8080 : 10.65.0.1 . 80',
  );
});

test('a port of the host leads to its workload, from neighbours, from the host and from the workload itself', async () => {
  map(a, '8080:80/tcp', '1000-1009:1000-1009/tcp', '2000-2001:2000-2001/tcp');
  for (const [to, client, own] of [
    [HOST_IPV4, b.ipv4, a.ipv4],
    [HOST_IPV6, b.ipv6, a.ipv6],
  ] as const) {
    expect(await ask(b.netns, to, 8080)).toBe(`cali1 80 ${formatIp(client)}`);
    expect(await ask(b.netns, to, 1001)).toBe(`cali1 1001 ${formatIp(client)}`);
    expect(await ask(b.netns, to, 1002)).toBeUndefined();
    expect(await ask(host, to, 8080)).toBe(`cali1 80 ${formatIp(to)}`);
    expect(await ask(a.netns, to, 8080)).toBe(`cali1 80 ${formatIp(to)}`);
    expect(await ask(b.netns, own, 8080)).toBeUndefined(); // an address that is not the host's
  }
});
