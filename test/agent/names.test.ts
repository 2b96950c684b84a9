// Containers that find each other by their names, with a real agent, its firewall, and a name server outside: who is answered what,
// by which way, and who is not.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';
import { untilEqual } from '../support/host/until-equal.ts';

const RESOLVER = '169.254.1.53';
const RESOLVER6 = 'fd6e:51c1:ca7d::53';
const OUTSIDE = '10.98.0.2';
const program = join(import.meta.dir, '../support/dns/ask.ts');

let host: AgentHost;

function attach(pod: string, network: string, args = '', keys: object = {}): void {
  const { status, output } = host.cni('ADD', pod, network, args, keys);
  if (status !== 0) throw new Error(output);
}

const ask = (pod: string, words: string, server = RESOLVER) =>
  host.run(`ip netns exec ${pod} ${process.execPath} ${program} ${server} ${words}`).output.trimEnd();

/** Of who is not to be answered: as long as any answer takes here. */
const askInVain = (pod: string, words: string, server = RESOLVER) =>
  host
    .run(`DNS_TIMEOUT_MS=500 ip netns exec ${pod} ${process.execPath} ${program} ${server} ${words}`)
    .output.trimEnd();

const addressOf = (pod: string, family: 4 | 6 = 4) =>
  host.must(
    `ip -n ${pod} -o -${family} address show eth0 scope global | grep -oE '[0-9a-f.:]+/(32|128)' | cut -d/ -f1`,
  );

/** A real name server outside of the host, with some names of its own. */
function startServer(): void {
  const many = Array.from({ length: 60 }, (_, index) => `--host-record=many.example.org,192.0.2.${index + 1}`).join(
    ' ',
  );
  host.must(
    `ip netns exec outside dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --pid-file=/run/dnsmasq.pid --listen-address=${OUTSIDE} --bind-interfaces \
      --host-record=www.example.org,192.0.2.80,2001:db8::80 --local=/org/ --local=/network1/ --local=/network2/ --local=/arpa/ \
      --auth-ttl=60 --local-ttl=60 --log-queries --log-facility=/run/dnsmasq.log ${many}`,
  );
}

const setServers = (text: string) => host.must(`printf '${text}' > /etc/resolv.conf`);

