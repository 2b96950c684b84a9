// Programs in Go that clients' tests call: built once, where there is a toolchain that can fetch them.
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';

const goPrograms = join(homedir(), '.cache/ocicat-test/go');
/** crictl with all that it is made of takes two cores a minute and a half. */
const BUILD_MS = 300_000;

/** `PACKAGE@VERSION`; undefined where it cannot be had. */
function findGoProgram(source: string): string | undefined {
  const program = join(goPrograms, basename(source).replace(/@.*/, ''));
  if (existsSync(program)) return program;
  if (Bun.which('go') === null) return undefined;
  mkdirSync(goPrograms, { recursive: true });
  const built = Bun.spawnSync(['go', 'install', source], {
    env: { ...process.env, GOBIN: goPrograms },
    timeout: BUILD_MS,
  });
  return built.exitCode === 0 ? program : undefined;
}

export const findCnitool = () => findGoProgram('github.com/containernetworking/cni/cnitool@v1.3.0');
export const findCrictl = () => findGoProgram('sigs.k8s.io/cri-tools/cmd/crictl@v1.34.0');
