// Host endpoints with real packets: a host with an uplink, another machine behind it, and a pod. Programs listen on each.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { defaultFirewallConfig, type FirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { InterfaceAddresses } from '../../src/firewall/host/interfaces.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { type Ip, parseIp } from '../../src/net/ip.ts';
import { createPolicyCalculation, type PolicyCalculation } from '../../src/policy/calculation/calculation.ts';
import { parsePolicyUpdate } from '../../src/policy/input/parse.ts';
import { openFirewallIn, removeAllNetns } from '../support/firewall/firewall-net.ts';
import { type Connection, connects, HOST_IPV4, pings } from '../support/firewall/firewall-pods.ts';
import { type HostSite, openHostSite } from '../support/firewall/host-site.ts';

let site: HostSite;
let kernel: KernelFirewall;
let calculation: PolicyCalculation;
let firewall: Firewall;

beforeAll(async () => {
  site = await openHostSite();
  kernel = openFirewallIn(site.host, true);
});
afterAll(async () => {
  kernel.close();
  await site.close();
  removeAllNetns();
});

/** Resources by their kind and name; the last of each counts. */
type Resources = Readonly<Record<string, object | undefined>>;

function update(resources: Resources): void {
  for (const [id, spec] of Object.entries(resources)) {
    const [kind = '', name = ''] = id.split(' ');
    const namespace = kind === 'WorkloadEndpoint' ? 'default' : undefined;
    const { labels, ...rest } = (spec ?? {}) as { labels?: object };
    const value = spec && { kind, metadata: { name, namespace, labels }, spec: rest };
    const parsed = parsePolicyUpdate({ kind, namespace, name }, value, 'here');
    if (parsed === undefined) throw new Error(id);
    calculation.update(parsed.update);
  }
}

function apply(steps: ReturnType<Firewall['apply']>): void {
  expect(kernel.apply(steps, firewall.ruleset)).toEqual({ kind: 'applied' });
}

function change(resources: Resources): void {
  update(resources);
  apply(firewall.apply(calculation.flush()));
}

const everything = { ingress: [{ action: 'Allow' }], egress: [{ action: 'Allow' }] };
const basis: Resources = {
  'Tier default': { order: 1_000_000, defaultAction: 'Deny' },
  'Profile open': everything,
  'WorkloadEndpoint pod': {
    ...{ node: 'here', interfaceName: 'cali1', ipNetworks: ['10.65.0.1/32', 'fd00:65::1/128'], profiles: ['open'] },
  },
};
const eth0 = (more: object = {}) => ({ node: 'here', interfaceName: 'eth0', labels: { role: 'gate' }, ...more });
const gnp = (more: object) => ({ selector: `role == 'gate'`, ...more });

/** A host that has these, from nothing. */
function start(resources: Resources, config: FirewallConfig = defaultFirewallConfig): void {
  calculation = createPolicyCalculation();
  calculation.update({ kind: 'in-sync' });
  firewall = createFirewall(config);
  update({ ...basis, ...resources });
  firewall.apply(calculation.flush());
  firewall.setInterfaces(site.interfaces);
  kernel.resync(firewall.ruleset);
}

afterEach(() => start({}));

const reach = (from: string, to: Ip, port: number): Connection => connects(from, to, port);
/** In both families, from the machine behind the uplink. */
const inwards = (port: number) => [reach(site.outside, site.host4, port), reach(site.outside, site.host6, port)];
const outwards = (port: number) => [reach(site.host, site.outside4, port), reach(site.host, site.outside6, port)];
const toPod = (port: number) => [reach(site.outside, site.pod4, port), reach(site.outside, site.pod6, port)];
const fromPod = (port: number) => [reach(site.pod, site.outside4, port), reach(site.pod, site.outside6, port)];
const both = (one: Connection) => [one, one];

test('without host endpoints the host is as it was, and no chain is there for them', () => {
  start({});
  expect([inwards(8080), outwards(8080), toPod(8080), fromPod(8080)]).toEqual([
    ...[both('open'), both('open'), both('open'), both('open')],
  ]);
  expect([...firewall.ruleset.chains.keys()].filter((name) => name.startsWith('base-host-'))).toEqual([]);
});

