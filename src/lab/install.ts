// Where this program is installed: the folder that holds bin/, cni/, lib/ and images/.
import { dirname, join } from 'node:path';

/** From the compiled executable the folder above bin/; from source the checkout's dist/. */
export function installRoot(): string {
  const compiled = import.meta.dir.startsWith('/$bunfs/');
  return compiled ? dirname(dirname(process.execPath)) : join(import.meta.dir, '../../dist');
}

/** The compiled program under one of its names. */
export function program(name: 'ocicat' | 'calicoctl' | 'calico-node' | 'rkt'): string {
  return join(installRoot(), 'bin', name);
}
