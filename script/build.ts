// Builds dist/ from the sources; what is newer than its sources is left alone. Run by script/build.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildImages } from './build-images.ts';
import { buildShare } from './build-share.ts';
import { buildSystem } from './build-system.ts';
import { compile, isStale } from './compile.ts';
import { root } from './run-command.ts';
import { OWN_ARCHITECTURE, provideToolchain } from './toolchain.ts';

const dist = join(root, 'dist');
const SYSTEM_SOURCES = [
  'packaging/*',
  'script/build-system.ts',
  'src/agent/config/variables.ts',
  'src/install/layout.ts',
];

mkdirSync(join(dist, 'images'), { recursive: true });
compile(dist, provideToolchain(OWN_ARCHITECTURE));
if (isStale(join(dist, 'share'), 'dist/bin/ocicat')) buildShare(dist);
if (isStale(join(dist, 'system'), ...SYSTEM_SOURCES)) buildSystem(root);
await buildImages(root);
