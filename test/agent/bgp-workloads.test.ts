// Workloads that speak BGP with their host, with a real agent, a BIRD on the host and one in a pod: only those that a BGPPeer selects,
// only at the address that is for it, and they announce nothing that is not theirs.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually } from '../support/host/agent-host.ts';
import { type BgpSite, openBgpSite } from '../support/host/bgp-site.ts';
import { untilEqual } from '../support/host/until-equal.ts';

const HOST = '169.254.0.179';
const HOST6 = 'fd12:3456:789a::1';
const OWN = ['203.0.113.0/24', '198.51.100.0/24'];
const OWN6 = '2001:db8:7::/64';
let site: BgpSite;
let pod: string;
let pod6: string;
let other: string;

beforeAll(async () => {
  site = await openBgpSite();
  site.startAgent();
  pod = site.host.addPod('speaker', 'network1');
  pod6 = site.host.must("ip -n speaker -6 -o address show eth0 scope global | grep -oE '[0-9a-f:]+/128' | cut -d/ -f1");
  other = site.host.addPod('bystander', 'network2');
  site.apply('Node', 'outside', { bgp: { ipv4Address: '10.98.0.2/24' } });
}, 60_000);
afterAll(async () => {
  await site.close();
}, 20_000);

/**
 * What is not the pod's: another pod, a free address of its host, a part of the pool, more than it, the hosts, their network, the
 * address that it calls, and everything.
 */
const stolen = () => [
  ...[`${other}/32`, '192.168.250.9/32', '192.168.128.0/17', '192.168.0.0/15'],
  ...['10.98.0.1/32', '10.98.0.2/32', '10.98.0.0/22', `${HOST}/32`, '0.0.0.0/0'],
];

function startSpeaker(): void {
  const routes = [...OWN, ...stolen()].map((prefix) => `route ${prefix} unreachable;`).join(' ');
  const session = (family: 4 | 6, own: string, neighbor: string, filter: string) =>
    `protocol bgp host${family} { local ${own} as 65401; neighbor ${neighbor} as 64512; multihop; connect delay time 1;
    connect retry time 1; error wait time 1, 1; ipv${family} { import all; export filter { ${filter} }; }; }`;
  site.host.must(`cat > /run/speaker.conf <<'END'
router id 192.0.2.1;
protocol device {}
protocol static { ipv4; ${routes} }
protocol static elsewhere { ipv4; route 192.0.2.0/24 unreachable; }
protocol static six { ipv6; route ${OWN6} unreachable; route fd65::/64 unreachable; }
${session(4, pod, HOST, `if proto = "elsewhere" then bgp_next_hop = ${other}; accept;`)}
${session(6, pod6, HOST6, 'accept;')}
END
  ip netns exec speaker bird -c /run/speaker.conf -s /run/speaker.ctl`);
}

const accept = (...ranges: readonly string[]) =>
  ranges.map((cidr) => ({ cidr, matchOperator: 'In', action: 'Accept' }));
const filters = (importV4: readonly object[]) =>
  site.apply('BGPFilter', 'speakers', { importV4, importV6: [{ action: 'Accept' }] });

/** What came from the pod into the host's kernel. */
const learned = () =>
  site.host
    .must('{ ip route show proto bird; ip -6 route show proto bird; } | awk \'$2 == "via" { print $1, $3 }\'')
    .split('\n')
    .filter((line) => line.endsWith(` ${pod}`) || line.endsWith(` ${pod6}`))
    .map((line) => line.replace(/ .*/, ''))
    .sort();

const untilLearned = (...wanted: readonly string[]) => untilEqual(learned, [...wanted].sort(), 15_000);

/** 0: somebody listens; 1: refused; 124: no answer. */
const reach = (from: string, address: string, port: number) =>
  site.host.run(`ip netns exec ${from} timeout 1 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null`).status;

test('without an address to speak to nobody speaks, and that is said', async () => {
  startSpeaker();
  filters([]);
  site.apply('BGPPeer', 'speakers', { localWorkloadSelector: 'has(network1)', asNumber: 65401, filters: ['speakers'] });
  await site.untilClosed(
    'BGPPeer(speakers): BGPConfiguration(default) has no localWorkloadPeeringIPV4 or localWorkloadPeeringIPV6',
  );
}, 30_000);

