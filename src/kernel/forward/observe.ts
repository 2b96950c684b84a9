// What this host's other firewalls do to forwarded packets: read from the kernel, whoever has put it there.
import { FORWARD_COMMENT, type ForwardFilter, type ForwardRule } from '../../firewall/forward/filter.ts';
import { type ForwardElement, type ForwardLookups, readForwardRule } from '../../firewall/forward/nft.ts';
import type { ForwardScene } from '../../firewall/forward/packets.ts';
import { isHostCidr } from '../../net/cidr.ts';
import { STAND_IN_TABLE, TABLE, verdictIn } from '../../nftables/nft.ts';
import { message } from '../../nftables/wire.ts';
import * as netlink from '../../sys/netlink.ts';
import { tryReadSysctl } from '../../sys/sysctl.ts';
import { observeLinks } from '../link/links.ts';
import { isWorkloadLink } from '../link/workload-link-spec.ts';
import {
  commentIn,
  decodeElements,
  decodeExpressions,
  decodeSet,
  joinIntervals,
  numberOf,
  readObject,
  textOf,
} from '../nftables/decode.ts';
import { observeGeneration as askGeneration } from '../nftables/observe.ts';
import { observeRoutes } from '../route/routes.ts';

/** Families of nf_tables that see IP packets at the forward hook (linux/netfilter.h, NFPROTO_…), and the hook's number there. */
const FAMILIES: ReadonlyMap<number, ForwardFilter['family']> = new Map([
  [1, 'inet'],
  [2, 'ip'],
  [10, 'ip6'],
]);
const HOOK_FORWARD = 2;
const POLICY_DROP = 0;

type Attributes = ReadonlyMap<number, Uint8Array>;

interface BaseChain {
  readonly familyNumber: number;
  readonly family: ForwardFilter['family'];
  readonly table: string;
  readonly chain: string;
  readonly policy: ForwardFilter['policy'];
}

/** Hands over every object of a kind, of the table and chain or set that the strings name. */
function dump(
  socket: netlink.Netlink,
  [type, family]: readonly [type: number, family: number],
  strings: readonly (readonly [attribute: number, text: string])[],
  take: (attributes: Attributes, family: number) => void,
): void {
  const writer = netlink.createMessageWriter(512);
  writer.begin(type, netlink.NLM_F_DUMP).u8(family).u8(0).be16(0);
  for (const [attribute, text] of strings) writer.attrString(attribute, text);
  writer.end();
  socket.dump(writer, (_type, payload) => take(readObject(payload), payload[0] ?? 0));
}

function readBaseChain(attributes: Attributes, familyNumber: number): BaseChain | undefined {
  const family = FAMILIES.get(familyNumber);
  const hook = attributes.get(4);
  if (family === undefined || hook === undefined || textOf(attributes, 7) !== 'filter') return undefined;
  if (numberOf(netlink.readAttributes(hook), 1) !== HOOK_FORWARD) return undefined;
  const table = textOf(attributes, 1);
  if (family === 'inet' && (table === TABLE || table === STAND_IN_TABLE)) return undefined;
  const policy = attributes.has(5) && numberOf(attributes, 5) === POLICY_DROP ? 'drop' : 'accept';
  return { familyNumber, family, table, chain: textOf(attributes, 3), policy };
}

function observeBaseChains(socket: netlink.Netlink): readonly BaseChain[] {
  const chains: BaseChain[] = [];
  dump(socket, [message.getChain, 0], [], (attributes, family) => {
    const chain = readBaseChain(attributes, family);
    if (chain !== undefined) chains.push(chain);
  });
  return chains;
}

/** Also of a set that belongs to one rule. */
function observeElements(
  socket: netlink.Netlink,
  { familyNumber, table }: BaseChain,
  set: string,
): readonly ForwardElement[] {
  const target = [
    [1, table],
    [2, set],
  ] as const;
  let isInterval = false;
  dump(socket, [message.getSet, familyNumber], [[1, table]], (attributes) => {
    if (textOf(attributes, 2) === set) isInterval = decodeSet(attributes).interval;
  });
  const raw: ReturnType<typeof decodeElements>[number][] = [];
  dump(socket, [message.getSetElem, familyNumber], target, (attributes) => raw.push(...decodeElements(attributes)));
  if (!isInterval || raw.some(({ keyEnd }) => keyEnd !== undefined))
    return raw.map(({ key, keyEnd, value }) => ({
      keys: { first: key, last: keyEnd ?? key },
      verdict: verdictIn(value),
    }));
  return [...joinIntervals(raw)].map(([key, value]) => {
    const length = key.length / 2;
    return { keys: { first: key.slice(0, length), last: key.slice(length) }, verdict: verdictIn(value) };
  });
}

