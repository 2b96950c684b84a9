// Runs the hostile app in pods and reads what it says: which of its attempts the kernel refused.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Result, World } from '../support/host/world.ts';

export const TOOLS = '/tools/hostile';

/** Builds the hostile app and returns the options that give it to a pod. */
export function buildHostile(world: World): readonly string[] {
  const folder = join(world.directory, 'tools');
  mkdirSync(folder, { recursive: true });
  const source = join(import.meta.dir, 'hostile.c');
  const built = Bun.spawnSync(['gcc', '-O1', '-static', '-o', join(folder, 'hostile'), source]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  return [`--volume=tools,kind=host,source=${folder},readOnly=true`, '--mount=volume=tools,target=/tools'];
}

/** An attempt and its object, as hostile.c takes them. */
export type Attempt = readonly [what: string, where: string];

/** What became of each attempt: `held: WHY` or `not held`, in order. */
export function outcomes(result: Result): readonly string[] {
  return result.stdout
    .split('\n')
    .map((line) => /\]: (.*)$/.exec(line)?.[1] ?? line)
    .filter((line) => /: (not held|held: .*)$/.test(line))
    .map((line) => line.trim());
}

/** The attempts that were not held. */
export function successes(result: Result): readonly string[] {
  return outcomes(result).filter((line) => line.endsWith(': not held'));
}
