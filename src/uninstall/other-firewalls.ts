// Takes back what lets packets of workloads through other firewalls: rules in iptables, a zone and policies of firewalld.
import { OcicatError } from '../base/errors.ts';
import { type ForwardFilter, formatTable, isIptables } from '../firewall/forward/filter.ts';
import { FIREWALLD_REMOVAL } from '../firewall/forward/findings.ts';
import { removeForwardAccept } from '../kernel/forward/accept.ts';
import { observeOtherFirewalls } from '../kernel/forward/other-firewalls.ts';

function hasOwnRules({ chains }: ForwardFilter): boolean {
  return [...chains.values()].some((rules) => rules.some(({ isOurs }) => isOurs));
}

export function removeAcceptRules(): readonly string[] {
  const filters = observeOtherFirewalls().filters.filter((filter) => isIptables(filter) && hasOwnRules(filter));
  for (const filter of filters) removeForwardAccept(filter);
  return filters.map((filter) => `removed the rules for workloads from ${formatTable(filter)}, chain ${filter.chain}`);
}

const PROGRAM = 'firewall-cmd';
const TIMEOUT_MS = 30_000;

function firewalld(...args: readonly string[]): boolean {
  return (
    Bun.spawnSync([PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'ignore'], timeout: TIMEOUT_MS }).exitCode === 0
  );
}

/** Only where firewalld runs; its configuration is its own to read. Throws `unavailable` when it does not take the change. */
export function closeFirewalld(): readonly string[] {
  if (Bun.which(PROGRAM) === null || !firewalld('--state')) return [];
  const removed = FIREWALLD_REMOVAL.filter(([known, name]) => firewalld('--permanent', `--info-${known}=${name}`));
  if (removed.length === 0) return [];
  for (const [known, name] of removed)
    if (!firewalld('--permanent', `--delete-${known}=${name}`))
      throw new OcicatError('unavailable', `${PROGRAM} --permanent --delete-${known}=${name}: refused`);
  firewalld('--reload');
  return removed.map(([known, name]) => `removed ${known} ${name} from firewalld`);
}
