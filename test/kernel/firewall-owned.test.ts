// A table that belongs to the agent: nobody else changes it, the next agent takes it over, and one that was not so is
// exchanged for one that is, without a packet of the wrong side passing.
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { observeFirewall } from '../../src/kernel/nftables/observe.ts';
import { observeTableOwnership } from '../../src/kernel/nftables/table-ownership.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { agentTable, encodeBatch } from '../../src/nftables/encode.ts';
import { computeExchange, type TableStep } from '../../src/nftables/exchange.ts';
import { ANY_SIDE, type PolicyChange } from '../../src/policy/types/types.ts';
import { createMessageWriter, NETLINK_NETFILTER, openNetlink } from '../../src/sys/netlink.ts';
import { allowing } from '../support/firewall/firewall-cases.ts';
import { ALLOWED_PORT, DENIED_PORT, type Flood, prepareFlood, startFlood } from '../support/firewall/firewall-flood.ts';
import { inNetns, nft, openFirewallIn, removeAllNetns, run } from '../support/firewall/firewall-net.ts';
import { addHost, addPod, endpointOf, type Pod } from '../support/firewall/firewall-pods.ts';

const FLUSH_SECONDS = Number(process.env.OCICAT_FLUSH_SECONDS ?? 5);
const UDP = 17;

let host: string;
let firewall: Firewall;
let from: Pod;
let to: Pod;
let open: KernelFirewall[];

/** By a set with ranges, which the kernel fills last. */
function policy(): readonly PolicyChange[] {
  const source = { ...ANY_SIDE, ipSets: ['r:x'] };
  const port = (number: number) => ({ ...ANY_SIDE, ports: [{ min: number, max: number }] });
  const ingress = [
    allowing({ action: 'deny', protocol: UDP, source, destination: port(DENIED_PORT) }),
    allowing({ protocol: UDP, source, destination: port(ALLOWED_PORT) }),
    allowing({ protocol: UDP, destination: port(DENIED_PORT) }),
  ];
  const members = ['10.65.0.0/30', 'fd00:65::/126'].map(parseCidr);
  return [
    { kind: 'set-added', id: 'r:x', type: 'cidr', members },
    { kind: 'rules-set', list: { id: 'Profile//open', ingress: [], egress: [allowing()] } },
    { kind: 'rules-set', list: { id: 'Profile//x', ingress, egress: [] } },
    { kind: 'endpoint-set', endpoint: endpointOf(from, 'open') },
    { kind: 'endpoint-set', endpoint: endpointOf(to, 'x') },
  ];
}

beforeEach(() => {
  host = addHost();
  [from, to] = [addPod(host, 1), addPod(host, 2)];
  prepareFlood(host, to);
  firewall = createFirewall(defaultFirewallConfig);
  firewall.apply(policy());
  open = [];
});

afterEach(() => {
  for (const kernel of open.splice(0)) kernel.close();
  removeAllNetns();
});

/** As an agent starts: the base, then all that the store says. */
function start(owned: boolean): KernelFirewall {
  const kernel = openFirewallIn(host, owned);
  open.push(kernel);
  kernel.loadBase(defaultFirewallConfig);
  kernel.resync(firewall.ruleset);
  return kernel;
}

function stop(kernel: KernelFirewall): void {
  open = open.filter((other) => other !== kernel);
  kernel.close();
}

function observe(): ReturnType<typeof observeFirewall> {
  return inNetns(host, () => {
    const netlink = openNetlink(NETLINK_NETFILTER);
    try {
      return observeFirewall(netlink, createMessageWriter());
    } finally {
      netlink.close();
    }
  });
}

const ownerKind = () => observe().table?.owner.kind;

async function expectNothingWrong(flood: Flood): Promise<void> {
  const { sent, lost, passed } = await flood.stop();
  expect(sent).toBeGreaterThan(100);
  expect({ lost, passed }).toEqual({ lost: 0, passed: 0 });
}