beforeAll(async () => {
  host = await openAgentHost({
    ipam: { assign_ipv4: 'true', assign_ipv6: 'true' },
    environment: { IP6: 'autodetect', CALICO_IPV6POOL_CIDR: 'fd80:24e2:f998:72d6::/64' },
  });
  host.must('printf "nameserver 169.254.1.53\\nnameserver 10.98.0.2\\n" > /run/resolv.conf');
  host.must('mount --bind /run/resolv.conf $(readlink -f /etc/resolv.conf)');
  host.must('ip address add fd98::1/64 dev eth0 nodad; ip -n outside address add fd98::2/64 dev eth0 nodad');
  startServer();
  await host.startAgent();
  attach('client', 'network1', 'NAMES=client');
  attach('web', 'network1', 'K8S_POD_NAME=Web_1;NAMES=www');
  attach('twin', 'network1', 'NAMES=www');
  attach('stranger', 'network2', 'NAMES=stranger,secret');
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

test('ADD tells whom to ask, unless its network has no names', () => {
  const dnsOf = (keys: object) => JSON.parse(host.cni('ADD', 'told', 'network1', '', keys).output).dns;
  expect(dnsOf({})).toEqual({ nameservers: [RESOLVER] });
  expect(dnsOf({ dns: { nameservers: ['192.0.2.1'] } })).toEqual({ nameservers: ['192.0.2.1'] });
  expect(dnsOf({ dns: { search: ['example.org'] } })).toEqual({ nameservers: [RESOLVER], search: ['example.org'] });
  expect(dnsOf({ ocicat: { dns: false } })).toBeUndefined();
  expect(host.cni('DEL', 'told', 'network1').status).toBe(0);
});

test('members of a network find each other, alone and with its name, in both families and by both ways', () => {
  const [four, six] = [addressOf('web'), addressOf('web', 6)];
  expect(ask('client', 'udp A web_1 WEB_1.network1 web_1.network1.')).toBe(
    [`NOERROR A ${four}`, `NOERROR A ${four}`, `NOERROR A ${four}`].join('\n'),
  );
  expect(ask('client', 'udp AAAA web_1', RESOLVER6)).toBe(`NOERROR AAAA ${six}`);
  expect(ask('client', 'tcp A web_1')).toBe(`NOERROR A ${four}`);
  expect(ask('client', 'tcp AAAA web_1', RESOLVER6)).toBe(`NOERROR AAAA ${six}`);
  expect(ask('client', `udp PTR ${four.split('.').toReversed().join('.')}.in-addr.arpa`)).toBe(
    'NOERROR PTR web_1.network1',
  );
});

test('those of one name are all in the answer', () => {
  const both = [addressOf('web'), addressOf('twin')].sort();
  expect(
    ask('client', 'udp A www')
      .replaceAll(/NOERROR|A /g, '')
      .trim()
      .split(/ +/)
      .sort(),
  ).toEqual(both);
});

test('the names of another network are not there, nor are those of its addresses', () => {
  const reverse = `${addressOf('stranger').split('.').toReversed().join('.')}.in-addr.arpa`;
  expect(ask('client', 'udp A stranger secret.network2')).toBe('NXDOMAIN\nNXDOMAIN');
  expect(ask('client', `udp PTR ${reverse}`)).toBe('NXDOMAIN');
  expect(ask('stranger', 'udp A www client.network1')).toBe('NXDOMAIN\nNXDOMAIN');
  expect(ask('stranger', 'udp A secret')).toBe(`NOERROR A ${addressOf('stranger')}`);
});

test('the rest is asked of the servers that the host itself has, and not again while the answer holds', () => {
  const asked = () => host.must("grep -c 'query\\[A\\] www.example.org' /run/dnsmasq.log || true");
  expect(ask('client', 'udp A www.example.org')).toBe('NOERROR A 192.0.2.80');
  expect(ask('stranger', 'tcp A www.example.org nothing.example.org')).toBe('NOERROR A 192.0.2.80\nNXDOMAIN');
  expect(ask('client', 'udp AAAA www.example.org', RESOLVER6)).toBe('NOERROR AAAA 2001:db8::80');
  expect(asked()).toBe('1');
});

test('what does not fit into a datagram is cut, and whole by TCP', () => {
  expect(ask('client', 'udp A many.example.org')).toContain('cut');
  expect(ask('client', 'tcp A many.example.org').match(/192\.0\.2\./g)).toHaveLength(60);
  expect(ask('client', 'udp A many.example.org edns=1232').match(/192\.0\.2\./g)).toHaveLength(60);
});

test('other servers of the host are asked from then on', async () => {
  const gone = () => /SERVFAIL|no answer/.test(ask('client', 'udp A later.example.org'));
  setServers('nameserver 10.98.0.9\\n');
  await untilEqual(gone, true, 20_000);
  setServers('');
  await untilEqual(() => ask('client', 'udp A later.example.org'), 'REFUSED', 20_000);
  setServers('nameserver 10.98.0.2\\n');
  await untilEqual(() => ask('client', 'udp A later.example.org'), 'NXDOMAIN', 20_000);
}, 60_000);

test('a policy that denies everything leaves the way to the resolver open, and no other', async () => {
  const { etcd } = host;
  const policy = {
    kind: 'GlobalNetworkPolicy',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'default.closed' },
    spec: { tier: 'default', selector: 'all()', types: ['Ingress', 'Egress'] },
  };
  host.must(
    `ETCDCTL_API=3 etcdctl --endpoints=${etcd.endpoint} put /calico/resources/v3/projectcalico.org/globalnetworkpolicies/default.closed '${JSON.stringify(policy)}'`,
  );
  const ping = () => host.run(`ip netns exec client ping -c 1 -W 1 ${addressOf('web')}`).status;
  await eventually('the policy', 10_000, () => (ping() === 0 ? undefined : true));
  expect(ask('client', 'udp A web_1')).toBe(`NOERROR A ${addressOf('web')}`);
  expect(ask('client', 'tcp A web_1', RESOLVER6)).toBe(`NOERROR A ${addressOf('web')}`);
  host.must(`busybox httpd -p ${RESOLVER}:80 -h /run`);
  expect(host.run(`busybox wget -q -O /dev/null http://${RESOLVER}/resolv.conf`).status).toBe(0);
  const reach = (address: string, port: number) =>
    host.run(`ip netns exec client timeout 1 bash -c '</dev/tcp/${address}/${port}' 2>/dev/null`).status;
  expect([reach(RESOLVER, 53), reach(RESOLVER, 80), reach('169.254.1.54', 53), reach('10.98.0.1', 53)]).toEqual([
    ...[0, 124, 124, 124],
  ]);
  expect(host.run(`ip netns exec client ping -c 1 -W 1 ${RESOLVER}`).status).not.toBe(0);
}, 40_000);

test('nobody from outside of the host reaches the resolver, and the host itself is told nothing', () => {
  host.must(`ip -n outside route add ${RESOLVER} via 10.98.0.1; ip -n outside route add ${RESOLVER6} via fd98::1`);
  expect(askInVain('outside', 'udp A www')).toBe('no answer');
  expect(askInVain('outside', 'udp A www', RESOLVER6)).toBe('no answer');
  // with the address of a pod of this host, too
  host.must(`ip -n outside address add ${addressOf('client')}/32 dev lo`);
  host.must(`ip -n outside route replace ${RESOLVER} via 10.98.0.1 src ${addressOf('client')}`);
  expect(askInVain('outside', 'udp A www')).toBe('no answer');
  expect(host.run(`${process.execPath} ${program} ${RESOLVER} udp A www`).output.trimEnd()).toBe('REFUSED');
}, 40_000);

test('a pod cannot ask with the address of another one', () => {
  host.must(`ip -n stranger address add ${addressOf('client')}/32 dev lo`);
  host.must(`ip -n stranger route replace ${RESOLVER} via 169.254.1.1 dev eth0 src ${addressOf('client')} onlink`);
  expect(askInVain('stranger', 'udp A web_1')).toBe('no answer');
  host.must(`ip -n stranger route del ${RESOLVER}; ip -n stranger address del ${addressOf('client')}/32 dev lo`);
});

test('members of an internal network find each other and nothing else; those of one without names find nothing', () => {
  attach('inner', 'network3', 'NAMES=inner', { ocicat: { dns: 'internal' } });
  attach('quiet', 'network1', 'NAMES=quiet', { ocicat: { dns: false } });
  expect(ask('inner', 'udp A inner www.example.org')).toBe(`NOERROR A ${addressOf('inner')}\nREFUSED`);
  expect(ask('quiet', 'udp A quiet www www.example.org')).toBe('REFUSED\nREFUSED\nREFUSED');
  expect(ask('client', 'udp A quiet')).toBe('NXDOMAIN');
});

/** Sends datagrams without a rest, and opens more connections than it may have, for five seconds. */
const FLOOD = `
  const udp = await Bun.udpSocket({ connect: { hostname: '${RESOLVER}', port: 53 }, socket: { error() {} } });
  const handlers = { data() {}, close() {}, error() {} };
  for (let n = 0; n < 60; n++) Bun.connect({ hostname: '${RESOLVER}', port: 53, socket: handlers }).catch(() => {});
  const messages = Array.from({ length: 64 }, (_, n) => Buffer.from('00' + (n + 16).toString(16) + '01000001000000000000037777770000010001', 'hex'));
  for (const end = performance.now() + 5000; performance.now() < end; await Bun.sleep(0)) udp.sendMany(messages);
  console.log('done');
  process.exit(0);`;

test('who floods the resolver keeps nobody from an answer, and no container from starting', async () => {
  host.must(`cat > /run/flood.ts <<'END'\n${FLOOD}\nEND`);
  host.must(`ip netns exec stranger ${process.execPath} /run/flood.ts >/run/flood.log 2>&1 &`);
  const dropped = () =>
    host.must("nft list chain inet ocicat workload-check | grep -c 'packets [1-9].*too many questions' || true");
  await untilEqual(dropped, '1', 20_000);
  // as the C library does, whoever gets no answer asks again
  for (const transport of ['udp', 'tcp'])
    await untilEqual(() => askInVain('client', `${transport} A web_1`), `NOERROR A ${addressOf('web')}`, 20_000);
  attach('late', 'network1');
  expect(host.cni('DEL', 'late', 'network1').status).toBe(0);
  await untilEqual(() => host.must('cat /run/flood.log'), 'done', 20_000);
}, 80_000);

test('a name goes with its container', async () => {
  expect(host.cni('DEL', 'twin', 'network1').status).toBe(0);
  await untilEqual(() => ask('client', 'udp A www'), `NOERROR A ${addressOf('web')}`, 10_000);
});

test('what somebody takes away of it is back', async () => {
  host.must(`ip address del ${RESOLVER}/32 dev lo`);
  await untilEqual(() => ask('client', 'udp A web_1'), `NOERROR A ${addressOf('web')}`, 20_000);
}, 30_000);

test('while no agent runs nobody answers, and the next one answers as soon as it has read the store', async () => {
  await host.stopAgent('KILL');
  expect(ask('client', 'udp A web_1')).toBe('refused');
  await host.startAgent();
  const { elapsedMs } = await eventually('an answer', 5_000, () =>
    ask('client', 'udp A web_1') === `NOERROR A ${addressOf('web')}` ? true : undefined,
  );
  expect(elapsedMs).toBeLessThan(5_000);
}, 60_000);

test('without containers there is no resolver', async () => {
  for (const [pod, network] of [
    ...([
      ['client', 'network1'],
      ['web', 'network1'],
      ['stranger', 'network2'],
      ['inner', 'network3'],
    ] as const),
    ['quiet', 'network1'] as const,
  ])
    expect(host.cni('DEL', pod, network).status).toBe(0);
  await eventually('the address to go', 10_000, () =>
    host.must('ip address show dev lo').includes(RESOLVER) ? undefined : true,
  );
  expect(host.must("ss -Hlun 'sport = :53'")).toBe('');
}, 30_000);

test('a port that somebody else has is not answered at, which is said, and is taken as soon as it is free', async () => {
  host.must(
    'dnsmasq --conf-file=/dev/null --no-resolv --no-hosts --pid-file=/run/other.pid --host-record=web,192.0.2.9',
  );
  attach('client', 'network1');
  attach('web', 'network1', 'NAMES=web');
  await eventually('the log', 10_000, () => (host.log().includes('workloads find no names') ? true : undefined));
  expect(askInVain('client', 'udp A web')).toBe('no answer');
  host.must('kill $(cat /run/other.pid)');
  await untilEqual(() => askInVain('client', 'udp A web'), `NOERROR A ${addressOf('web')}`, 30_000);
}, 60_000);