describe.each([
  ['of a named interface', { interfaceName: 'eth0' }],
  ['of all interfaces', { interfaceName: '*' }],
  ['by an expected address alone', { interfaceName: undefined, expectedIPs: ['10.66.0.1'] }],
] as const)('a host endpoint %s', (_, which) => {
  test('without policy is closed, its failsafe ports are open, and what is forwarded passes', () => {
    start({ 'HostEndpoint gate': eth0(which) });
    expect(inwards(8080)).toEqual(both('timeout'));
    expect(outwards(8080)).toEqual(both('timeout'));
    expect(inwards(22)).toEqual(both('open'));
    expect(outwards(2379)).toEqual(both('open'));
    expect([toPod(8080), fromPod(8080)]).toEqual([both('open'), both('open')]);
    expect([pings(site.outside, site.host4), pings(site.outside, site.host6)]).toEqual([false, false]);
  });

  test('lets through what its policies and then its profiles say', () => {
    start({
      'HostEndpoint gate': eth0({ ...which, profiles: ['open'] }),
      'GlobalNetworkPolicy web': gnp({
        types: ['Ingress'],
        ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [8080] } }],
      }),
    });
    expect([inwards(8080), inwards(8081)]).toEqual([both('open'), both('timeout')]);
    expect(outwards(8081)).toEqual(both('open')); // no policy is about egress: the profile is asked
  });

  test('its policies say nothing of workloads or of what is forwarded', () => {
    start({
      'HostEndpoint gate': eth0(which),
      'GlobalNetworkPolicy none': gnp({ types: ['Ingress', 'Egress'], ingress: [], egress: [] }),
    });
    expect([toPod(8080), fromPod(8080)]).toEqual([both('open'), both('open')]);
  });
});

describe('forwarded packets', () => {
  test.each(['eth0', '*'])('are judged by policies with applyOnForward, on %s', (interfaceName) => {
    start({
      'HostEndpoint gate': eth0({ interfaceName }),
      'GlobalNetworkPolicy in': gnp({
        applyOnForward: true,
        types: ['Ingress'],
        ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [8080] } }],
      }),
    });
    expect([toPod(8080), toPod(8081)]).toEqual([both('open'), both('timeout')]);
    expect(inwards(8080)).toEqual(both('open')); // and so are the host's own
    expect(toPod(22)).toEqual(both('timeout')); // failsafe ports are the host's
    change({
      'GlobalNetworkPolicy in': undefined,
      'GlobalNetworkPolicy out': gnp({
        applyOnForward: true,
        types: ['Egress'],
        egress: [{ action: 'Deny', protocol: 'TCP', destination: { ports: [8081] } }, { action: 'Allow' }],
      }),
    });
    expect([fromPod(8080), fromPod(8081)]).toEqual([both('open'), both('timeout')]);
    expect(toPod(8081)).toEqual(both(interfaceName === '*' ? 'timeout' : 'open')); // all interfaces: the pod's link too
  });

  test('the workload has its say beside them', () => {
    start({
      'HostEndpoint gate': eth0(),
      'GlobalNetworkPolicy in': gnp({ applyOnForward: true, types: ['Ingress'], ingress: [{ action: 'Allow' }] }),
      'GlobalNetworkPolicy pods': { selector: `!has(role)`, types: ['Ingress'], ingress: [] },
    });
    expect(toPod(8080)).toEqual(both('timeout'));
  });
});

