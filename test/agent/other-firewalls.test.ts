// Other firewalls of a host, the real ones: what they would drop of workloads' packets is named, and pods work beside them.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

/** What `calicoctl node status` says of them. */
const DESCRIBE = `${process.execPath} -e '
  import { describeOtherFirewalls } from "${join(import.meta.dir, '../../src/ctl/node/other-firewalls.ts')}";
  console.log(describeOtherFirewalls());'`;
/** What `ocicat uninstall` does about them. */
const UNINSTALL = `${process.execPath} -e '
  import { removeAcceptRules } from "${join(import.meta.dir, '../../src/uninstall/other-firewalls.ts')}";
  for (const line of removeAcceptRules()) console.log(line);'`;
const CALICOCTL = `${process.execPath} ${join(import.meta.dir, '../../src/main.ts')} calicoctl`;

/** As on a machine of its own: what they write is gone with the host. */
const OWN_FILES = `
mkdir -p /run/etc /run/dbus /etc/docker /etc/firewalld
cp -a /etc/ufw /etc/default /run/etc
mount --bind /run/etc/ufw /etc/ufw
mount --bind /run/etc/default /etc/default
mount -t tmpfs tmpfs /etc/docker
mount -t tmpfs tmpfs /etc/firewalld
mount -t cgroup2 none /sys/fs/cgroup
echo 0 >/proc/sys/net/ipv4/ip_forward`;
const DOCKERD =
  'dockerd --data-root /var/lib/docker --exec-root /run/docker --pidfile /run/docker.pid -H unix:///run/docker.sock --storage-driver vfs';
const WAYS = { out: 'a ping -c1 -W1 10.98.0.2', in: 'outside ping -c1 -W1 A', between: 'b ping -c1 -W1 A' } as const;

let host: AgentHost;
let addressOfA: string;

const passes = (way: keyof typeof WAYS) => host.run(`ip netns exec ${WAYS[way].replace('A', addressOfA)}`).status === 0;
const cutOff = () => (Object.keys(WAYS) as (keyof typeof WAYS)[]).filter((way) => !passes(way));
const untilAllPass = (timeoutMs: number) =>
  eventually('all ways to be open', timeoutMs, () => (cutOff().length === 0 ? true : undefined));
const untilLogged = (expected: string, timeoutMs = 7_000) =>
  eventually(expected, timeoutMs, () => (host.log().includes(expected) ? true : undefined));

/** Everybody may reach everybody, as far as the agent is concerned. */
async function allowAll(): Promise<void> {
  const rules = [{ action: 'Allow' }];
  const spec = { selector: 'all()', types: ['Ingress', 'Egress'], ingress: rules, egress: rules };
  const document = { kind: 'GlobalNetworkPolicy', apiVersion: 'projectcalico.org/v3', metadata: { name: 'all' }, spec };
  await host.etcd.ctl(
    'put',
    '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/all',
    JSON.stringify(document),
  );
}

function start(command: string): void {
  host.must(`setsid --fork ${command} >/run/log/other 2>&1 </dev/null`);
}

beforeAll(async () => {
  host = await openAgentHost();
  host.must(OWN_FILES);
  start(DOCKERD);
  const ready = 'curl -sf --unix-socket /run/docker.sock http://docker/_ping';
  await eventually('dockerd', 20_000, () => (host.run(ready).status === 0 ? true : undefined));
  await host.startAgent();
  await allowAll();
  addressOfA = host.addPod('a', 'net1');
  host.addPod('b', 'net1');
}, 90_000);
afterAll(async () => {
  await host.close();
}, 20_000);

test("beside Docker's DOCKER-USER and its policy DROP pods work, and the log, node status and checksystem name it", async () => {
  expect(host.must('iptables -S FORWARD')).toMatch(
    /^-P FORWARD DROP\n(-A FORWARD (-m devgroup --(src|dst)-group 0x726b7402|-[io] cali\+) -m comment --comment ocicat -j ACCEPT\n){4}-A FORWARD -j DOCKER-USER\n/,
  );
  await untilAllPass(2_000);
  const place =
    'table ip filter, chain FORWARD, policy drop (from workloads to eth0, from eth0 to workloads, between workloads)';
  expect(host.log()).toContain(
    `another firewall would drop packets of workloads: ${place}; rules before it let them through now`,
  );
  expect(host.must(DESCRIBE)).toBe(
    `\nOther firewalls:\n  ${place} would drop packets of workloads; rules of the agent before it let them through`,
  );
  expect(host.run(`${CALICOCTL} node checksystem`).output).toContain(
    `WARNING: ${place} would drop packets of workloads`,
  );
});

test('what Docker puts before the rules, or an administrator flushes, is found when it appears', async () => {
  host.must(
    'iptables -I DOCKER-USER -i eth0 -j DROP && iptables -D FORWARD -j DOCKER-USER && iptables -I FORWARD -j DOCKER-USER',
  );
  expect(passes('in')).toBe(false);
  await untilAllPass(2_000);
  await untilLogged('table ip filter, chain DOCKER-USER, rule 1, handle');
  host.must('iptables -F FORWARD');
  await untilAllPass(2_000);
});

test('rules that are no longer needed go', async () => {
  host.must('kill $(cat /run/docker.pid); iptables -P FORWARD ACCEPT; iptables -F FORWARD');
  await eventually('no rules of the agent', 3_000, () =>
    host.must('iptables -S FORWARD') === '-P FORWARD ACCEPT' ? true : undefined,
  );
  expect(host.must(DESCRIBE)).toBe('');
});

