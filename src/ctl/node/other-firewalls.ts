// Other firewalls that drop packets of workloads, described: what `node status` says of them, and `node checksystem`.
import { isOcicatError } from '../../base/errors.ts';
import { describeRemedy, type ForwardFinding, formatFinding, remedyOf } from '../../firewall/forward/findings.ts';
import { observeOtherFirewalls } from '../../kernel/forward/other-firewalls.ts';

export { observeOtherFirewalls } from '../../kernel/forward/other-firewalls.ts';

/** The agent does by itself what it can. */
function describeWayOut(finding: ForwardFinding): string {
  const commands = `${describeRemedy(finding)}`;
  return remedyOf(finding.filter) === 'administrator' ? commands : `the agent does that itself, or: ${commands}`;
}

export function describeFinding(finding: ForwardFinding): string {
  const where = formatFinding(finding);
  if (finding.isAccepted)
    return `${where} would drop packets of workloads; rules of the agent before it let them through`;
  return `${where} drops packets of workloads; what lets them through: ${describeWayOut(finding)}`;
}

export function describeUnreadable(program: string): string {
  return `rules of iptables-legacy cannot be read: "${program}" is missing (package iptables)`;
}

/** Lines for `node status`; nothing when no other firewall is in the way. */
export function describeOtherFirewalls(): string {
  try {
    const { findings, unreadable } = observeOtherFirewalls();
    const lines = [
      ...findings.map(describeFinding),
      ...(unreadable === undefined ? [] : [describeUnreadable(unreadable)]),
    ];
    return lines.length === 0 ? '' : `\nOther firewalls:\n${lines.map((line) => `  ${line}\n`).join('')}`;
  } catch (error) {
    if (isOcicatError(error, 'kernel')) return `\nOther firewalls: cannot be read: ${error.message}\n`;
    throw error;
  }
}
