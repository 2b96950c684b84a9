// Floating addresses: further addresses of endpoints, which are translated on the endpoint's host (Calico v3.33,
// felix/dataplane/linux/floating_ip_mgr.go).
import { familyOf, formatIp, type Ip } from '../../net/ip.ts';
import { bytesOfIp } from '../../nftables/bytes.ts';
import type { RulesetEditor } from '../../nftables/editor.ts';
import type { Bytes, Chain, Statement } from '../../nftables/nft.ts';
import { rule } from '../../nftables/statements.ts';
import type { FloatingAddress } from '../../policy/types/types.ts';
import * as names from './names.ts';

/** An element of a verdict map, and the chain that it leads to. */
interface Translation {
  readonly map: string;
  readonly key: Bytes;
  readonly chain: Chain;
}

export interface FloatingRenderer {
  /** Replaces what the endpoint has. */
  set(id: string, addresses: readonly FloatingAddress[]): void;
  /** What the endpoint has, and what it would have if nobody else named the same addresses. */
  of(id: string): readonly Translation[];
}

/** By the text of `key`, the `value` whose text comes first. */
function firstOfEach(
  all: readonly FloatingAddress[],
  key: keyof FloatingAddress,
  value: keyof FloatingAddress,
): readonly FloatingAddress[] {
  const sorted = all.toSorted((a, b) => (formatIp(a[value]) < formatIp(b[value]) ? -1 : 1));
  const first = new Map<Ip, FloatingAddress>();
  for (const one of sorted) if (!first.has(one[key])) first.set(one[key], one);
  return [...first.values()];
}

function chainOf(what: 'to' | 'as', address: Ip, statement: Statement): Chain {
  return { name: names.floatingChain(what, address), rules: [rule([statement])] };
}

function inward({ external, internal }: FloatingAddress): Translation {
  return {
    map: names.floatingMap(familyOf(external)),
    key: bytesOfIp(external),
    chain: chainOf('to', internal, { kind: 'destination-nat', address: bytesOfIp(internal) }),
  };
}

function hairpin({ external, internal }: FloatingAddress): Translation {
  return {
    map: names.hairpinMap(familyOf(internal)),
    key: bytesOfIp(internal) + bytesOfIp(internal),
    chain: chainOf('as', external, { kind: 'source-nat', address: bytesOfIp(external) }),
  };
}

/** An address that several endpoints name belongs to the first of their own addresses; of several floating ones the first is seen. */
function computeTranslations(all: readonly FloatingAddress[]): readonly Translation[] {
  const owned = firstOfEach(all, 'external', 'internal');
  return [...owned.map(inward), ...firstOfEach(owned, 'internal', 'external').map(hairpin)];
}

/** There are few: each change computes all of them, and the editor finds what differs. */
export function createFloatingRenderer(editor: RulesetEditor): FloatingRenderer {
  const byEndpoint = new Map<string, readonly FloatingAddress[]>();
  let rendered: readonly Translation[] = [];

  function render(): void {
    for (const { map, key, chain } of rendered) {
      editor.removeElement(map, key);
      editor.removeChain(chain.name);
    }
    rendered = computeTranslations([...byEndpoint.values()].flat());
    for (const { map, key, chain } of rendered) {
      editor.setChain(chain);
      editor.setElement(map, key, { kind: 'goto', chain: chain.name });
    }
  }

  return {
    of: (id) => (byEndpoint.get(id) ?? []).flatMap((one) => [inward(one), hairpin(one)]),
    set(id, addresses) {
      if (addresses.length === 0 && !byEndpoint.has(id)) return;
      if (addresses.length === 0) byEndpoint.delete(id);
      else byEndpoint.set(id, addresses);
      render();
    },
  };
}
