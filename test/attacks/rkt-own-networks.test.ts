// Nothing that rkt adds by itself joins what the user's networks keep apart: every address of every pod is tried from every
// other pod by each of its links, and from the host, with real packets.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openWorld, type Running, type World } from '../support/host/world.ts';

setDefaultTimeout(60_000);

/** Networks of the user's: bridges, each with its gateway on the host. */
const bridges: Readonly<Record<string, string>> = { red: '10.99.0', blue: '10.99.1' };
/** Pods by name, with the networks that they ask for. */
const asked: Readonly<Record<string, readonly string[]>> = {
  red1: ['red'],
  red2: ['red'],
  blue1: ['blue'],
  plain1: ['default'],
  plain2: ['default'],
  both: ['red', 'default'],
  own: ['default', 'default-restricted'],
  restricted: ['default-restricted'],
};
const names = Object.keys(asked);
const PORT = 8000;
/** The host on rkt's own networks, and where rkt's metadata service listens. */
const HOST = '172.16.28.99';
const HOST_ON_DEFAULT = '172.16.28.1';
const METADATA_PORT = 18112;
/** Another address of the host. */
const HOST_ELSEWHERE = '10.55.0.1';

interface Pod {
  readonly running: Running;
  readonly netns: string;
  readonly addresses: readonly string[];
}

let world: World;
const pods = new Map<string, Pod>();
/** What each pod could connect to, as `address:port`, by any of its links. */
const reached = new Map<string, ReadonlySet<string>>();

function podOf(name: string): Pod {
  const pod = pods.get(name);
  if (pod === undefined) throw new Error(`no pod "${name}"`);
  return pod;
}

