// What the encryption between hosts follows from, as parsed values, in one family.
import type { Cidr } from '../../net/cidr.ts';
import type { Ip } from '../../net/ip.ts';

/** What this host is to do. */
export interface WireguardSettings {
  readonly interfaceName: string;
  /** UDP, of this host. */
  readonly listenPort: number;
  /** 0: silence is not broken. */
  readonly keepaliveSeconds: number;
  /** Whether what the hosts themselves send to each other is encrypted as well. */
  readonly encryptsHosts: boolean;
  /** Whether the kernel encrypts on threads of its own. */
  readonly isThreaded: boolean;
  readonly table: number;
  readonly rulePriority: number;
}

/** A node of the cluster, or the name of one that somebody's addresses are said to be on. */
export interface WireguardNode {
  readonly name: string;
  /** Where it is reached; undefined: not in this family. */
  readonly address: Ip | undefined;
  /** In base64; undefined: it has published none. */
  readonly publicKey: string | undefined;
  /** Of the ends of its tunnels, which are its own addresses among those of workloads. */
  readonly tunnelAddresses: readonly Ip[];
  /** Whether its configuration has it encrypt, as far as the store says. */
  readonly isEncrypting: boolean;
  readonly listenPort: number;
}

/** A range of addresses of workloads that is on a node. */
export interface LocatedRange {
  readonly destination: Cidr;
  readonly node: string;
}

export interface WireguardInput {
  readonly nodeName: string;
  readonly nodes: ReadonlyMap<string, WireguardNode>;
  readonly ranges: readonly LocatedRange[];
  readonly settings: WireguardSettings;
}
