// Random packets between places, and what the reference says of them.
import fc from 'fast-check';
import { isLetThrough } from './evaluate.ts';
import { ICMP, ICMPV6, SCTP, TCP, UDP } from './packet-bytes.ts';
import type { Place } from './places.ts';
import { type Resource, resourcesOf, type Workload } from './resources.ts';
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

/** One end at least is a workload of this host; nobody sends to itself. */
function isOfInterest(from: Place, to: Place): boolean {
  return from !== to && (from.kind === 'workload' || to.kind === 'workload');
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

/** The workload of a place as the case has it; undefined for places that no rules of this host stand before. */
function policed(place: Place, resources: readonly Resource[]): Workload | undefined {
  if (place.kind !== 'workload') return undefined;
  const workloads = resourcesOf<Workload>(resources, 'WorkloadEndpoint');
  return workloads.find(({ metadata }) => metadata.name === place.endpoint?.metadata.name);
}

/** Out of its workload and into the other; what a host sends to its own workloads is not policed. */
export function isAllowed({ from, to, packet }: Probe, resources: readonly Resource[]): boolean {
  const [source, destination] = [policed(from, resources), policed(to, resources)];
  const out = source === undefined || isLetThrough(source, 'egress', packet, resources);
  const into =
    destination === undefined || from.kind === 'host' || isLetThrough(destination, 'ingress', packet, resources);
  return out && into;
}

/** Whether whoever gets the packet answers: closed ports refuse, and echo requests come back. */
export function isAnswered({ packet: { protocol, icmpType, icmpCode } }: Probe): boolean {
  return protocol === TCP || protocol === UDP || ((icmpType === 8 || icmpType === 128) && icmpCode === 0);
}

export function describeProbe({ from, to, packet }: Probe): string {
  const { protocol, sourcePort, destinationPort, icmpType, icmpCode } = packet;
  const what =
    destinationPort === undefined ? `type ${icmpType}/${icmpCode}` : `port ${sourcePort} to ${destinationPort}`;
  return `${from.name} ${packet.source} to ${to.name} ${packet.destination}, protocol ${protocol}, ${what}`;
}
