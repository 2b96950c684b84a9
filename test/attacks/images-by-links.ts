// Images whose archives point out of themselves: paths, links and hard links.
import type { RawEntry } from '../support/images/raw-tar.ts';
import type { Aim, ImageAttack } from './image-attack.ts';

type Entries = (aim: Aim) => readonly (readonly RawEntry[])[];

function refused(name: string, expected: RegExp, layers: Entries): ImageAttack {
  return { name, refused: expected, image: (aim) => ({ layers: layers(aim) }) };
}

/** Unpacks, and what was meant for the host is in the pod. */
function contained(name: string, script: string, prints: RegExp, layers: Entries): ImageAttack {
  return { name, script: () => script, prints, image: (aim) => ({ layers: layers(aim) }) };
}

const link = (name: string, target: string): RawEntry => ({ name, type: '2', link: target });
const hard = (name: string, target: string): RawEntry => ({ name, type: '1', link: target });
const owned = (name: string): RawEntry => ({ name, content: 'owned', pax: { path: name } });
const dir = (name: string, mode = 0o755): RawEntry => ({ name, type: '5', mode, pax: { path: name } });

const leaves = /layer entry ".*": leaves the image/;
const noDirectory = /layer: ".*" is no directory, but has entries below it/;
const noTarget = /hard link target ".*" is no file of this layer/;

export const linkAttacks: readonly ImageAttack[] = [
  refused('a path that climbs out', leaves, () => [[owned('../../../../../../../../root/owned')]]),
  refused('a path that climbs in the middle', leaves, ({ sentinel }) => [
    [owned(`a/../../../../../../..${sentinel}/owned`)],
  ]),
  refused('a path that climbs and stays', leaves, () => [[owned('etc/../owned')]]),
  contained('an absolute path', 'cat /root/owned', /^owned$/, () => [[owned('/root/owned')]]),
  refused('a file below an absolute link', noDirectory, ({ sentinel }) => [
    [link('l', `${sentinel}/dir`), owned('l/owned')],
  ]),
  contained('a file below a link that climbs', 'cat /root/owned', /^owned$/, () => [
    [dir('root'), link('l', '../../../../../../../../root'), owned('l/owned')],
  ]),
  refused('a file below a link to itself', /layer entry "l\/owned": cannot be written/, () => [
    [link('l', 'l'), owned('l/owned')],
  ]),
  refused('a file below a circle of links', /layer entry "a\/owned": cannot be written/, () => [
    [link('a', 'b'), link('b', 'a'), owned('a/owned')],
  ]),
  refused('a file below a link to process 1', noDirectory, () => [[link('l', '/proc/1/root/root'), owned('l/owned')]]),
  refused('a file below a link to the unpacking process', noDirectory, () => [
    [link('l', '/proc/self/cwd'), owned('l/owned')],
  ]),
  refused('a directory that becomes a link before it is written to', noDirectory, ({ sentinel }) => [
    [dir('d'), link('d', `${sentinel}/dir`), owned('d/owned')],
  ]),
  contained('a file in place of a link to a file of the host', 'cat /f', /^owned$/, ({ sentinel }) => [
    [link('f', `${sentinel}/dir/sub/file`), owned('f')],
  ]),
  contained('a directory in place of a link to a directory of the host', 'stat -c %a /d', /^777$/, ({ sentinel }) => [
    [link('d', `${sentinel}/dir`), dir('d', 0o777)],
  ]),
  contained('a file below a link of another layer', 'cat /l/owned', /^owned$/, ({ sentinel }) => [
    [link('l', `${sentinel}/dir`)],
    [owned('l/owned')],
  ]),
  contained('a file below a link to process 1 of another layer', 'cat /l/etc/owned', /^owned$/, () => [
    [link('l', '/proc/1/root')],
    [owned('l/etc/owned')],
  ]),
  contained(
    'links to the host, read in the pod',
    'cat /l/etc/shadow /r/etc/shadow',
    /No such file[\s\S]*No such file/,
    ({ sentinel }) => [[link('l', sentinel), link('r', `../../../../../../..${sentinel}`)]],
  ),
  refused('a hard link to a file of the host', noTarget, ({ sentinel }) => [[hard('h', `${sentinel}/etc/shadow`)]]),
  refused('a hard link that climbs', leaves, () => [[hard('h', '../../../../../../../../etc/shadow')]]),
  refused('a hard link through a link', noTarget, ({ sentinel }) => [
    [link('l', `${sentinel}/etc`), hard('h', 'l/shadow')],
  ]),
  refused('a hard link through a link to process 1', noTarget, () => [
    [link('l', '/proc/1/root/etc'), hard('h', 'l/shadow')],
  ]),
  contained('a hard link to a link to the host', 'cat /h', /No such file/, ({ sentinel }) => [
    [link('l', `${sentinel}/etc/shadow`), hard('h', 'l')],
  ]),
  contained(
    'a hard link to a file of another layer, written to in the pod',
    'cmp /h /bin/busybox && echo mine > /h && cat /h && busybox echo whole',
    /^mine\nwhole$/,
    () => [[hard('h', 'bin/busybox')]],
  ),
  refused('a hard link through a link of another layer', noTarget, ({ sentinel }) => [
    [link('l', `${sentinel}/etc`)],
    [hard('h', 'l/shadow')],
  ]),
  refused('a hard link to a file that another layer has deleted', noTarget, () => [
    [{ name: 'bin/.wh.busybox' }],
    [hard('h', 'bin/busybox')],
  ]),
  refused('a hard link to nothing', noTarget, () => [[hard('h', 'missing')]]),
  refused('a hard link to an empty name', noTarget, () => [[hard('h', '')]]),
  refused('a hard link to a directory', noTarget, () => [[dir('d'), hard('h', 'd')]]),
  refused('a hard link to itself', noTarget, () => [[hard('h', 'h')]]),
  refused('a link in place of the root', /wants to replace the root/, ({ sentinel }) => [[link('./', sentinel)]]),
  refused('a file in place of the root', /wants to replace the root/, () => [[{ name: '.', content: 'owned' }]]),
  contained('a root that everybody may write to', 'stat -c %a /', /^755$/, () => [[dir('./', 0o6777)]]),
];
