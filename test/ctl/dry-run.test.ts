// A dry run says what the same command would say: each line runs dry, then for real, on the same store.
import { expect, test } from 'bun:test';
import { openSession } from './session.ts';

const document = (kind: string, name: string, spec: string, metadata = '') =>
  `---\napiVersion: projectcalico.org/v3\nkind: ${kind}\nmetadata: {name: ${name}${metadata}}\nspec: ${spec}\n`;
const profile = document('Profile', 'a', '{}');
const peering = `${document('BGPFilter', 'edge', '{}')}${document('BGPPeer', 'rack', '{peerIP: 10.0.0.9, asNumber: 65009, filters: [edge]}')}`;
const policies = [
  document('Tier', 'security', '{order: 10}'),
  document('GlobalNetworkPolicy', 'security.web', '{tier: security}'),
].join('');

test.each<[line: string, input: string]>([
  ['create -f -', profile],
  ['create -f -', document('Profile', 'b', '{}').repeat(2)],
  ['create --skip-exists -f -', profile],
  ['replace -f -', profile],
  ['replace -f -', document('Profile', 'none', '{}')],
  ['apply -f -', document('Profile', 'a', '{}', ', resourceVersion: "1"')],
  ['apply -f -', document('GlobalNetworkPolicy', 'lost.web', '{tier: lost}')],
  ['delete profile a', ''],
  ['delete profile none', ''],
  ['delete profile a a', ''],
  ['delete --skip-not-exists profile none', ''],
  ['delete -f -', document('Profile', 'a', '{}', ', resourceVersion: "1"')],
  ['delete -f -', policies],
  ['delete tier security', ''],
  ['delete bgpfilter edge', ''],
  ['delete ippool pool', ''],
  ['create --skip-exists -f -', document('IPPool', 'pool', '{cidr: 10.0.0.0/16, blockSize: 28}')],
  ['create -f -', document('IPPool', 'pool', '{cidr: 10.0.0.0/16, blockSize: 28}')],
  ['patch profile a -p {"spec":{"labelsToApply":{"x":"y"}}}', ''],
  ['label profile a x=y', ''],
  ['label profile projectcalico-default-allow x=y', ''],
  ['patch profile projectcalico-default-allow -p {"metadata":{"labels":{"x":"y"}}}', ''],
])('%s %p', async (line, input) => {
  const session = openSession();
  await session.run(
    'apply -f -',
    `${profile}${policies}${peering}${document('IPPool', 'pool', '{cidr: 10.0.0.0/16}')}`,
  );
  const before = await session.datastore.list('/calico/');
  const dry = await session.run(`${line} --dry-run`, input);
  expect((await session.datastore.list('/calico/')).kvs).toEqual(before.kvs);
  const real = await session.run(line, input);
  const settle = (text: string) => text.replaceAll(' (dry run)', '').replaceAll(/latest: \d+/g, 'latest: N');
  expect({ ...dry, out: settle(dry.out), err: settle(dry.err) }).toEqual({ ...real, err: settle(real.err) });
  if (real.out !== '') expect(dry.out).toContain('(dry run)');
  session.close();
});