test('this kernel offers tables that nobody else can change (it takes Linux 6.9; the tests below need it)', () => {
  expect(inNetns(host, observeTableOwnership)).toBe(true);
  expect(run(['ip', 'netns', 'exec', host, 'nft', 'list', 'tables'])).not.toContain('ocicat');
});

test(`whoever flushes all rulesets for ${FLUSH_SECONDS} seconds lets nothing through, and ends no flow`, async () => {
  start(true);
  const flood = await startFlood(from, to);
  const end = performance.now() + FLUSH_SECONDS * 1000;
  let flushes = 0;
  for (; performance.now() < end; flushes++) {
    nft(host, 'flush ruleset');
    await Bun.sleep(5);
  }
  expect(flushes).toBeGreaterThan(10 * FLUSH_SECONDS);
  await expectNothingWrong(flood);
}, 120_000);

test('nobody else adds to the table, changes it or deletes it', () => {
  const kernel = start(true);
  for (const text of ['add chain inet ocicat x', 'flush table inet ocicat', 'delete table inet ocicat'])
    expect(() => nft(host, text)).toThrow('Operation not permitted');
  const other = openFirewallIn(host, true);
  open.push(other);
  expect(() => other.resync(firewall.ruleset)).toThrow('it belongs to another process');
  expect(kernel.resync(firewall.ruleset)).toEqual([]);
});

test('a table stays when its agent ends, and the next takes it over', async () => {
  let kernel = start(true);
  const flood = await startFlood(from, to);
  for (let number = 0; number < 20; number++) {
    stop(kernel);
    expect(ownerKind()).toBe('orphan');
    kernel = start(true);
    expect(ownerKind()).toBe('socket');
    nft(host, 'flush ruleset');
  }
  await expectNothingWrong(flood);
});

test('what others did to the table while no agent lived is undone by the next start', () => {
  stop(start(true));
  nft(host, 'flush ruleset');
  expect(ownerKind()).toBeUndefined();
  const kernel = start(true);
  expect(ownerKind()).toBe('socket');
  expect(kernel.resync(firewall.ruleset)).toEqual([]);
});

test('a table that everybody may change is exchanged for one that is the agent’s own', async () => {
  for (let number = 0; number < 10; number++) {
    stop(start(false));
    const flood = await startFlood(from, to);
    const kernel = start(true);
    expect(ownerKind()).toBe('socket');
    await expectNothingWrong(flood);
    stop(kernel);
    nft(host, 'delete table inet ocicat');
  }
});

test('a table of another layout is exchanged for one of this', async () => {
  stop(start(false));
  const text = run(['ip', 'netns', 'exec', host, 'nft', 'list', 'table', 'inet', 'ocicat']);
  nft(host, `delete table inet ocicat\n${text.replace('"layout 1"', '"layout 0"')}`);
  expect(observe().table?.layout).toBe('layout 0');
  const flood = await startFlood(from, to);
  start(true);
  expect(observe().table?.layout).toBe('layout 1');
  await expectNothingWrong(flood);
});

function commit({ table, batch }: TableStep): void {
  inNetns(host, () => {
    const netlink = openNetlink(NETLINK_NETFILTER);
    const writer = createMessageWriter();
    encodeBatch(writer, batch, agentTable(table, false));
    netlink.request(writer, 1);
    netlink.close();
  });
}

test('an exchange that is cut off after any step is brought to its end by the next start', async () => {
  stop(start(false));
  const { table } = observe();
  const steps = computeExchange(table, undefined, firewall.ruleset);
  expect(steps.length).toBeGreaterThan(6);
  const flood = await startFlood(from, to);
  for (let count = 1; count <= steps.length; count++) {
    for (const step of steps.slice(0, count)) commit(step);
    const kernel = start(false);
    expect(observe().standIn).toBeUndefined();
    expect(kernel.resync(firewall.ruleset)).toEqual([]);
    stop(kernel);
  }
  await expectNothingWrong(flood);
});
