// Turns notification messages of rtnetlink and nfnetlink into events.
import * as netlink from '../../sys/netlink.ts';
import { type Link, RTM_DELLINK, RTM_NEWLINK, readLink } from '../link/links.ts';
import { type LinkAddress, RTM_DELADDR, RTM_NEWADDR, tryReadAddress } from '../route/addresses.ts';
import { type ForwardingEntry, tryReadForwarding } from '../route/forwarding.ts';
import { type Neighbour, RTM_DELNEIGH, RTM_NEWNEIGH, tryReadNeighbour } from '../route/neighbours.ts';
import { type Route, RTM_DELROUTE, RTM_NEWROUTE, tryReadRoute } from '../route/routes.ts';
import { RTM_DELRULE, RTM_NEWRULE } from '../route/routing-rules.ts';

type Change = 'set' | 'removed';

/** `causedBy`: the portId of the netlink socket whose request did it, 0 when the kernel did it by itself. */
export type KernelEvent =
  | { readonly kind: 'link'; readonly change: Change; readonly link: Link; readonly causedBy: number }
  | { readonly kind: 'route'; readonly change: Change; readonly route: Route; readonly causedBy: number }
  | { readonly kind: 'address'; readonly change: Change; readonly address: LinkAddress; readonly causedBy: number }
  | { readonly kind: 'neighbour'; readonly change: Change; readonly neighbour: Neighbour; readonly causedBy: number }
  /** Of a VXLAN link; the kernel does not say whose request it was. */
  | { readonly kind: 'forwarding'; readonly change: Change; readonly entry: ForwardingEntry }
  /** A rule of routing. */
  | { readonly kind: 'rule'; readonly causedBy: number }
  /** A queueing discipline of a link, or a filter of one. */
  | { readonly kind: 'queueing'; readonly interfaceIndex: number; readonly causedBy: number }
  /** A setting of the network changed, forwarding among them. */
  | { readonly kind: 'netconf' }
  /** A whole nf_tables transaction; `tables` are the names of the tables that it touched. */
  | {
      readonly kind: 'nftables';
      readonly tables: readonly string[];
      readonly generation: number;
      readonly causedBy: number;
      /** Whose request it was; undefined where the kernel does not say. */
      readonly program: { readonly name: string; readonly pid: number } | undefined;
    }
  /** Events were lost: observe everything anew. */
  | { readonly kind: 'overrun'; readonly of: 'rtnetlink' | 'nftables' };

/** linux/rtnetlink.h: what begins with a `tcmsg`. */
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_DELTFILTER = 45;
/** linux/rtnetlink.h: a setting of one interface, of all or of new ones. */
const RTM_NEWNETCONF = 80;

function tryReadNeighbourEvent(payload: Uint8Array, change: Change, causedBy: number): KernelEvent | undefined {
  const entry = tryReadForwarding(payload);
  if (entry !== undefined) return { kind: 'forwarding', change, entry };
  const neighbour = tryReadNeighbour(payload);
  return neighbour === undefined ? undefined : { kind: 'neighbour', change, neighbour, causedBy };
}

/** The event of a rtnetlink notification; undefined for what nobody here wants. */
export function tryReadRouteEvent(message: netlink.Message): KernelEvent | undefined {
  const { type, payload, portId: causedBy } = message;
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return { kind: 'link', change: type === RTM_NEWLINK ? 'set' : 'removed', link: readLink(payload), causedBy };
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const address = tryReadAddress(payload);
      const change = type === RTM_NEWADDR ? 'set' : 'removed';
      return address === undefined ? undefined : { kind: 'address', change, address, causedBy };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = tryReadRoute(payload);
      const change = type === RTM_NEWROUTE ? 'set' : 'removed';
      return route === undefined ? undefined : { kind: 'route', change, route, causedBy };
    }
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return tryReadNeighbourEvent(payload, type === RTM_NEWNEIGH ? 'set' : 'removed', causedBy);
    case RTM_NEWRULE:
    case RTM_DELRULE:
      return { kind: 'rule', causedBy };
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
    case RTM_DELTFILTER:
      return { kind: 'queueing', interfaceIndex: netlink.readU32(payload, 4), causedBy };
    case RTM_NEWNETCONF:
      return { kind: 'netconf' };
    default:
      return undefined;
  }
}

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWGEN = 15;
const NFGENMSG_BYTES = 4;
/** Of NFT_MSG_NEWGEN: the generation, and the process and its command name (proc(5), comm). */
const NFTA_GEN_ID = 1;
const NFTA_GEN_PROC_PID = 2;
const NFTA_GEN_PROC_NAME = 3;
/** The first attribute of every other nf_tables message: NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE and so on. */
const NFTA_ANY_TABLE = 1;

function programOf(attributes: ReadonlyMap<number, Uint8Array>): { name: string; pid: number } | undefined {
  const [pid, name] = [attributes.get(NFTA_GEN_PROC_PID), attributes.get(NFTA_GEN_PROC_NAME)];
  return pid === undefined || name === undefined
    ? undefined
    : { name: netlink.readText(name), pid: netlink.readBe32(pid) };
}

/** Gathers the messages of a transaction; it ends with the message that tells the new generation. */
export function createNftablesReader(): (message: netlink.Message) => KernelEvent | undefined {
  const tables = new Set<string>();
  return ({ type, payload, portId: causedBy }) => {
    if (type >> 8 !== NFNL_SUBSYS_NFTABLES) return undefined;
    const attributes = netlink.readAttributes(payload, NFGENMSG_BYTES);
    if ((type & 0xff) !== NFT_MSG_NEWGEN) {
      const table = attributes.get(NFTA_ANY_TABLE);
      if (table !== undefined) tables.add(netlink.readText(table));
      return undefined;
    }
    const generation = netlink.readBe32(attributes.get(NFTA_GEN_ID) ?? new Uint8Array());
    const program = programOf(attributes);
    const event: KernelEvent = { kind: 'nftables', tables: [...tables], generation, causedBy, program };
    tables.clear();
    return event;
  };
}
