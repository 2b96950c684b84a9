// Follows the policy's IP sets into the table, two nftables sets for each.
import { OcicatError } from '../base/errors.ts';
import type { Family } from '../net/ip.ts';
import type { IpSetContent, IpSetDelta, IpSetId, IpSetType } from '../policy/types.ts';
import type { RulesetEditor } from './editor.ts';
import { contentOf, FAMILIES, ipSetSpec, keysOfMembers } from './ip-sets.ts';
import * as names from './names.ts';

export interface LiveSets {
  add(id: IpSetId, content: IpSetContent): void;
  change(id: IpSetId, delta: IpSetDelta): void;
  remove(id: IpSetId): void;
  /** Throws `internal` for a set that is not there. */
  typeOf(id: IpSetId): IpSetType;
}

/** Hashes once, not for each member. */
function namesOf(id: IpSetId, type: IpSetType): (family: Family) => string {
  const [four, six] = [names.ipSetName(id, type, 4), names.ipSetName(id, type, 6)];
  return (family) => (family === 4 ? four : six);
}

export function createLiveSets(editor: RulesetEditor): LiveSets {
  const types = new Map<IpSetId, IpSetType>();

  function typeOf(id: IpSetId): IpSetType {
    const type = types.get(id);
    if (type === undefined) throw new OcicatError('internal', `use IP set "${id}": it was not handed out`);
    return type;
  }

  return {
    typeOf,
    add(id, content) {
      types.set(id, content.type);
      for (const family of FAMILIES) editor.addSet(ipSetSpec(id, content.type, family));
      const nameOf = namesOf(id, content.type);
      for (const { family, key } of keysOfMembers(content)) editor.setElement(nameOf(family), key);
    },
    change(id, delta) {
      const nameOf = namesOf(id, delta.type);
      for (const { family, key } of keysOfMembers(contentOf(delta, 'removed')))
        editor.removeElement(nameOf(family), key);
      for (const { family, key } of keysOfMembers(contentOf(delta, 'added'))) editor.setElement(nameOf(family), key);
    },
    remove(id) {
      for (const family of FAMILIES) editor.removeSet(names.ipSetName(id, typeOf(id), family));
      types.delete(id);
    },
  };
}
