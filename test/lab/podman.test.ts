// podman 5 and later on two hosts: its networks, containers and their packets, by the calls that it makes.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { copyProgram } from '../docs/client-hosts.ts';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';
import { type Container, findNetavark, openPodman, type Podman, type Status } from '../support/host/podman-calls.ts';

const HOSTS = ['calico-01', 'calico-02'] as const;
/** Beyond all pools: the lab's registry. */
const OUTSIDE = '10.99.0.254:5000';

const netavark = findNetavark();

let lab: Lab;
beforeAll(async () => {
  lab = await openLab('podman', HOSTS.length);
  if (netavark !== undefined) for (const host of HOSTS) await copyProgram(lab, netavark, host);
}, 60_000);
afterAll(async () => lab?.down());

const WEB: Container = {
  host: 'calico-01',
  name: 'web',
  networks: { net1: { static_ips: ['192.168.0.10'], static_mac: '02:00:00:00:00:10' } },
  ports: [{ container_port: 80, host_ip: '', host_port: 8080, protocol: 'tcp', range: 1 }],
};
const FRIEND: Container = { host: 'calico-02', name: 'friend', networks: { net1: {} } };
const STRANGER: Container = { host: 'calico-02', name: 'stranger', networks: { net2: {} } };
const BOTH: Container = { host: 'calico-02', name: 'both', networks: { net2: {}, net1: {} } };
const VAULT: Container = { host: 'calico-01', name: 'vault', networks: { inner: {} } };
const CLERK: Container = { host: 'calico-02', name: 'clerk', networks: { inner: {}, net2: {} } };

const OPEN_WEB = JSON.stringify({
  apiVersion: 'projectcalico.org/v3',
  kind: 'GlobalNetworkPolicy',
  metadata: { name: 'web-is-public' },
  spec: {
    selector: 'io.kubernetes.pod.name == "web"',
    types: ['Ingress'],
    ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [80] } }],
  },
});

const ipOf = (status: Status | undefined, name = 'eth0') =>
  status?.interfaces[name]?.subnets[0]?.ipnet.split('/')[0] ?? 'none';

const ways = ['plugin', 'netavark'] as const;
const has = { plugin: true, netavark: netavark !== undefined };

