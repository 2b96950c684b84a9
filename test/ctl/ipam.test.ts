import { afterEach, beforeEach, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSession, type Session } from './session.ts';

let session: Session;

const block = (cidr: string, affinity: string, holders: readonly object[]) => {
  const free = Array.from({ length: 64 - holders.length }, (_, index) => index + holders.length);
  const allocations = [...holders.map((_, index) => index), ...free.map(() => null)];
  const sequences = Object.fromEntries(holders.map((_, index) => [index, 7 + index]));
  return JSON.stringify({
    cidr,
    affinity,
    allocations,
    unallocated: free,
    attributes: holders,
    sequenceNumber: 20,
    sequenceNumberForAllocation: sequences,
    deleted: false,
  });
};

beforeEach(async () => {
  session = openSession();
  await session.run(
    'apply -f -',
    'kind: IPPool\napiVersion: projectcalico.org/v3\nmetadata: {name: pool}\nspec: {cidr: 10.77.0.0/16}\n---\nkind: IPReservation\napiVersion: projectcalico.org/v3\nmetadata: {name: r}\nspec: {reservedCIDRs: [10.77.0.0/30, 10.77.0.1]}\n',
  );
  const holders = [
    { handle_id: 'network1.c1', secondary: { node: 'host1', timestamp: '2026-11-23 11:18:07 +0000 UTC' } },
    { handle_id: 'h2', secondary: { node: 'host2', namespace: 'ns', pod: 'p' } },
  ];
  const puts: readonly (readonly [string, string])[] = [
    ['assignment/ipv4/block/10.77.119.0-26', block('10.77.119.0/26', 'host:host1', holders)],
    ['handle/network1.c1', '{"block":{"10.77.119.0/26":1},"deleted":false}'],
    ['handle/h2', '{"block":{"10.77.119.0/26":1},"deleted":false}'],
    ['handle/gone', '{"block":{"10.77.119.0/26":1},"deleted":false}'],
    ['host/host1/ipv4/block/10.77.119.0-26', '{"state":"confirmed","deleted":false}'],
  ];
  const writes = puts.map(([key, value]) => ({ kind: 'put' as const, key: `/calico/ipam/v2/${key}`, value }));
  await session.datastore.commit({ conditions: [], writes });
});
afterEach(() => session.close());

test('a pool that goes leaves its blocks without owners, and addresses where they are', async () => {
  expect((await session.run('delete pool pool')).status).toBe(0);
  const { kvs } = await session.datastore.list('/calico/ipam/v2/');
  expect(kvs.map(({ key }) => key.slice('/calico/ipam/v2/'.length))).toEqual([
    'assignment/ipv4/block/10.77.119.0-26',
    'handle/gone',
    'handle/h2',
    'handle/network1.c1',
  ]);
  const [left = '{}'] = kvs.map(({ value }) => value);
  expect(left).toContain('"affinity":null');
  expect(left).toContain('"allocations":[0,1,null,');
});

test('usage of pools and blocks', async () => {
  expect(
    (await session.run('ipam show --show-blocks')).out,
  ).toBe(`+----------+----------------+-----------+------------+--------------+--------------+
| GROUPING | CIDR           | IPS TOTAL | IPS IN USE | IPS RESERVED | IPS FREE     |
+----------+----------------+-----------+------------+--------------+--------------+
| IP Pool  | 10.77.0.0/16   |     65536 |     2 (0%) |       4 (0%) | 65530 (100%) |
| Block    | 10.77.119.0/26 |        64 |     2 (3%) |       0 (0%) |     62 (97%) |
+----------+----------------+-----------+------------+--------------+--------------+
`);
});

test('who holds an address', async () => {
  expect((await session.run('ipam show --ip 10.77.119.0')).out).toBe(
    'IP 10.77.119.0 is in use\nHandle ID: network1.c1\nActive Owner Attributes:\n  node: host1\n  timestamp: 2026-11-23 11:18:07 +0000 UTC\n',
  );
  expect((await session.run('ipam show --ip 10.77.119.9')).out).toBe('10.77.119.9 is not assigned\n');
  expect((await session.run('ipam show --ip foo')).err).toBe(
    'Error executing command: invalid IP address specified: foo\n',
  );
});

test('borrowed addresses', async () => {
  expect(
    (await session.run('ipam show --show-borrowed')).out,
  ).toBe(`+-------------+----------------+----------------+-------------+------+--------------+
| IP          | BORROWING-NODE | BLOCK          | BLOCK OWNER | TYPE | ALLOCATED-TO |
+-------------+----------------+----------------+-------------+------+--------------+
| 10.77.119.1 | host2          | 10.77.119.0/26 | host1       | pod  | ns/p         |
+-------------+----------------+----------------+-------------+------+--------------+
`);
});

