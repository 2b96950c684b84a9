// The file that keeps an app's exit status after it has ended.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appPath } from './rootfs.ts';

export function statusPath(podPath: string, app: string): string {
  return join(appPath(podPath, app), 'status');
}

export function writeStatus(podPath: string, app: string, status: number): void {
  writeFileSync(statusPath(podPath, app), `${status}\n`);
}
