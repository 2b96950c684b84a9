import { expect, test } from 'bun:test';
import { openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { createResource, listResources } from '../../datastore/resource/resources.ts';
import { API_VERSION } from '../../model/meta/resource.ts';
import { openLog } from '../../sys/log.ts';
import { parseAgentSettings } from '../config/settings.ts';
import { ensureDefaults } from './default-pools.ts';

const { signal } = new AbortController();

/** The pools that a new cluster has then, whose first node has these addresses. */
async function specsFor(
  environment: Readonly<Record<string, string>>,
  addresses: readonly string[] = ['10.0.0.1/24'],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const datastore = openMemoryDatastore();
  const spec = { addresses: addresses.map((address) => ({ address, type: 'CalicoNodeIP' })) };
  await createResource(
    datastore,
    { kind: 'Node', apiVersion: API_VERSION, metadata: { name: 'host-1' }, spec },
    signal,
  );
  const log = openLog(() => undefined);
  await ensureDefaults(datastore, parseAgentSettings(environment), 'host-1', log, signal);
  const { resources } = await listResources(datastore, 'IPPool', undefined, signal);
  return resources.map(({ spec }) => spec).sort((a, b) => (String(a.cidr) < String(b.cidr) ? -1 : 1));
}

const poolsFor = async (...args: Parameters<typeof specsFor>) => (await specsFor(...args)).map(({ cidr }) => cidr);

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
  [
    { CALICO_IPV4POOL_IPIP: 'Always', CALICO_IPV4POOL_VXLAN: 'Always' },
    'make the default IPv4 pool: spec.ipipMode: found "Always", wanted Never beside a vxlanMode; ' +
      'set CALICO_IPV4POOL_IPIP or CALICO_IPV4POOL_VXLAN otherwise, or CALICO_IPV4POOL_CIDR to "none"',
  ],
])('a default pool that cannot be is refused by its variables: %p', async (environment, message) => {
  await expect(poolsFor(environment)).rejects.toThrow(message);
});

test('what the refusal names is the way out', async () => {
  const [range, size] = [{ CALICO_IPV4POOL_CIDR: '192.168.0.0/30' }, { CALICO_IPV4POOL_BLOCK_SIZE: '30' }];
  expect(await poolsFor({ ...range, ...size })).toEqual(['192.168.0.0/30']);
  expect(await poolsFor({ CALICO_IPV4POOL_CIDR: 'none' })).toEqual([]);
});

test('there is a default pool for each family that the node has an address of, and where its range is set', async () => {
  const random = expect.stringMatching(/^fd[0-9a-f]{2}(:[0-9a-f]{1,4}){0,2}::\/48$/);
  const [ipv4, ipv6] = ['10.0.0.1/24', 'fd99::1/64'];
  const ranges = { CALICO_IPV4POOL_CIDR: '10.1.0.0/16', CALICO_IPV6POOL_CIDR: 'fd42::/64' };
  const none = { CALICO_IPV4POOL_CIDR: 'none', CALICO_IPV6POOL_CIDR: 'none' };
  const usual = [[ipv4], [ipv4, ipv6], [ipv6]] as const;
  expect(await Promise.all(usual.map((addresses) => poolsFor({}, addresses)))).toEqual([
    ['192.168.0.0/16'],
    ['192.168.0.0/16', random],
    [random],
  ]);
  for (const addresses of usual)
    expect([await poolsFor(ranges, addresses), await poolsFor(none, addresses)]).toEqual([
      ['10.1.0.0/16', 'fd42::/64'],
      [],
    ]);
});

test('the default pools have the encapsulation that is set', async () => {
  const addresses = ['10.0.0.1/24', 'fd99::1/64'];
  const modes = { CALICO_IPV4POOL_VXLAN: 'Always', CALICO_IPV6POOL_VXLAN: 'cross-subnet' };
  expect(await specsFor(modes, addresses)).toMatchObject([
    { cidr: '192.168.0.0/16', vxlanMode: 'Always', ipipMode: 'Never' },
    { vxlanMode: 'CrossSubnet', ipipMode: 'Never' },
  ]);
  expect(await specsFor({ CALICO_IPV4POOL_IPIP: 'CrossSubnet' })).toMatchObject([
    { vxlanMode: 'Never', ipipMode: 'CrossSubnet' },
  ]);
});
