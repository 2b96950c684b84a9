import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { calicoctl } from '../../src/ctl/main/commands.ts';
import { openMemoryDatastore } from '../support/datastore/memory.ts';
import { openSession, type Session } from './session.ts';

let session: Session;
beforeEach(() => {
  session = openSession();
});
afterEach(() => session.close());

const pool = (name: string, spec: string) =>
  `kind: IPPool\napiVersion: projectcalico.org/v3\nmetadata: {name: ${name}}\nspec: ${spec}\n`;

test('diff shows what apply would change, and nothing after it', async () => {
  await session.run('apply -f -', pool('a', '{cidr: 10.0.0.0/16, natOutgoing: true}'));
  const changed = `${pool('a', '{cidr: 10.0.0.0/16}')}---\n${pool('b', '{cidr: 10.1.0.0/16}')}`;
  expect(await session.run('diff -f -', changed)).toEqual({
    status: 1,
    err: '',
    out: `--- store IPPool(a)
+++ file IPPool(a)
@@ -10,6 +10,5 @@
   blockSize: 26
   cidr: 10.0.0.0/16
   ipipMode: Never
-  natOutgoing: true
   nodeSelector: all()
   vxlanMode: Never
--- /dev/null
+++ file IPPool(b)
@@ -0,0 +1,14 @@
+apiVersion: projectcalico.org/v3
+kind: IPPool
+metadata:
+  name: b
+spec:
+  allowedUses:
+  - Workload
+  - Tunnel
+  assignmentMode: Automatic
+  blockSize: 26
+  cidr: 10.1.0.0/16
+  ipipMode: Never
+  nodeSelector: all()
+  vxlanMode: Never
`,
  });
  await session.run('apply -f -', changed);
  expect(await session.run('diff -f -', changed)).toEqual({ status: 0, out: '', err: '' });
});

test('explain', async () => {
  expect((await session.run('explain tier.spec')).out).toBe(`KIND      Tier

spec  <object; default {}>
      What is wanted.

FIELDS
  order  <a number; default 1000000>
      Tiers with a lower order come first; equal orders by name.
  defaultAction  <one of Deny, Pass; default "Deny">
      What happens to packets that policies of the tier apply to and none decides.
`);
  expect((await session.run('explain gnp.spec.ingress.source.nets')).out).toBe(`KIND      GlobalNetworkPolicy

nets  <list of a range such as 10.0.0.0/8, host bits zero, at most 256>
      Ranges, any of which holds the address.
`);
  expect((await session.run('explain profile')).out).toStartWith(
    'KIND      Profile\nSCOPE     cluster\nALIASES   profiles, profile, pro, pros\n\n',
  );
  expect((await session.run('explain tier.spec.foo')).err).toBe('Tier has no field "spec.foo"\n');
});

test('wait', async () => {
  expect((await session.run('wait ippool a --timeout 300ms')).err).toBe('wait for IPPool "a": not within 300ms\n');
  const waiting = session.run("wait ippool a --for 'jsonpath={.spec.cidr}=10.0.0.0/16' --timeout 5s");
  await session.run('apply -f -', pool('a', '{cidr: 10.0.0.0/16}'));
  expect(await waiting).toEqual({ status: 0, out: 'ippool/a condition met\n', err: '' });
  await session.run('delete ippool a');
  expect((await session.run('wait ippool a --for delete')).out).toBe('ippool/a condition met\n');
  expect((await session.run('wait ippool a --for foo')).err).toBe(
    'wait --for "foo": wanted create, delete or jsonpath={PATH}=VALUE\n',
  );
});

/** Reads the text that was not written, and removes it. */
function takeKept(message: string): string {
  const [, file = ''] = /text is in (\/.*)\n$/.exec(message) ?? [];
  const text = readFileSync(file, 'utf8');
  rmSync(dirname(file), { recursive: true });
  return text;
}

test('edit writes back what the editor leaves, and keeps what it cannot write', async () => {
  await session.run('apply -f -', pool('a', '{cidr: 10.0.0.0/16}'));
  const edit = (editor: string) => session.run('edit ippool a', '', { EDITOR: editor });
  expect((await edit('true')).out).toBe('Edit cancelled, no changes made.\n');
  expect((await edit("sed -i 's/ipipMode: Never/ipipMode: Always/'")).out).toBe(
    "Successfully replaced 1 'IPPool' resource(s)\n",
  );
  expect((await session.run('get ippool a -o custom-columns=IPIPMODE')).out).toBe('IPIPMODE   \nAlways     \n\n');
  const broken = await edit("sed -i 's/ipipMode: Always/ipipMode: Sometimes/'");
  expect([broken.status, broken.err]).toEqual([
    1,
    expect.stringMatching(/ipipMode: found "Sometimes".*\nThe edited text is in \/.*a\.yaml\n$/),
  ]);
  expect(takeKept(broken.err)).toContain('Sometimes');
  expect((await edit('false')).err).toBe('edit: the editor "false" ended with status 1\n');
  const renamed = await edit("sed -i 's/name: a/name: b/'");
  expect(renamed.err).toStartWith('edit: wanted IPPool(a) and nothing else in the file\n');
  expect(takeKept(renamed.err)).toContain('name: b');
});

