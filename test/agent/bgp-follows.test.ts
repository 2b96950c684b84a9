// Routes follow hosts, blocks and pools, and survive whoever brings them: with a real agent and BIRD, FRR and a third router.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type BgpSite, openBgpSite } from '../support/host/bgp-site.ts';
import { FRR_AS, type Frr, startFrr } from '../support/host/frr.ts';
import { startThird, THIRD, THIRD_PREFIXES, type Third } from '../support/host/third-router.ts';
import { untilEqual } from '../support/host/until-equal.ts';

const [FIRST, SECOND] = THIRD_PREFIXES[4];
const FRR_PREFIX = '203.0.113.0/24';
let site: BgpSite;
let frr: Frr;
let third: Third;
let block: string;

/** FRR speaks as a router outside; `networks`: what it announces. */
const speak = (...networks: readonly string[]) =>
  frr.replaceBgp(
    FRR_AS,
    ...['bgp graceful-restart', 'neighbor 10.98.0.1 remote-as 64512', 'neighbor 10.98.0.1 timers connect 1'],
    ...['address-family ipv4 unicast', ...networks.map((network) => `network ${network}`)],
  );

beforeAll(async () => {
  site = await openBgpSite();
  frr = startFrr(site.host);
  speak(FRR_PREFIX);
  third = startThird(site.host);
  third.speak({ as: 64512 });
  site.startAgent();
  site.host.addPod('pod', 'network1');
  site.apply('BGPPeer', 'frr', { peerIP: '10.98.0.2', asNumber: FRR_AS });
  site.apply('Node', 'third', { bgp: { ipv4Address: `${THIRD}/24` } });
  await frr.untilEstablished('10.98.0.1');
  block = /^\S+\/\d+/m.exec(site.birdc('show route protocol blocks_v4'))?.[0] ?? 'no block';
}, 60_000);
afterAll(async () => {
  await site.close();
}, 20_000);

/** What BIRD has put into the kernel for a destination. */
const wayTo = (prefix: string) =>
  site.host.must(`ip route show ${prefix} proto bird | awk '{ print $2, $3 }'`).trim().split('\n');

/** What FRR has from the host. */
function sent(): readonly string[] {
  const { routes } = frr.show('bgp ipv4 unicast') as {
    routes: Readonly<Record<string, readonly { peerId: string }[]>>;
  };
  const from = Object.entries(routes).filter(([, paths]) => paths.some(({ peerId }) => peerId === '10.98.0.1'));
  return from.map(([prefix]) => prefix).sort();
}

/** Whether the third router, a node like others, has the host's block. */
const isKnown = () => site.host.must(`birdc -s /run/third.ctl show route ${block}`).includes(block);

/**
 * Looks for some seconds what FRR, the third router or the kernel has lost. Of FRR only the own block counts: in its first two minutes
 * it says that it is itself restarting, and then nobody waits for others before telling it (RFC 4724, section 4.1).
 */
async function expectKept(seconds: number): Promise<void> {
  const untilMs = performance.now() + seconds * 1_000;
  while (performance.now() < untilMs) {
    const kept = [sent().includes(block), isKnown(), wayTo(FRR_PREFIX), wayTo(FIRST)];
    expect(kept).toEqual([true, true, ['via 10.98.0.2'], [`via ${THIRD}`]]);
    await Bun.sleep(50);
  }
}

test('blocks of other hosts, and what a router says, are in the kernel, and go on to the router', async () => {
  await untilEqual(
    () => [wayTo(FIRST), wayTo(SECOND), wayTo(FRR_PREFIX)],
    [[`via ${THIRD}`], [`via ${THIRD}`], ['via 10.98.0.2']],
  );
  await untilEqual(sent, [block, FIRST, SECOND].sort());
}, 30_000);

test('the agent is away, and then BIRD too, and no route is lost', async () => {
  await site.untilSession('Global_10_98_0_2', 'Established');
  await Bun.sleep(3_000); // what the start has left open is settled
  site.host.must("kill -KILL $(ps -C calico-node -o pid=,stat= | awk '$2 !~ /Z/ { print $1 }')");
  await expectKept(1);
  site.host.must("kill -KILL $(ps -C bird -o pid=,args= | awk '/calico/ { print $1 }')");
  await expectKept(2);
  site.startAgent();
  await expectKept(6);
  await site.untilSession('Global_10_98_0_2', 'Established');
}, 60_000);

test('a block that moves has the way to its new host, and no other', async () => {
  site.host.must('birdc -s /run/third.ctl disable static4');
  await untilEqual(() => wayTo(FIRST), ['']);
  speak(FRR_PREFIX, FIRST);
  await untilEqual(() => wayTo(FIRST), ['via 10.98.0.2']);
  speak(FRR_PREFIX);
  site.host.must('birdc -s /run/third.ctl enable static4');
  await untilEqual(() => [wayTo(FIRST), wayTo(SECOND)], [[`via ${THIRD}`], [`via ${THIRD}`]]);
}, 40_000);

test('a host that leaves takes its routes along, though it goes on speaking', async () => {
  site.remove('node', 'third');
  await untilEqual(() => [wayTo(FIRST), wayTo(SECOND)], [[''], ['']]);
  await untilEqual(sent, [block]);
}, 30_000);

test('a pool that is disabled keeps the routes of who has addresses of it, and one that is deleted has none', async () => {
  site.apply('IPPool', 'four', { cidr: '192.168.0.0/16', disabled: true });
  await Bun.sleep(1_000);
  expect(sent()).toEqual([block]);
  site.host.cni('DEL', 'pod', 'network1');
  site.remove('ippool', 'four');
  await untilEqual(sent, []);
  await untilEqual(() => site.host.must('ip route show type blackhole'), '');
}, 30_000);
