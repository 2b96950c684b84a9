// What BIRD says of itself, from its `show status`.
import { askBird, type BirdLine } from './control.ts';

export interface BirdStatus {
  /** `2.0.12`. */
  readonly version: string;
  /** As an IPv4 address is written. */
  readonly routerId: string;
  /** Local time, `2026-11-28 07:04:52`, as BIRD writes it but for fractions of a second. */
  readonly startedAt: string;
  readonly configuredAt: string;
}

/** Throws nothing: what BIRD does not report is empty. */
export function parseBirdStatus(lines: readonly BirdLine[]): BirdStatus {
  const after = (prefix: string) =>
    lines
      .find(({ text }) => text.startsWith(prefix))
      ?.text.slice(prefix.length)
      .trim() ?? '';
  const timeAfter = (prefix: string) => after(prefix).replace(/\.\d+$/, '');
  return {
    version: after('BIRD '),
    routerId: after('Router ID is '),
    startedAt: timeAfter('Last reboot on '),
    configuredAt: timeAfter('Last reconfiguration on '),
  };
}

/** Throws as askBird does. */
export async function observeBirdStatus(socketPath: string, signal?: AbortSignal): Promise<BirdStatus> {
  return parseBirdStatus(await askBird(socketPath, 'show status', signal));
}
