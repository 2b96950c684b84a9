import { expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { openNodeCache } from '../../attach/endpoint/node-cache.ts';
import { printResourceKey } from '../../datastore/resource/resource-codec.ts';
import type { WorkloadLinkState } from '../../kernel/link/workload-link.ts';
import { parseIp } from '../../net/ip.ts';
import { openLog } from '../../sys/log.ts';
import { closeUnknown, type LinkCollectorTargets, removeUnfinished } from './link-collector.ts';

const NODE = 'host-1';
const nameOf = (container: string) => `host--1-cni-${container}-eth0`;
const keyOf = (name: string) => printResourceKey({ kind: 'WorkloadEndpoint', namespace: 'default', name });

function linkOf(name: string, endpoint: string | undefined, changes: Partial<WorkloadLinkState> = {}) {
  const alias = endpoint === undefined ? undefined : `ocicat:${endpoint}`;
  const base = { index: 7, up: true, running: true, mac: undefined, mtuBytes: 1500, group: 0, peer: undefined };
  return { ...base, name, alias, endpoint, ...changes };
}

/** The store holds containers `kept` and `odd`, the second one in a shape that nobody understands. */
async function collect(links: readonly WorkloadLinkState[], refuse = (_name: string) => false) {
  const datastore = openMemoryDatastore();
  const cache = openNodeCache(datastore, NODE);
  cache.apply({ key: keyOf(nameOf('kept')), value: '{"kind":"WorkloadEndpoint"}', modRevision: 1 });
  cache.apply({ key: keyOf(nameOf('odd')), value: 'no JSON', modRevision: 2 });
  cache.setInSync(true);
  const steps: string[] = [];
  const targets: LinkCollectorTargets = {
    cache,
    links: {
      observe: () => links,
      async remove(name) {
        if (refuse(name)) throw new Error('EPERM');
        steps.push(`remove ${name}`);
        return 'removed';
      },
      endFlows: async (addresses) => void steps.push(`end flows of ${addresses.length}`),
    },
    closed: new Set(),
    withdraw: (index, addresses) => void steps.push(`withdraw ${addresses.length} from ${index}`),
    routedAddresses: (index) => (index === 9 ? [parseIp('10.0.0.9'), parseIp('fd00::9')] : []),
    log: openLog((line) => steps.push(line.replace(/^\S+ /, '').trimEnd())),
  };
  await removeUnfinished(targets);
  await closeUnknown(targets);
  return steps;
}

const kept: readonly (readonly [string, WorkloadLinkState])[] = [
  ['its endpoint is in the store', linkOf('cali1', `default/${nameOf('kept')}`)],
  ['and is down, by somebody', linkOf('cali1', `default/${nameOf('kept')}`, { up: false })],
  ['its endpoint cannot be understood', linkOf('cali2', `default/${nameOf('odd')}`)],
  ['it has no alias and is up: somebody else made it', linkOf('cali3', undefined)],
  ['it is another node name’s', linkOf('cali4', 'default/host--2-cni-gone-eth0')],
  ['it is being removed', linkOf('cali5', `default/${nameOf('gone')}`, { group: 0x0c1ca7, up: false })],
  ['its alias has lost its end', linkOf('cali6', `default/${nameOf('x'.repeat(300))}`.slice(0, 248))],
];

test.each(kept)('kept: %s', async (_why, link) => {
  expect(await collect([link])).toEqual([]);
});

test('removed: what was never finished; closed and kept: what has no endpoint; a failure keeps no other from it', async () => {
  const links = [
    linkOf('cali1', undefined, { up: false }),
    linkOf('cali2', undefined, { up: false }),
    linkOf('cali3', `default/${nameOf('gone')}`, { index: 9 }),
  ];
  expect(await collect(links, (name) => name === 'cali1')).toEqual([
    'ERROR remove link "cali1", which was never finished: EPERM',
    'remove cali2',
    'WARN link "cali2" removed: it was never finished',
    'withdraw 2 from 9',
    'end flows of 2',
    'WARN link "cali3" is closed and kept: its endpoint default/host--1-cni-gone-eth0 is not in the datastore, which may be younger than the link',
  ]);
});