test('completion', async () => {
  await session.run('apply -f -', `${pool('alpha', '{cidr: 10.0.0.0/16}')}---\n${pool('beta', '{cidr: 10.1.0.0/16}')}`);
  const verbs = [...new Set(calicoctl.commands.filter(({ hidden }) => !hidden).map(({ path }) => path[0]))].sort();
  const steps: readonly (readonly [string, string])[] = [
    ["''", verbs.map((verb) => `${verb}\n`).join('')],
    ['ipam s', 'show\nsplit\n'],
    ['get ippo', 'ippool\n'],
    ["get ippool ''", 'alpha\nbeta\n'],
    ['get -o wide ippool al', 'alpha\n'],
    ['get ippool -o y', 'yaml\n'],
    ['get ippool --na', '--namespace\n'],
    ["apply -f ''", ':files\n'],
    ['patch clusterinf', ''],
    ['get clusterinf', 'clusterinformation\n'],
    ['completion z', 'zsh\n'],
  ];
  for (const [typed, out] of steps)
    expect([typed, (await session.run(`__complete -- ${typed}`)).out]).toEqual([typed, out]);
  for (const shell of ['bash', 'zsh', 'fish'])
    expect((await session.run(`completion ${shell}`)).out).toContain('calicoctl __complete --');
  expect((await session.run('completion foo')).err).toBe('completion for "foo": wanted one of bash, zsh, fish\n');
});

test('the bash script is one', async () => {
  const { out } = await session.run('completion bash');
  const check = Bun.spawnSync(['bash', '-n'], { stdin: Buffer.from(out), stderr: 'pipe' });
  expect([check.exitCode, check.stderr.toString()]).toEqual([0, '']);
});

test('manual pages', async () => {
  const page = await session.run('man ipam split');
  expect(page.out).toStartWith('.TH CALICOCTL\\-IPAM\\-SPLIT 1 ""');
  expect(page.out).toContain('.SH SYNOPSIS\n.nf\n\\fBcalicoctl ipam split NUMBER [flags]\\fR\n.fi\n');
  expect((await session.run('man')).out).toContain(
    '.TP\n\\fBipam split\\fR\nSplit a pool into smaller pools of equal size.\n',
  );
  expect((await session.run('man foo')).err).toBe('man: no command "foo"\n');
});

test('split', async () => {
  await session.run('apply -f -', pool('a', '{cidr: 10.0.0.0/24, natOutgoing: true}'));
  expect((await session.run('ipam split 2 --name a')).err).toContain('datastore is not locked');
  await session.run('datastore migrate lock');
  expect((await session.run('ipam split 3 --name a')).err).toBe(
    'split: number to split CIDR into is not a valid power of 2: 3\n',
  );
  expect((await session.run('ipam split 8 --name a')).err).toBe(
    'split 10.0.0.0/24: 8 parts would be smaller than its blocks of /26\n',
  );
  expect((await session.run('ipam split 2 --name b')).err).toBe('split: there is no IPPool b\n');
  expect(
    (await session.run('ipam split 4 --cidr 10.0.0.0/24')).out,
  ).toBe(`IP Pool a was successfully split into 4 smaller pools.
Created split-a-0 with CIDR 10.0.0.0/26.
Created split-a-1 with CIDR 10.0.0.64/26.
Created split-a-2 with CIDR 10.0.0.128/26.
Created split-a-3 with CIDR 10.0.0.192/26.
Unlock the store with \`calicoctl datastore migrate unlock\`.
`);
  expect((await session.run('get pools -o custom-columns=NAME,CIDR,NAT,DISABLED')).out).toBe(
    'NAME        CIDR            NAT    DISABLED   \n' +
      'split-a-0   10.0.0.0/26     true   false      \nsplit-a-1   10.0.0.64/26    true   false      \n' +
      'split-a-2   10.0.0.128/26   true   false      \nsplit-a-3   10.0.0.192/26   true   false      \n\n',
  );
});