test('settings', async () => {
  const steps: readonly (readonly [string, string])[] = [
    ['ipam configure', 'at least one configuration option must be specified\n'],
    ['ipam configure --strictaffinity=foo', 'invalid value. Use true or false to set strictaffinity\n'],
    ['ipam configure --max-blocks-per-host 3', 'error: MaxBlocksPerHost requires StrictAffinity to be enabled\n'],
    [
      'ipam configure --strictaffinity=true --max-blocks-per-host 3',
      'Successfully set StrictAffinity to: true\nSuccessfully set MaxBlocksPerHost to: 3\n',
    ],
    ['ipam configure --ip-cooldown-seconds 1201', 'invalid value "1201" for --ip-cooldown-seconds: wanted 0 to 1200\n'],
    ['ipam configure --ip-cooldown-seconds 10', 'Successfully set IPCooldownSeconds to: 10\n'],
    ['ipam configure --strictaffinity=false', 'error: MaxBlocksPerHost requires StrictAffinity to be enabled\n'],
  ];
  for (const [line, output] of steps) {
    const result = await session.run(line);
    expect([line, result.out + result.err]).toEqual([line, output]);
  }
  const { kv } = await session.datastore.get('/calico/ipam/v2/config');
  expect(kv?.value).toBe(
    '{"strict_affinity":true,"auto_allocate_blocks":true,"maxBlocksPerHost":3,"kubeVirtVMAddressPersistence":"Enabled","ipCooldownSeconds":10}',
  );
  expect((await session.run('ipam show --show-configuration')).out).toContain(
    '| MaxBlocksPerHost             | 3       |\n',
  );
});

test('release of one address', async () => {
  expect((await session.run('ipam release --ip 10.77.119.1')).out).toBe(
    'Successfully released IP address 10.77.119.1\n',
  );
  expect(await session.run('ipam release --ip 10.77.119.1')).toEqual({
    status: 1,
    out: '',
    err: 'IP address 10.77.119.1 is not assigned\n',
  });
  expect((await session.run('ipam release')).err).toBe('release: wanted either --ip or --from-report\n');
});

test('check finds what is held and not used, and release takes it back', async () => {
  await session.run(
    'apply -f -',
    'kind: WorkloadEndpoint\napiVersion: projectcalico.org/v3\nmetadata: {name: host1-cni-c1-eth0}\nspec: {orchestrator: cni, node: host1, containerID: c1, endpoint: eth0, ipNetworks: [10.77.119.0/32, 10.77.119.40/32], interfaceName: calic1}\n',
  );
  const report = join(session.folder, 'report.json');
  expect(
    (await session.run(`ipam check --show-problem-ips -o ${report}`)).out,
  ).toBe(`Checking IPAM for inconsistencies...

Loading all IPAM blocks...
Found 1 IPAM blocks.
 IPAM block 10.77.119.0/26 affinity=host:host1
IPAM blocks record 2 allocations.

Loading all IPAM pools...
  10.77.0.0/16
Found 1 active IP pools.

Loading all nodes.
Found 0 node tunnel IPs.

Loading all workload endpoints.
Found 2 workload IPs.
Workloads and nodes are using 2 IPs.

Looking for top (up to 20) nodes by allocations...
  host1 has 1 allocations
  host2 has 1 allocations
Node with most allocations has 1; median is 1
  10.77.119.1 leaked; attrs: handle=h2 node=host2
  10.77.119.40 in use by Workload(default/host1-cni-c1-eth0) but not allocated in IPAM
  handle gone has no IPs

Scanning for IPs that are allocated but not actually in use...
Found 1 IPs that are allocated in IPAM but not actually in use.
Scanning for IPs that are in use by a workload or node but not allocated in IPAM...
Found 0 in-use IPs that are not in active IP pools.
Found 1 in-use IPs that are in active IP pools but have no corresponding IPAM allocation.

Scanning for IPAM handles with no matching IPs...
Found 1 handles with no matching IPs (and 2 handles with matches).
Check complete; found 3 problems.
`);
  expect(Object.keys(JSON.parse(readFileSync(report, 'utf8')).allocations)).toEqual(['10.77.119.0', '10.77.119.1']);
  const release = `ipam release --from-report ${report}`;
  expect((await session.run(release)).err).toBe(
    'datastore is not locked. Run `calicoctl datastore migrate lock` first, or use --force\n',
  );
  expect((await session.run('datastore migrate lock')).out).toBe('Datastore locked.\n');
  expect((await session.run(release)).err).toBe(
    'no report is of the store as it is locked now: check again, or use --force\n',
  );
  await session.run(`ipam check -o ${report}`);
  expect((await session.run(release)).out).toBe(
    'Released 1 IPs successfully\nReleased 1 handles\nYou may now unlock the data store.\n',
  );
  expect((await session.run('datastore migrate unlock')).out).toBe('Datastore unlocked.\n');
  expect((await session.run('ipam check')).out).toEndWith('Check complete; found 1 problems.\n');
});

