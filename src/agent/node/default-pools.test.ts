import { expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { listResources } from '../../datastore/resource/resources.ts';
import { openLog } from '../../sys/log.ts';
import { parseAgentSettings } from '../config/settings.ts';
import { ensureDefaults } from './default-pools.ts';

const { signal } = new AbortController();

/** The ranges of the pools that a new cluster has then. */
async function poolsFor(environment: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const datastore = openMemoryDatastore();
  const log = openLog(() => undefined);
  await ensureDefaults(datastore, parseAgentSettings(environment), 'host-1', log, signal);
  const { resources } = await listResources(datastore, 'IPPool', undefined, signal);
  return resources.map(({ spec }) => spec.cidr);
}

test.each([
  [
    { CALICO_IPV4POOL_CIDR: '192.168.0.0/30' },
    'make the default IPv4 pool: spec.cidr: found "192.168.0.0/30", wanted a range that holds a block of /26; ' +
      'set CALICO_IPV4POOL_CIDR or CALICO_IPV4POOL_BLOCK_SIZE otherwise, or CALICO_IPV4POOL_CIDR to "none"',
  ],
  [
    { CALICO_IPV4POOL_CIDR: 'none', CALICO_IPV6POOL_CIDR: 'fe80::/64' },
    'make the default IPv6 pool: spec.cidr: found "fe80::/64", wanted a range outside of 169.254.0.0/16 and fe80::/10; ' +
      'set CALICO_IPV6POOL_CIDR or CALICO_IPV6POOL_BLOCK_SIZE otherwise, or CALICO_IPV6POOL_CIDR to "none"',
  ],
])('a default pool that cannot be is refused by its variables: %p', async (environment, message) => {
  await expect(poolsFor(environment)).rejects.toThrow(message);
});

test('what the refusal names is the way out', async () => {
  const [range, size] = [{ CALICO_IPV4POOL_CIDR: '192.168.0.0/30' }, { CALICO_IPV4POOL_BLOCK_SIZE: '30' }];
  expect(await poolsFor({ ...range, ...size })).toEqual(['192.168.0.0/30']);
  expect(await poolsFor({ CALICO_IPV4POOL_CIDR: 'none' })).toEqual([]);
});
