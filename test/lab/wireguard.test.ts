// What is to be encrypted leaves no host in plain, at no moment: seen by captures of what each host sends on the underlay, while
// programs die, keys change and settings flip under packets that never stop.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const HOSTS = ['calico-01', 'calico-02'] as const;
type Host = (typeof HOSTS)[number];
const FAMILIES = [4, 6] as const;
type Family = (typeof FAMILIES)[number];
const DEVICES: Readonly<Record<Family, string>> = { 4: 'wireguard.cali', 6: 'wg-v6.cali' };
const PORTS: Readonly<Record<Family, number>> = { 4: 51820, 6: 51821 };
/** Addresses of pods; the underlay has others. */
const OF_PODS = 'net 192.168.0.0/16 or net fd00:192:168::/64';
let lab: Lab;

const network = (name: string) =>
  `{"name":"${name}","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam","assign_ipv4":"true","assign_ipv6":"true"}}`;

async function startPod(host: Host, name: string, net: string): Promise<void> {
  const run = `rkt run --net=${net} --uuid-file-save=/tmp/${name} docker://busybox --exec /bin/sleep -- 900`;
  await lab.must(host, `setsid --fork ${run} >/tmp/${name}.log 2>&1 </dev/null`);
  await eventually(`pod ${name} to run`, 30_000, async () => {
    const { status } = await lab.on(host, `rkt status --uuid-file=/tmp/${name} --wait-ready=10s`);
    return status === 0 ? true : undefined;
  });
}

const inPod = (name: string) => `nsenter --net=/run/netns/cni-$(cat /tmp/${name})`;
const addresses = new Map<string, string>();

