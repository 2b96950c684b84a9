// Puts rules before those of iptables that would drop packets of workloads, and takes them away when nothing would any more.

import { acceptRulesFor, WORKLOAD_RULES } from '../../firewall/forward/accept-rules.ts';
import { type ForwardFilter, formatTable } from '../../firewall/forward/filter.ts';
import { type ForwardFinding, formatFinding } from '../../firewall/forward/findings.ts';
import { insertForwardAccept, removeForwardAccept } from '../../kernel/forward/accept.ts';
import type { Log } from '../../sys/log.ts';

const ownRulesIn = ({ chains }: ForwardFilter): number =>
  [...chains.values()].flat().filter(({ isOurs }) => isOurs).length;

/** Takes one table and what was found in it. Throws `kernel`. */
export function createIptablesRemedy(
  log: Pick<Log, 'warn'>,
): (filter: ForwardFilter, findings: readonly ForwardFinding[]) => void {
  /** Rules by the group of a link cannot be had here. */
  let lacksGroups = false;

  function accept(filter: ForwardFilter, findings: readonly ForwardFinding[]): void {
    const accepted = insertForwardAccept(filter);
    if (accepted === 'none') return;
    if (accepted === 'workloads' && !lacksGroups)
      log.warn(
        `${formatTable(filter)} cuts off pods of rkt's network "default": this host has no xt_devgroup to except them by`,
      );
    lacksGroups ||= accepted === 'workloads';
    for (const finding of findings)
      log.warn(
        `another firewall would drop packets of workloads: ${formatFinding(finding)}; rules before it let them through now`,
      );
  }

  /** Also where there are rules already, but not all: an agent before this one may have known less. */
  return (filter, findings) => {
    const dropping = findings.filter(({ isAccepted }) => !isAccepted);
    const [own, wanted] = [ownRulesIn(filter), lacksGroups ? WORKLOAD_RULES : acceptRulesFor(filter)];
    if (findings.length === 0 && own > 0) removeForwardAccept(filter);
    if (findings.length > 0 && (dropping.length > 0 || own < wanted.length)) accept(filter, dropping);
  };
}
