import { expect, test } from 'bun:test';
import type { BGPFilter } from '../model/bgp/bgp-filter.ts';
import { parseCidr } from '../net/cidr.ts';
import { parseBgpFilter } from './parse-filters.ts';

test('every field of a rule arrives', () => {
  const filter: BGPFilter = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'BGPFilter',
    metadata: { name: 'edge' },
    spec: {
      exportV4: [
        {
          cidr: '10.0.0.0/8',
          matchOperator: 'NotIn',
          prefixLength: { min: 16, max: 24 },
          source: 'RemotePeers',
          interface: 'eth*',
          peerType: 'eBGP',
          communities: { values: ['64512:100'] },
          asPathPrefix: [65001, 65002],
          priority: 7,
          action: 'Accept',
          operations: [
            { addCommunity: { value: '1:2:3' } },
            { prependASPath: { prefix: [65009] } },
            { setPriority: { value: 9 } },
          ],
        },
      ],
      importV6: [{ action: 'Reject' }],
    },
  };
  expect(parseBgpFilter(filter)).toEqual({
    name: 'edge',
    4: {
      exportRules: [
        {
          match: {
            range: { cidr: parseCidr('10.0.0.0/8'), operator: 'not-in', minPrefixLength: 16, maxPrefixLength: 24 },
            fromPeers: true,
            interfacePattern: 'eth*',
            peers: 'external',
            community: [64512, 100],
            asPathPrefix: [65001, 65002],
            priority: 7,
          },
          accept: true,
          operations: [
            { kind: 'add-community', community: [1, 2, 3] },
            { kind: 'prepend', asNumbers: [65009] },
            { kind: 'set-priority', priority: 9 },
          ],
        },
      ],
      importRules: [],
    },
    6: { exportRules: [], importRules: [{ match: {}, accept: false, operations: [] }] },
  });
});
