import { expect, test } from 'bun:test';
import { createReplyReader } from './control.ts';
import { parseProtocols } from './protocols.ts';

// what BIRD 2.0.12 says to `show protocols all`
const REPLY = `2002-Name       Proto      Table      State  Since         Info
1002-kernel_v4  Kernel     master4    up     22:21:13
1006-  Channel ipv4
     State:          UP
     Routes:         4 imported, 3 exported, 4 preferred

1002-Mesh_10_0_0_2 BGP        ---        up     22:21:15      Established
1006-  BGP state:          Established
     Neighbor address: 10.0.0.2
     Neighbor AS:      64513
     Local AS:         64512
   Channel ipv4
     State:          UP
     Routes:         5 imported, 1 filtered, 2 exported, 3 preferred
1002-Node_fd00__9_port_180 BGP        ---        start  2026-11-23    Active        Socket: Connection refused
1006-  BGP state:          Active
     Neighbor address: fd00::9
     Neighbor AS:      65001
     Last error:       Socket: Connection refused
0000 `;

test('the protocols and the state of sessions are read from a reply', () => {
  const read = createReplyReader();
  const lines = REPLY.split('\n').map(read);
  expect(lines.map(({ last }) => last).indexOf(true)).toBe(lines.length - 1);
  expect(parseProtocols(lines.map(({ line }) => line))).toEqual([
    {
      name: 'kernel_v4',
      protocol: 'Kernel',
      table: 'master4',
      state: 'up',
      since: '22:21:13',
      info: '',
      bgp: undefined,
    },
    {
      name: 'Mesh_10_0_0_2',
      protocol: 'BGP',
      table: '---',
      state: 'up',
      since: '22:21:15',
      info: 'Established',
      bgp: {
        state: 'Established',
        neighborAddress: '10.0.0.2',
        neighborAs: 64513,
        importedRoutes: 5,
        exportedRoutes: 2,
        lastError: undefined,
      },
    },
    {
      name: 'Node_fd00__9_port_180',
      protocol: 'BGP',
      table: '---',
      state: 'start',
      since: '2026-11-23',
      info: 'Active Socket: Connection refused',
      bgp: {
        state: 'Active',
        neighborAddress: 'fd00::9',
        neighborAs: 65001,
        importedRoutes: 0,
        exportedRoutes: 0,
        lastError: 'Socket: Connection refused',
      },
    },
  ]);
});