test('the selected workload has its sessions, which status shows', async () => {
  site.apply('BGPConfiguration', 'default', { localWorkloadPeeringIPV4: HOST, localWorkloadPeeringIPV6: HOST6 });
  for (const address of [pod, pod6])
    await site.untilSession(`Local_Workload_${address.replaceAll(/[.:]/g, '_')}`, 'Established');
  const status = site.calicoctl('node status');
  expect(status).toMatch(new RegExp(`\\| ${pod.replaceAll('.', '\\.')} +\\| local workload +\\| up `));
  expect(status).toMatch(new RegExp(`\\| ${pod6} +\\| local workload +\\| up `));
  expect(status).not.toContain('Nothing is sent');
}, 30_000);

test('nothing comes in that no filter accepts', async () => {
  await untilLearned(OWN6);
  filters(accept('203.0.113.0/24'));
  await untilLearned('203.0.113.0/24', OWN6);
}, 30_000);

test('whatever a filter accepts, addresses of pods, pools and hosts are nobody’s to announce, nor are ways by others', async () => {
  filters([{ action: 'Accept' }]);
  await untilLearned(...OWN, OWN6);
  const all = site.birdc(`show route protocol Local_Workload_${pod.replaceAll('.', '_')}`);
  expect(all).not.toContain('192.0.2.0/24');
  for (const prefix of stolen()) expect([prefix, all.includes(prefix)]).toEqual([prefix, false]);
}, 30_000);

const selected = () => [reach('speaker', HOST, 179), reach('speaker', HOST6, 179)];

test('who is not selected does not get through', () => {
  expect(selected()).toEqual([0, 0]);
  expect([reach('bystander', HOST, 179), reach('bystander', HOST6, 179)]).toEqual([124, 124]);
}, 30_000);

test('who is selected does, and to no other port and address, where workloads do not reach hosts', async () => {
  site.apply('FelixConfiguration', 'node.node-1', { defaultEndpointToHostAction: 'Drop' });
  await eventually('the host to be closed', 10_000, () =>
    reach('speaker', '10.98.0.1', 179) === 124 ? true : undefined,
  );
  expect(selected()).toEqual([0, 0]);
  expect([reach('speaker', HOST, 22), reach('speaker', '169.254.0.178', 179)]).toEqual([124, 124]);
}, 30_000);

test('packets go to what it has announced, and come back where its endpoint may send from there', async () => {
  site.host.addPod('friend', 'network1');
  site.host.must('ip -n speaker address add 203.0.113.7/32 dev lo');
  const ping = () => site.host.run('ip netns exec friend ping -c 1 -W 1 203.0.113.7').status;
  expect(ping()).not.toBe(0);
  site.apply('FelixConfiguration', 'default', { workloadSourceSpoofing: 'Any' });
  const [name] = site
    .calicoctl('get workloadendpoints -o name')
    .split('\n')
    .filter((line) => line.includes('speaker'));
  site.calicoctl(`patch ${name?.replace('/', ' ')} -p '{"spec":{"allowSpoofedSourcePrefixes":["203.0.113.0/24"]}}'`);
  await eventually('an answer', 10_000, () => (ping() === 0 ? true : undefined));
}, 40_000);

test('the host sends from its own address, and not from the one for its workloads', () => {
  const sources = [`ip -o route get ${pod}`, `ip -o -6 route get ${pod6}`].map((command) => site.host.must(command));
  expect(sources.join('\n')).not.toMatch(/src (169\.254|fd12)/);
});

test('somebody else takes the address away, and it is back', async () => {
  const has = () => site.host.must('ip address show dev lo').includes(HOST);
  site.host.must(`ip address del ${HOST}/32 dev lo`);
  await eventually('the address', 5_000, () => (has() ? true : undefined));
}, 20_000);

test('a workload that is selected no more is a stranger', async () => {
  site.apply('BGPPeer', 'speakers', { localWorkloadSelector: 'has(network9)', asNumber: 65401, filters: ['speakers'] });
  await site.untilNoSession('Local_Workload');
  await untilLearned();
  await eventually('the address to go', 5_000, () =>
    /169\.254\.0|fd12/.test(site.host.must('ip address show dev lo')) ? undefined : true,
  );
  expect([reach('speaker', HOST, 179), reach('speaker', HOST6, 179)]).toEqual([124, 124]);
}, 30_000);
