// The passwords of BGP sessions: files of this host that root alone may read, so that none stands in the store. They are looked at
// again every second.
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { sameContent } from '../../base/equal.ts';
import type { Password, PasswordReference, RoutingInput } from '../../routing/input.ts';
import { parsePassword, passwordId, passwordReferences } from '../../routing/passwords.ts';
import { describeErrno, isErrno } from '../../sys/errno.ts';

export interface BgpPasswords {
  /** The input with the passwords that it asks for, as their files are now. */
  fill(input: RoutingInput): RoutingInput;
  close(): void;
}

const LOOK_MS = 1_000;
const MAX_FILE_BYTES = 4_096;
const GROUP_AND_OTHERS = 0o077;
const WRITABLE_BY_THEM = 0o022;
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;

/** As Kubernetes names Secrets and their keys: no way out of the folder, and nothing hidden. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}$/;

function missing(why: string): Password {
  return { kind: 'missing', why };
}

/** Who may write a folder could put another file there. */
function faultOfFolder(path: string): string | undefined {
  const stats = lstatSync(path);
  if (stats.isSymbolicLink()) return `"${path}" is a link, and links are not followed`;
  if (!stats.isDirectory()) return `"${path}" is not a folder`;
  return stats.uid === 0 && (stats.mode & WRITABLE_BY_THEM) === 0 ? undefined : `others than root may write "${path}"`;
}

function faultOfFile(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'its file is not a regular file';
  if (stats.uid !== 0 || (stats.mode & GROUP_AND_OTHERS) !== 0) return 'others than root may read its file';
  return stats.size > MAX_FILE_BYTES ? 'its file is too large' : undefined;
}

function readOpen(fd: number): Password {
  const fault = faultOfFile(fstatSync(fd));
  return fault === undefined ? parsePassword(readFileSync(fd, 'utf8')) : missing(fault);
}

function readFile(path: string): Password {
  const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  try {
    return readOpen(fd);
  } finally {
    closeSync(fd);
  }
}

/** Says nothing of what a file holds. */
function describe(error: unknown): string {
  if (isErrno(error, 'ENOENT')) return 'there is no such file';
  return isErrno(error, 'ELOOP') ? 'its file is a link, and links are not followed' : describeErrno(error);
}

export function readBgpPassword(folder: string, { name, key }: PasswordReference): Password {
  if (!NAME.test(name) || !NAME.test(key)) return missing('that is not the name of a file');
  try {
    const fault = faultOfFolder(folder) ?? faultOfFolder(join(folder, name));
    return fault === undefined ? readFile(join(folder, name, key)) : missing(fault);
  } catch (error) {
    return missing(describe(error));
  }
}

/** `changed` is called when a file that was asked for has another password, or none any more. */
export function openBgpPasswords(folder: string, changed: () => void): BgpPasswords {
  let asked: readonly PasswordReference[] = [];
  let known: ReadonlyMap<string, Password> = new Map();
  const read = () => new Map(asked.map((one) => [passwordId(one), readBgpPassword(folder, one)]));
  const timer = setInterval(() => {
    if (asked.length > 0 && !sameContent([...known], [...read()])) changed();
  }, LOOK_MS);

  return {
    fill(input) {
      asked = passwordReferences(input);
      known = read();
      return { ...input, passwords: known };
    },
    close: () => clearInterval(timer),
  };
}
