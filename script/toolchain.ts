// What compiles for an architecture, by Debian's names: this machine's own, and others by the cross compilers of Debian.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { must, root } from './run-command.ts';

export const ARCHITECTURES = ['amd64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

export interface Toolchain {
  readonly compiler: string;
  /** For programs that run where there is nothing but themselves. */
  readonly staticCompiler: string;
  /** What `bun build --compile` is told besides. */
  readonly executableFlags: readonly string[];
}

/** Names of GNU and of Bun. */
const NAMES = {
  amd64: { triplet: 'x86_64-linux-gnu', bun: 'x64' },
  arm64: { triplet: 'aarch64-linux-gnu', bun: 'aarch64' },
} as const;

export const OWN_ARCHITECTURE: Architecture = arch() === 'arm64' ? 'arm64' : 'amd64';

export function isArchitecture(name: string): name is Architecture {
  return ARCHITECTURES.some((known) => known === name);
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity?: string }>>;
}

/** As package-lock.json has it, from the registry of npm, kept in dist/. Throws when it is not what the lock says. */
function provideRuntime(architecture: Architecture): string {
  const name = `@oven/bun-linux-${NAMES[architecture].bun}`;
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) throw new Error(`package-lock.json: it has no ${name}`);
  const folder = join(root, 'dist', `bun-${architecture}-${version}`);
  if (existsSync(folder)) return join(folder, 'bin/bun');
  rmSync(`${folder}.new`, { recursive: true, force: true });
  mkdirSync(`${folder}.new`, { recursive: true });
  console.error(`build: fetching ${name} ${version}`);
  const [packed] = JSON.parse(must(['npm', 'pack', '--json', `${name}@${version}`], { cwd: `${folder}.new` })) as {
    readonly filename: string;
    readonly integrity: string;
  }[];
  if (packed?.integrity !== integrity) throw new Error(`${name}: it is not what package-lock.json says`);
  const archive = packed.filename.replace('@', '').replace('/', '-');
  must(['tar', '-xzf', archive, '--strip-components=1'], { cwd: `${folder}.new` });
  rmSync(join(`${folder}.new`, archive));
  renameSync(`${folder}.new`, folder);
  return join(folder, 'bin/bun');
}

export function provideToolchain(architecture: Architecture): Toolchain {
  if (architecture === OWN_ARCHITECTURE) return { compiler: 'gcc', staticCompiler: 'musl-gcc', executableFlags: [] };
  const { triplet, bun } = NAMES[architecture];
  const compiler = `${triplet}-gcc`;
  const runtime = provideRuntime(architecture);
  const executableFlags = [
    `--target=bun-linux-${bun === 'x64' ? 'x64' : 'arm64'}`,
    `--compile-executable-path=${runtime}`,
  ];
  return { compiler, staticCompiler: compiler, executableFlags };
}
