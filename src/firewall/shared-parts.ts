// Keeps what rendered chains depend on in the table for as long as one of them does, counting the uses.

import type { RulesetEditor } from '../nftables/editor.ts';
import type { Chain } from '../nftables/nft.ts';
import type { Direction, RuleListId } from '../policy/types/types.ts';
import * as names from './names.ts';
import type { Part, Rendered } from './parts.ts';
import { formatChainOwner } from './rule-owner.ts';

interface Use {
  count: number;
  readonly part: Part;
  /** What the part itself depends on. */
  parts: readonly Part[];
}

export interface SharedParts {
  retain(parts: readonly Part[]): void;
  release(parts: readonly Part[]): void;
  /** Renders the chain of a policy or profile again, if anything calls it. */
  renewRules(direction: Direction, id: RuleListId): void;
}

function nameOf(part: Part): string {
  switch (part.kind) {
    case 'set':
      return part.spec.name;
    case 'chain':
      return part.chain.name;
    case 'rules':
      return names.rulesChain(part.direction, part.id);
  }
}

/** `render` gives the present rules of a policy or profile. */
export function createSharedParts(
  editor: RulesetEditor,
  render: (direction: Direction, id: RuleListId) => Rendered,
): SharedParts {
  const uses = new Map<string, Use>();

  function rulesOf(direction: Direction, id: RuleListId): { readonly chain: Chain; readonly parts: readonly Part[] } {
    const { rules, parts } = render(direction, id);
    return {
      chain: { name: names.rulesChain(direction, id), comment: formatChainOwner(direction, id), rules },
      parts,
    };
  }

  /** Puts the part into the table; returns what it depends on, retained. */
  function put(part: Part): readonly Part[] {
    if (part.kind === 'set') {
      editor.addSet(part.spec);
      for (const key of part.elements) editor.setElement(part.spec.name, key);
      return [];
    }
    const { chain, parts } = part.kind === 'chain' ? part : rulesOf(part.direction, part.id);
    retain(parts);
    editor.setChain(chain);
    return parts;
  }

  function retain(parts: readonly Part[]): void {
    for (const part of parts) {
      const use = uses.get(nameOf(part));
      if (use !== undefined) use.count++;
      else uses.set(nameOf(part), { count: 1, part, parts: put(part) });
    }
  }

  function release(parts: readonly Part[]): void {
    for (const part of parts) {
      const name = nameOf(part);
      const use = uses.get(name);
      if (use === undefined || --use.count > 0) continue;
      uses.delete(name);
      if (part.kind === 'set') editor.removeSet(name);
      else editor.removeChain(name);
      release(use.parts);
    }
  }

  return {
    retain,
    release,
    renewRules(direction, id) {
      const use = uses.get(names.rulesChain(direction, id));
      if (use === undefined) return;
      const former = use.parts;
      use.parts = put(use.part);
      release(former);
    },
  };
}