test('export and import', async () => {
  await session.run(
    'apply -f -',
    `${pool('a', '{cidr: 10.0.0.0/16}')}---\nkind: GlobalNetworkPolicy\napiVersion: projectcalico.org/v3\nmetadata: {name: p}\n`,
  );
  const range = [0, 1, 2, 3];
  const block = `{"cidr":"10.0.0.0/30","allocations":[null,null,null,null],"unallocated":[${range}],"attributes":[],"deleted":false,"sequenceNumber":1795432687946214735}`;
  const key = '/calico/ipam/v2/assignment/ipv4/block/10.0.0.0-30';
  await session.datastore.commit({
    conditions: [],
    writes: [
      { kind: 'put', key, value: block },
      { kind: 'put', key: '/calico/ipam/v2/host/h', value: '' },
    ],
  });
  expect((await session.run('datastore migrate export')).err).toContain('datastore is not locked');
  await session.run('datastore migrate lock');
  let exported = '';
  {
    const { runCalicoctl } = await import('../../src/ctl/main/calicoctl.ts');
    const stdio = {
      write: (text: string) => {
        exported += text;
      },
      writeExact: () => undefined,
      writePainted: () => undefined,
      writeError: () => undefined,
      read: async () => new Uint8Array(),
      interactive: false,
    };
    const open = async () => ({ ...session.datastore, close: async () => undefined });
    expect(await runCalicoctl(['datastore', 'migrate', 'export'], {}, stdio, new AbortController().signal, open)).toBe(
      0,
    );
  }
  const other = openSession(openMemoryDatastore());
  expect((await other.run('datastore migrate import -f -', exported)).out).toBe(
    'Imported 7 entries. Unlock the store with `calicoctl datastore migrate unlock`.\n',
  );
  const before = await session.datastore.list('/calico/');
  const after = await other.datastore.list('/calico/');
  expect(after.kvs.map(({ key: one, value }) => [one, value])).toEqual(
    before.kvs.map(({ key: one, value }) => [one, value]),
  );
  expect((await other.run('datastore migrate import -f -', exported)).err).toBe('import: the store is not empty\n');
  other.close();
});

test('-v tells what is asked of the store', async () => {
  const traceOf = async (line: string) => (await session.run(line)).err.replace(/[\d.]+ ms/g, 'N ms');
  const resources = '/calico/resources/v3/projectcalico.org';
  const asked = `get ${resources}/clusterinformations/default: absent in N ms\nlist ${resources}/tiers/: 0 keys in N ms\n`;
  expect(await traceOf('get tiers -v')).toBe(asked);
  expect(await traceOf('get tiers --log-level info')).toBe(asked);
  expect(await traceOf('get tiers -l warn')).toBe('');
  await session.run('apply -f -', pool('a', '{cidr: 10.0.0.0/16}'));
  expect(await traceOf('patch ippool a -vv -p {"spec":{"natOutgoing":true}}')).toMatch(
    /\n {2}found \S+\/ippools\/a \{.*\n {2}put \S+\/ippools\/a \{.*"natOutgoing":true.*\ncommit 1 writes: committed in N ms\n$/s,
  );
});

test('watch shows what there is and what changes', async () => {
  await session.run('apply -f -', pool('a', '{cidr: 10.0.0.0/16}'));
  const controller = new AbortController();
  const { runCalicoctl } = await import('../../src/ctl/main/calicoctl.ts');
  let out = '';
  const seen = async (text: string) => {
    for (let attempt = 0; attempt < 250 && !out.includes(text); attempt++) await Bun.sleep(20);
    expect(out).toContain(text);
  };
  const stdio = {
    write: (text: string) => {
      out += text;
    },
    writeExact: () => undefined,
    writePainted: () => undefined,
    writeError: () => undefined,
    read: async () => new Uint8Array(),
    interactive: false,
  };
  const open = async () => ({ ...session.datastore, close: async () => undefined });
  const watching = runCalicoctl(['get', 'ippools', '-w'], {}, stdio, controller.signal, open);
  await seen('a      10.0.0.0/16   all()');
  await session.run('apply -f -', pool('longer-name', '{cidr: 10.1.0.0/16}'));
  await seen('longer-name');
  await session.run('delete ippool a');
  await seen('(deleted)');
  controller.abort();
  expect(await watching).toBe(0);
  expect(out).toBe(
    'NAME   CIDR          SELECTOR\na      10.0.0.0/16   all()\n' +
      'longer-name   10.1.0.0/16   all()\n' +
      // A pool that is deleted takes no new addresses first.
      'a             10.0.0.0/16   all()\na             10.0.0.0/16   all()      (deleted)\n',
  );
});
