// Selectors made from selectors: labels renamed, all() and global() replaced (facts: calico §5.4).
import type { Selector } from './selector.ts';

/** The selector with every leaf put through `rewriteLeaf`; and, or and not stay as they are. */
function rewriteLeaves(selector: Selector, rewriteLeaf: (leaf: Selector) => Selector): Selector {
  switch (selector.kind) {
    case 'not':
      return { kind: 'not', operand: rewriteLeaves(selector.operand, rewriteLeaf) };
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

/** `all()` replaced by one selector and `global()` by another; left alone where none is given. */
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
  let found = false;
  rewriteLeaves(selector, (leaf) => {
    found ||= leaf.kind === 'global';
    return leaf;
  });
  return found;
}
