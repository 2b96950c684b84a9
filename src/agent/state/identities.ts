// Which addresses have come to stand for somebody else, as far as the rules in the kernel tell one from another: what was
// established with them then was allowed to another than who has them now.

import { familyOfIpSet, inFamily, ipSetName, twinOf } from '../../firewall/names.ts';
import type { Ip } from '../../net/ip.ts';
import { formatPortMapping } from '../../net/port-mapping.ts';
import { ipOfBytes } from '../../nftables/bytes.ts';
import type { Element, Elements, SetSpec, Steps } from '../../nftables/nft.ts';
import type { EndpointPolicy, PolicyChange } from '../../policy/types/types.ts';

const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;

/** The single addresses of a set of policy; a range is somebody's list, and no endpoint's address. */
function addressesOf(set: string, elements: readonly Element[]): readonly Ip[] {
  const family = familyOfIpSet(set);
  if (family === undefined) return [];
  const length = ADDRESS_BYTES[family];
  return elements.map(([key]) => ipOfBytes(key.slice(0, length)));
}

/** What is in one alone. */
function differenceOf(before: Elements, now: Elements): readonly Element[] {
  return [...before, ...now].filter(([key]) => before.has(key) !== now.has(key));
}

/** By the names of sets. */
type Contents = ReadonlyMap<string, Elements>;

interface SetHistory {
  readonly made: readonly SetSpec[];
  readonly removed: Contents;
  /** Elements that come or go, by set. */
  readonly changed: readonly { readonly set: SetSpec; readonly elements: readonly Element[] }[];
}

function historyOf(steps: Steps): SetHistory {
  const operations = steps.flat();
  return {
    made: operations.flatMap((each) => (each.kind === 'add-set' ? [each.set] : [])),
    removed: new Map(operations.flatMap((each) => (each.kind === 'delete-set' ? [[each.name, each.elements]] : []))),
    changed: operations.filter((each) => each.kind === 'add-elements' || each.kind === 'delete-elements'),
  };
}

const NONE: Elements = new Map();
const FAMILIES = [4, 6] as const;

/**
 * The members of a selector whose set went when this one came, if one did, and what of them is in one alone: with the first
 * range it gets another id, and so a name. The set of IPv4 stands for both families: it is always there.
 */
function succeeded({ name, comment }: SetSpec, before: Contents, now: Contents): readonly Ip[] {
  const twin = twinOf(comment ?? '');
  if (familyOfIpSet(name) !== 4 || twin === undefined || !before.has(ipSetName(twin, 'address', 4))) return [];
  return FAMILIES.flatMap((family) => {
    const [former, next] = [ipSetName(twin, 'address', family), inFamily(name, family)];
    return addressesOf(next, differenceOf(before.get(former) ?? NONE, now.get(next) ?? NONE));
  });
}

/** Those of IPv6 of sets that have come with their first member of IPv6, or gone with the last, beside what they have of IPv4. */
function firstOrLast(some: Contents, all: ReadonlySet<string>): readonly Ip[] {
  return [...some].flatMap(([name, elements]) =>
    familyOfIpSet(name) === 6 && !all.has(inFamily(name, 4)) ? addressesOf(name, [...elements]) : [],
  );
}

/** Addresses that enter or leave a set of policy which was there before and is there after, under whichever id. */
export function computeMovedAddresses(steps: Steps): readonly Ip[] {
  const { made, removed, changed } = historyOf(steps);
  const isNew = new Set(made.map(({ name }) => name));
  const first = changed.filter(({ set }) => isNew.has(set.name));
  const content = new Map(first.map(({ set, elements }) => [set.name, new Map(elements)]));
  const moved = changed
    .filter(({ set }) => !isNew.has(set.name))
    .flatMap(({ set, elements }) => addressesOf(set.name, elements));
  return [
    ...new Set([
      ...moved,
      ...made.flatMap((set) => succeeded(set, removed, content)),
      ...firstOrLast(content, isNew),
      ...firstOrLast(removed, new Set(removed.keys())),
    ]),
  ];
}

export interface LocalIdentities {
  /** Takes changes in, and returns addresses of this node's endpoints that they give another owner or other networks. */
  follow(changes: readonly PolicyChange[]): readonly Ip[];
  /** What an endpoint of this node has. */
  addressesOf(id: string): readonly Ip[];
}

function sameNetworks(a: EndpointPolicy, b: EndpointPolicy): boolean {
  return a.profiles === b.profiles || a.profiles.join('\n') === b.profiles.join('\n');
}

function samePorts({ portMappings: a = [] }: EndpointPolicy, { portMappings: b = [] }: EndpointPolicy): boolean {
  return a.map(formatPortMapping).join() === b.map(formatPortMapping).join();
}

/** A policy that comes to deny leaves what is established; another network does not, nor do other ports of the host. */
export function createLocalIdentities(): LocalIdentities {
  const known = new Map<string, EndpointPolicy>();

  function lost(id: string, now: EndpointPolicy | undefined): readonly Ip[] {
    const before = known.get(id);
    if (before === undefined) return [];
    if (now === undefined || !sameNetworks(before, now) || !samePorts(before, now)) return before.addresses;
    return before.addresses.filter((address) => !now.addresses.includes(address));
  }

  return {
    addressesOf: (id) => known.get(id)?.addresses ?? [],
    follow(changes) {
      return changes.flatMap((change) => {
        if (change.kind !== 'endpoint-set' && change.kind !== 'endpoint-removed') return [];
        const [id, now] =
          change.kind === 'endpoint-set' ? [change.endpoint.id, change.endpoint] : [change.id, undefined];
        const addresses = lost(id, now);
        if (now === undefined) known.delete(id);
        else known.set(id, now);
        return addresses;
      });
    },
  };
}
