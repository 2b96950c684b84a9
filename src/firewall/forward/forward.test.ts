import { expect, test } from 'bun:test';
import { parseIp } from '../../net/ip.ts';
import { computeForwardFindings, formatFinding } from './findings.ts';
import { parseIptablesSave } from './iptables.ts';
import { computeForwardPackets } from './packets.ts';

const packets = computeForwardPackets({
  families: [4],
  uplinks: ['eth0'],
  addresses: [parseIp('192.168.0.1'), parseIp('192.168.7.7')],
});

/** What is found in the rules of FORWARD and of the chain SITE, with a policy. */
function findingsIn(policy: string, forward: readonly string[], site: readonly string[] = []): readonly string[] {
  const lines = [...forward.map((rule) => `-A FORWARD ${rule}`), ...site.map((rule) => `-A SITE ${rule}`)];
  const text = `# iptables-save\n*filter\n:INPUT DROP [0:0]\n:FORWARD ${policy} [1:60]\n:SITE - [0:0]\n${lines.join('\n')}\nCOMMIT\n`;
  return computeForwardFindings([parseIptablesSave(text, 'ip')], packets).map(
    (finding) => `${formatFinding(finding)}${finding.isAccepted ? ' accepted' : ''}`,
  );
}

const TABLE = 'table filter of iptables-legacy';
const ALL = '(from workloads to eth0, from eth0 to workloads, between workloads)';

const table: readonly (readonly [
  policy: string,
  forward: readonly string[],
  site: readonly string[],
  expected: readonly string[],
])[] = [
  ['ACCEPT', [], [], []],
  ['DROP', [], [], [`${TABLE}, chain FORWARD, policy drop ${ALL}`]],
  ['DROP', ['-i cali+ -j ACCEPT', '-o cali+ -j ACCEPT'], [], []],
  ['DROP', ['-i cali+ -j ACCEPT'], [], [`${TABLE}, chain FORWARD, policy drop (from eth0 to workloads)`]],
  [
    'DROP',
    ['-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', '-p icmp -j ACCEPT'],
    [],
    [`${TABLE}, chain FORWARD, policy drop ${ALL}`],
  ],
  ['DROP', ['-m conntrack --ctstate NEW -m comment --comment "a -j DROP" -j ACCEPT'], [], []],
  [
    'ACCEPT',
    ['! -i eth0 -j DROP'],
    [],
    [`${TABLE}, chain FORWARD, rule 1 (from workloads to eth0, between workloads)`],
  ],
  ['ACCEPT', ['-i lo -j DROP', '-s 10.0.0.0/8 -j DROP', '-p tcp --dport 25 -j REJECT', '-j LOG'], [], []],
  ['ACCEPT', ['-s 192.168.0.0/24 -j DROP'], [], []], // one of two workloads: somebody means it so
  ['ACCEPT', ['-s 192.168.0.0/16 -o eth0 -j DROP'], [], [`${TABLE}, chain FORWARD, rule 1 (from workloads to eth0)`]],
  [
    'DROP',
    ['-j SITE', '-j ACCEPT'],
    ['-i eth0 -j RETURN', '-j REJECT --reject-with icmp-port-unreachable'],
    [`${TABLE}, chain SITE, rule 2 (from workloads to eth0, between workloads)`],
  ],
  [
    'DROP',
    ['-g SITE', '-j ACCEPT'],
    ['-i cali+ -j ACCEPT'],
    [`${TABLE}, chain FORWARD, policy drop (from eth0 to workloads)`],
  ],
  [
    'DROP',
    ['-i cali+ -m comment --comment ocicat -j ACCEPT', '-o cali+ -m comment --comment ocicat -j ACCEPT'],
    [],
    [`${TABLE}, chain FORWARD, policy drop ${ALL} accepted`],
  ],
];

test.each(table)('policy %s, rules %j, chain SITE %j: %j', (policy, forward, site, expected) => {
  expect(findingsIn(policy, forward, site)).toEqual([...expected]);
});
