// What somebody else does to our table is found and undone, and what is theirs is left alone.
import { afterAll, beforeAll, beforeEach, expect, test } from 'bun:test';
import { defaultFirewallConfig } from '../../src/firewall/config.ts';
import { createFirewall, type Firewall } from '../../src/firewall/firewall.ts';
import type { KernelFirewall } from '../../src/kernel/nftables/firewall.ts';
import { parseCidr } from '../../src/net/cidr.ts';
import { parseIp } from '../../src/net/ip.ts';
import { formatFinding } from '../../src/nftables/repair.ts';
import { ANY_SIDE, type EndpointPolicy, type PolicyChange } from '../../src/policy/types/types.ts';
import { allowing } from '../support/firewall/firewall-cases.ts';
import { addNetns, listRuleset, nft, openFirewallIn, removeAllNetns, runIn } from '../support/firewall/firewall-net.ts';

let netns: string;
let kernel: KernelFirewall;
let firewall: Firewall;
let wanted: readonly unknown[];

const FOREIGN = `
  table inet admin { chain input { type filter hook input priority 0; policy accept; ip saddr 10.9.9.9 drop; }; }
  table ip nat { set s { type ipv4_addr; elements = { 10.1.1.1 }; }; }`;

function endpoint(number: number): EndpointPolicy {
  const addresses = [parseIp(`10.65.0.${number}`), parseIp(`fd00::${number}`)];
  const profiles = ['Profile//net'];
  const allowedSources = [parseCidr(`10.66.${number}.0/24`)];
  return {
    id: `default/e${number}`,
    interfaceName: `cali${number}`,
    mac: undefined,
    addresses,
    allowedSources,
    tiers: [],
    profiles,
  };
}

const changes: readonly PolicyChange[] = [
  { kind: 'set-added', id: 's:net', type: 'address', members: [parseIp('10.65.0.1'), parseIp('fd00::1')] },
  { kind: 'set-added', id: 'r:net', type: 'cidr', members: [parseCidr('10.0.0.0/8'), parseCidr('11.0.0.0/8')] },
  {
    kind: 'rules-set',
    list: {
      id: 'Profile//net',
      ingress: [allowing({ source: { ...ANY_SIDE, ipSets: ['s:net', 'r:net'] } })],
      egress: [allowing()],
    },
  },
  { kind: 'endpoint-set', endpoint: endpoint(1) },
  { kind: 'endpoint-set', endpoint: endpoint(2) },
];

beforeAll(() => {
  netns = addNetns();
  kernel = openFirewallIn(netns);
  nft(netns, FOREIGN);
  kernel.loadBase(defaultFirewallConfig);
  firewall = createFirewall({ ...defaultFirewallConfig, sourceSpoofing: true });
  expect(kernel.apply(firewall.apply(changes), firewall.ruleset)).toEqual({ kind: 'applied' });
  wanted = listRuleset(netns);
});

beforeEach(() => {
  expect(kernel.resync(firewall.ruleset)).toEqual([]);
  expect(listRuleset(netns)).toEqual(wanted);
});

afterAll(() => {
  kernel.close();
  removeAllNetns();
});

/** The first handle among the rules of a chain. */
function ruleHandle(chain: string): string {
  const listed = runIn(netns, ['nft', '-a', 'list', 'chain', 'inet', 'ocicat', chain]);
  return /(?:accept|drop|goto \S+|@\S+|".*") # handle (\d+)/.exec(listed)?.[1] ?? '';
}

const T = 'inet ocicat';
const rules = [...createdChains('rules-ingress')];

function createdChains(prefix: string): readonly string[] {
  const copy = createFirewall({ ...defaultFirewallConfig, sourceSpoofing: true });
  copy.apply(changes);
  return [...copy.ruleset.chains.keys(), ...copy.ruleset.sets.keys()].filter((name) => name.startsWith(prefix));
}

const [rulesChain = ''] = rules;
const [groupChain = ''] = createdChains('group-ingress');
const [addressSet = ''] = createdChains('address4');
const [rangeSet = ''] = createdChains('nets4');

interface Damage {
  readonly name: string;
  readonly text: () => string;
  readonly findings: readonly string[];
}

