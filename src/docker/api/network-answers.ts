// What a network driver answers Docker (moby/libnetwork, docs/remote.md).
import type { Family } from '../../net/ip.ts';
import { formatIp } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import { GATEWAYS, printAddress } from './values.ts';

/** Nothing to say, and no failure. */
export const DONE = '{}';

/** Which drivers a socket has. */
export function printActivation(driver: 'NetworkDriver' | 'IpamDriver'): string {
  return JSON.stringify({ Implements: [driver] });
}

/** Networks are made on each host by themselves, and what they connect is on every host. */
export const NETWORK_CAPABILITIES = JSON.stringify({ Scope: 'local', ConnectivityScope: 'global' });

/** Network drivers and IPAM drivers say it in words of their own. */
export function printFailure(message: string): string {
  return JSON.stringify({ Err: message, Error: message });
}

/** `mac`: what Docker has not given. */
export function printEndpointAnswer(mac: Mac | undefined): string {
  return JSON.stringify({ Interface: mac === undefined ? {} : { MacAddress: mac } });
}

export interface JoinAnswer {
  /** The link that Docker is to take to the container. */
  readonly linkName: string;
  readonly families: readonly Family[];
  /** Whether it is the container's way out. Docker does not add another one by itself in either case. */
  readonly hasGateway: boolean;
}

/** What a route without a next hop is called: it leads out of the interface itself. */
const CONNECTED = 1;

export function printJoinAnswer({ linkName, families, hasGateway }: JoinAnswer): string {
  const gateways = hasGateway ? families : [];
  return JSON.stringify({
    InterfaceName: { SrcName: linkName, DstPrefix: 'eth' },
    ...(gateways.includes(4) ? { Gateway: formatIp(GATEWAYS[4]) } : {}),
    ...(gateways.includes(6) ? { GatewayIPv6: formatIp(GATEWAYS[6]) } : {}),
    StaticRoutes: gateways.map((family) => ({
      Destination: printAddress(GATEWAYS[family]),
      RouteType: CONNECTED,
      NextHop: '',
    })),
    DisableGatewayService: true,
  });
}
