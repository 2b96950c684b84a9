// What Log rules say, where the kernel's log does not take it: in a network namespace other than the machine's first, as
// hosts of a lab have. There it stands in the agent's log.
import { formatPacketLine } from '../../firewall/packet-line.ts';
import { hasKernelLog, listenToPacketLog } from '../../kernel/flow/packet-log.ts';
import type { Log } from '../../sys/log.ts';

/** Nobody else's: groups are 16-bit numbers without a registry, and programs such as ulogd use small ones. */
const LOG_GROUP = 28515;

/** The group that Log rules write to; undefined where the kernel's log takes their lines. */
export function chooseLogGroup(): number | undefined {
  return hasKernelLog() ? undefined : LOG_GROUP;
}

/** Until aborted. */
export function followPacketLog(group: number | undefined, log: Log, signal: AbortSignal): void {
  if (group === undefined) return;
  log.info(`what Log rules say stands here: the kernel's log takes no lines from this network namespace`);
  listenToPacketLog(group, (packet) => log.info(formatPacketLine(packet)), signal).catch((error: unknown) =>
    log.error('what Log rules say is lost', error),
  );
}