async function learnAddresses(host: Host, name: string): Promise<void> {
  const list = await lab.must(host, `${inPod(name)} ip -o addr show scope global`);
  for (const [, family, address] of list.matchAll(/inet(6?) ((?:192\.168\.|fd00:192:)[^/]+)\//g))
    addresses.set(`${name} ${family === '6' ? 6 : 4}`, address ?? '');
}
const addressOf = (name: string, family: Family): string => addresses.get(`${name} ${family}`) ?? '';

async function reaches(from: string, to: string, family: Family, bytes = 56): Promise<boolean> {
  const ping = `ping -${family} -c 1 -W 1 -s ${bytes} -M do ${addressOf(to, family)}`;
  return (await lab.on('calico-01', `${inPod(from)} ${ping}`)).status === 0;
}

/** From here on every packet of a pod that a host sends on the underlay is noted, with its time. */
async function startCaptures(): Promise<void> {
  for (const host of HOSTS)
    await lab.must(
      host,
      `setsid --fork tcpdump -ni eth0 -Q out -tt -l '${OF_PODS}' >/tmp/plain 2>/tmp/capturing </dev/null
       setsid --fork tcpdump -ni eth0 -Q out -tt -l 'udp portrange 51820-51821' >/tmp/sealed 2>/dev/null </dev/null
       until grep -q listening /tmp/capturing; do sleep 0.05; done`,
    );
}

/** The packets in plain since a time of the host's clock. */
async function plainSince(host: Host, seconds: number): Promise<readonly string[]> {
  const lines = (await lab.must(host, 'cat /tmp/plain')).split('\n').filter((line) => line !== '');
  return lines.filter((line) => Number(line.split(' ')[0]) > seconds);
}

/** When each host has had the rules that let nothing out in plain, by its clock. */
const closedSince = new Map<Host, number>();

async function expectNothingPlain(): Promise<void> {
  await Bun.sleep(200); // what tcpdump still holds
  for (const host of HOSTS) expect(await plainSince(host, closedSince.get(host) ?? 0)).toEqual([]);
}

async function countSealed(): Promise<number> {
  return Number(await lab.must('calico-01', 'wc -l </tmp/sealed'));
}

async function untilReached(what: string, timeoutMs = 10_000): Promise<void> {
  for (const family of FAMILIES)
    await eventually(`IPv${family} ${what}`, timeoutMs, async () =>
      (await reaches('one', 'two', family)) ? true : undefined,
    );
}

async function patchFelix(spec: string): Promise<void> {
  await lab.must('calico-01', `calicoctl patch felixconfiguration default -p '{"spec":${spec}}'`);
}

async function publicKeys(host: Host): Promise<string> {
  return (await lab.must(host, `calicoctl get node ${host} -o yaml | grep wireguardPublicKey || true`)).trim();
}

/** Pings ten times a second in both directions and families, for ever; what is lost stands in the sequence of what is not. */
async function startPings(): Promise<void> {
  for (const [host, from, to] of [
    ['calico-01', 'one', 'two'],
    ['calico-02', 'two', 'one'],
  ] as const)
    for (const family of FAMILIES)
      await lab.must(
        host,
        `setsid --fork ${inPod(from)} ping -${family} -i 0.1 ${addressOf(to, family)} >/tmp/pings${family} 2>&1 </dev/null`,
      );
}

beforeAll(async () => {
  lab = await openLab('wireguard', 2, ['--dual-stack']);
  for (const host of HOSTS)
    for (const name of ['network1', 'network2'])
      await lab.must(host, `cat >/etc/rkt/net.d/10-${name}.conf <<'EOF'\n${network(name)}\nEOF`);
  await Promise.all([
    startPod('calico-01', 'one', 'network1'),
    (async () => {
      await startPod('calico-02', 'two', 'network1');
      await startPod('calico-02', 'stranger', 'network2');
    })(),
  ]);
  await learnAddresses('calico-01', 'one');
  for (const name of ['two', 'stranger']) await learnAddresses('calico-02', name);
}, 90_000);

afterAll(async () => {
  await lab.down();
}, 30_000);

test('when encryption is switched on, no packet leaves a host in plain after its rules have it, and pods go on reaching each other', async () => {
  await untilReached('without encryption');
  await startCaptures();
  await startPings();
  for (const host of HOSTS)
    await eventually('packets in plain to be seen', 5_000, async () =>
      (await plainSince(host, 0)).length > 8 ? true : undefined,
    );
  const watch = (host: Host) =>
    lab.must(
      host,
      `for family in 4 6; do until nft list chain inet ocicat base-encrypted-forward 2>/dev/null | grep -q encrypted-addresses$family; do sleep 0.02; done; done
       until nft -j list set inet ocicat encrypted-addresses6 | grep -q '"elem"'; do sleep 0.02; done
       date +%s.%N`,
    );
  const [first, second] = await Promise.all([
    ...HOSTS.map(watch),
    patchFelix('{"wireguardEnabled":true,"wireguardEnabledV6":true}'),
  ]);
  closedSince.set('calico-01', Number(first)).set('calico-02', Number(second));
  await untilReached('through the tunnel');
  const before = await countSealed();
  await Bun.sleep(1_000);
  expect(await countSealed()).toBeGreaterThan(before);
  await expectNothingPlain();
}, 60_000);

test('the two networks stay apart, and full-size packets pass both families', async () => {
  for (const family of FAMILIES) {
    expect(await reaches('one', 'stranger', family)).toBe(false);
    const mtu = Number(await lab.must('calico-01', `cat /sys/class/net/${DEVICES[family]}/mtu`));
    expect(mtu).toBe(1500 - (family === 4 ? 60 : 80));
    const headers = family === 4 ? 28 : 48;
    expect(await reaches('one', 'two', family, Math.min(mtu, 1420) - headers)).toBe(true);
  }
  await expectNothingPlain();
}, 30_000);

test('hosts reach pods of others, from their own end of the tunnel', async () => {
  for (const family of FAMILIES)
    await lab.must(
      'calico-02',
      `ip -${family} route get ${addressOf('one', family)} | grep -q "dev ${DEVICES[family]}"`,
    );
  const own = await lab.must('calico-02', 'calicoctl get node calico-02 -o yaml');
  for (const field of ['interfaceIPv4Address', 'interfaceIPv6Address']) {
    const address = new RegExp(`${field}: (\\S+)`).exec(own)?.[1] ?? 'none';
    expect(await lab.must('calico-02', 'ip -o addr show')).toContain(` ${address}/`);
  }
}, 30_000);

/** How many pings have no answer of those that were sent meanwhile. */
async function lossesOf(run: () => Promise<void>): Promise<number> {
  const lost = async (): Promise<number> => {
    const text = await lab.must('calico-01', "grep -o 'icmp_seq=[0-9]*' /tmp/pings4"); // those that were answered
    const answered = text
      .trim()
      .split('\n')
      .map((line) => Number(line.slice('icmp_seq='.length)));
    return Math.max(...answered) - answered.length;
  };
  const before = await lost();
  await run();
  await Bun.sleep(500);
  return (await lost()) - before;
}

test('an agent that is killed and started again loses no packet, and sends none in plain', async () => {
  const lost = await lossesOf(async () => {
    await lab.endAgent('calico-01', 'KILL');
    await Bun.sleep(500);
    await lab.startAgent('calico-01', 1);
  });
  expect(lost).toBe(0);
  await expectNothingPlain();
}, 60_000);

test('when wireguard-go dies packets are lost and none is sent in plain, until it is there again', async () => {
  await lab.must('calico-01', `pkill -KILL -x wireguard-go`);
  await untilReached('after the death of wireguard-go');
  await lab.endAgent('calico-02', 'KILL');
  await lab.must('calico-02', `pkill -KILL -x wireguard-go; sleep 0.5`);
  for (const family of FAMILIES) expect(await reaches('one', 'two', family)).toBe(false);
  await lab.startAgent('calico-02', 1);
  await untilReached('after an agent has started wireguard-go again');
  await expectNothingPlain();
}, 60_000);

test('when somebody takes away the device, the rule or the routes, they are back, and nothing is sent in plain', async () => {
  for (const [device, family, table] of [
    ['wireguard.cali', 4, 1],
    ['wg-v6.cali', 6, 2],
  ] as const) {
    await lab.must('calico-01', `ip -${family} rule del priority 99; ip -${family} route flush table ${table}`);
    await untilReached('after the rule has gone');
    await lab.must('calico-01', `ip -${family} addr flush dev ${device} scope global`);
    await untilReached('after the addresses have gone, and with them the routes');
    await lab.must('calico-01', `ip link del ${device}`);
    await untilReached('after the device has gone');
  }
  await expectNothingPlain();
}, 60_000);

test('a program that does not notice that its device has gone is replaced', async () => {
  await lab.must('calico-01', 'pkill -STOP -x wireguard-go; ip link del wireguard.cali; ip link del wg-v6.cali');
  await untilReached('by another program');
  expect(await lab.must('calico-01', 'pgrep -c -x wireguard-go')).toBe('2\n');
  await expectNothingPlain();
}, 60_000);

test('who deletes a key gets another one: it is on the Node, pods reach each other again, and nothing is sent in plain', async () => {
  const before = await publicKeys('calico-02');
  expect(before.split('\n')).toHaveLength(2);
  const files = await lab.must('calico-02', 'stat -c "%a %U" /var/lib/calico/wireguard-ipv*.key');
  expect(files).toBe('600 root\n600 root\n');
  await lab.must('calico-02', 'rm /var/lib/calico/wireguard-ipv*.key');
  await eventually('other keys', 5_000, async () => {
    const now = await publicKeys('calico-02');
    return now.split('\n').length === 2 && now.split('\n').every((line) => !before.includes(line)) ? true : undefined;
  });
  await untilReached('with the other key');
  await expectNothingPlain();
  const secrets = await lab.must('calico-02', 'cat /var/lib/calico/wireguard-ipv*.key');
  const log = await lab.must('calico-02', 'cat /var/log/calico/node.log');
  for (const secret of secrets.trim().split('\n')) expect(log).not.toContain(secret);
}, 30_000);

test('a key that vanishes from the Node for a moment closes the way, and comes back', async () => {
  await lab.endAgent('calico-02', 'KILL');
  await lab.must(
    'calico-01',
    `key=/calico/resources/v3/projectcalico.org/nodes/calico-02; e="etcdctl --endpoints http://underlay:2379"
     $e get --print-value-only $key | sed -E 's/"wireguardPublicKey(V6)?":"[^"]*",?//g; s/,\\}/}/g' >/tmp/node; $e put $key <"/tmp/node"`,
  );
  for (const family of FAMILIES)
    await eventually(`the way of IPv${family} to close`, 5_000, async () =>
      (await reaches('one', 'two', family)) ? undefined : true,
    );
  await lab.startAgent('calico-02', 1);
  await untilReached('when the key is there again');
  await expectNothingPlain();
}, 60_000);

test('when no device can be had the log and the status say so, and nothing is sent', async () => {
  const program = '/proc/$(pgrep -x calico-node)/root/usr/bin/wireguard-go';
  await lab.must('calico-01', `mv ${program} ${program}.away && pkill -KILL -x wireguard-go`);
  await eventually('the status to say so', 10_000, async () =>
    /It is not ready: IPv[46] to hosts that encrypt is not sent: program "wireguard-go": not installed/.test(
      (await lab.on('calico-01', 'calicoctl node status')).stdout,
    )
      ? true
      : undefined,
  );
  expect(await lab.must('calico-01', 'cat /var/log/calico/node.log')).toContain(
    'nothing is sent that it does not encrypt',
  );
  for (const family of FAMILIES) expect(await reaches('one', 'two', family)).toBe(false);
  await lab.must('calico-01', `mv ${program}.away ${program}`);
  await untilReached('when the program is there again');
  await expectNothingPlain();
}, 60_000);

test('what leaves is encrypted: it goes to the port of the family', async () => {
  for (const family of FAMILIES)
    expect(Number(await lab.must('calico-01', `grep -c '\\.${PORTS[family]}:' /tmp/sealed`))).toBeGreaterThan(10);
}, 10_000);

test('with host encryption what hosts send each other is encrypted too, also where the host looks strictly at where packets come from', async () => {
  for (const host of HOSTS)
    await lab.must(host, 'sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.eth0.rp_filter=1');
  await patchFelix('{"wireguardHostEncryptionEnabled":true}');
  const other = (host: Host) => (host === 'calico-01' ? '10.99.0.2' : '10.99.0.1');
  for (const host of HOSTS)
    await eventually(`the way of ${host} to lead into the tunnel`, 10_000, async () =>
      (await lab.on(host, `ip route get ${other(host)} | grep 'dev wireguard.cali' && ping -c 1 -W 1 ${other(host)}`))
        .status === 0
        ? true
        : undefined,
    );
  const seen = `tcpdump -ni eth0 -Q out -c 1 'ip and host 10.99.0.1 and host 10.99.0.2 and not udp port 51820'`;
  const captures = HOSTS.map((host) => lab.on(host, `timeout 6 ${seen}`));
  await Bun.sleep(500);
  for (const host of HOSTS)
    await lab.must(host, `ping -c 3 -i 0.2 -W 1 ${other(host)}; birdcl -s /run/calico/bird.ctl restart all`);
  await lab.untilReady('calico-01', 1);
  await untilReached('with host encryption');
  for (const { status, stdout } of await Promise.all(captures)) expect([status, stdout.trim()]).toEqual([124, '']);
  await expectNothingPlain();
}, 60_000);

test('when encryption is switched off, devices, rules, keys and addresses go, and pods reach each other in plain', async () => {
  await patchFelix('{"wireguardEnabled":false,"wireguardEnabledV6":false}');
  await eventually('the devices to go', 10_000, async () =>
    (await lab.must('calico-01', 'ip -o link; ip rule; ip -6 rule')).match(/wireguard\.cali|wg-v6|fwmark/) === null
      ? true
      : undefined,
  );
  await untilReached('in plain');
  await eventually('keys and addresses to go', 5_000, async () =>
    /wireguard/.test(await lab.must('calico-01', 'calicoctl get nodes -o yaml')) ? undefined : true,
  );
  expect((await lab.on('calico-01', 'pgrep -x wireguard-go')).status).toBe(1);
}, 60_000);
