// The BGP sessions among BIRD's protocols, and why each is there: their names begin with it.
import type { BirdProtocol } from './protocols.ts';

/** The node-to-node mesh, a BGPPeer of some nodes, or one of all; or one that selects workloads of the host. */
export type BgpOrigin = 'mesh' | 'node' | 'global' | 'workload';

export interface BgpSessionStatus {
  readonly name: string;
  readonly origin: BgpOrigin;
  readonly family: 4 | 6;
  readonly address: string;
  /** Where its BGPPeer names one. */
  readonly port: number | undefined;
  /** Of the protocol: `up`, `start`, `stop` or `down`. */
  readonly state: string;
  /** Of the session: RFC 4271's, and BIRD's `Passive` and `Down`. */
  readonly bgpState: string;
  readonly since: string;
  readonly info: string;
}

const ORIGINS: readonly (readonly [prefix: string, origin: BgpOrigin])[] = [
  ['Mesh_', 'mesh'],
  ['Node_', 'node'],
  ['Global_', 'global'],
  ['Local_Workload_', 'workload'],
];

/** `10.0.0.1`, `10.0.0.1:1790`, `[fd00::1]:1790`, as a BGPPeer has it. */
export function formatPeer({ address, port, family }: Pick<BgpSessionStatus, 'address' | 'port' | 'family'>): string {
  if (port === undefined) return address;
  return family === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** In BIRD's order; a protocol of BGP that is not named so is nobody's session. */
export function bgpSessionsOf(protocols: readonly BirdProtocol[]): readonly BgpSessionStatus[] {
  return protocols.flatMap(({ name, state, since, info, bgp }) => {
    const origin = ORIGINS.find(([prefix]) => name.startsWith(prefix))?.[1];
    if (bgp === undefined || origin === undefined) return [];
    const address = bgp.neighborAddress;
    const [, port] = /_port_(\d+)$/.exec(name) ?? [];
    const peer = { address, port: port === undefined ? undefined : Number(port) };
    return [{ name, origin, family: address.includes(':') ? 6 : 4, ...peer, state, bgpState: bgp.state, since, info }];
  });
}
