// Watches for other firewalls that drop packets of workloads, says where they do, and has them let through where there is a
// place for that.

import { type ForwardFilter, formatTable } from '../../firewall/forward/filter.ts';
import { describeRemedy, type ForwardFinding, formatFinding, remedyOf } from '../../firewall/forward/findings.ts';
import { acceptRulesFor, WORKLOAD_RULES } from '../../firewall/forward-accept.ts';
import { insertForwardAccept, removeForwardAccept } from '../../kernel/forward/accept.ts';
import { hasLegacyFilters } from '../../kernel/forward/legacy.ts';
import { observeGeneration } from '../../kernel/forward/observe.ts';
import { type OtherFirewallsSurvey, observeOtherFirewalls } from '../../kernel/forward/other-firewalls.ts';
import type { Log } from '../../sys/log.ts';
import { openFirewalld } from './firewalld.ts';

/** Firewalls change their rules in many steps. */
const GATHER_MS = 300;
/** The tables of iptables-legacy say nothing when they change. */
const LOOK_MS = 5_000;
/** After so long firewalld is told again, should it have forgotten. */
const FIREWALLD_AGAIN_MS = 60_000;

export interface OtherFirewalls {
  /** Rules that are not the agent's may have changed. */
  touch(): void;
}

const ownRulesIn = ({ chains }: ForwardFilter): number =>
  [...chains.values()].flat().filter(({ isOurs }) => isOurs).length;

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

/** Tells each line once, and when it no longer holds. */
function createTeller(log: Log): (lines: ReadonlyMap<string, string>) => void {
  let told: ReadonlySet<string> = new Set();
  return (lines) => {
    for (const [what, advice] of lines) if (!told.has(what)) log.error(`${what}; ${advice}`);
    for (const what of told) if (!lines.has(what)) log.info(`no longer: ${what}`);
    told = new Set(lines.keys());
  };
}

/** Looks at once, whenever it is touched, and now and then; until aborted. */
export function watchOtherFirewalls(log: Log, signal: AbortSignal): OtherFirewalls {
  const tell = createTeller(log);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let dueMs = 0;
  let firewalldDueMs = 0;
  let isFirewalldAsked = false;
  let isTouched = true;
  /** Rules by the group of a link cannot be had here. */
  let lacksGroups = false;
  let generation: number | undefined;

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

  function askFirewalld(findings: readonly ForwardFinding[]): void {
    if (performance.now() < firewalldDueMs) return;
    firewalldDueMs = performance.now() + FIREWALLD_AGAIN_MS;
    for (const finding of findings)
      log.warn(`firewalld drops packets of workloads: ${formatFinding(finding)}; it is told to let them through`);
    isFirewalldAsked = true;
    openFirewalld(signal)
      .then(() => log.info('firewalld has a zone and policies "calico" now, which let packets of workloads through'))
      .catch(
        (error: unknown) => signal.aborted || log.error('tell firewalld to let packets of workloads through', error),
      )
      .finally(() => {
        isFirewalldAsked = false;
        touch();
      });
  }

  /** Also where there are rules already, but not all: an agent before this one may have known less. */
  function mendIptables(filter: ForwardFilter, findings: readonly ForwardFinding[]): void {
    const dropping = findings.filter(({ isAccepted }) => !isAccepted);
    const [own, wanted] = [ownRulesIn(filter), lacksGroups ? WORKLOAD_RULES : acceptRulesFor(filter)];
    if (findings.length === 0 && own > 0) removeForwardAccept(filter);
    if (findings.length > 0 && (dropping.length > 0 || own < wanted.length)) accept(filter, dropping);
  }

  function mend({ filters, findings }: OtherFirewallsSurvey): void {
    for (const filter of filters) {
      const own = findings.filter((finding) => finding.filter === filter);
      const dropping = own.filter(({ isAccepted }) => !isAccepted);
      const remedy = remedyOf(filter);
      if (remedy === 'accept-rule') mendIptables(filter, own);
      if (remedy === 'firewalld' && dropping.length > 0) askFirewalld(dropping);
    }
  }

  function report({ findings, unreadable }: OtherFirewallsSurvey): void {
    const isOpen = ({ filter, isAccepted }: ForwardFinding) =>
      !isAccepted && !(isFirewalldAsked && remedyOf(filter) === 'firewalld');
    tell(new Map([...findings.filter(isOpen).map(complaintOf), ...unreadableOf(unreadable)]));
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
