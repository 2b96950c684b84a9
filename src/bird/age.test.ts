import { expect, test } from 'bun:test';
import type { KernelEvent } from '../kernel/event/events.ts';
import { MOST_LINKS, watchBirdAge } from './age.ts';
import type { BirdProtocol } from './protocols.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

function session(name: string, state: string): BirdProtocol {
  const bgp = {
    state,
    neighborAddress: '10.0.0.2',
    neighborAs: 1,
    importedRoutes: 0,
    exportedRoutes: 0,
    lastError: undefined,
  };
  return { name, protocol: 'BGP', table: '---', state: 'up', since: '', info: '', bgp } as BirdProtocol;
}

/** How often BIRD is renewed while so many links come and go, each telling of itself three times. */
async function renewals(links: number, protocols: readonly BirdProtocol[]): Promise<number> {
  let renewed = 0;
  const renew = async () => {
    renewed += 1;
  };
  const note = watchBirdAge({ observeProtocols: async () => protocols, renew }, silent);
  for (let index = 1; index <= links; index++)
    for (const change of ['set', 'set', 'removed'] as const)
      note({ kind: 'link', change, link: { index }, causedBy: 0 } as unknown as KernelEvent);
  await Bun.sleep(0);
  return renewed;
}

test('BIRD is renewed after so many links, where its peers are nodes of the mesh', async () => {
  const mesh = [session('Mesh_10_0_0_2', 'Established'), session('Global_10_9_9_9', 'Active')];
  expect(await renewals(MOST_LINKS - 1, mesh)).toBe(0);
  expect(await renewals(MOST_LINKS, mesh)).toBe(1);
  expect(await renewals(3 * MOST_LINKS + 5, mesh)).toBe(3);
});

test('beside a router, which may not keep routes meanwhile, it is not', async () => {
  expect(await renewals(2 * MOST_LINKS, [session('Global_10_9_9_9', 'Established')])).toBe(0);
});
