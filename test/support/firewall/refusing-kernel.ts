// A kernel that refuses some sets, or an element of them: what it is given of these are keys that none can have, and it says so itself.
import type { KernelFirewall } from '../../../src/kernel/nftables/firewall.ts';
import type { KeyType, NftSet, Operation, Ruleset, SetSpec } from '../../../src/nftables/nft.ts';

export interface Spoilt {
  /** Which sets, by name, and what of them is refused. */
  what: 'set' | 'element' | undefined;
  name: RegExp;
}

/** 80 bytes; the kernel's keys have 64 at most (NFT_DATA_VALUE_MAXLEN of linux/netfilter/nf_tables.h). */
const TOO_LONG: readonly KeyType[] = Array.from({ length: 5 }, () => 'ipv6_addr');
const TOO_LONG_FOR_ANY = '\x01'.repeat(60);

/** `spoilt` is asked at each call. */
export function refuseSets(kernel: KernelFirewall, spoilt: Spoilt): KernelFirewall {
  const isMeant = (spec: SetSpec, what: Spoilt['what']) => spoilt.what === what && spoilt.name.test(spec.name);
  const spoilSpec = (spec: SetSpec): SetSpec => (isMeant(spec, 'set') ? { ...spec, key: TOO_LONG } : spec);

  function spoilSet({ spec, elements }: NftSet): NftSet {
    const isSpoilt = elements.size > 0 && isMeant(spec, 'element');
    const more = isSpoilt ? [[TOO_LONG_FOR_ANY, undefined] as const] : [];
    return { spec: spoilSpec(spec), elements: new Map([...elements, ...more]) };
  }

  function spoilRuleset({ chains, sets }: Ruleset): Ruleset {
    return { chains, sets: new Map([...sets].map(([name, set]) => [name, spoilSet(set)])) };
  }

  function spoilOperation(operation: Operation): Operation {
    if (operation.kind === 'add-set') return { ...operation, set: spoilSpec(operation.set) };
    if (operation.kind !== 'add-elements' || !isMeant(operation.set, 'element')) return operation;
    return { ...operation, elements: [...operation.elements, [TOO_LONG_FOR_ANY, undefined]] };
  }

  return {
    ...kernel,
    apply: (steps, desired) =>
      kernel.apply(
        steps.map((batch) => batch.map(spoilOperation)),
        spoilRuleset(desired),
      ),
    tryResync: (desired, take) => kernel.tryResync(spoilRuleset(desired), take),
  };
}