async function startPod(name: string): Promise<Pod> {
  const uuidFile = join(world.directory, name);
  const script = `httpd -p ${PORT} -h /etc; echo up; exec sleep 300`;
  const options = [`--net=${asked[name]?.join(',')}`, `--uuid-file-save=${uuidFile}`];
  const running = world.start('run', ...options, 'docker://busybox', '--exec=sh', '--', '-c', script);
  await running.printed('up');
  const netns = `/run/netns/cni-${readFileSync(uuidFile, 'utf8')}`;
  const shown = await world.run('nsenter', `--net=${netns}`, 'ip', '-o', '-4', 'addr', 'show', 'scope', 'global');
  return { running, netns, addresses: [...shown.stdout.matchAll(/inet ([0-9.]+)\//g)].map((match) => match[1] ?? '') };
}

/** A shell script that prints the targets to which a TCP connection comes about. */
function connecting(targets: readonly string[]): string {
  const attempts = targets.map((target) => {
    const path = `/dev/tcp/${target.replace(':', '/')}`;
    return `(timeout 1 bash -c '<${path}' 2>/dev/null && echo ${target}) &`;
  });
  return `${attempts.join('\n')}\nwait\n`;
}

/** Of routes that are looked at before the pod's own. */
const TABLE = 77;

/** As root in the pod could: by the pod's routes, then with all of them bent to each of its links in turn. */
function tryingEveryLink(targets: readonly string[]): string {
  const hosts = [...new Set(targets.map((target) => target.split(':')[0] ?? ''))];
  const bent = hosts.map(
    (host) =>
      `[ ${host} = $gateway ] || ip route add ${host}/32 via $gateway dev $link onlink table ${TABLE} 2>/dev/null`,
  );
  const gateways = `case $(ip -o -4 addr show dev $link) in ${Object.values(bridges)
    .map((net) => `*${net}.*) gateway=${net}.1;;`)
    .join(' ')} */25*) gateway=${HOST};; *) gateway=${HOST_ON_DEFAULT};; esac`;
  const each = [gateways, ...bent, connecting(targets), `ip route flush table ${TABLE}`].join('\n');
  return `${connecting(targets)}\nip rule add pref 10 table ${TABLE}\nfor link in $(ip -o link | grep -o 'eth[0-9]'); do\n${each}\ndone\ntrue\n`;
}

async function observeReached(name: string, targets: readonly string[]): Promise<void> {
  const { netns, addresses } = podOf(name);
  const others = targets.filter((target) => !addresses.includes(target.split(':')[0] ?? ''));
  const result = await world.run('nsenter', `--net=${netns}`, 'bash', '-c', tryingEveryLink(others));
  reached.set(name, new Set(result.stdout.split('\n').filter(Boolean)));
}

const hostTargets = [METADATA_PORT, 22, 2379].flatMap((port) =>
  [HOST, HOST_ON_DEFAULT, HOST_ELSEWHERE].map((host) => `${host}:${port}`),
);

beforeAll(async () => {
  world = await openWorld();
  for (const [name, net] of Object.entries(bridges)) {
    const ipam = { type: 'host-local', subnet: `${net}.0/24` };
    const conf = { name, cniVersion: '0.4.0', type: 'bridge', bridge: `br-${name}`, isGateway: true, ipam };
    writeFileSync(join(world.netDir, `10-${name}.conf`), JSON.stringify(conf));
  }
  const listening = [METADATA_PORT, 22, 2379].map((port) => `busybox httpd -p ${port} -h /etc`).join(' && ');
  expect((await world.run('sh', '-c', `${listening} && ip addr add ${HOST_ELSEWHERE}/32 dev lo`)).status).toBe(0);
  for (const name of names) pods.set(name, await startPod(name));
  const addresses = names.flatMap((name) => podOf(name).addresses);
  const targets = [...addresses.map((address) => `${address}:${PORT}`), ...hostTargets];
  await Promise.all(names.map((name) => observeReached(name, targets)));
  const fromHost = await world.run('bash', '-c', connecting(targets));
  reached.set('host', new Set(fromHost.stdout.split('\n').filter(Boolean)));
});
afterAll(async () => {
  for (const pod of pods.values()) pod.running.kill('SIGTERM');
  await Promise.all([...pods.values()].map((pod) => pod.running.ended));
  await world.close();
});

/** Which network an address belongs to. */
function networkOf(address: string): string {
  const bridge = Object.entries(bridges).find(([, net]) => address.startsWith(`${net}.`));
  if (bridge !== undefined) return bridge[0];
  return Number(address.split('.')[3]) < 100 ? 'default-restricted' : 'default';
}

test('every pod has an address on each network that it asks for, and on default-restricted unless it asks for default', () => {
  const networks = names.map((name) => [name, podOf(name).addresses.map(networkOf).sort()]);
  expect(Object.fromEntries(networks)).toEqual({
    red1: ['default-restricted', 'red'],
    red2: ['default-restricted', 'red'],
    blue1: ['blue', 'default-restricted'],
    plain1: ['default'],
    plain2: ['default'],
    both: ['default', 'red'],
    own: ['default', 'default-restricted'],
    restricted: ['default-restricted'],
  });
});

const pairs = names.flatMap((from) => names.filter((to) => to !== from).map((to) => [from, to] as const));

test.each(pairs)('%s reaches %s by a network that both asked for, and by none of rkt’s that it did not', (from, to) => {
  for (const address of podOf(to).addresses) {
    const network = networkOf(address);
    const isMember = network !== 'default-restricted' && asked[from]?.includes(network) === true;
    // Whether one bridge of the user's reaches another is not for rkt to say.
    if (bridges[network] !== undefined && !isMember) continue;
    expect([address, reached.get(from)?.has(`${address}:${PORT}`)]).toEqual([address, isMember]);
  }
});

test.each(names)('the host reaches %s on default and on its own networks, and not on default-restricted', (name) => {
  for (const address of podOf(name).addresses) {
    const isReached = reached.get('host')?.has(`${address}:${PORT}`);
    expect([address, isReached]).toEqual([address, networkOf(address) !== 'default-restricted']);
  }
});

test('on default-restricted a pod reaches the metadata service of its host and nothing else', () => {
  expect([...(reached.get('restricted') ?? [])]).toEqual(expect.arrayContaining([`${HOST}:${METADATA_PORT}`]));
  expect(new Set(reached.get('restricted'))).toEqual(new Set([`${HOST}:${METADATA_PORT}`]));
  expect(reached.get('red1')?.has(`${HOST}:${METADATA_PORT}`)).toBe(true);
});
