// `why` with a real agent: what it says of packets is what happens to them when they are sent, and the kernel's rules agree.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');

let host: AgentHost;
const addresses = new Map<string, string>();

function calicoctl(args: string, input = '') {
  return host.run(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} ${args} <<'END'\n${input}\nEND`);
}

function apply(...resources: readonly object[]): void {
  const { status, output } = calicoctl('apply -f -', JSON.stringify(resources));
  if (status !== 0) throw new Error(output);
}

const policy = (name: string, spec: object) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkPolicy',
  metadata: { name },
  spec,
});

beforeAll(async () => {
  host = await openAgentHost({
    environment: { CALICO_IPV6POOL_CIDR: 'fd80:24e2::/64' },
    ipam: { assign_ipv6: 'true' },
  });
  await host.startAgent();
  for (const [pod, network] of [
    ['one', 'network1'],
    ['two', 'network1'],
    ['three', 'network2'],
  ] as const)
    addresses.set(pod, host.addPod(pod, network));
  apply(
    policy('web', {
      order: 10,
      selector: 'has(network1)',
      types: ['Ingress'],
      ingress: [
        { action: 'Allow', protocol: 'TCP', source: { selector: 'has(network1)' }, destination: { ports: [80] } },
        { action: 'Pass', protocol: 'ICMP' },
        { action: 'Allow', protocol: 'UDP', source: { selector: 'has(network2)' }, destination: { ports: [53] } },
      ],
    }),
  );
}, 60_000);
afterAll(() => host.close());

const addressOf = (pod: string) => addresses.get(pod) ?? '';

/** Nobody listens: a packet that arrives is refused by the pod itself, one that is dropped is never answered. */
const SEND = {
  tcp: (to: string, port: number) => `timeout 1 bash -c '</dev/tcp/${to}/${port}' 2>&1 | grep -q refused`,
  udp: (to: string, port: number) =>
    `timeout 1 bash -c 'exec 3<>/dev/udp/${to}/${port}; echo x >&3; read -u 3 x' 2>&1 | grep -q refused`,
  icmp: (to: string) => `ping -c1 -W0.7 ${to} >/dev/null`,
} as const;

function arrives(from: string, to: string, protocol: keyof typeof SEND, port: number): boolean {
  return host.run(`ip netns exec ${from} bash -c "${SEND[protocol](addressOf(to), port)}"`).status === 0;
}

interface KernelPart {
  readonly agrees: boolean;
}
interface Document {
  readonly verdict: string;
  readonly egress: { readonly kernel: KernelPart };
  readonly ingress: { readonly kernel: KernelPart; readonly reason: object };
}

function why(args: string): { readonly status: number; readonly documents: readonly Document[] } {
  const { status, output } = calicoctl(`why ${args} -o json`);
  return { status, documents: JSON.parse(output) as readonly Document[] };
}

const cases = (['tcp', 'udp', 'icmp'] as const).flatMap((protocol) =>
  (protocol === 'icmp' ? [0] : [80, 53]).flatMap((port) =>
    ['one', 'three'].map((from) => [protocol, port, from] as const),
  ),
);

test('what is said of a packet, by the store and by the kernel, is what happens to it', async () => {
  const seen = new Set<boolean>();
  await eventually('the policy to be in force', 10_000, () => (arrives('one', 'two', 'tcp', 53) ? undefined : true));
  for (const [protocol, port, from] of cases) {
    const arrived = arrives(from, 'two', protocol, port);
    const asked = `${addressOf(from)} two --protocol ${protocol}${port === 0 ? '' : ` --port ${port}`} --ip-version 4`;
    const { status, documents } = why(asked);
    expect({ asked, status, verdict: documents.map((one) => one.verdict) }).toEqual({
      asked,
      status: arrived ? 0 : 1,
      verdict: [arrived ? 'allowed' : 'denied'],
    });
    expect(documents.map((one) => [one.egress.kernel.agrees, one.ingress.kernel.agrees])).toEqual([[true, true]]);
    seen.add(arrived);
  }
  expect([...seen].sort()).toEqual([false, true]);
}, 120_000);

test('for people: the rule, where it was written, and the rule of the kernel; both families', () => {
  const { status, output } = calicoctl('why one two');
  expect(status).toBe(0);
  expect(output.match(/^allowed: TCP .* port 80$/gm)).toHaveLength(2);
  expect(output).toContain('allowed by GlobalNetworkPolicy(web), spec.ingress[0]');
  expect(output).toContain(
    'spec.ingress[0] Allow: matches: protocol TCP; source.selector has(network1); destination.ports 80',
  );
  expect(output.match(/^ {2}kernel: agrees: accept in table inet ocicat, chain "/gm)).toHaveLength(4);
});

test('on a terminal the verdict has a colour, unless NO_COLOR says otherwise', () => {
  const command = `ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} why one two --ip-version 4`;
  const onTerminal = (variables: string) => host.run(`${variables} script -qec '${command}' /dev/null`).output;
  expect(onTerminal('TERM=xterm')).toStartWith('\x1b[32mallowed\x1b[0m: TCP ');
  expect(onTerminal('TERM=xterm')).toContain('  kernel: \x1b[32magrees\x1b[0m: accept');
  expect(onTerminal('TERM=xterm NO_COLOR=1')).toStartWith('allowed: TCP ');
  expect(calicoctl('why one two').output).not.toContain('\x1b');
});

test('rules that do something else than the store says are seen', async () => {
  await host.stopAgent('KILL');
  apply(policy('web', { order: 10, selector: 'has(network1)', types: ['Ingress'], ingress: [{ action: 'Deny' }] }));
  const { status, output } = calicoctl('why one two --ip-version 4');
  expect(status).toBe(1);
  expect(output).toContain('  kernel: DISAGREES: accept in table inet ocicat');
  expect(arrives('one', 'two', 'tcp', 80)).toBe(true);
  await host.startAgent();
  await eventually('the policy to be in force', 10_000, () => (arrives('one', 'two', 'tcp', 80) ? undefined : true));
  const counted = () => {
    const { output: text } = calicoctl('why one two --ip-version 4');
    expect(text).toContain('  kernel: agrees: drop');
    return Number(/rule \d+, which has counted (\d+) packets/.exec(text)?.[1]);
  };
  const before = counted();
  expect(before).toBeGreaterThan(0);
  arrives('one', 'two', 'tcp', 80);
  expect(counted()).toBeGreaterThan(before);
}, 60_000);

test('what a policy would change is told before it is applied, and is so afterwards', async () => {
  const open = [
    policy('web', { order: 10, selector: 'has(network1)', types: ['Ingress'], ingress: [{ action: 'Allow' }] }),
  ];
  const preview = calicoctl('preview -f -', JSON.stringify(open));
  expect(preview.status).toBe(1);
  expect(preview.output).toContain('4 of 6 pairs of endpoints would change');
  expect(arrives('three', 'two', 'tcp', 80)).toBe(false);
  apply(...open);
  await eventually('the policy to be in force', 10_000, () => (arrives('three', 'two', 'tcp', 80) ? true : undefined));
  expect(calicoctl('preview -f -', JSON.stringify(open))).toMatchObject({ status: 0 });
  const without = calicoctl('preview --delete -f -', JSON.stringify(open));
  expect([without.status, without.output]).toEqual([
    1,
    expect.stringContaining('2 of 6 pairs of endpoints would change'),
  ]);
  expect(calicoctl('delete -f -', JSON.stringify(open)).status).toBe(0);
  await eventually('it to be gone', 10_000, () => (arrives('three', 'two', 'tcp', 80) ? undefined : true));
  const trial = open.map((one) => ({ ...one, kind: 'StagedGlobalNetworkPolicy' }));
  expect(calicoctl('preview --staged -f -', JSON.stringify(trial)).status).toBe(1);
  apply(...trial);
  expect(calicoctl('preview --staged').output).toContain('2 of 6 pairs of endpoints would change');
  expect(arrives('three', 'two', 'tcp', 80)).toBe(false);
}, 60_000);

test('a packet to the host of a pod is the host’s to let through, and the host reaches its pods', async () => {
  const HOST = '10.98.0.1';
  const reaches = (from: string, to: string) =>
    host.run(`${from} timeout 1 bash -c '</dev/tcp/${to}/81' 2>&1 | grep -q refused`).status === 0;
  const asked = () => why(`one ${HOST}`);
  const kernels = ({ documents: [one] }: ReturnType<typeof asked>) => [
    ...[one?.egress.kernel.agrees, one?.ingress.kernel.agrees],
  ];
  const open = asked();
  expect([open.status, ...kernels(open), reaches('ip netns exec one', HOST)]).toEqual([0, true, true, true]);
  apply({
    ...{ apiVersion: 'projectcalico.org/v3', kind: 'FelixConfiguration', metadata: { name: 'node.node-1' } },
    spec: { defaultEndpointToHostAction: 'Drop' },
  });
  await eventually('the setting to act', 10_000, () => !reaches('ip netns exec one', HOST) || undefined);
  const closed = asked();
  expect([closed.status, ...kernels(closed), closed.documents[0]?.ingress.reason]).toEqual([
    ...[1, true, true],
    { kind: 'to-host', host: 'node-1', toHost: 'Drop' },
  ]);
  apply(policy('shut', { order: 1, selector: 'all()', types: ['Ingress'], ingress: [{ action: 'Deny' }] }));
  await eventually('the policy to be in force', 10_000, () => (arrives('one', 'two', 'tcp', 80) ? undefined : true));
  const down = why(`${HOST} two`);
  expect([down.status, down.documents[0]?.ingress.kernel.agrees]).toEqual([0, true]);
  expect(reaches('', addressOf('two'))).toBe(true);
}, 60_000);

test('whom a word does not mean, and what cannot be reached, has status 2', () => {
  const unknown = calicoctl('why one four');
  expect([unknown.status, unknown.output]).toEqual([2, expect.stringContaining('no endpoint, container, workload')]);
  expect(host.run(`ETCD_ENDPOINTS=http://127.0.0.1:1 ${CALICOCTL} why one two`).status).toBe(2);
});