describe('untracked policies', () => {
  const stateless = (direction: 'ingress' | 'egress', rule: object) => ({
    [`GlobalNetworkPolicy raw-${direction}`]: gnp({
      ...{ doNotTrack: true, applyOnForward: true, types: [direction === 'ingress' ? 'Ingress' : 'Egress'] },
      [direction]: [rule],
    }),
  });

  test('let packets through that no connection is made of, and their answers where that is said', () => {
    const policies = {
      ...stateless('ingress', { action: 'Allow', protocol: 'TCP', destination: { ports: [8080] } }),
      ...stateless('egress', { action: 'Allow', protocol: 'TCP', source: { ports: [8080] } }),
    };
    start({ 'HostEndpoint gate': eth0(), ...policies });
    const before = site.countFlows();
    expect(inwards(8080)).toEqual(both('open'));
    expect(site.countFlows()).toBe(before);
    expect([inwards(8081), inwards(22)]).toEqual([both('timeout'), both('open')]);
    expect(site.countFlows()).toBe(before + 2);
    change({ 'GlobalNetworkPolicy raw-egress': undefined });
    expect(inwards(8080)).toEqual(both('timeout'));
  });

  test('deny before anything else, but for failsafe ports', () => {
    start({
      'HostEndpoint gate': eth0({ profiles: ['open'] }),
      ...stateless('ingress', { action: 'Deny', protocol: 'TCP' }),
    });
    expect([inwards(8080), toPod(8080)]).toEqual([both('timeout'), both('timeout')]);
    expect([inwards(22), outwards(2379)]).toEqual([both('open'), both('open')]);
  });

  test('are not for endpoints of all interfaces', () => {
    start({
      'HostEndpoint gate': eth0({ interfaceName: '*', profiles: ['open'] }),
      ...stateless('ingress', { action: 'Deny' }),
    });
    expect(inwards(8080)).toEqual(both('open'));
  });
});

describe.each(['eth0', '*'])('policies before address translation, on %s', (interfaceName) => {
  const preDnat = (rule: object) => ({
    'GlobalNetworkPolicy early': gnp({ preDNAT: true, applyOnForward: true, types: ['Ingress'], ingress: [rule] }),
  });

  test('see the destination that was asked for', () => {
    start({
      'HostEndpoint gate': eth0({ interfaceName, profiles: ['open'] }),
      ...preDnat({ action: 'Deny', protocol: 'TCP', destination: { nets: ['10.66.0.1/32'], ports: [9090] } }),
    });
    site.translate(9090, site.pod4, 8080);
    expect(reach(site.outside, site.host4, 9090)).toBe('timeout');
    expect(toPod(8080)).toEqual(both('open'));
    change({ 'GlobalNetworkPolicy early': undefined });
    expect(reach(site.outside, site.host4, 9090)).toBe('open');
    site.translate();
  });

  test('what they allow no other policy of the endpoint denies', () => {
    start({
      'HostEndpoint gate': eth0({ interfaceName }),
      ...preDnat({ action: 'Allow', protocol: 'TCP', destination: { ports: [8080] } }),
      'GlobalNetworkPolicy none': gnp({ applyOnForward: true, types: ['Ingress'], ingress: [] }),
    });
    expect([inwards(8080), toPod(8080)]).toEqual([both('open'), both('open')]);
    expect([inwards(8081), toPod(8081)]).toEqual([both('timeout'), both('timeout')]);
  });
});

describe('which endpoint an interface has', () => {
  test('the first by name of those that name it or expect its address', () => {
    start({
      'HostEndpoint b': eth0({ profiles: ['open'] }),
      'HostEndpoint a': eth0({ interfaceName: undefined, expectedIPs: ['fd00:66::1'] }),
      'HostEndpoint all': eth0({ interfaceName: '*', profiles: ['open'] }),
    });
    expect(inwards(8080)).toEqual(both('timeout'));
    change({ 'HostEndpoint a': undefined });
    expect(inwards(8080)).toEqual(both('open'));
  });

  test('an interface of its own is not asked of that of all, whatever that has', () => {
    start({
      'HostEndpoint gate': eth0({ labels: {}, profiles: ['open'] }),
      'HostEndpoint all': eth0({ interfaceName: '*' }),
      'GlobalNetworkPolicy none': gnp({ applyOnForward: true, types: ['Ingress'] }),
    });
    expect([inwards(8080), outwards(8080), toPod(8080)]).toEqual([both('open'), both('open'), both('open')]);
  });

  test('an address that comes to an interface', () => {
    start({ 'HostEndpoint gate': eth0({ interfaceName: undefined, expectedIPs: ['10.66.9.9'] }) });
    expect(inwards(8080)).toEqual(both('open'));
    const moved = site.interfaces.map(
      ({ name, addresses }): InterfaceAddresses => ({
        name,
        addresses: name === 'eth0' ? [...addresses, parseIp('10.66.9.9')] : addresses,
      }),
    );
    apply(firewall.setInterfaces(moved));
    expect(inwards(8080)).toEqual(both('timeout'));
  });

  test('neither the loopback nor an interface of a workload is one', () => {
    start({
      'HostEndpoint lo': eth0({ interfaceName: 'lo' }),
      'HostEndpoint pod': eth0({ interfaceName: 'cali1' }),
      'HostEndpoint rest': eth0({ interfaceName: '*' }),
    });
    expect(reach(site.host, parseIp('127.0.0.1'), 8080)).toBe('open');
    expect(reach(site.host, site.host4, 8080)).toBe('open'); // by the loopback, too
    expect(reach(site.host, site.pod4, 8080)).toBe('open');
  });
});

