// How large packets of workloads may be: followed from the uplinks, the pools and the settings of tunnels to the links that are
// there, and to the file that tools read.
import { sameContent } from '../../base/equal.ts';
import { observeUplinks, type Uplink } from '../../kernel/link/uplinks.ts';
import { applyWorkloadMtu } from '../../kernel/link/workload-link-mtu.ts';
import type { Family, Ip } from '../../net/ip.ts';
import { describeMtu, describeNarrow, type MtuReport } from '../../routing/mtu/describe-mtu.ts';
import {
  computeCommonMtu,
  computeTunnelMtu,
  computeWorkloadMtu,
  type MtuInput,
  type MtuPool,
  type MtuSettings,
} from '../../routing/mtu/path-mtu.ts';
import type { Log } from '../../sys/log.ts';
import { keepMtu } from './node-files.ts';

/** Links go up and down in several steps. */
const GATHER_MS = 200;
/** A link that keeps its MTU may take another one later: whoever was at its pod has gone, or the pod itself has. */
const RETRY_MS = 2_000;
/** Without any uplink: the smallest of the usual clouds (Calico v3.33, felix/dataplane/linux/int_dataplane.go). */
const FALLBACK_MTU_BYTES = 1460;

/** A link on this host, and whose it is. */
export interface MtuLink {
  readonly hostName: string;
  readonly addresses: readonly Ip[];
}

export interface HostMtu {
  /** For a workload with these addresses, in bytes. */
  of(addresses: readonly Ip[]): number;
  /** Of the device that encrypts between hosts. */
  encrypted(family: Family): number;
  /** How uplinks are called from now on; undefined, or what this language has no such expression for: as usual. */
  setUplinkPattern(pattern: string | undefined): void;
  setTunnels(settings: MtuSettings): void;
  setPools(pools: readonly MtuPool[]): void;
  /** A link of the host may have changed. */
  touch(): void;
}

export interface HostMtuContext {
  /** Of the workloads of this node; undefined while they are not known. */
  readonly links: () => readonly MtuLink[] | undefined;
  readonly unmade: () => MtuReport['unmade'];
  /** Says for people how it comes about. */
  readonly publish: (lines: readonly string[]) => void;
  /** Devices between hosts may have to be of another size. */
  readonly changed: () => void;
  readonly log: Log;
}

const AUTOMATIC = { 4: undefined, 6: undefined };
const PLAIN: MtuSettings = {
  ...{ ipip: AUTOMATIC, vxlan: AUTOMATIC, wireguard: AUTOMATIC },
  encrypts: { 4: false, 6: false },
};

function tryCompile(pattern: string, log: Log): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch (error) {
    log.warn(`mtuIfacePattern "${pattern}" has no effect: JavaScript has no such expression`, error);
    return undefined;
  }
}

/** The links of workloads are brought to their MTU as soon as they are known: it may have changed while no agent ran. */
export function followHostMtu({ links, changed, unmade, publish, log }: HostMtuContext, signal: AbortSignal): HostMtu {
  let uplink: Uplink | undefined = observeUplinks()[0];
  let input: MtuInput = { uplinkBytes: uplink?.mtuBytes ?? FALLBACK_MTU_BYTES, settings: PLAIN, pools: [] };
  let done: MtuInput | undefined;
  let narrow: readonly string[] = [];
  let failed: readonly string[] = [];
  let pattern: RegExp | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;

  function apply(known: readonly MtuLink[]): void {
    const wanted = new Map(known.map(({ hostName, addresses }) => [hostName, computeWorkloadMtu(input, addresses)]));
    const outcome = applyWorkloadMtu((hostName) => wanted.get(hostName));
    const sizes = [...new Set(outcome.changed.map((hostName) => wanted.get(hostName)))].join(', ');
    if (outcome.changed.length > 0)
      log.info(`links of workloads have the MTU of their ways now: ${sizes}, ${outcome.changed.length} links`);
    for (const line of outcome.failed.filter((one) => !failed.includes(one)))
      log.error(`a workload's link keeps its MTU: ${line}`);
    failed = outcome.failed;
  }

  function observe(): void {
    [uplink] = observeUplinks(pattern);
    const uplinkBytes = uplink?.mtuBytes ?? FALLBACK_MTU_BYTES;
    if (uplinkBytes !== input.uplinkBytes)
      log.info(`the MTU of the uplinks is ${uplinkBytes} now, and was ${input.uplinkBytes}`);
    input = { ...input, uplinkBytes };
  }

  function tellNarrow(now: readonly string[]): void {
    for (const line of now) if (!narrow.includes(line)) log.error(line);
    for (const line of narrow) if (!now.includes(line)) log.info(`no longer: ${line}`);
    narrow = now;
  }

  function tell(): void {
    done = input;
    keepMtu(computeCommonMtu(input), log);
    const report = { input, uplink: uplink?.name, unmade: unmade() };
    publish(describeMtu(report));
    tellNarrow(describeNarrow(report));
  }

  function follow(): void {
    observe();
    const isNew = !sameContent(input, done);
    if (isNew) changed();
    const known = links();
    if (known === undefined || !(isNew || failed.length > 0)) return;
    if (isNew) tell();
    apply(known);
    if (failed.length > 0) retry = setTimeout(touch, RETRY_MS);
  }

  function look(): void {
    timer = undefined;
    clearTimeout(retry);
    if (signal.aborted) return;
    try {
      follow();
    } catch (error) {
      log.error('set the MTU of workloads', error);
    }
  }

  function touch(): void {
    timer ??= setTimeout(look, GATHER_MS);
  }

  signal.addEventListener('abort', () => {
    clearTimeout(timer);
    clearTimeout(retry);
  });
  return {
    of: (addresses) => computeWorkloadMtu(input, addresses),
    encrypted: (family) => computeTunnelMtu(input, 'wireguard', family),
    setUplinkPattern(text) {
      pattern = text === undefined ? undefined : tryCompile(text, log);
      touch();
    },
    setTunnels(settings) {
      input = { ...input, settings };
      touch();
    },
    setPools(pools) {
      input = { ...input, pools: pools.map(({ cidr, encapsulation }) => ({ cidr, encapsulation })) };
      touch();
    },
    touch,
  };
}
