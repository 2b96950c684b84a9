import { expect, test } from 'bun:test';
import { parseIp } from '../../net/ip.ts';
import { tryParsePortMapping } from '../../net/port-mapping.ts';
import { createRulesetEditor } from '../../nftables/editor.ts';
import { printBatch, printRule } from '../../nftables/print.ts';
import { createPortRenderer } from './ports.ts';

const workloads = { names: 'workload-names', sources: (family: number) => `workload-sources${family}` };

function open() {
  const sources = [4, 6].map((family) => `workload-sources${family}`);
  const sets = ['workload-names', ...sources].map((name) => ({ name, key: [], interval: false, verdicts: false }));
  const editor = createRulesetEditor({
    chains: new Map(),
    sets: new Map(sets.map((spec) => [spec.name, { spec, elements: new Map() }])),
  });
  const ports = createPortRenderer(editor, workloads);
  const set = (id: string, texts: readonly string[], addresses: readonly string[] = ['10.0.0.1', 'fd00::1']) => {
    const portMappings = texts.map((text) => tryParsePortMapping(text) ?? expect.unreachable(text));
    ports.set({ id, addresses: addresses.map(parseIp), portMappings });
    return editor.takeSteps().map(printBatch);
  };
  const rulesOf = (chain: string) => editor.ruleset.chains.get(chain)?.rules.map(printRule);
  return { set, rulesOf, editor };
}

test('the first mapping brings chains that look up what is for the host itself, the next ones are elements', () => {
  const { set, rulesOf } = open();
  set('a', ['8080:80/tcp']);
  const lookups = [
    'fib daddr type != local accept',
    'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @mapped-port4',
    'meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @mapped-port6',
  ];
  for (const hook of ['prerouting', 'output']) expect(rulesOf(`base-ports-${hook}`)).toEqual(lookups);
  expect(rulesOf('base-ports-postrouting')).toEqual([
    'meta nfproto ipv4 ct status dnat ip saddr 127.0.0.0/8 oifname @workload-names masquerade fully-random',
    'meta nfproto ipv6 ct status dnat ip6 saddr ::1 oifname @workload-names masquerade fully-random',
    'meta nfproto ipv4 ct status dnat oifname . ip saddr @workload-sources4 masquerade fully-random',
    'meta nfproto ipv6 ct status dnat oifname . ip6 saddr @workload-sources6 masquerade fully-random',
  ]);
  expect(set('b', ['8081:80/tcp', '53:5353/udp'], ['10.0.0.2'])).toEqual([
    'add element inet ocicat mapped-port4 { 6 . 8081 : 10.0.0.2 . 80, 17 . 53 : 10.0.0.2 . 5353 }\n',
  ]);
  expect(set('b', [])).toEqual(['delete element inet ocicat mapped-port4 { 6 . 8081, 17 . 53 }\n']);
});

test('what is for one address of the host goes before what is for all, a range that keeps its ports is one element', () => {
  const { set, rulesOf } = open();
  const text = set('a', ['127.0.0.1:80:8080/tcp', '[::]:90:90/tcp', '0.0.0.0:1000-1999:1000-1999/udp']).join('');
  expect(text).toContain('{ 6 . 80 . 127.0.0.1 : 10.0.0.1 . 8080 }');
  expect(text).toContain('{ 6 . 90 : fd00::1 . 90 }');
  expect(text).toContain('{ 17 . 1000-1999 : 10.0.0.1 }');
  expect(text).toContain(
    'map inet ocicat mapped-range4 { type inet_proto . inet_service : ipv4_addr; flags interval; }',
  );
  expect(rulesOf('base-ports-output')?.slice(1)).toEqual([
    'meta nfproto ipv4 dnat ip to meta l4proto . th dport . ip daddr map @mapped-port-at4',
    'meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @mapped-port6',
    'meta nfproto ipv4 dnat ip to meta l4proto . th dport map @mapped-range4',
  ]);
});

test('a range with other ports in the endpoint is an element for each', () => {
  const { set } = open();
  expect(set('a', ['1000-1002:2000-2002/tcp'], ['10.0.0.1']).join('')).toContain(
    '{ 6 . 1000 : 10.0.0.1 . 2000, 6 . 1001 : 10.0.0.1 . 2001, 6 . 1002 : 10.0.0.1 . 2002 }',
  );
});

test('of two that have the same port the first by its id has it, whichever came first, until it goes', () => {
  const { set } = open();
  set('b', ['80:80/tcp', '1000-1010:1000-1010/tcp'], ['10.0.0.2']);
  expect(set('a', ['80:80/tcp', '1005-1020:1005-1020/tcp'], ['10.0.0.1']).join('')).toBe(
    [
      'delete element inet ocicat mapped-port4 { 6 . 80 }',
      'delete element inet ocicat mapped-range4 { 6 . 1000-1010 }',
      'add element inet ocicat mapped-port4 { 6 . 80 : 10.0.0.1 . 80 }',
      'add element inet ocicat mapped-range4 { 6 . 1005-1020 : 10.0.0.1 }\n',
    ].join('\n'),
  );
  expect(set('a', []).join('')).toContain('add element inet ocicat mapped-port4 { 6 . 80 : 10.0.0.2 . 80 }');
});

test('with the last mapping everything goes', () => {
  const { set, editor } = open();
  const before = [...editor.ruleset.sets.keys()];
  set('a', ['80:80/tcp', '[::1]:53:53/udp', '1-9:1-9/sctp']);
  set('a', []);
  expect([[...editor.ruleset.sets.keys()], editor.ruleset.chains.size]).toEqual([before, 0]);
});