test('from a workload to its host: the endpoint of all interfaces has no say, the setting has', () => {
  const accepting: FirewallConfig = { ...defaultFirewallConfig, endpointToHostAction: 'accept' };
  start({ 'HostEndpoint gate': eth0({ interfaceName: '*' }) }, accepting);
  expect(reach(site.pod, HOST_IPV4, 8080)).toBe('open');
  apply(firewall.setConfig(defaultFirewallConfig));
  expect(reach(site.pod, HOST_IPV4, 8080)).toBe('timeout');
});

test('what is established passes when policy comes to deny it, also after a change of settings', async () => {
  start({ 'HostEndpoint gate': eth0({ profiles: ['open'] }) });
  const flow = await site.openFlow(8080);
  try {
    expect(await flow.answers()).toBe(true);
    change({ 'HostEndpoint gate': eth0() });
    expect(inwards(8080)).toEqual(both('timeout'));
    expect(await flow.answers()).toBe(true);
    apply(firewall.setConfig({ ...defaultFirewallConfig, denyAction: 'reject' }));
    expect(await flow.answers()).toBe(true);
    expect(inwards(8080)).toEqual(both('refused'));
  } finally {
    await flow.close();
  }
});

test('failsafe ports are those of the settings, from where these say', () => {
  const tcp = (port: number, net?: string) => ({
    protocol: 6,
    port,
    net: net === undefined ? undefined : parseCidr(net),
  });
  start({ 'HostEndpoint gate': eth0() });
  const failsafes = { ingress: [tcp(8080, '10.66.0.2/32'), tcp(8081, 'fd00:66::/64')], egress: [tcp(8080)] };
  apply(firewall.setConfig({ ...defaultFirewallConfig, failsafes }));
  expect([inwards(8080), inwards(8081), inwards(22)]).toEqual([
    ['open', 'timeout'],
    ['timeout', 'open'],
    ['timeout', 'timeout'],
  ]);
  expect([outwards(8080), outwards(2379)]).toEqual([both('open'), both('timeout')]);
});

test('what the host sends and others translate is judged by where it goes', () => {
  start({
    'HostEndpoint gate': eth0(),
    'GlobalNetworkPolicy out': gnp({
      types: ['Egress'],
      egress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [8080] } }],
    }),
  });
  site.translateOwn(9090, site.outside4, 8080);
  expect(reach(site.host, parseIp('10.65.255.9'), 9090)).toBe('open');
  site.translateOwn(9090, site.outside4, 8081);
  expect(reach(site.host, parseIp('10.65.255.9'), 9090)).toBe('timeout');
  site.translate();
});

test('one that cannot be read, or that nobody knows the policies of, is closed, failsafe ports aside', () => {
  start({ 'HostEndpoint gate': eth0({ interfaceName: 7, profiles: ['open'] }) });
  expect([inwards(8080), inwards(22), toPod(8080)]).toEqual([both('timeout'), both('open'), both('timeout')]);
  start({ 'HostEndpoint gate': eth0({ profiles: ['missing'] }) });
  expect([inwards(8080), inwards(22), toPod(8080)]).toEqual([both('timeout'), both('open'), both('open')]);
});
