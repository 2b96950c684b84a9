// The MTU of the host's uplinks: what new workloads get, what stands in the file for tools, and what the links that are there follow.
import { applyWorkloadMtu } from '../../kernel/link/workload-link-mtu.ts';
import type { Log } from '../../sys/log.ts';
import { keepMtu, observeUplinkMtu } from './node-files.ts';

/** Links go up and down in several steps. */
const GATHER_MS = 200;

export interface HostMtu {
  /** In bytes. */
  current(): number;
  /** How uplinks are called from now on; undefined, or what this language has no such expression for: as usual. */
  setUplinkPattern(pattern: string | undefined): void;
  /** A link of the host may have changed. */
  touch(): void;
}

function tryCompile(pattern: string, log: Log): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch (error) {
    log.warn(`mtuIfacePattern "${pattern}" has no effect: JavaScript has no such expression`, error);
    return undefined;
  }
}

/** The links of workloads are brought to the MTU at once: it may have changed while no agent ran. */
export function followHostMtu(log: Log, signal: AbortSignal): HostMtu {
  let mtuBytes = observeUplinkMtu();
  let uplinks: RegExp | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function apply(): void {
    try {
      const { changed, lost } = applyWorkloadMtu(mtuBytes);
      if (changed > 0) log.info(`links of workloads have the MTU of the uplinks now: ${mtuBytes}, ${changed} links`);
      if (lost.length > 0)
        log.error(
          `links of workloads keep their MTU, as their network namespaces are not seen from here: ${lost.join(', ')}`,
        );
    } catch (error) {
      log.error('set the MTU of workloads', error);
    }
  }

  function look(): void {
    timer = undefined;
    const now = observeUplinkMtu(uplinks);
    if (now === mtuBytes || signal.aborted) return;
    log.info(`the MTU of the uplinks is ${now} now, and was ${mtuBytes}`);
    mtuBytes = now;
    keepMtu(now, log);
    apply();
  }

  keepMtu(mtuBytes, log);
  apply();
  signal.addEventListener('abort', () => clearTimeout(timer));
  return {
    current: () => mtuBytes,
    setUplinkPattern(pattern) {
      uplinks = pattern === undefined ? undefined : tryCompile(pattern, log);
      timer ??= setTimeout(look, GATHER_MS);
    },
    touch() {
      timer ??= setTimeout(look, GATHER_MS);
    },
  };
}
