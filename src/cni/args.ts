// CNI_ARGS: `KEY=VALUE;KEY=VALUE`. Keys that nobody here knows are let through, as Calico's plugins do.
import type { Issue } from '../base/errors.ts';
import { type Ip, tryParseIp } from '../net/ip.ts';

export interface CniArgs {
  /** `IP=`: this very address. */
  readonly ip: Ip | undefined;
}

export function parseArgs(text: string, report: (issue: Issue) => void): CniArgs {
  const pairs = new Map<string, string>();
  for (const pair of text.split(';').filter((part) => part !== '')) {
    const at = pair.indexOf('=');
    if (at > 0) pairs.set(pair.slice(0, at), pair.slice(at + 1));
    else report({ path: 'CNI_ARGS', found: `"${pair}"`, wanted: 'KEY=VALUE pairs joined by ";"' });
  }
  const ipText = pairs.get('IP');
  const ip = ipText === undefined || ipText === '' ? undefined : tryParseIp(ipText);
  if (ip === undefined && ipText !== undefined && ipText !== '')
    report({ path: 'CNI_ARGS IP', found: `"${ipText}"`, wanted: 'an IPv4 or IPv6 address' });
  return { ip };
}
