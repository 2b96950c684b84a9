// What the ways to other hosts follow from, as parsed values: what each node is, where the addresses of each block are, settings.
import type { Cidr } from '../net/cidr.ts';
import type { Family, Ip } from '../net/ip.ts';
import type { Mac } from '../net/mac.ts';

/** What a node is in one family. */
export interface NodeEnd {
  /** Its address between hosts, with its subnet; a single address: the subnet is not known. */
  readonly underlay: Cidr;
  /** Undefined until it has a tunnel address. */
  readonly vxlan: { readonly address: Ip; readonly mac: Mac } | undefined;
  readonly ipip: Ip | undefined;
}

/** A node of the cluster; without an end in a family nothing leads to it there. */
export type NodeEnds = Readonly<Record<Family, NodeEnd | undefined>>;

/** Where the addresses of one block are. */
export interface BlockHolders {
  readonly cidr: Cidr;
  /** The node that has the block; undefined: nobody. */
  readonly node: string | undefined;
  /** Addresses of it that other nodes have. */
  readonly borrowed: readonly { readonly ip: Ip; readonly node: string }[];
}

export interface RouteSettings {
  /** Which pools' routes are this agent's to make; of VXLAN undefined: as soon as there is such a pool. */
  readonly makes: { readonly none: boolean; readonly ipip: boolean; readonly vxlan: boolean | undefined };
  readonly vni: number;
  readonly port: number;
  /** Undefined: as the parent's MTU allows. */
  readonly vxlanMtuBytes: Readonly<Record<Family, number | undefined>>;
  readonly ipipMtuBytes: number | undefined;
}
