// What a new BIRD holds of an earlier one, and lets go of as its peers come back.

import { observeLinks } from '../kernel/link/links.ts';
import { observeRoutes, PROTOCOL_BIRD, type Route } from '../kernel/route/routes.ts';
import { parseIp } from '../net/ip.ts';
import { type HeldRoute, type PeerState, stillHeld } from '../routing/bird/held-routes.ts';
import { NETLINK_ROUTE, openNetlink } from '../sys/netlink.ts';
import type { BirdProtocol } from './protocols.ts';
import { bgpSessionsOf } from './sessions.ts';

/** A peer that is not back after so long has gone, and its routes with it. */
const LONGEST_MS = 20_000;
const LOOK_MS = 500;
/** Three seconds. */
const SETTLED_LOOKS = 6;

export interface EarlierRoutes {
  /** An earlier BIRD has left routes, of whatever kind. */
  readonly any: boolean;
  readonly held: readonly HeldRoute[];
}

/** Those with gateways: what a peer has brought. */
function heldOf(route: Route, names: ReadonlyMap<number, string>): readonly HeldRoute[] {
  const { destination, metric, interfaceIndex = 0, gateway } = route;
  const hops = (route.nextHops ?? [{ interfaceIndex, gateway, weight: 1 }]).flatMap((hop) => {
    const interfaceName = names.get(hop.interfaceIndex);
    const { gateway: by, weight } = hop;
    return by === undefined || interfaceName === undefined ? [] : [{ gateway: by, interfaceName, weight }];
  });
  return hops.length === 0 ? [] : [{ destination, metric, hops }];
}

export function observeEarlierRoutes(netnsFd: number | undefined): EarlierRoutes {
  const socket = openNetlink(NETLINK_ROUTE, netnsFd === undefined ? {} : { netnsFd });
  try {
    const routes = observeRoutes(socket, { protocol: PROTOCOL_BIRD });
    const names = new Map(observeLinks(socket).map(({ index, name }) => [index, name]));
    return { any: routes.length > 0, held: routes.flatMap((route) => heldOf(route, names)) };
  } finally {
    socket.close();
  }
}

/** How many routes a peer has brought, and in how many looks in a row its session was up with so many. */
interface Sighting {
  readonly routes: number;
  readonly looks: number;
}

/** By address, of the peers whose sessions are up. */
type Sightings = ReadonlyMap<string, Sighting>;

function look(protocols: readonly BirdProtocol[], before: Sightings): Sightings {
  const up = protocols.flatMap(({ bgp }) => (bgp?.state === 'Established' ? [bgp] : []));
  return new Map(
    up.map(({ neighborAddress, importedRoutes: routes }) => {
      const last = before.get(neighborAddress);
      return [neighborAddress, { routes, looks: last?.routes === routes ? last.looks + 1 : 1 }];
    }),
  );
}

/** BIRD may take a second from a session to its first route, and does not say when all have come. */
function peersOf(protocols: readonly BirdProtocol[], seen: Sightings): readonly PeerState[] {
  return bgpSessionsOf(protocols).map(({ address }) => ({
    address: parseIp(address),
    isBack: (seen.get(address)?.looks ?? 0) >= SETTLED_LOOKS,
  }));
}

export interface Holder {
  /** Undefined when the BIRD that holds them is no longer there, or no longer this agent's. */
  observeProtocols(): Promise<readonly BirdProtocol[] | undefined>;
  /** Makes it hold these alone. */
  hold(held: readonly HeldRoute[]): Promise<void>;
}

/** Lets go of a route when its peer is back and has sent its routes, and of all after LONGEST_MS. Throws as the holder does. */
export async function letGo(all: readonly HeldRoute[], holder: Holder): Promise<void> {
  const deadline = performance.now() + LONGEST_MS;
  let held = all;
  let seen: Sightings = new Map();
  while (held.length > 0) {
    await Bun.sleep(LOOK_MS);
    const protocols = await holder.observeProtocols();
    if (protocols === undefined) return;
    seen = look(protocols, seen);
    const left = performance.now() > deadline ? [] : stillHeld(held, peersOf(protocols, seen));
    if (left.length < held.length) await holder.hold(left);
    held = left;
  }
}