function observeRules(
  socket: netlink.Netlink,
  { familyNumber, table }: BaseChain,
  chain: string,
  lookups: ForwardLookups,
): readonly ForwardRule[] {
  const raw: Attributes[] = [];
  const target = [
    [1, table],
    [2, chain],
  ] as const;
  dump(socket, [message.getRule, familyNumber], target, (attributes) => {
    if (textOf(attributes, 1) === table && textOf(attributes, 2) === chain)
      raw.push(new Map([...attributes].map(([type, bytes]) => [type, bytes.slice()])));
  });
  return raw.flatMap((attributes, index) => {
    const handle = BigInt(`0x${Buffer.from(attributes.get(3) ?? []).toString('hex') || '0'}`);
    const isOurs = commentIn(attributes.get(7)) === FORWARD_COMMENT;
    const place = `rule ${index + 1}, handle ${handle}`;
    return readForwardRule(decodeExpressions(attributes), lookups).map((reading) => ({ ...reading, place, isOurs }));
  });
}

/** With the chains that its rules lead to, and no others: a table may have thousands. */
function observeFilter(socket: netlink.Netlink, base: BaseChain, names: ReadonlyMap<number, string>): ForwardFilter {
  const lookups: ForwardLookups = {
    elementsOf: (set) => observeElements(socket, base, set),
    interfaceName: (index) => names.get(index),
  };
  const chains = new Map<string, readonly ForwardRule[]>();
  const open = [base.chain];
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    if (chains.has(chain)) continue;
    const rules = observeRules(socket, base, chain, lookups);
    chains.set(chain, rules);
    for (const { action } of rules) if ('chain' in action) open.push(action.chain);
  }
  const { family, table, chain, policy } = base;
  return { backend: 'nftables', family, table, chain, policy, chains };
}

/** The number that grows by one with every change to any ruleset of the network namespace. Throws `kernel`. */
export function observeGeneration(): number {
  const socket = netlink.openNetlink(netlink.NETLINK_NETFILTER);
  try {
    return askGeneration(socket, netlink.createMessageWriter(64));
  } finally {
    socket.close();
  }
}

/** The filters of nftables that are not the agent's, those of iptables on nftables among them. Throws `kernel`. */
export function observeForwardFilters(): readonly ForwardFilter[] {
  const nftables = netlink.openNetlink(netlink.NETLINK_NETFILTER);
  try {
    const bases = observeBaseChains(nftables);
    if (bases.length === 0) return [];
    const links = netlink.openNetlink(netlink.NETLINK_ROUTE);
    try {
      const names = new Map(observeLinks(links).map(({ index, name }) => [index, name]));
      return bases.map((base) => observeFilter(nftables, base, names));
    } finally {
      links.close();
    }
  } finally {
    nftables.close();
  }
}

/** Workloads are known by their links; what leads to others, by the routes over a gateway. Throws `kernel`. */
export function observeForwardScene(): ForwardScene {
  const socket = netlink.openNetlink(netlink.NETLINK_ROUTE);
  try {
    const links = observeLinks(socket);
    const routes = observeRoutes(socket);
    const own = new Set(links.filter(isWorkloadLink).map(({ index }) => index));
    const ways = new Set(
      routes.flatMap(({ gateway, interfaceIndex }) => (gateway === undefined ? [] : [interfaceIndex])),
    );
    const isOwn = (index: number | undefined) => index !== undefined && own.has(index);
    return {
      families: tryReadSysctl('net/ipv6/conf/all/forwarding') === '1' ? [4, 6] : [4],
      uplinks: links.filter(({ index }) => ways.has(index) && !own.has(index)).map(({ name }) => name),
      addresses: routes
        .filter(({ destination, interfaceIndex }) => isOwn(interfaceIndex) && isHostCidr(destination))
        .map(({ destination }) => destination.address),
    };
  } finally {
    socket.close();
  }
}