const damages: readonly Damage[] = [
  {
    name: 'a rule of the static part is deleted',
    text: () => `delete rule ${T} base-forward-ingress handle ${ruleHandle('base-forward-ingress')}`,
    findings: ['rules "base-forward-ingress" changed'],
  },
  {
    name: 'a rule of a policy is deleted',
    text: () => `delete rule ${T} ${rulesChain} handle ${ruleHandle(rulesChain)}`,
    findings: [`rules "${rulesChain}" changed`],
  },
  {
    name: 'a rule is replaced by one that looks the same but for one number',
    text: () =>
      `replace rule ${T} guard-ipip handle ${ruleHandle('guard-ipip')} counter accept comment "IP in IP from a workload"`,
    findings: ['rules "guard-ipip" changed'],
  },
  {
    name: 'a rule is put first',
    text: () => `insert rule ${T} from-workload accept`,
    findings: ['rules "from-workload" changed'],
  },
  {
    name: 'a rule of a kind that we never use is added',
    text: () => `add rule ${T} to-host limit rate 1/second accept`,
    findings: ['rules "to-host" changed'],
  },
  {
    name: 'a rule with a set of its own is added',
    text: () => `add rule ${T} to-host tcp dport { 22, 80 } accept`,
    findings: ['rules "to-host" changed'],
  },
  {
    name: 'elements are deleted',
    text: () => `delete element ${T} ${addressSet} { 10.65.0.1 }
      delete element ${T} ${rangeSet} { 10.0.0.0/8 }
      delete element ${T} workload-ranges4 { "cali2" . 10.66.2.0/24 }
      delete element ${T} workload-ingress { "cali1" }`,
    findings: [
      'elements "workload-ingress" missing (1)',
      'elements "workload-ranges4" missing (1)',
      `elements "${addressSet}" missing (1)`,
      `elements "${rangeSet}" missing (1)`,
    ],
  },
  {
    name: 'elements are added, one into the gap behind a range',
    text: () => `add element ${T} ${addressSet} { 10.65.0.9 }
      add element ${T} ${rangeSet} { 12.0.0.0-12.0.0.6, 0.0.0.0/8, 255.255.255.255 }
      add element ${T} workload-egress { "cali3" : accept }
      add element ${T} workload-guards { 6 : accept }`,
    findings: [
      'elements "workload-guards" foreign (1)',
      'elements "workload-egress" foreign (1)',
      `elements "${addressSet}" foreign (1)`,
      `elements "${rangeSet}" foreign (3)`,
    ],
  },
  {
    name: 'a verdict is changed',
    text: () => `delete element ${T} workload-guards { 58 }\nadd element ${T} workload-guards { 58 : accept }`,
    findings: ['elements "workload-guards" missing (1)', 'elements "workload-guards" foreign (1)'],
  },
  {
    name: 'a base chain is deleted',
    text: () => `flush chain ${T} base-prerouting\ndelete chain ${T} base-prerouting`,
    findings: ['chain "base-prerouting" missing'],
  },
  {
    name: 'a base chain is hooked elsewhere',
    text: () => `flush chain ${T} base-output
      delete chain ${T} base-output
      add chain ${T} base-output { type filter hook output priority 5; policy accept; }`,
    findings: ['chain "base-output" changed'],
  },
  {
    name: 'a base chain gets another policy',
    text: () => `add chain ${T} base-output { policy drop; }`,
    findings: ['chain "base-output" changed'],
  },
  {
    name: 'a group chain with the elements that go to it is deleted',
    text: () => `flush map ${T} workload-ingress\nflush chain ${T} ${groupChain}\ndelete chain ${T} ${groupChain}`,
    findings: [`chain "${groupChain}" missing`, 'elements "workload-ingress" missing (2)'],
  },
  {
    name: 'a set with the rules that name it is deleted',
    text: () => `flush chain ${T} ${rulesChain}\ndelete set ${T} ${addressSet}`,
    findings: [`rules "${rulesChain}" changed`, `set "${addressSet}" missing`],
  },
  {
    name: 'a set is made again with another type',
    text: () => `flush chain ${T} ${rulesChain}
      delete set ${T} ${addressSet}
      add set ${T} ${addressSet} { type ipv4_addr; flags interval; }`,
    findings: [`set "${addressSet}" changed`],
  },
  {
    name: 'chains and sets are added and named',
    text: () => `add set ${T} their-set { type ipv4_addr; }
      add chain ${T} their-chain
      add chain ${T} their-base { type filter hook input priority 0; policy accept; }
      add rule ${T} their-chain ip saddr @their-set accept
      add rule ${T} their-base jump their-chain
      add rule ${T} from-workload jump their-chain`,
    findings: [
      'rules "from-workload" changed',
      'chain "their-chain" foreign',
      'chain "their-base" foreign',
      'set "their-set" foreign',
    ],
  },
  { name: 'the table for IP is deleted', text: () => `delete table ${T}`, findings: ['table "ocicat" changed'] },
  { name: 'the table for ARP is deleted', text: () => 'delete table arp ocicat', findings: ['table "ocicat" changed'] },
  {
    name: 'both tables are deleted',
    text: () => `delete table ${T}\ndelete table arp ocicat`,
    findings: ['table "ocicat" missing'],
  },
  { name: 'all rulesets are flushed', text: () => `flush ruleset\n${FOREIGN}`, findings: ['table "ocicat" missing'] },
];

