// net-info.json: which networks a pod has, for list and status, and for taking them down.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from '../../schema/parse.ts';
import { text, textThat } from '../../schema/scalars.ts';
import { list, object, type Schema } from '../../schema/schema.ts';
import { replaceFile } from '../../sys/replace-file.ts';

/** One joined network. Source of the names: rkt v1.30.0, networking/netinfo/netinfo.go. */
export interface NetInfo {
  readonly netName: string;
  /** Relative to the pod's directory: `net/99-default.conf`. */
  readonly netConf: string;
  readonly pluginPath: string;
  readonly ifName: string;
  /** Empty while unknown; IPv6 where the network gave no IPv4. */
  readonly ip: string;
  readonly args: string;
  readonly mask: string;
}

const confPath = textThat('net/FILE', (path) => /^net\/[^/]+$/.test(path) && path !== 'net/..' && path !== 'net/.');
const netInfos: Schema<readonly NetInfo[]> = list(
  object({
    netName: text(),
    netConf: confPath,
    pluginPath: text(),
    ifName: text(),
    ip: text(),
    args: text(),
    mask: text(),
  }),
);

/** In interface order; none for a pod without networks. Throws `invalid` when the file is damaged. */
export function readNetInfo(podPath: string): readonly NetInfo[] {
  const path = join(podPath, 'net-info.json');
  let json: string;
  try {
    json = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return json.trim() === 'null' ? [] : parseDocument(`network information "${path}"`, json, netInfos, 'open');
}

/** Replaces the file at once, so that a crash leaves the old or the new list. */
export function writeNetInfo(podPath: string, infos: readonly NetInfo[]): void {
  const path = join(podPath, 'net-info.json');
  if (infos.length === 0) {
    rmSync(path, { force: true });
    return;
  }
  replaceFile(path, JSON.stringify(infos), 0o644);
}

/** `network1:ip4=192.168.0.0, network6:ip6=fd00::1, default-restricted:ip4=172.16.28.2`. */
export function formatNetworks(infos: readonly NetInfo[]): string {
  return infos
    .map(({ netName, ip }) => `${netName}:${ip.includes(':') ? 'ip6' : 'ip4'}=${ip === '' ? '<nil>' : ip}`)
    .join(', ');
}

/** `255.255.255.0` for 24. */
export function formatMask(prefixLength: number): string {
  const bits = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}
