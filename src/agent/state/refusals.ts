// What the kernel refuses: the endpoints that cannot be without it are closed, all others stay as policy says, the log and a file
// for `calicoctl node status` say why; and they are tried again, at longer and longer intervals.
import type { Firewall } from '../../firewall/firewall.ts';
import type { KernelFirewall, Refused } from '../../kernel/nftables/firewall.ts';
import type { Steps } from '../../nftables/nft.ts';
import type { Log } from '../../sys/log.ts';

const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
/** In one go; each that is refused again costs a look at the whole table. */
const MAX_RETRIED = 20;

export interface Refusals {
  /** Takes the steps to the kernel; closes endpoints until it has what is left. Throws `kernel` when that does not help. */
  apply(steps: Steps): void;
  /** As apply, when the kernel has refused already. */
  take(refused: Refused): void;
  /** Why an endpoint is closed; undefined when it is not. */
  whyClosed(endpoint: string): string | undefined;
  close(): void;
}

export interface RefusalContext {
  readonly kernel: KernelFirewall;
  readonly firewall: Firewall;
  readonly log: Log;
  /** Gets a line for each endpoint that is closed, after each change. */
  readonly publish: (lines: readonly string[]) => void;
  /** Gets those that have come to be closed: who has been let through before is not to be so when they open again. */
  readonly forget: (endpoints: readonly string[]) => void;
}

export function createRefusals({ kernel, firewall, log, publish, forget }: RefusalContext): Refusals {
  const reasons = new Map<string, string>();
  let delayMs = FIRST_RETRY_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function note(): void {
    const closed = new Set(firewall.closed());
    for (const id of reasons.keys()) if (!closed.has(id)) reasons.delete(id);
    publish([...reasons].map(([id, reason]) => `${id}: ${reason}`).sort());
  }

  function plan(): void {
    clearTimeout(timer);
    if (reasons.size === 0) return;
    timer = setTimeout(retry, delayMs);
    timer.unref();
  }

  function closeUsers({ cause, objects }: Refused): void {
    const { endpoints, sets } = firewall.close(objects);
    if (endpoints.length + sets.length === 0) throw cause;
    const places = objects.map(({ name }) => `"${name}"`).join(', ');
    const reason = `${cause.message}, at ${places}`;
    if (endpoints.length === 0) log.error(`no endpoint has rules that need what the kernel refuses: ${reason}`);
    for (const id of endpoints) {
      if (reasons.get(id) !== reason) log.error(`endpoint "${id}" is closed: the kernel refuses its rules: ${reason}`);
      reasons.set(id, reason);
    }
  }

  function take(first: Refused): void {
    const before = new Set(reasons.keys());
    let refused: Refused | undefined = first;
    while (refused !== undefined) {
      closeUsers(refused);
      const outcome = kernel.tryResync(firewall.ruleset);
      refused = outcome.kind === 'refused' ? outcome : undefined;
    }
    note();
    forget([...reasons.keys()].filter((id) => !before.has(id)));
    plan();
  }

  function apply(steps: Steps): void {
    const outcome = kernel.apply(steps, firewall.ruleset);
    if (outcome.kind === 'refused') take(outcome);
    else if (outcome.kind === 'repaired')
      log.warn(`the firewall was not as expected; ${outcome.findings.length} differences repaired`, outcome.cause);
    if (reasons.size > 0) note();
  }

  /** One after the other: of several that were closed for one reason not all need have it. */
  function retry(): void {
    delayMs = Math.min(delayMs * 2, MAX_RETRY_MS);
    try {
      for (const id of firewall.closed().slice(0, MAX_RETRIED)) {
        apply(firewall.reopen(id));
        if (!reasons.has(id)) log.info(`endpoint "${id}" is open again: the kernel takes its rules`);
      }
    } catch (error) {
      log.error('try again what the kernel has refused', error);
    }
    if (reasons.size === 0) delayMs = FIRST_RETRY_MS;
    plan();
  }

  return {
    apply,
    take,
    whyClosed: (endpoint) => reasons.get(endpoint),
    close: () => clearTimeout(timer),
  };
}
