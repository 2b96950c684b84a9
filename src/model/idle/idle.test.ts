// What has no effect is named wherever it is met, from one list; src/agent/state/acting-fields.test.ts holds that the rest acts.
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { documentOf } from '../../../test/support/model/documents.ts';
import { findField } from '../../schema/describe.ts';
import { kinds } from '../kinds.ts';
import { parseResource } from '../meta/kind.ts';
import { printReferencePage } from '../reference.ts';
import { findIdle } from './idle.ts';
import { IDLE_MARKS } from './marks.ts';
import { IDLE_HEADING, printIdleSection } from './page.ts';

const kindOf = (name: string) => kinds.find((kind) => kind.name === name) ?? fail(name);

function fail(name: string): never {
  throw new Error(`no kind ${name}`);
}

test.each(Object.entries(IDLE_MARKS))('the marks of %s are of fields that it has, each once', (name, marks) => {
  const paths = marks.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  for (const path of paths.filter((one) => one !== ''))
    expect([path, findField(kindOf(name).schema, path.split('.')) !== undefined]).toEqual([path, true]);
});

const examples: readonly (readonly [kind: string, spec: object, metadata: object, paths: readonly string[]])[] = [
  ['IPPool', { cidr: '10.0.0.0/24' }, {}, []],
  ['IPPool', { cidr: '10.0.0.0/24', ipipMode: 'Never', vxlanMode: 'Never' }, {}, []],
  ['IPPool', { cidr: '10.0.0.0/24', ipipMode: 'CrossSubnet' }, {}, []],
  ['IPPool', { cidr: '10.0.0.0/24', vxlanMode: 'Always' }, {}, []],
  ['HostEndpoint', { node: 'a', interfaceName: 'eth0' }, {}, []],
  ['IPAMConfiguration', { strictAffinity: true }, { name: 'default' }, ['']],
  ['FelixConfiguration', { logPrefix: 'x', bpfEnabled: false, logSeverityScreen: 'Info' }, {}, []],
  ['FelixConfiguration', { ipv6Support: false }, {}, ['spec.ipv6Support']],
  [
    'FelixConfiguration',
    { useInternalDataplaneDriver: false, bpfEnabled: true },
    {},
    ['spec.bpfEnabled', 'spec.useInternalDataplaneDriver'],
  ],
  ['FelixConfiguration', { nodeSelector: 'all()' }, { name: 'racks' }, []],
  ['BGPConfiguration', { asNumber: 65000 }, { name: 'default' }, []],
  [
    'BGPPeer',
    { peerIP: '10.0.0.1', asNumber: 65000, password: { secretKeyRef: { name: 'a', key: 'b', optional: true } } },
    {},
    ['spec.password.secretKeyRef.optional'],
  ],
  [
    'GlobalNetworkPolicy',
    {
      preDNAT: true,
      applyOnForward: true,
      ingress: [{ action: 'Allow', protocol: 'TCP', http: { methods: ['GET'] } }],
    },
    {},
    ['spec.ingress.http'],
  ],
  ['NetworkPolicy', { ingress: [{ action: 'Allow' }] }, { namespace: 'a' }, []],
];

test.each(examples)('%s %j says without effect', (name, spec, metadata, paths) => {
  const kind = kindOf(name);
  const resource = parseResource(kind, documentOf(kind, spec, metadata));
  expect(
    findIdle(kind, resource)
      .map(({ path }) => path)
      .sort(),
  ).toEqual([...paths]);
});

test('of a change only what has changed is told', () => {
  const kind = kindOf('FelixConfiguration');
  const read = (spec: object) => parseResource(kind, documentOf(kind, spec));
  const before = read({ bpfEnabled: true, bpfLogLevel: 'Info' });
  expect(findIdle(kind, read({ bpfEnabled: true, bpfLogLevel: 'Debug' }), before).map(({ path }) => path)).toEqual([
    'spec.bpfLogLevel',
  ]);
});

test('the reference says it at the field and of the kind', () => {
  expect(printReferencePage(kindOf('FelixConfiguration'))).toContain('**No effect here**: no programs of eBPF');
  expect(printReferencePage(kindOf('IPAMConfiguration'))).toContain('**No effect here**: with etcd');
});

test('the section of docs/differences.md is as the marks say', async () => {
  const file = Bun.file(join(import.meta.dir, '../../../docs/differences.md'));
  const text = await file.text();
  const start = text.indexOf(IDLE_HEADING);
  const end = text.indexOf('\n## ', start + 1);
  if (process.env.OCICAT_WRITE === '1')
    await Bun.write(file, text.slice(0, start) + printIdleSection() + text.slice(end));
  const now = await file.text();
  expect(now.slice(now.indexOf(IDLE_HEADING), now.indexOf('\n## ', now.indexOf(IDLE_HEADING) + 1))).toBe(
    printIdleSection(),
  );
});
