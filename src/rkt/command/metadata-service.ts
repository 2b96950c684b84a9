// `rkt metadata-service`: lets pods ask about themselves, and prove to each other who they are.

import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { flagValue, type WithFlags } from '../../cli/flags.ts';
import { METADATA_PORT } from '../../metadata/address.ts';
import { runService } from '../../metadata/service.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { openStopRequests } from '../run/stop-requests.ts';
import { observeHeld } from '../store/pod-store.ts';
import type { Handler } from './command.ts';

function parsePort(line: WithFlags): number {
  const text = flagValue(line, 'listen-port') ?? String(METADATA_PORT);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port > 0 && port < 65_536) return port;
  throw new OcicatError('invalid', `--listen-port "${text}": wanted a port from 1 to 65535`);
}

/** Below the data directory, which stays when the machine starts anew. */
function keyPath(dataDir: string): string {
  return join(dataDir, 'metadata-service/hmac.key');
}

/** What cannot be looked at is no pod that runs. */
function isHeld(podPath: string): boolean {
  try {
    return observeHeld(podPath) ?? false;
  } catch {
    return false;
  }
}

/** Runs until SIGTERM or SIGINT. */
export const serveMetadata: Handler = async (context, line) => {
  if (line.operands.length > 0) throw new OcicatError('invalid', `unknown argument "${line.operands[0]}"`);
  const writeLine = (text: string): void => context.stdio.stderr(`metadata-service: ${text}\n`);
  const port = parsePort(line);
  const stops = openStopRequests();
  writeLine('metadata service starting...');
  const { environment } = context;
  await runService({ port, keyPath: keyPath(chooseDataDir(context)), environment, isHeld, writeLine }, stops.signal);
  stops.close();
  return 0;
};