test('a pool and a node that are deleted give their blocks back', async () => {
  const keys = async () =>
    (await session.datastore.list('/calico/ipam/v2/', { keysOnly: true })).kvs.map((kv) =>
      kv.key.slice('/calico/ipam/v2/'.length),
    );
  await session.run(
    'apply -f -',
    'kind: Node\napiVersion: projectcalico.org/v3\nmetadata: {name: host1}\n---\nkind: WorkloadEndpoint\napiVersion: projectcalico.org/v3\nmetadata: {name: host1-cni-c1-eth0}\nspec: {orchestrator: cni, node: host1, containerID: c1, endpoint: eth0, ipNetworks: [10.77.119.0/32], interfaceName: calic1}\n',
  );
  expect((await session.run('delete node host1')).out).toBe("Successfully deleted 1 'Node' resource(s)\n");
  expect(await keys()).toEqual(['assignment/ipv4/block/10.77.119.0-26', 'handle/gone', 'handle/h2']);
  expect((await session.run('get wep -A -o name')).out).toBe('');
  expect((await session.run('delete pool pool')).out).toBe("Successfully deleted 1 'IPPool' resource(s)\n");
});

async function plant(key: string, value: string): Promise<void> {
  await session.datastore.commit({ conditions: [], writes: [{ kind: 'put', key, value }] });
}

const POOL_KEY = '/calico/resources/v3/projectcalico.org/ippools/odd';

function oddPool(spec: object): string {
  const metadata = { name: 'odd' };
  return JSON.stringify({ kind: 'IPPool', apiVersion: 'projectcalico.org/v3', metadata, spec });
}

test('a pool that no agent can read is named by show and check, and can be mended and deleted', async () => {
  await plant(POOL_KEY, oddPool({ cidr: '10.78.0.0/16', vxlanMode: 'Sometimes' }));
  const words =
    'stored IPPool(odd) breaks the rules: spec.vxlanMode: found "Sometimes", wanted one of Never, Always, CrossSubnet';
  const shown = await session.run('ipam show');
  expect([shown.out.includes('10.78.0.0/16'), shown.err]).toEqual([false, `warning: ${words}\n`]);
  const { out } = await session.run('ipam check');
  expect(out).toContain(
    `\nScanning for what cannot be read...\n  ${words}\nFound 1 entries that cannot be read and are not used.\n`,
  );
  expect(out).toContain('Found 1 active IP pools.\n');
  const mended = oddPool({ cidr: '10.78.0.0/16', vxlanMode: 'Never' });
  expect((await session.run('apply -f -', mended)).err).toBe('');
  expect((await session.run('ipam show')).out).toContain('10.78.0.0/16');
  await plant(POOL_KEY, oddPool({ cidr: 'nowhere' }));
  expect((await session.run('delete pool odd')).out).toBe("Successfully deleted 1 'IPPool' resource(s)\n");
});

test('settings that no agent can read are named and not overwritten, but for the field that is set', async () => {
  const key = '/calico/ipam/v2/config';
  const record = '{"strict_affinity":true,"auto_allocate_blocks":true,"maxBlocksPerHost":"4","novel":1}';
  await plant(key, record);
  const words = /read IPAM configuration: maxBlocksPerHost: found "4", wanted a whole number/;
  expect((await session.run('ipam show --show-configuration')).err).toMatch(words);
  expect((await session.run('ipam configure --ipam-cooldown-seconds=5')).status).toBe(1);
  expect((await session.run('ipam configure --strictaffinity=false')).err).toMatch(words);
  expect((await session.run('ipam check')).out).toMatch(words);
  expect((await session.datastore.get(key)).kv?.value).toBe(record);
  expect((await session.run('ipam configure --max-blocks-per-host=4')).err).toBe('');
  expect(JSON.parse((await session.datastore.get(key)).kv?.value ?? '')).toEqual({
    strict_affinity: true,
    auto_allocate_blocks: true,
    maxBlocksPerHost: 4,
    kubeVirtVMAddressPersistence: 'Enabled',
    novel: 1,
  });
});

test('an endpoint that breaks the rules still holds its address', async () => {
  await plant(
    '/calico/resources/v3/projectcalico.org/workloadendpoints/default/host1-cni-c1-eth0',
    JSON.stringify({
      kind: 'WorkloadEndpoint',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'host1-cni-c1-eth0', namespace: 'default' },
      spec: { ipNetworks: ['10.77.119.0/32', 5], orchestrator: 7 },
    }),
  );
  const { out, err } = await session.run('ipam check --show-problem-ips');
  expect([
    out.includes('10.77.119.0 leaked'),
    out.includes('WorkloadEndpoint(default/host1-cni-c1-eth0) breaks'),
    err,
  ]).toEqual([false, true, '']);
});
