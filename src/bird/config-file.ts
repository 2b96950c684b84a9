// BIRD's configuration file: a text is read by BIRD itself before it takes the place of the one that stands. Behind it stand the
// routes of before that are held since BIRD's start. It holds passwords: root alone reads it.
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describeError, isOcicatError, OcicatError } from '../base/errors.ts';
import { type HeldRoute, printHeldRoutes } from '../routing/bird/held-routes.ts';
import { createFile } from '../sys/files.ts';
import { spawnBird } from './process.ts';

export interface ConfigFile {
  readonly path: string;
  /** Throws `invalid` with BIRD's message when it would refuse this configuration; changes nothing. */
  check(config: string): Promise<void>;
  /** As check, and puts it in place, with the routes that are held. */
  replace(config: string): Promise<void>;
  /** With these routes held from now on; with none, where BIRD cannot take one: it must start. */
  replaceHolding(routes: readonly HeldRoute[], config: string): Promise<void>;
  held(): readonly HeldRoute[];
}

interface ConfigFileOptions {
  readonly runDirectory: string;
  readonly program: string;
  readonly log: (message: string) => void;
}

async function checkConfig(program: string, path: string): Promise<void> {
  const check = spawnBird(program, ['-p', '-c', path], 'pipe');
  const message = check.stderr instanceof ReadableStream ? new Response(check.stderr).text() : '';
  const status = await check.exited;
  if (status !== 0) throw new OcicatError('invalid', `check BIRD configuration "${path}": ${(await message).trim()}`);
}

/** One call at a time. */
export function createConfigFile({ runDirectory, program, log }: ConfigFileOptions): ConfigFile {
  const path = join(runDirectory, 'bird.cfg');
  const temporaryPath = `${path}.new`;
  let held: readonly HeldRoute[] = [];

  function writeTemporary(config: string): void {
    try {
      mkdirSync(runDirectory, { recursive: true });
      rmSync(temporaryPath, { force: true });
      createFile(temporaryPath, config, 0o600);
    } catch (cause) {
      throw new OcicatError('unavailable', `write "${temporaryPath}": it cannot be written`, { cause });
    }
  }

  async function check(config: string): Promise<void> {
    writeTemporary(config);
    await checkConfig(program, temporaryPath);
  }

  async function replace(config: string): Promise<void> {
    await check(`${config}${printHeldRoutes(held)}`);
    renameSync(temporaryPath, path);
  }

  async function replaceHolding(routes: readonly HeldRoute[], config: string): Promise<void> {
    held = routes;
    try {
      await replace(config);
    } catch (error) {
      if (routes.length === 0 || !isOcicatError(error, 'invalid')) throw error;
      log(`hold routes of before: ${describeError(error)}`);
      await replaceHolding([], config);
    }
  }

  return { path, check, replace, replaceHolding, held: () => held };
}
