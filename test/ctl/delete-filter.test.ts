// A BGPFilter that peers still name goes, and calicoctl says which: nothing is sent to them or taken from them from then on.
import { expect, test } from 'bun:test';
import { openSession } from './session.ts';

const document = (kind: string, name: string, spec: string) =>
  `---\napiVersion: projectcalico.org/v3\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const peer = (name: string, last: number, filters: string) =>
  document('BGPPeer', name, `{peerIP: 10.0.0.${last}, asNumber: 65009, filters: ${filters}}`);
const filters = ['edge', 'core', 'idle'].map((name) => document('BGPFilter', name, '{}')).join('');
const peers = `${peer('rack', 8, '[edge, core]')}${peer('tor', 9, '[edge]')}`;
const warning = (filter: string, named: string) =>
  `warning: BGPFilter(${filter}) is named by ${named}: without it nothing is sent to them or taken from them\n`;

const CASES: readonly (readonly [line: string, input: string, warning: string])[] = [
  ['delete bgpfilter edge', '', warning('edge', 'BGPPeer(rack), BGPPeer(tor)')],
  [
    'delete bgpfilter edge core',
    '',
    `${warning('edge', 'BGPPeer(rack), BGPPeer(tor)')}${warning('core', 'BGPPeer(rack)')}`,
  ],
  ['delete bgpfilter idle', '', ''],
  ['delete -f -', `${document('BGPFilter', 'core', '{}')}${peer('rack', 8, '[]')}`, ''],
  ['delete -f -', `${document('BGPFilter', 'edge', '{}')}${peer('rack', 8, '[]')}`, warning('edge', 'BGPPeer(tor)')],
];

test.each(CASES)('%s %p', async (line, input, warning) => {
  const session = openSession();
  await session.run('apply -f -', `${filters}${peers}`);
  const { err, out, status } = await session.run(line, input);
  expect({ err, status }).toEqual({ err: warning, status: 0 });
  expect(out).toStartWith('Successfully deleted');
  session.close();
});
