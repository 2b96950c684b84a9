// Selectors as fields hold them: kept as written, checked by the parser (Calico v3.33,
// libcalico-go/lib/selector/parser/parser.go).
import { describeError } from '../../base/errors.ts';
import { parsedText } from '../../schema/scalars.ts';
import { parseSelector, SELECTOR_LENGTH_MAX, tryParseSelector } from '../../selector/parse.ts';
import type { Selector } from '../../selector/selector.ts';

const WANTED = "a selector such as role == 'web'";

function explain(value: string): string {
  if (value.length > SELECTOR_LENGTH_MAX) return `a selector of at most ${SELECTOR_LENGTH_MAX} characters`;
  try {
    parseSelector(value);
    return WANTED;
  } catch (error) {
    return `${WANTED}; ${describeError(error)}`;
  }
}

function mentionsGlobal(selector: Selector): boolean {
  switch (selector.kind) {
    case 'global':
      return true;
    case 'not':
      return mentionsGlobal(selector.operand);
    case 'and':
    case 'or':
      return selector.operands.some(mentionsGlobal);
    default:
      return false;
  }
}

/** Whether a selector's text is `global()`, without so much as brackets around it. */
function isGlobalAlone(value: string): boolean {
  return value.replace(/[ \t]/g, '') === 'global()';
}

/** A selector of endpoints, nodes or labels: `global()` has no meaning in it. */
export const selector = parsedText(
  WANTED,
  (value) => {
    const parsed = tryParseSelector(value);
    return parsed === undefined || mentionsGlobal(parsed) ? undefined : value;
  },
  (value) => (tryParseSelector(value) === undefined ? explain(value) : `${WANTED}, without global()`),
);

/** The namespaceSelector of a rule: `global()` may be the whole of it. */
export const ruleNamespaceSelector = parsedText(
  WANTED,
  (value) => {
    const parsed = tryParseSelector(value);
    return parsed === undefined || (mentionsGlobal(parsed) && !isGlobalAlone(value)) ? undefined : value;
  },
  (value) => (tryParseSelector(value) === undefined ? explain(value) : 'global() alone or not at all'),
);
