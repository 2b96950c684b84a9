// Tells firewalld, where it runs on nftables of its own, to let packets of workloads through: as other programs that make
// networks do, by a zone and policies in firewalld's own configuration.
import { OcicatError } from '../../base/errors.ts';
import { FIREWALLD_STEPS } from '../../firewall/forward/findings.ts';

const PROGRAM = 'firewall-cmd';
const TIMEOUT_MS = 30_000;
/** firewall-cmd(1): ALREADY_ENABLED, ZONE_ALREADY_SET, NAME_CONFLICT, ALREADY_SET. */
const ALREADY_THERE: ReadonlySet<number> = new Set([11, 16, 26, 34]);

/** Throws `not-found` when firewalld's program is not here (an agent in a pod has a root of its own), `unavailable` when it fails. */
export async function openFirewalld(signal: AbortSignal): Promise<void> {
  const program = Bun.which(PROGRAM);
  if (program === null) throw new OcicatError('not-found', `${PROGRAM}: it is not where the agent runs`);
  for (const step of FIREWALLD_STEPS) {
    const options = { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe', timeout: TIMEOUT_MS, signal } as const;
    const child = Bun.spawn([program, ...step], options);
    const [status, words] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    if (status !== 0 && !ALREADY_THERE.has(status))
      throw new OcicatError('unavailable', `${PROGRAM} ${step.join(' ')}: ${words.trim() || `exit status ${status}`}`);
  }
}
