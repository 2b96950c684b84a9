// `rkt gc`: marks pods that have ended and deletes those that were marked long enough ago.

import { statSync } from 'node:fs';
import { formatDurationNs } from '../../base/duration.ts';
import { flagOn, flagValue } from '../../cli/flags.ts';
import { removeTree } from '../../sys/remove-tree.ts';
import type { Context } from '../cli/context.ts';
import { chooseDataDir } from '../cli/data-dir.ts';
import { reportFailure } from '../cli/failure.ts';
import { parseTimespan } from '../cli/format.ts';
import { deletePod } from '../run/delete-pod.ts';
import { type HeldPod, observePods, type Phase, type Pod, tryHoldPod } from '../store/pod-store.ts';
import { sweepImages } from '../store/sweep-images.ts';
import type { Handler } from './command.ts';

interface Collection {
  readonly context: Context;
  readonly dataDir: string;
}

/** Never below 0: the file system's clock is finer than ours, and what just happened may seem to be ahead. */
function ageMs(pod: Pod): number {
  return Math.max(0, Date.now() - statSync(pod.path).ctimeMs);
}

/** Runs `work` on each pod that nobody holds; pods held by others are skipped. Returns the number of failures. */
async function eachFreePod(
  { context, dataDir }: Collection,
  phase: Phase,
  work: (pod: Pod, held: HeldPod) => Promise<void>,
): Promise<number> {
  let failures = 0;
  for (const pod of observePods(dataDir, [phase])) {
    const held = tryHoldPod(dataDir, pod);
    if (held === undefined) continue;
    try {
      await work(pod, held);
    } catch (error) {
      reportFailure(context, 'gc', error);
      failures += 1;
    } finally {
      held.close();
    }
  }
  return failures;
}

function logMove({ context }: Collection, what: string, pod: Pod): void {
  context.stdio.stderr(`gc: moving ${what} "${pod.uuid}" to garbage\n`);
}

async function mark(gc: Collection): Promise<number> {
  const ended = await eachFreePod(gc, 'run', async (pod, held) => {
    logMove(gc, 'pod', pod);
    held.moveTo('exited-garbage');
  });
  const aborted = await eachFreePod(gc, 'prepare', async (pod, held) => {
    logMove(gc, 'failed prepare', pod);
    held.moveTo('garbage');
  });
  return ended + aborted;
}

async function expire(gc: Collection, expireMs: number): Promise<number> {
  return eachFreePod(gc, 'prepared', async (pod, held) => {
    if (ageMs(pod) < expireMs) return;
    logMove(gc, 'expired prepared pod', pod);
    held.moveTo('garbage');
  });
}

async function drop(gc: Collection, pod: Pod, held: HeldPod): Promise<void> {
  await deletePod(gc.context, held);
  gc.context.stdio.stdout(`Garbage collecting pod "${pod.uuid}"\n`);
}

const NS_PER_MS = 1e6;

async function dropOld(gc: Collection, graceMs: number): Promise<number> {
  const old = await eachFreePod(gc, 'exited-garbage', async (pod, held) => {
    if (ageMs(pod) >= graceMs) return drop(gc, pod, held);
    const period = formatDurationNs(BigInt(Math.round(graceMs * NS_PER_MS)));
    gc.context.stdio.stderr(`gc: pod "${pod.uuid}" not removed: still within grace period (${period})\n`);
  });
  return old + (await eachFreePod(gc, 'garbage', (pod, held) => drop(gc, pod, held)));
}

/** An embryo is a directory whose maker was killed before it locked it; making one takes no time. */
const EMBRYO_AGE_MS = 60_000;

async function dropEmbryos(gc: Collection): Promise<number> {
  return eachFreePod(gc, 'embryo', async (pod) => {
    if (ageMs(pod) >= EMBRYO_AGE_MS) removeTree(pod.path);
  });
}

const STATUS_FAILED = 254;

/** 254 when a pod could not be collected; it is tried again by the next gc. */
export const collectGarbage: Handler = async (context, line) => {
  const graceMs = parseTimespan(flagValue(line, 'grace-period') ?? '30m');
  const expireMs = parseTimespan(flagValue(line, 'expire-prepared') ?? '24h');
  const gc: Collection = { context, dataDir: chooseDataDir(context) };
  let failures = await mark(gc);
  if (!flagOn(line, 'mark-only')) {
    failures += await expire(gc, expireMs);
    failures += await dropOld(gc, graceMs);
    failures += await dropEmbryos(gc);
    sweepImages(gc.dataDir);
  }
  return failures === 0 ? 0 : STATUS_FAILED;
};
