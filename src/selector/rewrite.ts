// Selectors made from selectors: labels renamed, all() and global() replaced (Calico v3.33,
// libcalico-go/lib/backend/syncersv1/updateprocessors/rules.go).
import type { Selector } from './selector.ts';

/** Calico rewrites the text and reads it again, which takes two negations in a row for none. */
function negate(selector: Selector): Selector {
  return selector.kind === 'not' ? selector.operand : { kind: 'not', operand: selector };
}

/** The selector with every leaf put through `rewriteLeaf`; and and or stay as they are, and so does a single not. */
function rewriteLeaves(selector: Selector, rewriteLeaf: (leaf: Selector) => Selector): Selector {
  switch (selector.kind) {
    case 'not':
      return negate(rewriteLeaves(selector.operand, rewriteLeaf));
    case 'and':
    case 'or':
      return {
        kind: selector.kind,
        operands: selector.operands.map((operand) => rewriteLeaves(operand, rewriteLeaf)),
      };
    default:
      return rewriteLeaf(selector);
  }
}

/** Every label name with the prefix before it: `k == "v"` becomes `pcns.k == "v"`. */
export function prefixLabels(selector: Selector, prefix: string): Selector {
  return rewriteLeaves(selector, (leaf) => ('label' in leaf ? { ...leaf, label: prefix + leaf.label } : leaf));
}

/** `all()` replaced by one selector and `global()` by another; left alone where none is named. */
export function replaceUniversal(
  selector: Selector,
  replacement: { readonly all?: Selector; readonly global?: Selector },
): Selector {
  return rewriteLeaves(selector, (leaf) => {
    if (leaf.kind === 'all') return replacement.all ?? leaf;
    if (leaf.kind === 'global') return replacement.global ?? leaf;
    return leaf;
  });
}

/** Whether `global()` occurs anywhere; it is only for entity namespace selectors. */
export function mentionsGlobal(selector: Selector): boolean {
  let isThere = false;
  rewriteLeaves(selector, (leaf) => {
    isThere ||= leaf.kind === 'global';
    return leaf;
  });
  return isThere;
}
