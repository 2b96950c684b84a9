// What cannot be understood is closed: however a stored resource is damaged, nothing gets through that did not before.
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { parseIp } from '../../net/ip.ts';
import { parsePolicyUpdate } from '../input/parse.ts';
import type { Packet } from '../oracle/packet.ts';
import { createSnapshot, type PolicySnapshot } from '../oracle/snapshot.ts';
import { computeVerdict } from '../oracle/verdict.ts';
import type { PolicyUpdate } from '../types/input.ts';

type Plain = { readonly [name: string]: unknown };

interface Stored {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly value: Plain;
}

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const some = <T>(values: readonly T[], maxLength: number) => fc.uniqueArray(oneOf(...values), { maxLength });
const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '192.0.2.7'];
const selectors = ["a == 'x'", 'has(b)', '!has(b)', "a != 'x'", "a in {'x', 'y'}", 'all()', "a == 'x' && has(b)"];
const labels = fc.dictionary(oneOf('a', 'b'), oneOf('x', 'y'), { maxKeys: 2 });

/** Without the members that are undefined, as JSON has them. */
function tidy(value: Plain): Plain {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const entity = fc
  .record({
    selector: maybe(oneOf(...selectors)),
    notSelector: maybe(oneOf(...selectors)),
    nets: oneOf(undefined, undefined, ['10.0.0.0/30']),
    ports: oneOf(undefined, undefined, [80], ['web'], [81, 'web']),
    notPorts: oneOf(undefined, undefined, undefined, ['web']),
  })
  .map(tidy);
const rule = fc
  .record({
    action: oneOf('Allow', 'Allow', 'Deny', 'Deny', 'Pass'),
    protocol: fc.constant('TCP'),
    source: maybe(entity),
    destination: maybe(entity),
  })
  .map(tidy);
/** Most end in an Allow, so that it is the Deny rules before it that matter. */
const rules = fc
  .tuple(fc.array(rule, { maxLength: 2 }), oneOf([{ action: 'Allow' }], [{ action: 'Allow' }], []))
  .map(([first, last]) => [...first, ...last]);

function resource(
  kind: string,
  names: readonly string[],
  namespace: string | undefined,
  spec: fc.Arbitrary<Plain>,
): fc.Arbitrary<Stored> {
  return fc.record({ name: oneOf(...names), labels, spec }).map(({ name, labels: own, spec: content }) => ({
    kind,
    name,
    ...(namespace === undefined ? {} : { namespace }),
    value: { metadata: { name, labels: own }, spec: content },
  }));
}

const ports = fc.subarray([
  { name: 'web', protocol: 'TCP', port: 80 },
  { name: 'web', protocol: 'TCP', port: 81 },
]);
const policy = fc
  .record({
    tier: oneOf('default', 'default', 'first'),
    order: oneOf(undefined, 1, 2),
    selector: oneOf(...selectors),
    ingress: rules,
    egress: rules,
    types: oneOf(['Ingress'], ['Ingress', 'Egress'], ['Egress']),
  })
  .map(tidy);
const endpoint = fc.record({
  node: fc.constant('here'),
  interfaceName: fc.constant('cali1'),
  ipNetworks: some(addresses.slice(0, 3), 2),
  profiles: some(['p', 'q'], 2),
  ports,
});
const stored: fc.Arbitrary<readonly Stored[]> = fc.uniqueArray(
  fc.oneof(
    { weight: 4, arbitrary: resource('WorkloadEndpoint', ['w1', 'w2', 'w3'], 'default', endpoint) },
    {
      weight: 2,
      arbitrary: resource('GlobalNetworkSet', ['s1'], undefined, fc.record({ nets: some(addresses, 2) })),
    },
    { weight: 1, arbitrary: resource('NetworkSet', ['s2'], 'default', fc.record({ nets: some(addresses, 2) })) },
    {
      weight: 3,
      arbitrary: resource(
        'Profile',
        ['p', 'q'],
        undefined,
        fc.record({ ingress: rules, egress: rules, labelsToApply: labels }),
      ),
    },
    {
      weight: 2,
      arbitrary: resource(
        'Tier',
        ['default', 'first'],
        undefined,
        fc.record({ order: oneOf(1, 2), defaultAction: oneOf('Deny', 'Pass') }),
      ),
    },
    { weight: 4, arbitrary: resource('GlobalNetworkPolicy', ['g1', 'g2', 'g3'], undefined, policy) },
    { weight: 2, arbitrary: resource('NetworkPolicy', ['n1'], 'default', policy) },
  ),
  { maxLength: 14, selector: ({ kind, name }) => `${kind}/${name}` },
);

function snapshotOf(resources: readonly (Omit<Stored, 'value'> & { readonly value: unknown })[]): PolicySnapshot {
  const updates = resources.map(({ value, ...key }) => parsePolicyUpdate(key, value, 'here')?.update);
  return createSnapshot(updates.filter((update): update is PolicyUpdate => update !== undefined));
}

/** Every place in a value, the value itself among them. */
function placesIn(value: unknown, at: readonly string[] = []): readonly (readonly string[])[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [at, ...inner.flatMap(([name, member]) => placesIn(member, [...at, name]))];
}

/** The value with something at a place that no field of these resources can be. */
function damage(value: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return true;
  const change = (key: string, member: unknown) => (key === name ? damage(member, rest) : member);
  if (Array.isArray(value)) return value.map((member, index) => change(String(index), member));
  return Object.fromEntries(Object.entries(Object(value)).map(([key, member]) => [key, change(key, member)]));
}

const everybody = addresses.map(parseIp);
const packets: readonly Packet[] = everybody.flatMap((source) =>
  everybody.flatMap((destination) =>
    [80, 443].map((destinationPort) => ({ source, destination, protocol: 6, sourcePort: 4000, destinationPort })),
  ),
);

/** The workload that has an address, in every snapshot the same. */
function endsOf(packet: Packet, snapshot: PolicySnapshot) {
  const owner = (address: Packet['source']) =>
    [...snapshot.endpoints].find(([, value]) => value.addresses.includes(address))?.[0];
  const [source, destination] = [owner(packet.source), owner(packet.destination)];
  return { ...(source === undefined ? {} : { source }), ...(destination === undefined ? {} : { destination }) };
}

/** The same resources with each of some places damaged, one at a time. */
function damages(resources: readonly Stored[], choices: readonly number[]) {
  const places = resources.flatMap((one) => placesIn(one.value).map((place) => ({ one, place })));
  return choices.flatMap((choice) => {
    const chosen = places[choice % Math.max(1, places.length)];
    if (chosen === undefined) return [];
    const { one, place } = chosen;
    const snapshot = snapshotOf(
      resources.map((other) => (other === one ? { ...one, value: damage(one.value, place) } : other)),
    );
    return [{ one, place, snapshot }];
  });
}

test('a damaged resource lets nothing through that was denied before', () => {
  let allowed = 0;
  let closed = 0;
  fc.assert(
    fc.property(stored, fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), (resources, choices) => {
      const before = snapshotOf(resources);
      const judged = packets.map((packet) => {
        const ends = endsOf(packet, before);
        return { packet, ends, was: computeVerdict(packet, before, ends) };
      });
      for (const { one, place, snapshot } of damages(resources, choices)) {
        for (const { packet, ends, was } of judged) {
          const is = computeVerdict(packet, snapshot, ends);
          if (was.allowed) allowed++;
          if (was.allowed && !is.allowed) closed++;
          if (!is.allowed || was.allowed) continue;
          throw new Error(Bun.inspect({ one, place, packet, was, is }, { depth: 9 }));
        }
      }
    }),
    { seed: 20_26, numRuns: 1_500 },
  );
  expect(allowed).toBeGreaterThan(100_000);
  expect(closed).toBeGreaterThan(5_000);
}, 60_000);
