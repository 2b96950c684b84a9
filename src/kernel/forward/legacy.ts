// The filters of iptables-legacy(8), whose tables are not nftables': read and changed by its own programs, where there are any rules.
import { readFileSync } from 'node:fs';
import { type AcceptRule, acceptRulesFor, WORKLOAD_RULES } from '../../firewall/forward/accept-rules.ts';
import { FORWARD_COMMENT, type ForwardFilter, legacyProgram } from '../../firewall/forward/filter.ts';
import { parseIptablesSave } from '../../firewall/forward/iptables.ts';

type LegacyFamily = 'ip' | 'ip6';

/** The tables of iptables-legacy that this network namespace has. */
const NAME_FILES: Readonly<Record<LegacyFamily, string>> = {
  ip: '/proc/thread-self/net/ip_tables_names',
  ip6: '/proc/thread-self/net/ip6_tables_names',
};
const FAMILIES = ['ip', 'ip6'] as const;
const TIMEOUT_MS = 10_000;

export type LegacyFilters =
  | { readonly kind: 'read'; readonly filters: readonly ForwardFilter[] }
  /** There are rules, and nothing to read them with. */
  | { readonly kind: 'unreadable'; readonly program: string };

function hasFilter(family: LegacyFamily): boolean {
  try {
    return readFileSync(NAME_FILES[family], 'utf8').split('\n').includes('filter');
  } catch {
    return false;
  }
}

export function hasLegacyFilters(): boolean {
  return FAMILIES.some(hasFilter);
}

/** What the program prints; undefined when it is not installed, or fails. */
function tryRun(program: string, args: readonly string[]): string | undefined {
  if (Bun.which(program) === null) return undefined;
  const { exitCode, stdout } = Bun.spawnSync([program, ...args], { stderr: 'ignore', timeout: TIMEOUT_MS });
  return exitCode === 0 ? stdout.toString() : undefined;
}

/** In the calling process's network namespace. */
export function observeLegacyFilters(): LegacyFilters {
  const filters: ForwardFilter[] = [];
  for (const family of FAMILIES.filter(hasFilter)) {
    const program = `${legacyProgram(family)}-save`;
    const text = tryRun(program, ['-t', 'filter']);
    if (text === undefined) return { kind: 'unreadable', program };
    filters.push(parseIptablesSave(text, family));
  }
  return { kind: 'read', filters };
}

/** Whose packets are let through: all that there is a rule for, those of workloads alone, or nobody's. */
export type Accepted = 'all' | 'workloads' | 'none';

const argsOf = ({ args }: AcceptRule) => [...args, '-m', 'comment', '--comment', FORWARD_COMMENT, '-j', 'ACCEPT'];

export function removeLegacyAccept(filter: ForwardFilter): void {
  const program = legacyProgram(filter.family);
  for (const rule of acceptRulesFor(filter)) tryRun(program, ['-w', '-D', filter.chain, ...argsOf(rule)]);
}

/** Puts the rules first, in place of those that are there. */
export function insertLegacyAccept(filter: ForwardFilter): Accepted {
  removeLegacyAccept(filter);
  const program = legacyProgram(filter.family);
  const refused = acceptRulesFor(filter).filter(
    (rule) => tryRun(program, ['-w', '-I', filter.chain, ...argsOf(rule)]) === undefined,
  );
  if (refused.length === 0) return 'all';
  return refused.some((rule) => WORKLOAD_RULES.includes(rule)) ? 'none' : 'workloads';
}
