// Files that the agent leaves for CNI plugins and tools: the node's name and the MTU for workloads (Calico v3.33,
// felix/dataplane/linux/int_dataplane.go).
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import type { Log } from '../../sys/log.ts';
import { replaceFileDurably } from '../../sys/replace-file.ts';
import { type AgentSettings, isNodeName } from '../config/settings.ts';

const MTU_FILE = '/var/lib/calico/mtu';

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/**
 * Replaces a file in one step, so that a reader never sees half of it and a power cut leaves none, and makes its directory
 * where that is missing. Throws `unavailable`, and `invalid` for a link, a device or the like.
 */
export function writeFileWhole(path: string, text: string, mode: number): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw new OcicatError('unavailable', `write "${path}": its directory cannot be made`, { cause });
  }
  replaceFileDurably(path, text, mode);
}

/** Sees to it that a file for others says this. The agent itself can do without: a disk that is full does not stop it. */
function keepFile(path: string, text: string, log: Log): void {
  if (tryRead(path) === text) return;
  try {
    writeFileWhole(path, text, 0o644);
  } catch (error) {
    log.error('tools that read this file will not find what they look for', error);
  }
}

/** The text of Felix's file of settings; undefined where there is none. Throws `invalid` for one that cannot be read. */
export function tryReadFelixConfig({ felixConfigFile }: AgentSettings): string | undefined {
  if (!existsSync(felixConfigFile)) return undefined;
  try {
    return readFileSync(felixConfigFile, 'utf8');
  } catch (cause) {
    throw new OcicatError('invalid', `read "${felixConfigFile}": it cannot be read`, { cause });
  }
}

/**
 * From NODENAME, the node-name file, HOSTNAME or the host's name, in this order; throws `invalid` for what cannot name a
 * node.
 */
export function observeNodeName({ nodeName, nodeNameFile, hostName }: AgentSettings): string {
  const name = nodeName ?? (tryRead(nodeNameFile) || (hostName ?? hostname().trim().toLowerCase()));
  if (isNodeName(name)) return name;
  throw new OcicatError(
    'invalid',
    `node name "${name}": lower-case letters, digits, dashes and dots wanted; set NODENAME`,
  );
}

export function keepNodeName(settings: AgentSettings, name: string, log: Log): void {
  keepFile(settings.nodeNameFile, name, log);
}

export function keepMtu(mtuBytes: number, log: Log): void {
  keepFile(MTU_FILE, `${mtuBytes}`, log);
}
