// Which addresses have come to stand for somebody else, as far as the rules in the kernel tell one from another: what was
// established with them then was allowed to another than who has them now.
import { ipOfBytes } from '../firewall/bytes.ts';
import { familyOfIpSet } from '../firewall/names.ts';
import type { Element, Operation, Steps } from '../firewall/nft.ts';
import type { Ip } from '../net/ip.ts';
import type { EndpointPolicy, PolicyChange } from '../policy/types.ts';

const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;

/** The single addresses of a set of policy; a range is somebody's list, and no endpoint's address. */
function addressesOf(set: string, elements: readonly Element[]): readonly Ip[] {
  const family = familyOfIpSet(set);
  if (family === undefined) return [];
  const length = ADDRESS_BYTES[family];
  return elements.map(([key]) => ipOfBytes(key.slice(0, length)));
}

/** Addresses that enter or leave a set of policy which was there before and is there after. */
export function computeMovedAddresses(steps: Steps): readonly Ip[] {
  const operations = steps.flat();
  const made = new Set(operations.flatMap((operation) => (operation.kind === 'add-set' ? [operation.set.name] : [])));
  const moved = (operation: Operation): readonly Ip[] => {
    if (operation.kind !== 'add-elements' && operation.kind !== 'delete-elements') return [];
    const { set, elements } = operation;
    return made.has(set.name) ? [] : addressesOf(set.name, elements);
  };
  return [...new Set(operations.flatMap(moved))];
}

export interface LocalIdentities {
  /** Takes changes in, and returns addresses of this node's endpoints that they give another owner or other networks. */
  follow(changes: readonly PolicyChange[]): readonly Ip[];
}

function sameNetworks(a: EndpointPolicy, b: EndpointPolicy): boolean {
  return a.profiles === b.profiles || a.profiles.join('\n') === b.profiles.join('\n');
}

/** A policy that comes to deny leaves what is established; another network does not. */
export function createLocalIdentities(): LocalIdentities {
  const known = new Map<string, EndpointPolicy>();

  function lost(id: string, now: EndpointPolicy | undefined): readonly Ip[] {
    const before = known.get(id);
    if (before === undefined) return [];
    if (now === undefined || !sameNetworks(before, now)) return before.addresses;
    return before.addresses.filter((address) => !now.addresses.includes(address));
  }

  return {
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
