// Runs the programs that a build needs; the first that fails ends the build with its words.
import { join } from 'node:path';

/** Of the checkout. */
export const root = join(import.meta.dir, '..');

interface Options {
  readonly cwd?: string;
  /** Beside that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** What it prints on standard output. */
export function must(command: readonly string[], { cwd = root, environment = {} }: Options = {}): string {
  const env = { ...process.env, ...environment };
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd, env, stdout: 'pipe', stderr: 'pipe' });
  if (exitCode === 0) return stdout.toString();
  process.stderr.write(stdout);
  process.stderr.write(stderr);
  console.error(`build: failed: ${command.join(' ')}`);
  process.exit(1);
}
