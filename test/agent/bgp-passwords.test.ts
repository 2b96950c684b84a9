// Passwords of BGP sessions (RFC 2385), from a file of the host, with a real agent, BIRD and FRR: no session comes up without its
// password, and nobody else gets to see it.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually } from '../support/host/agent-host.ts';
import { type BgpSite, openBgpSite } from '../support/host/bgp-site.ts';
import { FRR_AS, type Frr, startFrr } from '../support/host/frr.ts';

const RIGHT = 's3cret;{of}=rack';
const FILE = '/etc/calico/bgp-passwords/rack/bgp';
const password = { secretKeyRef: { name: 'rack', key: 'bgp' } };
let site: BgpSite;
let frr: Frr;

beforeAll(async () => {
  site = await openBgpSite();
  frr = startFrr(site.host);
  frr.replaceBgp(
    FRR_AS,
    ...['remote-as 64512', 'timers connect 1', `password ${RIGHT}`].map((line) => `neighbor 10.98.0.1 ${line}`),
  );
  site.startAgent();
}, 60_000);
afterAll(async () => {
  await site.close();
}, 20_000);

/** As an operator puts it there: never readable by others, not for a moment. */
const writePassword = (text: string) =>
  site.host.must(`umask 077; mkdir -p ${FILE.replace(/\/bgp$/, '')}; printf '%s\\n' "${text}" > ${FILE}`);
test('a session whose password is missing stays closed, and is named', async () => {
  site.apply('BGPPeer', 'tor', { peerIP: '10.98.0.2', asNumber: FRR_AS, password });
  await site.untilSession('Global_10_98_0_2', 'down');
  await site.untilClosed(`BGPPeer(tor): the password rack/bgp: there is no such file`);
  expect(site.log()).toContain(
    'BGPPeer(tor): the password rack/bgp: there is no such file: nothing is sent to the peer',
  );
}, 30_000);

test('the wrong password makes no session', async () => {
  writePassword('wrong');
  await site.untilSession('Global_10_98_0_2', 'start');
  await Bun.sleep(3_000);
  expect(site.sessions()).not.toContain('Established');
  expect(frr.neighbor('10.98.0.1').bgpState).not.toBe('Established');
}, 30_000);

test('the right one makes it, as soon as the file has it, and each packet is signed', async () => {
  site.host.must(
    `ip netns exec outside sh -c 'tcpdump -i eth0 -nn -l -c 6 tcp port 179 > /run/log/wire 2>/dev/null &' && sleep 0.5`,
  );
  writePassword(RIGHT);
  await site.untilSession('Global_10_98_0_2', 'Established');
  await frr.untilEstablished('10.98.0.1');
  await eventually('six packets', 10_000, () =>
    site.host.run('wc -l < /run/log/wire').output.trim() === '6' ? 1 : undefined,
  );
  const packets = site.host.must('cat /run/log/wire').split('\n');
  expect(packets.filter((line) => !/\bmd5\b/.test(line))).toEqual([]);
}, 40_000);

test('nobody but root reads it, and neither status, diags, store nor log have it', async () => {
  expect(site.host.must('stat -c %a:%U /var/run/calico/bird.cfg')).toBe('600:root');
  expect(site.host.must('grep -c "password" /var/run/calico/bird.cfg')).toBe('1');
  site.host.must(`! grep -rlF -- "${RIGHT}" /run/log /var/log/calico /var/lib/calico 2>/dev/null`);
  expect(site.calicoctl('node status')).not.toContain(RIGHT);
  expect(site.host.run('birdc -s /var/run/calico/bird.ctl show protocols all').output).not.toContain(RIGHT);
  expect(await site.host.etcd.ctl('get', '--prefix', '/calico')).not.toContain(RIGHT);
  const archive = /saved to (\S+)/.exec(site.calicoctl('node diags --log-dir /run/log'))?.[1];
  if (archive === undefined) throw new Error('no archive');
  expect(site.host.must(`tar -xOzf ${archive} | grep -cF -- "${RIGHT}" || true`)).toBe('0');
  expect(site.calicoctl('get bgppeer tor -o yaml')).toContain('name: rack');
}, 60_000);

test('a file that others may read, or that is a link, is refused, and the session ends', async () => {
  site.host.must(`chmod 640 ${FILE}`);
  await site.untilSession('Global_10_98_0_2', 'down');
  await site.untilStatus('the password rack/bgp: others than root may read its file\n');
  site.host.must(`mv ${FILE} ${FILE}.real; chmod 600 ${FILE}.real; ln -s ${FILE}.real ${FILE}`);
  await site.untilStatus('the password rack/bgp: its file is a link, and links are not followed\n');
  site.host.must(`mv -f ${FILE}.real ${FILE}`);
  await site.untilSession('Global_10_98_0_2', 'Established');
}, 60_000);

test('the mesh has a password of its own', async () => {
  site.remove('bgppeer', 'tor');
  site.apply('Node', 'outside', { bgp: { ipv4Address: '10.98.0.2/24', asNumber: FRR_AS } });
  site.apply('BGPConfiguration', 'default', { nodeMeshPassword: { secretKeyRef: { name: 'mesh', key: 'all' } } });
  await site.untilSession('Mesh_10_98_0_2', 'down');
  await site.untilClosed(`BGPConfiguration(default): the password mesh/all: there is no such file`);
  site.host.must(`umask 077; mkdir /etc/calico/bgp-passwords/mesh; mv ${FILE} /etc/calico/bgp-passwords/mesh/all`);
  await site.untilSession('Mesh_10_98_0_2', 'Established');
  expect(site.calicoctl('node status')).not.toContain('Nothing is sent');
}, 60_000);
