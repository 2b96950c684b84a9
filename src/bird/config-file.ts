// BIRD's configuration file: a text is read by BIRD itself before it takes the place of the one that stands.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../base/errors.ts';
import { spawnBird } from './process.ts';

export interface ConfigFile {
  readonly path: string;
  /** Throws `invalid` with BIRD's message when it would refuse this configuration; changes nothing. */
  check(config: string): Promise<void>;
  /** As check, and puts it in place. */
  replace(config: string): Promise<void>;
}

async function checkConfig(program: string, path: string): Promise<void> {
  const check = spawnBird(program, ['-p', '-c', path], 'pipe');
  const message = check.stderr instanceof ReadableStream ? new Response(check.stderr).text() : '';
  const status = await check.exited;
  if (status !== 0) throw new OcicatError('invalid', `check BIRD configuration "${path}": ${(await message).trim()}`);
}

/** One call at a time. */
export function createConfigFile(runDirectory: string, program: string): ConfigFile {
  const path = join(runDirectory, 'bird.cfg');
  const temporaryPath = `${path}.new`;

  function writeTemporary(config: string): void {
    try {
      mkdirSync(runDirectory, { recursive: true });
      writeFileSync(temporaryPath, config);
    } catch (cause) {
      throw new OcicatError('unavailable', `write "${temporaryPath}": it cannot be written`, { cause });
    }
  }

  async function check(config: string): Promise<void> {
    writeTemporary(config);
    await checkConfig(program, temporaryPath);
  }

  return {
    path,
    check,
    async replace(config) {
      await check(config);
      renameSync(temporaryPath, path);
    },
  };
}
