// What knip looks for: files, exports and packages that nobody uses, and packages that package.json does not name. Run by the
// lint step.
import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  // Beside programs, what is started by its path: workers, and what a benchmark or test runs in a namespace.
  entry: [
    'src/main.ts',
    '{src,script,test}/**/*.test.ts',
    '{src,test}/**/*.worker.ts',
    'script/*.ts',
    'bench/*.ts',
    'bench/parts/{*-inside,crr,datapath-pod,datapath-quiet}.ts',
    'test/support/etcd/etcd-proxy.ts',
    'test/support/dns/ask.ts',
  ],
  project: ['{src,script,bench,test}/**/*.ts'],
  // Run by scripts of the shell, and compiled into the addon.
  ignoreDependencies: ['@biomejs/biome', 'bun', 'node-api-headers'],
  // Programs come from Debian; a number may have a second name, which says what it is for.
  exclude: ['binaries', 'duplicates'],
};

export default config;