for (const way of ways)
  describe.skipIf(!has[way])(way === 'plugin' ? "the plugin's calls" : 'netavark 2', () => {
    let podman: Podman;
    const at = new Map<string, string>();
    let resolver = 'none';

    async function serve(container: Container): Promise<void> {
      const listen = 'setsid --fork busybox httpd -f -p 80 -h /usr/share >/dev/null 2>&1 </dev/null';
      await podman.inside(container, listen);
    }

    async function start(container: Container): Promise<Readonly<Record<string, Status>>> {
      const statuses = await podman.start(container);
      await serve(container);
      return statuses;
    }

    /** Whether a server answers a container, with whatever. */
    async function reaches(container: Container, address: string): Promise<boolean> {
      const { stdout } = await podman.inside(
        container,
        `curl -s -m 2 -o /dev/null -w '%{http_code}' http://${address}/`,
      );
      return stdout !== '000';
    }

    /** What one host does the other hears of a moment later. */
    const untilReaches = (container: Container, address: string): Promise<true> =>
      eventually(
        `${container.name} to reach ${address}`,
        20_000,
        async () => (await reaches(container, address)) || undefined,
      );

    beforeAll(async () => {
      podman = openPodman(lab, way);
      for (const name of ['net1', 'net2']) await podman.createNetwork(HOSTS, name);
      await podman.createNetwork(HOSTS, 'inner', { internal: true });
      for (const container of [WEB, FRIEND, STRANGER, BOTH, VAULT, CLERK]) {
        const statuses = await start(container);
        resolver = Object.values(statuses)[0]?.dns_server_ips[0] ?? resolver;
        for (const [index, network] of Object.keys(container.networks).entries())
          at.set(`${container.name} ${network}`, ipOf(statuses[network], `eth${index}`));
      }
    }, 60_000);

    test('an address and a MAC address that are asked for are had', async () => {
      expect(at.get('web net1')).toBe('192.168.0.10');
      expect((await podman.inside(WEB, 'ip -o link show eth0')).stdout).toContain('02:00:00:00:00:10');
    });

    test('members of a network reach each other on every host, and nobody else reaches them', async () => {
      await untilReaches(FRIEND, '192.168.0.10');
      expect(await reaches(STRANGER, '192.168.0.10')).toBe(false);
      await untilReaches(STRANGER, at.get('both net2') ?? '');
      expect(await reaches(FRIEND, at.get('both net2') ?? '')).toBe(false);
    });

    test('a container of two networks reaches members of both, whichever of its interfaces it sends by', async () => {
      expect((await podman.inside(BOTH, 'ip route get 192.168.0.10')).stdout).toContain('dev eth0');
      await untilReaches(BOTH, '192.168.0.10');
      await untilReaches(BOTH, at.get('stranger net2') ?? '');
    });

    test('an internal network has no way out, and takes none from another network', async () => {
      await untilReaches(FRIEND, OUTSIDE);
      expect(await reaches(VAULT, OUTSIDE)).toBe(false);
      await untilReaches(CLERK, OUTSIDE);
      await untilReaches(CLERK, at.get('vault inner') ?? '');
      await untilReaches(VAULT, at.get('clerk inner') ?? '');
      expect(await reaches(STRANGER, at.get('vault inner') ?? '')).toBe(false);
    });

    test('members of a network find each other by name on every host, and nobody else finds them', async () => {
      const ask = (container: Container, name: string) =>
        podman.inside(container, `busybox nslookup ${name} ${resolver}`).then(({ stdout }) => stdout);
      const answers: readonly (readonly [Container, string, string])[] = [
        [FRIEND, 'web', '192.168.0.10'],
        [BOTH, 'web', '192.168.0.10'],
        [VAULT, 'clerk', at.get('clerk inner') ?? ''],
      ];
      for (const [container, name, address] of answers)
        await eventually(`${container.name} to find ${name}`, 20_000, async () =>
          (await ask(container, name)).includes(address) ? true : undefined,
        );
      expect(await ask(STRANGER, 'web')).not.toContain('192.168.0.10');
    });

    test('a published port leads to the container, for whom policy lets in', async () => {
      const get = async () =>
        (
          await lab.must('calico-02', "curl -s -m 2 -o /dev/null -w '%{http_code}' http://10.99.0.1:8080/ || true")
        ).trim();
      expect(await get()).toBe('000');
      await lab.must('calico-01', `calicoctl apply -f - <<'END'\n${OPEN_WEB}\nEND`);
      await eventually('the port to lead to the container', 20_000, async () => (await get()) !== '000' || undefined);
      await lab.must('calico-01', 'calicoctl delete gnp web-is-public');
    }, 30_000);

    test('an agent that is killed changes nothing, and does what was asked while it was gone', async () => {
      await lab.endAgent('calico-02', 'KILL');
      await untilReaches(FRIEND, '192.168.0.10');
      expect(await podman.stop(BOTH)).toMatchObject({ status: 0, stdout: '' });
      await lab.startAgent('calico-02', 1);
      await untilReaches(FRIEND, '192.168.0.10');
      expect(await reaches(STRANGER, '192.168.0.10')).toBe(false);
      await start(BOTH);
      await untilReaches(BOTH, '192.168.0.10');
    }, 30_000);

    test('what is torn down leaves nothing', async () => {
      for (const container of [WEB, FRIEND, STRANGER, BOTH, VAULT, CLERK])
        expect(await podman.stop(container)).toMatchObject({ status: 0, stdout: '' });
      for (const host of HOSTS)
        expect(await lab.must(host, 'ls /var/lib/calico/teardowns /var/lib/calico/endpoints | grep json || true')).toBe(
          '',
        );
      expect(await lab.must('calico-01', 'calicoctl get wep -o name')).toBe('');
      const keys = await lab.must(
        'calico-01',
        'etcdctl --endpoints http://underlay:2379 get --prefix /calico/ipam/v2/handle --keys-only',
      );
      expect(keys.split('\n').filter((key) => /net1|net2|inner/.test(key))).toEqual([]);
      await lab.must('calico-01', 'calicoctl delete profile net1 net2 inner');
    });
  });
