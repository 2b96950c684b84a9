// The encryption between hosts of one family as it follows from the store's resources: none, where this host's settings want none.
import type { FelixConfiguration, FelixConfigurationSpec } from '../../model/felix/felix-configuration.ts';
import { computeNodeSettings } from '../../model/felix/settings-for-node.ts';
import type { Node } from '../../model/node/node.ts';
import type { Family } from '../../net/ip.ts';
import { computeEncryption, type Encryption } from './calculation.ts';
import type { LocatedRange, WireguardSettings } from './input.ts';
import { parsePublicKey, parseTunnelAddress, parseWireguardNode, parseWireguardSettings } from './parse.ts';

/** All by name. */
export interface EncryptionResources {
  readonly nodeName: string;
  /** What holds on this host. */
  readonly ownSettings: FelixConfigurationSpec;
  readonly nodes: ReadonlyMap<string, Node>;
  readonly felixConfigurations: ReadonlyMap<string, FelixConfiguration>;
  /** Of one family. */
  readonly ranges: readonly LocatedRange[];
}

/** Of one family, on this host. */
export interface HostEncryption {
  /** What this host's Node says of it. */
  readonly published: string | undefined;
  /** Undefined: this host encrypts nothing. */
  readonly wanted: { readonly settings: WireguardSettings; readonly encryption: Encryption } | undefined;
}

export function computeHostEncryption(resources: EncryptionResources, family: Family): HostEncryption {
  const { nodeName, ownSettings, nodes, felixConfigurations, ranges } = resources;
  const own = nodes.get(nodeName);
  const published = own === undefined ? undefined : parsePublicKey(own, family);
  const settings = parseWireguardSettings(ownSettings, family);
  if (settings === undefined) return { published, wanted: undefined };
  const names = new Set([...nodes.keys(), ...ranges.map(({ node }) => node)]);
  const parsed = [...names].map((name) => {
    const node = nodes.get(name);
    const labels = node && (node.metadata.labels ?? {});
    return parseWireguardNode(name, node, computeNodeSettings(felixConfigurations, { name, labels }), family);
  });
  const input = { nodeName, nodes: new Map(parsed.map((one) => [one.name, one])), ranges, settings };
  const tunnelAddress = own === undefined ? undefined : parseTunnelAddress(own, family);
  return { published, wanted: { settings, encryption: computeEncryption(input, tunnelAddress) } };
}