for (const { name, text, findings } of damages) {
  test(`repaired: ${name}`, () => {
    nft(netns, text());
    expect(kernel.isUntouched()).toBe(false);
    expect(kernel.resync(firewall.ruleset).map(formatFinding)).toEqual([...findings]);
    expect(kernel.isUntouched()).toBe(true);
    expect(listRuleset(netns)).toEqual(wanted);
  });
}

test('a change that meets a damaged table repairs it on the way', () => {
  nft(netns, `delete element ${T} workload-egress { "cali1" }`);
  const away = firewall.apply([{ kind: 'endpoint-removed', id: 'default/e1' }]);
  const outcome = kernel.apply(away, firewall.ruleset);
  expect(outcome.kind === 'repaired' ? outcome.cause.message : '').toContain('ENOENT');
  expect(kernel.resync(firewall.ruleset)).toEqual([]);
  kernel.apply(firewall.apply([{ kind: 'endpoint-set', endpoint: endpoint(1) }]), firewall.ruleset);
});

test('a large change that the kernel refuses message by message is still answered', () => {
  const chain = 'chain-of-nobody';
  const outcome = kernel.apply(
    [Array.from({ length: 30_000 }, () => ({ kind: 'flush-chain', chain }) as const)],
    firewall.ruleset,
  );
  expect(outcome.kind === 'repaired' ? outcome.findings : outcome).toEqual([]);
});

test('a change of another table is noticed and harms nothing', () => {
  nft(netns, 'add table inet third');
  expect(kernel.isUntouched()).toBe(false);
  const away = firewall.apply([{ kind: 'endpoint-removed', id: 'default/e2' }]);
  expect(kernel.apply(away, firewall.ruleset)).toEqual({ kind: 'applied' });
  expect(kernel.isUntouched()).toBe(false);
  kernel.apply(firewall.apply([{ kind: 'endpoint-set', endpoint: endpoint(2) }]), firewall.ruleset);
  expect(kernel.resync(firewall.ruleset)).toEqual([]);
  expect(kernel.isUntouched()).toBe(true);
  nft(netns, 'delete table inet third');
});

test('at a start the static part is repaired and the rest of an earlier run stays', () => {
  nft(netns, `flush chain ${T} base-output\nadd element ${T} workload-egress { "cali3" : accept }`);
  const outcome = kernel.loadBase(defaultFirewallConfig);
  expect(outcome).toEqual({ kind: 'loaded', findings: [{ object: 'rules', name: 'base-output', state: 'changed' }] });
  expect(kernel.resync(firewall.ruleset).map(formatFinding)).toEqual(['elements "workload-egress" foreign (1)']);
});

test('the table of an agent with another layout stays in force until the first resync', () => {
  const other = `table ${T} { comment "layout 0"; chain old { type filter hook forward priority 0; policy drop; }; }`;
  nft(netns, `delete table ${T}\n${other}`);
  const left = listRuleset(netns);
  expect(kernel.loadBase(defaultFirewallConfig)).toEqual({ kind: 'kept', layout: 'layout 0' });
  expect(listRuleset(netns)).toEqual(left);
  expect(kernel.resync(firewall.ruleset).map(formatFinding)).toEqual(['table "ocicat" changed']);
});
