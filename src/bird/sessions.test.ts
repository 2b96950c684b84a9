import { expect, test } from 'bun:test';
import { parseProtocols } from './protocols.ts';
import { bgpSessionsOf } from './sessions.ts';

/** Code and text of lines of a reply to `show protocols all`, some of BIRD 2.0.12 with other formats of time. */
const REPLY: readonly (readonly [code: number, text: string])[] = [
  [1002, 'kernel_v4  Kernel     master4    up     22:05:11.100'],
  [1002, 'Mesh_10_0_0_2 BGP        ---        up     22:05:14.321  Established'],
  [1006, '  BGP state:          Established'],
  [1006, '    Neighbor address: 10.0.0.2'],
  [
    1002,
    'Global_10_9_9_9_port_1790 BGP        ---        start  2026-11-22 11:02:03 Active        Socket: Connection refused',
  ],
  [1006, '  BGP state:          Active'],
  [1006, '    Neighbor address: 10.9.9.9'],
  [1002, 'Node_fe80__2 BGP        ---        start  2026-11-22    Connect'],
  [1006, '  BGP state:          Connect'],
  [1006, '    Neighbor address: fe80::2%eth0'],
  [1002, 'bgp1       BGP        ---        up     22:05:14.321  Established'],
  [1006, '    Neighbor address: 10.0.0.7'],
];

test('sessions of BIRD with where they come from, their state and their words', () => {
  expect(bgpSessionsOf(parseProtocols(REPLY.map(([code, text]) => ({ code, text }))))).toEqual([
    {
      name: 'Mesh_10_0_0_2',
      origin: 'mesh',
      family: 4,
      address: '10.0.0.2',
      port: undefined,
      state: 'up',
      bgpState: 'Established',
      since: '22:05:14.321',
      info: 'Established',
    },
    {
      name: 'Global_10_9_9_9_port_1790',
      origin: 'global',
      family: 4,
      address: '10.9.9.9',
      port: 1790,
      state: 'start',
      bgpState: 'Active',
      since: '2026-11-22 11:02:03',
      info: 'Active Socket: Connection refused',
    },
    {
      name: 'Node_fe80__2',
      origin: 'node',
      family: 6,
      address: 'fe80::2',
      port: undefined,
      state: 'start',
      bgpState: 'Connect',
      since: '2026-11-22',
      info: 'Connect',
    },
  ]);
});
