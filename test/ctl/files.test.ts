// What -f takes from the disk: extensions in any case, links, text that is none; and what a name alone is enough for.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSession } from './session.ts';

let folder: string;
const profile = (name: string) =>
  `{apiVersion: projectcalico.org/v3, kind: Profile, metadata: {name: ${name}}, spec: {}}\n`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'));
  mkdirSync(join(folder, 'tree/deep'), { recursive: true });
  writeFileSync(join(folder, 'tree/A.YAML'), profile('a'));
  writeFileSync(join(folder, 'tree/b.Yml'), profile('b'));
  writeFileSync(join(folder, 'tree/deep/c.JSON'), profile('c'));
  writeFileSync(join(folder, 'tree/notes.txt'), 'no manifest');
  symlinkSync('..', join(folder, 'tree/deep/circle'));
  symlinkSync('../A.YAML', join(folder, 'tree/deep/link.yaml'));
  mkdirSync(join(folder, 'dangling'));
  symlinkSync('nowhere', join(folder, 'dangling/lost.yaml'));
  writeFileSync(join(folder, 'latin.yaml'), Buffer.from(profile('caf\xe9'), 'latin1'));
  writeFileSync(join(folder, 'wide.yaml'), Buffer.from(`\ufeff${profile('wide')}`, 'utf16le'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each<[path: string, status: number, words: string]>([
  ['tree', 0, "Successfully validated 2 'Profile' resource(s)\n"],
  ['-R tree', 0, "Successfully validated 4 'Profile' resource(s)\n"],
  ['wide.yaml', 0, "Successfully validated 1 'Profile' resource(s)\n"],
  ['latin.yaml', 1, 'failed to execute command: read FOLDER/latin.yaml: its bytes are no text in UTF-8\n'],
  ['dangling', 1, 'failed to execute command: open FOLDER/dangling/lost.yaml: no such file or directory\n'],
  ['none', 1, 'failed to execute command: open FOLDER/none: no such file or directory\n'],
])('%s', async (path, status, words) => {
  const session = openSession();
  const flags = path.split(' ').map((word) => (word === '-R' ? word : `-f ${folder}/${word}`));
  const result = await session.run(`validate ${flags.join(' ')}`);
  const text = (result.out + result.err).replaceAll(folder, 'FOLDER');
  expect([result.status, text]).toEqual([status, words]);
  session.close();
});

test('what somebody stored against the rules is found and deleted by the file that it came from', async () => {
  const session = openSession();
  const key = '/calico/resources/v3/projectcalico.org/profiles/odd';
  const odd = {
    kind: 'Profile',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'odd' },
    spec: { ingress: [{ action: 'allow' }] },
  };
  await session.datastore.commit({ conditions: [], writes: [{ kind: 'put', key, value: JSON.stringify(odd) }] });
  const text = JSON.stringify(odd);
  expect((await session.run('get -f - -o name', text)).out).toBe('profile/odd\n');
  expect(await session.run('delete -f -', text)).toEqual({
    status: 0,
    out: "Successfully deleted 1 'Profile' resource(s)\n",
    err: '',
  });
  const nameless = '{apiVersion: projectcalico.org/v3, kind: Profile, metadata: {namespace: 5}}';
  expect((await session.run('delete -f -', nameless)).err).toBe(
    'failed to execute command: stdin:1:51: metadata.name: found nothing, wanted a name\n',
  );
  const five = '{apiVersion: projectcalico.org/v3, kind: Profile, metadata: {name: 5}}';
  await session.run('apply -f -', five);
  expect((await session.run('delete -f -', five)).out).toBe("Successfully deleted 1 'Profile' resource(s)\n");
  session.close();
});

const policy = (spec: string) =>
  `apiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: p}\nspec:\n  types: [Ingress]\n  ${spec}\n`;

test.each<[spec: string, words: string]>([
  [
    'selector: !has(quarantine) && has(app)',
    '6:13: found the tag !has(quarantine), wanted a value; if it is meant as text, put it in quotes',
  ],
  [
    'selector: !has(quarantine)',
    '6:13: found the tag !has(quarantine), wanted a value; if it is meant as text, put it in quotes',
  ],
  [
    'selector: &here has(app)',
    '6:13: found the anchor &here, which no alias names; if it is meant as text, put it in quotes',
  ],
  [
    'order: 123456789.123456789123',
    '6:10: found 123456789.123456789123, which no stored number holds exactly, wanted fewer digits, or text in quotes',
  ],
  ['order: .inf', '6:10: found .inf, which no stored number holds exactly, wanted fewer digits, or text in quotes'],
  [
    'ingress: [{action: Allow, metadata: {annotations: {a: yes}}}]',
    '6:57: found yes, which is text or a truth to different programs, wanted true, false, or text in quotes',
  ],
])('what would be stored as something else is refused by every command that reads it: %s', async (spec, words) => {
  const session = openSession();
  const file = session.file('p.yaml', policy(spec));
  for (const command of ['validate', 'apply', 'create', 'replace', 'diff', 'delete']) {
    const { status, err } = await session.run(`${command} -f ${file}`);
    expect([command, status, err]).toEqual([
      command,
      command === 'diff' ? 2 : 1,
      `failed to execute command: p.yaml:${words}\n`,
    ]);
  }
  expect((await session.run('get globalnetworkpolicies -o name')).out).toBe('');
  session.close();
});

test('a patch that would be stored as something else is refused', async () => {
  const session = openSession();
  await session.run(`apply -f ${session.file('p.yaml', policy('selector: has(app)'))}`);
  for (const patch of [
    '{"spec":{"order":1e400}}',
    '{"spec":{"order":1,"order":2}}',
    '{"spec":{"order":12345678901234567890}}',
  ])
    expect((await session.run(`patch gnp p -p '${patch}'`)).err).toMatch(/^hit error: patch:1:\d+: /);
  expect((await session.run("get gnp p -o 'jsonpath={.spec.order}'")).out).toBe('\n');
  session.close();
});
