// Tells firewalld, where it runs on nftables of its own, to let packets of workloads through: as other programs that make
// networks do, by a zone and policies in firewalld's own configuration.
import { OcicatError } from '../../base/errors.ts';
import { FIREWALLD_STEPS, type ForwardFinding, formatFinding } from '../../firewall/forward/findings.ts';
import type { Log } from '../../sys/log.ts';

const PROGRAM = 'firewall-cmd';
const TIMEOUT_MS = 30_000;
/** firewall-cmd(1): ALREADY_ENABLED, ZONE_ALREADY_SET, NAME_CONFLICT, ALREADY_SET. */
const ALREADY_THERE: ReadonlySet<number> = new Set([11, 16, 26, 34]);

/** After so long firewalld is configured again, should it have lost that. */
const AGAIN_MS = 60_000;

/** Throws `not-found` when firewalld's program is not here (an agent in a pod has a root of its own), `unavailable` when it fails. */
async function openFirewalld(signal: AbortSignal): Promise<void> {
  const program = Bun.which(PROGRAM);
  if (program === null) throw new OcicatError('not-found', `${PROGRAM}: it is not where the agent runs`);
  for (const step of FIREWALLD_STEPS) {
    const options = { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe', timeout: TIMEOUT_MS, signal } as const;
    const child = Bun.spawn([program, ...step], options);
    const [status, message] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    if (status !== 0 && !ALREADY_THERE.has(status))
      throw new OcicatError(
        'unavailable',
        `${PROGRAM} ${step.join(' ')}: ${message.trim() || `exit status ${status}`}`,
      );
  }
}

export interface FirewalldRemedy {
  /** Has these let through, unless that was asked for a moment ago. */
  ask(findings: readonly ForwardFinding[]): void;
  /** Whether an answer is still to come. */
  isAsked(): boolean;
}

/** `answered` is called when firewalld has answered, or has not. */
export function createFirewalldRemedy(log: Log, signal: AbortSignal, answered: () => void): FirewalldRemedy {
  let dueMs = 0;
  let isAsked = false;

  async function open(): Promise<void> {
    try {
      await openFirewalld(signal);
      log.info('firewalld has a zone and policies "calico" now, which let packets of workloads through');
    } catch (error) {
      if (!signal.aborted) log.error('tell firewalld to let packets of workloads through', error);
    } finally {
      isAsked = false;
      answered();
    }
  }

  return {
    ask(findings) {
      if (performance.now() < dueMs) return;
      dueMs = performance.now() + AGAIN_MS;
      for (const finding of findings)
        log.warn(`firewalld drops packets of workloads: ${formatFinding(finding)}; it is told to let them through`);
      isAsked = true;
      void open();
    },
    isAsked: () => isAsked,
  };
}
