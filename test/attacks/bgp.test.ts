// One accepted resource that stops BGP: what Calico's calicoctl stores and BIRD refuses, with a real agent, etcd and BIRD.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');
let host: AgentHost;

beforeAll(async () => {
  host = await openAgentHost();
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

/** As Calico's calicoctl would leave it in the store. */
function store(kind: string, plural: string, name: string, spec: object): Promise<string> {
  const value = { kind, apiVersion: 'projectcalico.org/v3', metadata: { name }, spec };
  return host.etcd.ctl('put', `/calico/resources/v3/projectcalico.org/${plural}/${name}`, JSON.stringify(value));
}

const calicoctl = (words: string) => host.run(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} ${words}`).output;
const log = () => host.must('cat /run/log/node.log');
const startAgent = () => calicoctl('node run --name node-1 --ip autodetect --log-dir /run/log');
const stopAgent = () => host.must("kill $(ps -C calico-node -o pid=,stat= | awk '$2 !~ /Z/ { print $1 }')");
const protocols = () => host.run('birdc -s /var/run/calico/bird.ctl show protocols').output;

async function untilSession(name: string): Promise<void> {
  await eventually(name, 10_000, () => (protocols().includes(name) ? true : undefined));
}

const LONG = 'x'.repeat(100);
const FILTER = { exportV4: [{ action: 'Accept', cidr: '10.0.0.0/8', matchOperator: 'In', prefixLength: { max: 4 } }] };

/** Each of them alone stopped BIRD's configuration on every host. */
const ATTACKS: readonly (readonly [what: string, store: () => Promise<string>])[] = [
  ['a filter with a name of 100 letters', () => store('BGPFilter', 'bgpfilters', LONG, FILTER)],
  [
    'a keepaliveTime of 0s and that filter',
    () =>
      store('BGPPeer', 'bgppeers', 'never', {
        peerIP: '10.98.0.3',
        asNumber: 65001,
        keepaliveTime: '0s',
        filters: [LONG],
      }),
  ],
  [
    'a keepaliveTime of 500ms',
    () => store('BGPPeer', 'bgppeers', 'often', { peerIP: '10.98.0.4', asNumber: 65001, keepaliveTime: '500ms' }),
  ],
  ['the AS number 0', () => store('BGPConfiguration', 'bgpconfigurations', 'default', { asNumber: 0 })],
  [
    'the AS number 0 to a peer',
    () => store('BGPPeer', 'bgppeers', 'nobody', { peerIP: '10.98.0.5', asNumber: 65001, localASNumber: 0 }),
  ],
  [
    'another node with a link-local address',
    () => store('Node', 'nodes', 'other', { bgp: { ipv6Address: 'fe80::2' } }),
  ],
  [
    'a peer with a link-local address',
    () => store('BGPPeer', 'bgppeers', 'bad', { peerIP: 'fe80::9', asNumber: 65001 }),
  ],
];

const NAMED = 'BGPPeer(bad): Link-local addresses require defined interface';

test('whatever is stored, what is stored after it reaches BIRD', async () => {
  host.must('ip address add fd98::1/64 dev eth0 nodad');
  expect(startAgent()).toContain('Calico node started successfully');
  calicoctl(`patch node node-1 -p '{"spec":{"bgp":{"ipv6Address":"fd98::1/64"}}}'`);
  for (const [index, [what, attack]] of ATTACKS.entries()) {
    await attack();
    await store('BGPPeer', 'bgppeers', `p${index}`, { peerIP: `10.98.1.${index}`, asNumber: 65001 });
    await untilSession(`Global_10_98_1_${index}`).catch((cause: unknown) => {
      throw new Error(`${what}: ${log()}`, { cause });
    });
  }
  expect(protocols()).toContain('Global_10_98_0_4');
  expect(log()).toContain("ERROR BGPPeer(bad) is left out of BIRD's configuration: Link-local addresses");
  expect(calicoctl('node status')).toContain(`Left out, since BIRD refuses it:\n  ${NAMED}\n`);
  expect(calicoctl(`get bgpfilter ${LONG}`)).toContain(LONG);
}, 90_000);

test('a host that starts again with all of it in the store has its BIRD', async () => {
  stopAgent();
  await eventually('the end', 10_000, () => (calicoctl('node status').includes('is not running') ? true : undefined));
  host.run('birdc -s /var/run/calico/bird.ctl down; rm -rf /var/run/calico');
  expect(startAgent()).toContain('Calico node started successfully');
  await untilSession(`Global_10_98_1_${ATTACKS.length - 1}`);
  expect(calicoctl('node status')).toContain(NAMED);
}, 60_000);

test('a peer whose filter is missing is named in log and status, until the filter is there', async () => {
  const words = 'BGPPeer(lost): BGPFilter(none) is not there';
  const title = 'Nothing is sent to them or taken from them:';
  await store('BGPPeer', 'bgppeers', 'lost', { peerIP: '10.98.0.6', asNumber: 65001, filters: ['none'] });
  await eventually('the word of it', 10_000, () => (calicoctl('node status').includes(words) ? true : undefined));
  expect(calicoctl('node status')).toContain(`\n${title}\n  ${words}\n`);
  expect(log()).toContain(`ERROR ${words}: nothing is sent to the peer or taken from it`);
  await store('BGPFilter', 'bgpfilters', 'none', {});
  await eventually('its end', 10_000, () => (calicoctl('node status').includes(title) ? undefined : true));
  expect(log()).toContain(`no longer: ${words}`);
}, 30_000);

test('what is mended is no longer left out', async () => {
  await host.etcd.ctl('del', '/calico/resources/v3/projectcalico.org/bgppeers/bad');
  await eventually('the word of it', 10_000, () => (calicoctl('node status').includes('Left out') ? undefined : true));
  expect(log()).toContain('BGPPeer(bad) is no longer left out');
}, 30_000);
