// From the store's resources to what the encryption between hosts follows from.
import { tryParseDurationMs } from '../../base/duration.ts';
import type { FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import type { Node } from '../../model/node/node.ts';
import { tryParseCidrOrIp } from '../../net/cidr.ts';
import { type Family, familyOf, type Ip, tryParseIp } from '../../net/ip.ts';
import type { WireguardNode, WireguardSettings } from './input.ts';

/** Calico's defaults (Calico v3.33, felix/config/config_params.go). */
const PORTS: Readonly<Record<Family, number>> = { 4: 51820, 6: 51821 };
const NAMES: Readonly<Record<Family, string>> = { 4: 'wireguard.cali', 6: 'wg-v6.cali' };
const RULE_PRIORITY = 99;
const FIRST_TABLE = 1;
/** What the kernel and the programs take: 16 bits. */
const MAX_KEEPALIVE_SECONDS = 65535;

export function isEncrypting(settings: FelixConfigurationSpec, family: Family): boolean {
  return (family === 4 ? settings.wireguardEnabled : settings.wireguardEnabledV6) === true;
}

function listenPortOf({ wireguardListeningPort, wireguardListeningPortV6 }: FelixConfigurationSpec, family: Family) {
  return (family === 4 ? wireguardListeningPort : wireguardListeningPortV6) ?? PORTS[family];
}

/** The first of the tables that the agent may use is that of IPv4, the next one that of IPv6. */
function tableOf({ routeTableRange, routeTableRanges }: FelixConfigurationSpec, family: Family): number {
  const ranges = routeTableRanges ?? (routeTableRange === undefined ? [] : [routeTableRange]);
  const [first] = ranges;
  if (first === undefined) return FIRST_TABLE + (family === 4 ? 0 : 1);
  const second = first.max > first.min ? first.min + 1 : (ranges[1]?.min ?? first.min);
  return family === 4 ? first.min : second;
}

/** Undefined: this host does not encrypt in the family. */
export function parseWireguardSettings(
  settings: FelixConfigurationSpec,
  family: Family,
): WireguardSettings | undefined {
  if (!isEncrypting(settings, family)) return undefined;
  const name = family === 4 ? settings.wireguardInterfaceName : settings.wireguardInterfaceNameV6;
  const keepaliveMs = tryParseDurationMs(settings.wireguardKeepAlive ?? '') ?? 0;
  return {
    interfaceName: name ?? NAMES[family],
    listenPort: listenPortOf(settings, family),
    keepaliveSeconds: Math.min(Math.ceil(Math.max(0, keepaliveMs) / 1000), MAX_KEEPALIVE_SECONDS),
    encryptsHosts: settings.wireguardHostEncryptionEnabled === true,
    isThreaded: settings.wireguardThreadingEnabled === true,
    table: tableOf(settings, family),
    rulePriority: settings.wireguardRoutingRulePriority ?? RULE_PRIORITY,
  };
}

function addressesOf(texts: readonly (string | undefined)[], family: Family): readonly Ip[] {
  return texts
    .flatMap((text) => (text ? (tryParseIp(text) ?? []) : []))
    .filter((address) => familyOf(address) === family);
}

/** Of its own end of the tunnel. */
export function parseTunnelAddress({ spec }: Node, family: Family): Ip | undefined {
  const { interfaceIPv4Address, interfaceIPv6Address } = spec.wireguard ?? {};
  return addressesOf([family === 4 ? interfaceIPv4Address : interfaceIPv6Address], family)[0];
}

/** What it has published; undefined: nothing. */
export function parsePublicKey({ status }: Node, family: Family): string | undefined {
  return (family === 4 ? status?.wireguardPublicKey : status?.wireguardPublicKeyV6) || undefined;
}

/** `settings`: what the store has for this node. A name without a Node is one of which nothing but its settings is known. */
export function parseWireguardNode(
  name: string,
  node: Node | undefined,
  settings: FelixConfigurationSpec,
  family: Family,
): WireguardNode {
  const { bgp, wireguard, ipv4VXLANTunnelAddr, ipv6VXLANTunnelAddr } = node?.spec ?? {};
  const address = tryParseCidrOrIp((family === 4 ? bgp?.ipv4Address : bgp?.ipv6Address) ?? '')?.address;
  const tunnels = [bgp?.ipv4IPIPTunnelAddr, ipv4VXLANTunnelAddr, ipv6VXLANTunnelAddr];
  const own = [wireguard?.interfaceIPv4Address, wireguard?.interfaceIPv6Address];
  return {
    name,
    address,
    publicKey: node && parsePublicKey(node, family),
    tunnelAddresses: addressesOf([...tunnels, ...own], family),
    isEncrypting: isEncrypting(settings, family),
    listenPort: listenPortOf(settings, family),
  };
}
