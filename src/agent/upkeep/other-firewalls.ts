// Watches for other firewalls that drop packets of workloads, says where they do, and has them let through where there is a
// place for that.

import { describeRemedy, type ForwardFinding, formatFinding, remedyOf } from '../../firewall/forward/findings.ts';
import { hasLegacyFilters } from '../../kernel/forward/legacy.ts';
import { observeGeneration } from '../../kernel/forward/observe.ts';
import { type ObservedFirewalls, observeOtherFirewalls } from '../../kernel/forward/other-firewalls.ts';
import type { Log } from '../../sys/log.ts';
import { createFirewalldRemedy } from './firewalld.ts';
import { createIptablesRemedy } from './iptables-remedy.ts';

/** Firewalls change their rules in many steps. */
const GATHER_MS = 300;
/** The tables of iptables-legacy say nothing when they change. */
const LOOK_MS = 5_000;

export interface OtherFirewalls {
  /** Rules that are not the agent's may have changed. */
  touch(): void;
}

type Complaint = readonly [what: string, advice: string];

function complaintOf(finding: ForwardFinding): Complaint {
  const what = `another firewall drops packets of workloads: ${formatFinding(finding)}`;
  return [what, `what lets them through: ${describeRemedy(finding)}`];
}

function unreadableOf(program: string | undefined): readonly Complaint[] {
  if (program === undefined) return [];
  const what = 'this host has rules of iptables-legacy that cannot be read here';
  return [[what, `"${program}" is missing (package iptables)`]];
}

/** Logs each line once, and when it no longer holds. */
function createReporter(log: Log): (lines: ReadonlyMap<string, string>) => void {
  let reported: ReadonlySet<string> = new Set();
  return (lines) => {
    for (const [what, advice] of lines) if (!reported.has(what)) log.error(`${what}; ${advice}`);
    for (const what of reported) if (!lines.has(what)) log.info(`no longer: ${what}`);
    reported = new Set(lines.keys());
  };
}

/** Looks at once, whenever it is touched, and now and then; until aborted. */
export function watchOtherFirewalls(log: Log, signal: AbortSignal): OtherFirewalls {
  const reportLines = createReporter(log);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dueMs = 0;
  let isTouched = true;
  let generation: number | undefined;
  const mendIptables = createIptablesRemedy(log);
  const firewalld = createFirewalldRemedy(log, signal, touch);

  function mend({ filters, findings }: ObservedFirewalls): void {
    for (const filter of filters) {
      const own = findings.filter((finding) => finding.filter === filter);
      const dropping = own.filter(({ isAccepted }) => !isAccepted);
      const remedy = remedyOf(filter);
      if (remedy === 'accept-rule') mendIptables(filter, own);
      if (remedy === 'firewalld' && dropping.length > 0) firewalld.ask(dropping);
    }
  }

  function report({ findings, unreadable }: ObservedFirewalls): void {
    const isOpen = ({ filter, isAccepted }: ForwardFinding) =>
      !isAccepted && !(firewalld.isAsked() && remedyOf(filter) === 'firewalld');
    reportLines(new Map([...findings.filter(isOpen).map(complaintOf), ...unreadableOf(unreadable)]));
  }

  function look(): void {
    generation = observeGeneration();
    const first = observeOtherFirewalls();
    mend(first);
    report(first.findings.some(({ isAccepted }) => !isAccepted) ? observeOtherFirewalls() : first);
  }

  /** Costs one small question while nothing changes. */
  function check(): void {
    isTouched = isTouched || hasLegacyFilters() || observeGeneration() !== generation;
    if (isTouched) look();
    isTouched = false;
  }

  function plan(delayMs: number): void {
    clearTimeout(timer);
    dueMs = performance.now() + delayMs;
    timer = setTimeout(run, delayMs);
  }

  function run(): void {
    if (signal.aborted) return;
    try {
      check();
    } catch (error) {
      log.error('look for other firewalls', error);
    }
    plan(LOOK_MS);
  }

  function touch(): void {
    isTouched = true;
    if (dueMs > performance.now() + GATHER_MS && !signal.aborted) plan(GATHER_MS);
  }

  run();
  signal.addEventListener('abort', () => clearTimeout(timer));
  return { touch };
}
