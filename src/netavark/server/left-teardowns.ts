// TEARDOWNs that the shim has left while no agent answered (native/cni-shim.c), each as it would have sent it: they are taken
// in among those that are to be finished, before anything else is done about their containers.
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, isOcicatError } from '../../base/errors.ts';
import { MAX_REQUEST_BYTES, parseWireRequest } from '../../shim/wire.ts';
import { readRegularFile } from '../../sys/files.ts';
import { parseTeardown } from '../spec/request.ts';
import { type DeferralContext, saveTeardown } from './attach-request.ts';

/** `SECONDS.NANOSECONDS-PID`. */
const LEFT = /^\d+\.\d+-\d+$/;
/** One that the shim is still writing, which takes it less than a second. */
const PART = /^\d+\.\d+-\d+\.part$/;
const WRITTEN_MS = 60_000;

/** The shim makes no folder: where there is none no agent ever ran. A disk that takes nothing does not stop the agent. */
export function makeTeardownFolder({ teardownFolder, log }: DeferralContext): void {
  try {
    mkdirSync(teardownFolder, { recursive: true, mode: 0o700 });
  } catch (error) {
    log.error(`make "${teardownFolder}"`, error);
  }
}

/** What cannot be read says nothing, and goes. */
function takeOne({ teardownFolder, log }: DeferralContext, path: string): void {
  try {
    const { call } = parseWireRequest(readRegularFile(path, MAX_REQUEST_BYTES));
    saveTeardown(teardownFolder, { call, placement: parseTeardown(call.input) });
  } catch (error) {
    if (!isOcicatError(error, 'invalid')) throw error;
    log.warn(`a teardown that was left is not understood: ${describeError(error)}`);
  }
  rmSync(path, { force: true });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Throws when a file cannot be read or removed. A kill on the way leaves one that is taken in again. */
export function takeLeftTeardowns(context: DeferralContext, nowMs: number): void {
  for (const name of namesIn(context.teardownFolder)) {
    const path = join(context.teardownFolder, name);
    if (LEFT.test(name)) takeOne(context, path);
    else if (PART.test(name) && nowMs - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs) > WRITTEN_MS)
      rmSync(path, { force: true });
  }
}
