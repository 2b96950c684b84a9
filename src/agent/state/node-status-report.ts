// What BIRD says, as the status of a CalicoNodeStatus: Calico's fields and values.
import type { BirdProtocol } from '../../bird/protocols.ts';
import type { BirdRoute } from '../../bird/routes.ts';
import { type BgpOrigin, type BgpSessionStatus, bgpSessionsOf } from '../../bird/sessions.ts';
import type { BirdStatus } from '../../bird/status.ts';
import type { TunnelStatus } from '../../kernel/link/tunnel-status.ts';
import {
  ANSWER_ANNOTATIONS,
  type CalicoNodeStatusSpec,
  type CalicoNodeStatusStatus,
} from '../../model/node/calico-node-status.ts';
import { formatIp, type Ip, tryParseIp } from '../../net/ip.ts';
import type { RouterNotes } from './router.ts';

/** What the classes of a CalicoNodeStatus want to know of a BIRD that answers. */
export interface BirdAnswers {
  readonly status: BirdStatus;
  readonly protocols: readonly BirdProtocol[];
  readonly routes: readonly BirdRoute[];
}

type Report = Omit<CalicoNodeStatusStatus, 'lastUpdated'>;
type Daemon = Report['agent']['birdV4'];
type Peer = NonNullable<Report['bgp']['peersV4']>[number];
type Route = NonNullable<Report['routes']['routesV4']>[number];
type Class = NonNullable<CalicoNodeStatusSpec['classes']>[number];

const NO_SESSIONS = {
  numberEstablishedV4: 0,
  numberNotEstablishedV4: 0,
  numberEstablishedV6: 0,
  numberNotEstablishedV6: 0,
};
const PEER_TYPES: Readonly<Record<BgpOrigin, Peer['type']>> = {
  mesh: 'NodeMesh',
  node: 'NodePeer',
  global: 'GlobalPeer',
  workload: 'NodePeer', // Calico has no word of its own for it
};
const SESSION_STATES = ['Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established', 'Close'] as const;

/** BIRD calls a session that is switched off `Down`, and one that waits for the other side `Passive`. */
function sessionState(bgpState: string): Peer['state'] {
  const states: Readonly<Record<string, string>> = { Down: 'Idle', Passive: 'Active' };
  return SESSION_STATES.find((state) => state === (states[bgpState] ?? bgpState));
}

function reportDaemon({ status }: BirdAnswers): Daemon {
  const { version, routerId, startedAt, configuredAt } = status;
  const times = { lastBootTime: startedAt, lastReconfigurationTime: configuredAt };
  return { state: 'Ready', version, routerID: routerId, ...times };
}

function reportPeer({ address, origin, bgpState, since }: BgpSessionStatus): Peer {
  const state = sessionState(bgpState);
  return { peerIP: address, type: PEER_TYPES[origin], ...(state === undefined ? {} : { state }), since };
}

function reportSessions(sessions: readonly BgpSessionStatus[]): Report['bgp'] {
  const [v4, v6] = [4, 6].map((family) => sessions.filter((session) => session.family === family));
  const count = (some: readonly BgpSessionStatus[] = [], isUp: boolean) =>
    some.filter(({ state }) => (state === 'up') === isUp).length;
  return {
    numberEstablishedV4: count(v4, true),
    numberNotEstablishedV4: count(v4, false),
    numberEstablishedV6: count(v6, true),
    numberNotEstablishedV6: count(v6, false),
    ...(v4?.length ? { peersV4: v4.map(reportPeer) } : {}),
    ...(v6?.length ? { peersV6: v6.map(reportPeer) } : {}),
  };
}

function sourceOf(protocol: BirdProtocol | undefined, session: BgpSessionStatus | undefined): Route['learnedFrom'] {
  if (session !== undefined)
    return { sourceType: session.origin === 'mesh' ? 'NodeMesh' : 'BGPPeer', peerIP: session.address };
  const types = ['Kernel', 'Static', 'Direct'] as const;
  const sourceType = types.find((type) => type === protocol?.protocol);
  return sourceType === undefined ? {} : { sourceType };
}

