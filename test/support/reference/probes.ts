// Random packets between places, and what the reference says of them.
import fc from 'fast-check';
import { type Direction, isLetThrough, isLetThroughHost } from './evaluate.ts';
import { ICMP, ICMPV6, SCTP, TCP, UDP } from './packet-bytes.ts';
import type { Place } from './places.ts';
import { type HostEndpoint, type Policy, type Resource, resourcesOf, type Workload } from './resources.ts';
import type { ReferencePacket } from './rule-match.ts';
import { OTHER, type Probe } from './senders.ts';

/** Source ports: one of each kind and a number of its own, so that no flow is one that was there before. */
const SOURCE_PORTS = [2_000, 20_000, 40_000] as const;
const PORTS_OF_A_KIND = 15_000;

interface Draft {
  readonly from: number;
  readonly to: number;
  readonly family: 4 | 6;
  readonly kind: { readonly protocol: number; readonly port: number; readonly type: number; readonly code: number };
}

const withPort = (protocol: number) => [80, 53, 443, 8080].map((port) => ({ protocol, port, type: 0, code: 0 }));
const ofIcmp = (type: number, code = 0) => ({ protocol: ICMP, port: 0, type, code });
const KINDS = [
  ...[TCP, UDP].flatMap(withPort),
  ofIcmp(8),
  ...withPort(TCP),
  ofIcmp(8, 1),
  ofIcmp(13),
  ...withPort(SCTP).slice(0, 2),
  { protocol: OTHER, port: 0, type: 0, code: 0 },
];

/** One end at least is a workload of this host, or this host; nobody sends to itself. */
function isOfInterest(from: Place, to: Place): boolean {
  const here = ['workload', 'host'];
  return from !== to && (here.includes(from.kind) || here.includes(to.kind));
}

let made = 0;

function packetOf({ family, kind }: Draft, from: Place, to: Place): ReferencePacket {
  const ends = { source: from.addresses[family], destination: to.addresses[family] };
  const { protocol, port, type, code } = kind;
  if (protocol === OTHER) return { ...ends, protocol };
  if (protocol !== ICMP) {
    const base = SOURCE_PORTS[made % SOURCE_PORTS.length] ?? 0;
    return { ...ends, protocol, sourcePort: base + (made++ % PORTS_OF_A_KIND), destinationPort: port };
  }
  if (family === 4) return { ...ends, protocol, icmpType: type, icmpCode: code };
  return { ...ends, protocol: ICMPV6, icmpType: 128, icmpCode: code };
}

/** So many packets, or fewer when it shrinks. */
export function probesBetween(places: readonly Place[], count: number): fc.Arbitrary<readonly Probe[]> {
  const pairs = places.flatMap((from, at) =>
    places.flatMap((to, other) => (isOfInterest(from, to) ? [{ from: at, to: other }] : [])),
  );
  const draft = fc
    .record({
      pair: fc.constantFrom(...pairs),
      family: fc.constantFrom(4 as const, 6 as const),
      kind: fc.constantFrom(...KINDS),
    })
    .map(({ pair: { from, to }, ...rest }): Draft => {
      const back = rest.kind.protocol === OTHER && from > to; // without ports, the other way is the same flow
      return { from: back ? to : from, to: back ? from : to, ...rest };
    });
  return fc.array(draft, { minLength: 1, maxLength: count, size: 'max' }).map((drafts) =>
    drafts.flatMap((one) => {
      const [from, to] = [places[one.from], places[one.to]];
      return from === undefined || to === undefined ? [] : [{ from, to, packet: packetOf(one, from, to) }];
    }),
  );
}

/** The workload of a place as the case has it. */
function workloadOf(place: Place, resources: readonly Resource[]): Workload | undefined {
  const workloads = resourcesOf<Workload>(resources, 'WorkloadEndpoint');
  return workloads.find(({ metadata }) => metadata.name === place.endpoint?.metadata.name);
}

const isOfAll = ({ spec }: HostEndpoint) => spec.interfaceName === '*';
const isOutside = ({ kind }: Place) => kind === 'outside' || kind === 'remote';

/**
 * Of those that name the interface to the outside or have an address of it, the first by name. That of all interfaces that
 * no other is about is about workloads' too (Calico v3.33, felix/dataplane/linux/endpoint_mgr.go, felix/rules/dispatch.go).
 */
function hostEndpointAt(place: Place, resources: readonly Resource[]): HostEndpoint | undefined {
  const all = resourcesOf<HostEndpoint>(resources, 'HostEndpoint');
  const [ofAll, own] = [all.filter(isOfAll), all.filter((one) => !isOfAll(one))];
  const [first] = own.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return (isOutside(place) ? first : undefined) ?? ofAll[0];
}

/** Whether the workload at an end, where rules of this host stand before it, lets the packet through. */
function passesWorkload(
  place: Place,
  direction: Direction,
  { packet }: Probe,
  resources: readonly Resource[],
): boolean {
  const endpoint = place.kind === 'workload' ? workloadOf(place, resources) : undefined;
  return endpoint === undefined || isLetThrough({ endpoint, direction, packet, resources });
}

/** Whether the host endpoint of the interface towards a place lets the packet through. */
function passesHost(place: Place, direction: Direction, probe: Probe, resources: readonly Resource[]): boolean {
  const endpoint = place.kind === 'host' ? undefined : hostEndpointAt(place, resources);
  if (endpoint === undefined) return true;
  const isOwn = probe.from.kind === 'host' || probe.to.kind === 'host';
  const way = !isOwn ? 'forwarded' : place.kind === 'workload' ? 'of its workload' : 'own';
  return isLetThroughHost({ endpoint, direction, packet: probe.packet, resources }, way);
}

/** By every end that is here; what a host sends to its own workloads is not policed. */
export function isAllowed(probe: Probe, resources: readonly Resource[]): boolean {
  const { from, to } = probe;
  const into = from.kind === 'host' || passesWorkload(to, 'ingress', probe, resources);
  const out = passesWorkload(from, 'egress', probe, resources);
  return out && into && passesHost(from, 'ingress', probe, resources) && passesHost(to, 'egress', probe, resources);
}

/** Whether all that decides is of this host: nobody enforces policy at workloads of the other. */
export function isOfThisHost({ from, to }: Probe): boolean {
  return from.kind !== 'remote' && to.kind !== 'remote';
}

/** Whether flows are tracked on the way, so that answers need no rule. */
function isTracked({ from, to }: Probe, resources: readonly Resource[]): boolean {
  const policies = resourcesOf<Policy>(resources, 'GlobalNetworkPolicy');
  return isOutside(from) === isOutside(to) || !policies.some(({ spec }) => spec.doNotTrack);
}

/** Whether whoever gets the packet answers: closed ports refuse, and echo requests come back. */
export function isAnswered(probe: Probe, resources: readonly Resource[]): boolean {
  const { protocol, icmpType, icmpCode } = probe.packet;
  if (!isTracked(probe, resources)) return false;
  return protocol === TCP || protocol === UDP || ((icmpType === 8 || icmpType === 128) && icmpCode === 0);
}

export function describeProbe({ from, to, packet }: Probe): string {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode } = packet;
  const what =
    destinationPort === undefined ? `type ${icmpType}/${icmpCode}` : `port ${sourcePort} to ${destinationPort}`;
  return `${from.name} ${packet.source} to ${to.name} ${packet.destination}, protocol ${protocol}, ${what}`;
}