test('beside ufw, also when it is enabled and reloaded under a running agent, pods work', async () => {
  host.must('ufw --force enable');
  await untilAllPass(3_000);
  host.must('ufw reload');
  await untilAllPass(3_000);
  await untilLogged('table ip filter, chain FORWARD, policy drop');
  host.must('ufw disable');
}, 30_000);

test("beside rules of iptables-legacy pods work, and those of rkt's network default are excepted as well", async () => {
  host.must('iptables-legacy -A FORWARD -i lo -j ACCEPT && iptables-legacy -A FORWARD -j REJECT');
  await untilLogged('table filter of iptables-legacy, chain FORWARD, rule 2 (');
  await untilAllPass(7_000);
  expect(host.must('iptables-legacy -S FORWARD').match(/devgroup --(src|dst)-group 0x726b7402.*ocicat/g)).toHaveLength(
    2,
  );
  host.must('iptables-legacy -D FORWARD -j REJECT');
  await eventually('no rules of the agent', 7_000, () =>
    host.must('iptables-legacy -S FORWARD').includes('ocicat') ? undefined : true,
  );
}, 30_000);

test('the uninstallation takes all of them back', async () => {
  host.must('iptables -P FORWARD DROP && iptables-legacy -P FORWARD DROP');
  const all = () => host.must('iptables -S FORWARD; iptables-legacy -S FORWARD').split('--comment ocicat').length - 1;
  await eventually('the rules of the agent', 7_000, () => (all() === 8 ? true : undefined));
  await host.stopAgent('TERM');
  expect(host.must(UNINSTALL).split('\n')).toHaveLength(2);
  expect(all()).toBe(0);
  host.must('iptables -P FORWARD ACCEPT && iptables-legacy -P FORWARD ACCEPT');
  await host.startAgent();
}, 30_000);

test('a table of the administrator that drops is named with what lets pods through, which does', async () => {
  host.must(`nft -f - <<'END'
table inet site {
  chain forward {
    type filter hook forward priority filter; policy drop
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname { "lo", "docker0" } accept
    tcp dport 25 drop
    ip saddr 203.0.113.0/24 accept
  }
}
END`);
  const remedy = `nft insert rule inet site forward iifname '"cali*"' accept && nft insert rule inet site forward oifname '"cali*"' accept`;
  await untilLogged(
    `another firewall drops packets of workloads: table inet site, chain forward, policy drop (from workloads to eth0, from eth0 to workloads, between workloads); what lets them through: ${remedy}`,
    2_000,
  );
  expect(cutOff()).toEqual(['out', 'in', 'between']);
  expect(host.must(DESCRIBE)).toContain(remedy);
  host.must(remedy);
  await untilLogged('no longer: another firewall drops packets of workloads: table inet site', 2_000);
  expect(cutOff()).toEqual([]);
  expect(host.must(DESCRIBE)).toBe('');
  host.must('nft delete table inet site');
});

/** Rules of a chain without a policy, and what is said of them: nothing, or the place of a rule and the packets. */
const rules: readonly (readonly [rules: string, finding: string])[] = [
  ['tcp dport 25 drop; ip daddr 203.0.113.0/24 drop; iifname docker0 drop; ct state invalid drop', ''],
  ['meta mark 7 drop; limit rate over 9/second drop; ip6 saddr fd00::/64 drop; meta nfproto ipv6 drop', ''],
  ['iif lo drop; iifname != "cali*" oifname != "cali*" drop; ip saddr 10.1.0.0/16 drop', ''],
  ['iifname "cali*" accept; oifname { "eth1", "cali*" } accept; drop', ''],
  ['ct state { new, established } accept; drop', ''],
  ['ip saddr 192.168.0.0/16 accept; ip daddr 192.168.0.0-192.168.255.255 accept; drop', ''],
  ['jump later; drop', ''],
  ['iifname vmap { "eth0" : drop, "lo" : accept }', 'rule 1 (from eth0 to workloads)'],
  ['iif eth0 counter reject', 'rule 1 (from eth0 to workloads)'],
  ['oifname "eth*" ct state new log drop', 'rule 1 (from workloads to eth0)'],
  ['ip saddr 192.168.0.0/16 ip daddr 192.168.0.0/16 drop', 'rule 1 (between workloads)'],
  ['tcp dport 80 accept; meta nfproto ipv4 goto last', 'rule 1 ('],
];

test.each(rules)('of the rules "%s" is said: %s', (text, finding) => {
  host.must(`nft -f - <<'END'
table inet site {
  chain later { iifname "cali*" accept; oifname "cali*" accept; }
  chain last { drop; }
  chain forward { type filter hook forward priority 0; ${text}; }
}
END`);
  const described = host.must(DESCRIBE).replaceAll(/, handle \d+/g, '');
  host.must('nft delete table inet site');
  if (finding === '') expect(described).toBe('');
  else expect(described).toContain(finding);
});

test('beside firewalld, which is told so, pods work; also after it has been reloaded', async () => {
  host.must('dbus-daemon --system --fork --nopidfile');
  start('firewalld --nopid --nofork');
  await untilLogged(
    'firewalld drops packets of workloads: table inet firewalld, chain filter_FWD_public, rule 8',
    10_000,
  );
  await untilLogged('firewalld has a zone and policies "calico" now', 20_000);
  await untilAllPass(2_000);
  host.must('firewall-cmd --reload');
  expect(cutOff()).toEqual([]);
  expect(host.must(DESCRIBE)).toBe('');
}, 60_000);
