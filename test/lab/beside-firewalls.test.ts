// Pods of rkt's own network `default` beside the real Docker and others that have the host drop what it forwards.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const [DOCKER, OTHERS] = ['calico-01', 'calico-02'] as const;
const REGISTRY = 'http://10.99.0.254:5000/v2/';
/** Docker sets the policy where it is the one that begins to forward, as on a host where it starts before the agent. */
const DOCKERD = `
mount -t tmpfs tmpfs /etc/docker
echo 0 >/proc/sys/net/ipv4/ip_forward
setsid unshare --mount sh -c 'mount -t cgroup2 none /sys/fs/cgroup
exec dockerd --data-root /run/docker-data --exec-root /run/docker --pidfile /run/docker.pid -H unix:///run/docker.sock --storage-driver vfs' >/run/dockerd.log 2>&1 </dev/null &
for attempt in $(seq 200); do curl -sf --unix-socket /run/docker.sock http://docker/_ping && exit; sleep 0.1; done
exit 1`;
const FIREWALLD = `
mkdir -p /run/dbus; mount -t tmpfs tmpfs /etc/firewalld; dbus-daemon --system --fork --nopidfile
setsid --fork firewalld --nopid --nofork >/run/firewalld.log 2>&1 </dev/null
for attempt in $(seq 200); do firewall-cmd --state 2>/dev/null && exit; sleep 0.1; done
exit 1`;

/** The command that the page of the installation has for pods on `default`, by a word of it. */
async function remedy(word: string): Promise<string> {
  const page = await Bun.file(join(import.meta.dir, '../../docs/install.md')).text();
  const commands = [...page.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  const found = commands.find((code) => code.includes(word) && code.includes(' && '));
  if (found === undefined) throw new Error(`install.md: no command with "${word}"`);
  return found;
}

let lab: Lab;
beforeAll(async () => {
  lab = await openLab('firewalls', 2);
  await lab.endAgent(DOCKER, 'TERM');
  await lab.must(DOCKER, DOCKERD);
}, 60_000);
afterAll(async () => {
  await lab?.on(DOCKER, 'kill $(cat /run/docker.pid)');
  await lab?.down();
});

const rules = () => lab.must(DOCKER, 'iptables -S FORWARD');
const untilRules = (what: string, count: number) =>
  eventually(what, 10_000, async () =>
    (await rules()).split('--comment ocicat').length === count + 1 ? true : undefined,
  );
/** Whether a pod on `default` reaches the registry, which is on no network of the host's own. */
const reaches = async (host: string) =>
  (await lab.on(host, `rkt run --net=default docker://busybox --exec=/bin/wget -- -q -T 2 -O - ${REGISTRY}`)).status ===
  0;

test('a pod on default reaches outwards beside the policy DROP of Docker, as soon as an agent runs', async () => {
  expect(await rules()).toStartWith('-P FORWARD DROP\n');
  expect(await reaches(DOCKER)).toBe(false);
  await lab.startAgent(DOCKER, 1);
  await untilRules('the rules of the agent', 4);
  expect(await reaches(DOCKER)).toBe(true);
}, 30_000);

test('a rule that somebody takes is back, as are those that an agent before this one did not know', async () => {
  await lab.must(
    DOCKER,
    'iptables -D FORWARD -m devgroup --dst-group 0x726b7402 -m comment --comment ocicat -j ACCEPT',
  );
  await untilRules('the rules of the agent', 4);
  expect(await reaches(DOCKER)).toBe(true);
});

test('without Docker they go', async () => {
  await lab.must(DOCKER, 'kill $(cat /run/docker.pid); iptables -P FORWARD ACCEPT');
  await untilRules('no rules of the agent', 0);
  expect(await reaches(DOCKER)).toBe(true);
});

test('beside a table that drops, and beside firewalld, it does when the command of install.md has been run', async () => {
  await lab.must(
    OTHERS,
    `nft 'table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }'`,
  );
  expect(await reaches(OTHERS)).toBe(false);
  await lab.must(OTHERS, await remedy('iifgroup'));
  expect(await reaches(OTHERS)).toBe(true);
  await lab.must(OTHERS, `nft delete table inet filter\n${FIREWALLD}`);
  expect(await reaches(OTHERS)).toBe(false);
  await lab.must(OTHERS, await remedy('--add-source'));
  expect(await reaches(OTHERS)).toBe(true);
}, 60_000);
