// Who an app runs as: names, numbers and paths turned into ids, as the image itself would.
import { OcicatError } from '../base/errors.ts';
import { statInRoot, tryReadInRoot } from './root-tree.ts';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

const MAX_ID = 0xfffffffe;

/** The third field of the line that starts with `name:`; undefined without such a line. */
export function findId(table: string, name: string): number | undefined {
  for (const line of table.split('\n')) {
    const [entry, , id = ''] = line.split(':');
    if (entry === name && /^\d+$/.test(id) && Number(id) <= MAX_ID) return Number(id);
  }
  return undefined;
}

function tryNumeric(value: string): number | undefined {
  if (value === 'root' || value === '') return 0;
  return /^\d+$/.test(value) && Number(value) <= MAX_ID ? Number(value) : undefined;
}

function ownerOf(rootFd: number, path: string): Identity {
  const stats = statInRoot(rootFd, path);
  if (stats === undefined) throw new OcicatError('not-found', `stat "${path}": no such file or directory`);
  return { uid: Number(stats.uid), gid: Number(stats.gid) };
}

function lookUp(rootFd: number, file: string, name: string, what: string): number {
  const table = tryReadInRoot(rootFd, file);
  if (table === undefined) throw new OcicatError('not-found', `open ${file}: no such file or directory`);
  const id = findId(table, name);
  if (id === undefined) throw new OcicatError('not-found', `"${name}" ${what} not found`);
  return id;
}

/**
 * `user` and `group` are `root`, a number, a name of the image's /etc/passwd or /etc/group, or the path of a file whose
 * owner is meant. A group with the user's name that the image does not have means the group with the user's id, because
 * that is what docker images without a group mean. Throws `not-found`. Source: facts §4.2, §6.4.
 */
export function resolveIdentity(rootFd: number, user: string, group: string): Identity {
  const uid = user.startsWith('/')
    ? ownerOf(rootFd, user).uid
    : (tryNumeric(user) ?? lookUp(rootFd, '/etc/passwd', user, 'user'));
  if (group.startsWith('/')) return { uid, gid: ownerOf(rootFd, group).gid };
  const numeric = tryNumeric(group);
  if (numeric !== undefined) return { uid, gid: numeric };
  const known = findId(tryReadInRoot(rootFd, '/etc/group') ?? '', group);
  if (known === undefined && group === user) return { uid, gid: uid };
  return { uid, gid: known ?? lookUp(rootFd, '/etc/group', group, 'group') };
}
