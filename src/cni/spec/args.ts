// CNI_ARGS: `KEY=VALUE;KEY=VALUE`. Keys that nobody here knows are let through, as Calico's plugins do.
import type { Issue } from '../../base/errors.ts';

export function parseArgs(text: string, report: (issue: Issue) => void): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of text.split(';').filter((part) => part !== '')) {
    const at = pair.indexOf('=');
    if (at > 0) pairs.set(pair.slice(0, at), pair.slice(at + 1));
    else report({ path: 'CNI_ARGS', found: `"${pair}"`, wanted: 'KEY=VALUE pairs joined by ";"' });
  }
  return pairs;
}
