import { beforeEach, expect, test } from 'bun:test';
import { type MemoryDatastore, openMemoryDatastore } from '../../../test/support/datastore/memory.ts';
import { isOcicatError } from '../../base/errors.ts';
import { openLog } from '../../sys/log.ts';
import { parseAgentSettings } from '../config/settings.ts';
import { chooseAddresses, type NodeAddresses } from './node-addresses.ts';
import { type NodeSpec, registerNode, tryGetNode } from './register.ts';

const { signal } = new AbortController();
const log = openLog(() => undefined);
let datastore: MemoryDatastore;

const registration = (node: string, environment: Readonly<Record<string, string>>) => ({
  ...{ datastore, node, log },
  settings: parseAgentSettings(environment),
});

/** As on a host where these are found. */
async function register(node: string, ipv4: string | undefined, environment: Readonly<Record<string, string>> = {}) {
  const found = async (): Promise<NodeAddresses> => ({ ipv4, ipv6: undefined });
  await registerNode(registration(node, { IP: 'autodetect', ...environment }), signal, found);
}

async function bgpOf(node: string): Promise<NodeSpec['bgp']> {
  const spec: NodeSpec | undefined = (await tryGetNode(datastore, node, signal))?.spec;
  return spec?.bgp;
}

async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (isOcicatError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'not refused';
}

beforeEach(() => {
  datastore = openMemoryDatastore();
});

test('an address that another node has is refused, and the node named; unless nobody is to ask', async () => {
  await register('a', '10.0.0.1/24');
  const message = 'already-exists: register node "b": its address 10.0.0.1 is that of node "a"; set IP or NODENAME';
  expect(await refusal(register('b', '10.0.0.1/32'))).toBe(message);
  expect(await tryGetNode(datastore, 'b', signal)).toBeUndefined();
  await register('b', '10.0.0.1/32', { DISABLE_NODE_IP_CHECK: 'true' });
  expect(await bgpOf('b')).toEqual({ ipv4Address: '10.0.0.1/32' });
});

test('two hosts that exchange their addresses come to have each the other’s', async () => {
  await register('a', '10.0.0.1/24', { AS: '65001' });
  await register('b', '10.0.0.2/24');
  expect(await refusal(register('a', '10.0.0.2/24'))).toContain('its address 10.0.0.2 is that of node "b"');
  expect(await bgpOf('a')).toEqual({ asNumber: 65001 });
  await register('b', '10.0.0.1/24');
  await register('a', '10.0.0.2/24');
  expect([await bgpOf('a'), await bgpOf('b')]).toEqual([
    { asNumber: 65001, ipv4Address: '10.0.0.2/24' },
    { ipv4Address: '10.0.0.1/24' },
  ]);
});

test('an address that was set stays with its node while another one has the new one', async () => {
  await register('a', '10.0.0.1/24');
  await register('b', '10.0.0.2/24', { IP: '10.0.0.2' });
  expect(await refusal(register('b', '10.0.0.1/24', { IP: '10.0.0.1' }))).toContain('is that of node "a"');
  expect(await bgpOf('b')).toEqual({ ipv4Address: '10.0.0.2/24' });
});

const choose = (environment: Readonly<Record<string, string>>, ipv4?: string, ipv6?: string) =>
  chooseAddresses(parseAgentSettings(environment), { ipv4, ipv6 }, log);
const NOWHERE = { IP_AUTODETECTION_METHOD: 'interface=nosuch', IP6_AUTODETECTION_METHOD: 'interface=nosuch' };

test('where none is found now, each family keeps what stands; a node without any is refused', async () => {
  const both = { IP: 'autodetect', IP6: 'autodetect', ...NOWHERE };
  expect(await choose(both, '10.0.0.1/24', 'fd00::1/64')).toEqual({ ipv4: '10.0.0.1/24', ipv6: 'fd00::1/64' });
  expect(await refusal(choose(both, '10.0.0.1/24'))).toContain('not-found: detect IPv6 address');
  expect(await refusal(choose(NOWHERE))).toContain('set IP to this host\'s address, or to "none"');
  expect(await refusal(choose({ IP: 'none' }))).toBe(
    'not-found: choose the addresses of the node: it has none, and none is looked for; set IP or IP6 to "autodetect" or an address',
  );
});

test('IPv6 alone: an address without prefix length is one without a subnet', async () => {
  expect(await choose({ IP: 'none', IP6: 'fd77::1' })).toEqual({ ipv4: undefined, ipv6: 'fd77::1/128' });
  expect(await choose({ IP: 'none', IP6: 'fd77::1' }, undefined, 'fd77::1/64')).toEqual({
    ipv4: undefined,
    ipv6: 'fd77::1/64',
  });
});

test('a node without routing between hosts needs no address', async () => {
  expect(await choose({ CALICO_NETWORKING_BACKEND: 'none', ...NOWHERE })).toEqual({ ipv4: undefined, ipv6: undefined });
});
