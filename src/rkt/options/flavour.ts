// How a pod is isolated; a link in its directory says so.
import { readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** With namespaces of its own, or by its root directory alone. */
export type Flavour = 'default' | 'fly';

export function writeFlavour(podPath: string, flavour: Flavour): void {
  symlinkSync(flavour, join(podPath, 'flavor'));
}

/** Throws when the pod has none, which only a pod that is being made has not. */
export function readFlavour(podPath: string): Flavour {
  return readlinkSync(join(podPath, 'flavor')) === 'fly' ? 'fly' : 'default';
}
