import { expect, test } from 'bun:test';
import { parseSessions } from './node-status.ts';

/** What BIRD 2.0.12 answers to `show protocols all`, codes taken away. */
const ANSWER = `Name       Proto      Table      State  Since         Info
device1    Device     ---        up     22:05:11.100
kernel4    Kernel     master4    up     22:05:11.100
Mesh_10_0_0_2 BGP        ---        up     22:05:14.321  Established
  BGP state:          Established
    Neighbor address: 10.0.0.2
    Neighbor AS:      64512
Global_10_9_9_9_port_1790 BGP        ---        start  2026-11-22    Active        Socket: Connection refused
  BGP state:          Active
    Neighbor address: 10.9.9.9
    Neighbor port:    1790
Node_fd00__2 BGP        ---        start  22:05:11.100  Connect
  BGP state:          Connect
    Neighbor address: fd00::2%eth0`.split('\n');

test('sessions of BIRD with where they come from, their state and their words', () => {
  expect(parseSessions(ANSWER)).toEqual([
    { address: '10.0.0.2', type: 'node-to-node mesh', state: 'up', since: '22:05:14.321', info: 'Established' },
    {
      address: '10.9.9.9',
      type: 'global',
      state: 'start',
      since: '2026-11-22',
      info: 'Active Socket: Connection refused',
    },
    { address: 'fd00::2', type: 'node specific', state: 'start', since: '22:05:11.100', info: 'Connect' },
  ]);
});

test('a session without details is named after its address', () => {
  expect(parseSessions(['Mesh_10_0_0_2 BGP --- up 22:05:14.321 Established'])[0]?.address).toBe('10.0.0.2');
  expect(parseSessions(['nothing like it'])).toEqual([]);
});
