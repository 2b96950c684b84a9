// Mounts at and below a directory: nothing may be deleted through one, as what is behind it may be the host's own files.
import { readFileSync } from 'node:fs';
import { OcicatError } from '../base/errors.ts';
import * as libc from './libc.ts';

/** mountinfo writes blanks and backslashes as three octal digits. Source: proc(5). */
function decodeMountPath(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Mount points at or below a directory, innermost last. Its path has no links. */
export function mountsBelow(directory: string): readonly string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => decodeMountPath(line.split(' ')[4] ?? ''))
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .sort((a, b) => a.length - b.length);
}

/** Takes them away, the innermost first; `kept` stay. Throws `unavailable` when one is still there. */
export function unmountBelow(directory: string, kept: readonly string[] = []): void {
  const others = () => mountsBelow(directory).filter((path) => !kept.includes(path));
  for (const path of others().toReversed()) libc.umount2(path, libc.MNT_DETACH);
  const [left] = others();
  if (left !== undefined) throw new OcicatError('unavailable', `unmount "${left}": still mounted`);
}