/** One for each path: the kernel uses all of a route that is the best. */
function reportRoute({ destination, action, isBest, nextHops }: BirdRoute, learnedFrom: Route['learnedFrom']): Route[] {
  const type = isBest ? 'FIB' : 'RIB';
  const hops = nextHops.length > 0 ? nextHops : [{ gateway: undefined, interfaceName: action }];
  return hops.map(({ gateway = 'N/A', interfaceName }) => ({
    ...{ type, destination, gateway, interface: interfaceName },
    learnedFrom,
  }));
}

/** Sorted: the order of BIRD's tables says nothing and changes. */
function reportRoutes({ routes, protocols }: BirdAnswers, sessions: readonly BgpSessionStatus[]): Report['routes'] {
  const protocolOf = new Map(protocols.map((protocol) => [protocol.name, protocol]));
  const sessionOf = new Map(sessions.map((session) => [session.name, session]));
  const place = ({ destination, type, gateway, interface: link }: Route) => `${destination} ${type} ${gateway} ${link}`;
  const all = routes
    .flatMap((route) => reportRoute(route, sourceOf(protocolOf.get(route.protocol), sessionOf.get(route.protocol))))
    .sort((a, b) => (place(a) < place(b) ? -1 : 1));
  const [v4, v6] = [false, true].map((isV6) =>
    all.filter(({ destination = '' }) => destination.includes(':') === isV6),
  );
  return { ...(v4?.length ? { routesV4: v4 } : {}), ...(v6?.length ? { routesV6: v6 } : {}) };
}

/** As many as people read; the log has each. */
const NAMED_AT_MOST = 50;

function formatNotes(notes: readonly string[]): string {
  const more = notes.length - NAMED_AT_MOST;
  const rest = more > 0 ? [`and ${more} more`] : [];
  return [...[...notes].sort().slice(0, NAMED_AT_MOST), ...rest].join('\n');
}

function formatTunnel({ name, addresses, mtuBytes, peers, isUp }: TunnelStatus): string {
  const address = addresses.length === 0 ? 'without an address' : addresses.map(formatIp).join(', ');
  return `${name}: ${address}, MTU ${mtuBytes}, ${peers ?? 'unknown'} peers, ${isUp ? 'up' : 'down'}`;
}

/** A line for each resource that BIRD does not have as it was written, with the reason, and for each tunnel. */
export function reportNotes(
  { leftOut, closed }: RouterNotes,
  tunnels: readonly TunnelStatus[],
): Readonly<Record<string, string>> {
  const notes: readonly (readonly [annotation: string, lines: readonly string[]])[] = [
    [ANSWER_ANNOTATIONS.leftOut, [...leftOut].map(([part, reason]) => `${part}: ${reason}`)],
    [ANSWER_ANNOTATIONS.closed, closed],
    [ANSWER_ANNOTATIONS.tunnels, tunnels.map(formatTunnel)],
  ];
  return Object.fromEntries(
    notes.flatMap(([annotation, lines]) => (lines.length === 0 ? [] : [[annotation, formatNotes(lines)]])),
  );
}

/** What a question asks about addresses, answered; nothing for one that does not. */
export function reportAddresses(
  asked: string | undefined,
  findInUse: (wanted: ReadonlySet<Ip>) => ReadonlySet<Ip>,
): Readonly<Record<string, string>> {
  if (asked === undefined) return {};
  const wanted = asked.split(' ').flatMap((text) => tryParseIp(text) ?? []);
  const inUse = [...findInUse(new Set(wanted))].map(formatIp).sort();
  return { [ANSWER_ANNOTATIONS.addresses]: inUse.join(' ') || 'none' };
}

/** The classes that are asked for; one BIRD serves both families. Without answers there is none that works. */
export function reportNodeStatus(classes: readonly Class[], answers: BirdAnswers | undefined): Report {
  const sessions = bgpSessionsOf(answers?.protocols ?? []);
  const daemon: Daemon = answers === undefined ? { state: 'NotReady' } : reportDaemon(answers);
  const isAsked = (name: Class) => classes.includes(name);
  return {
    agent: isAsked('Agent') ? { birdV4: daemon, birdV6: daemon } : { birdV4: {}, birdV6: {} },
    bgp: isAsked('BGP') ? reportSessions(sessions) : NO_SESSIONS,
    routes: isAsked('Routes') && answers !== undefined ? reportRoutes(answers, sessions) : {},
  };
}
