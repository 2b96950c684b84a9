// Who an app runs as: names, numbers and paths turned into ids, as the image itself would.
import { OcicatError } from '../../base/errors.ts';
import { statInRoot, tryReadInRoot } from './root-tree.ts';

export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Further groups that the image puts the user in. */
  readonly groups: readonly number[];
  readonly home: string;
}

/** A line of /etc/passwd. */
interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

const MAX_ID = 0xfffffffe;

function tryParseId(text: string): number | undefined {
  return /^\d+$/.test(text) && Number(text) <= MAX_ID ? Number(text) : undefined;
}

/** The third field of the line that starts with `name:`; undefined without such a line. */
export function findId(table: string, name: string): number | undefined {
  for (const line of table.split('\n')) {
    const [entry, , text = ''] = line.split(':');
    const id = tryParseId(text);
    if (entry === name && id !== undefined) return id;
  }
  return undefined;
}

/** The first account that fits; lines that are none are passed over. Source: passwd(5). */
function findAccount(table: string, fits: (account: Account) => boolean): Account | undefined {
  for (const line of table.split('\n')) {
    const [name = '', , uidText = '', gidText = '', , home = ''] = line.split(':');
    const [uid, gid] = [tryParseId(uidText), tryParseId(gidText)];
    if (uid === undefined || gid === undefined) continue;
    const account = { name, uid, gid, home };
    if (fits(account)) return account;
  }
  return undefined;
}

/** Ids of the groups that list the user as a member. Source: group(5). */
function memberships(table: string, user: string): readonly number[] {
  const ids = table.split('\n').flatMap((line) => {
    const [, , text = '', members = ''] = line.split(':');
    return members.trim().split(',').includes(user) ? (tryParseId(text) ?? []) : [];
  });
  return [...new Set(ids)];
}

function tryNumeric(value: string): number | undefined {
  return value === 'root' || value === '' ? 0 : tryParseId(value);
}

function ownerOf(rootFd: number, path: string): Pick<Identity, 'uid' | 'gid'> {
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

function findGid(rootFd: number, group: string): number {
  if (group.startsWith('/')) return ownerOf(rootFd, group).gid;
  return tryNumeric(group) ?? lookUp(rootFd, '/etc/group', group, 'group');
}

/** What the image says of a user: by name, so that of several with one id the right one is taken, else by id. */
function accountOf(rootFd: number, user: string, uid: number): Account | undefined {
  const table = tryReadInRoot(rootFd, '/etc/passwd') ?? '';
  return findAccount(table, ({ name }) => name === user) ?? findAccount(table, (account) => account.uid === uid);
}

/** Stands for the group of the user: the one in /etc/passwd, and those that list the user. */
export const OWN_GROUP = '';

/**
 * `user` and `group` are `root`, a number, a name of the image's /etc/passwd or /etc/group, or the path of a file whose
 * owner is meant; a group may be OWN_GROUP. A user without an entry has group 0, no other group and `/` as home, as with
 * docker and podman. Throws `not-found`.
 */
export function resolveIdentity(rootFd: number, user: string, group: string): Identity {
  const uid = user.startsWith('/')
    ? ownerOf(rootFd, user).uid
    : (tryNumeric(user) ?? lookUp(rootFd, '/etc/passwd', user, 'user'));
  const account = accountOf(rootFd, user, uid);
  const home = account?.home ?? '/';
  if (group !== OWN_GROUP) return { uid, gid: findGid(rootFd, group), groups: [], home };
  const groups = account === undefined ? [] : memberships(tryReadInRoot(rootFd, '/etc/group') ?? '', account.name);
  return { uid, gid: account?.gid ?? 0, groups, home };
}
