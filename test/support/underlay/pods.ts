// Pods on the hosts of a lab of two segments, between whom packets of all kinds are sent: a and b on the first host, c beside it
// in the same segment, d in the other one, all of one network; x of another network on the first host; and w there, whose
// packets may be larger than what any host can send.
import type { LabFamily } from '../../../src/lab/plan.ts';
import { type Lab, openLab } from '../host/lab.ts';

export interface Pod {
  readonly name: string;
  readonly host: string;
  readonly network: string;
  /** One of each family of the lab. */
  readonly addresses: readonly string[];
}

export type Pods = Readonly<Record<'a' | 'b' | 'c' | 'd' | 'x' | 'w', Pod>>;

export const HOSTS = ['calico-01', 'calico-02', 'calico-03'] as const;
const PLACES = [
  ['a', 'calico-01', 'network1'],
  ['b', 'calico-01', 'network1'],
  ['x', 'calico-01', 'network2'],
  ['w', 'calico-01', 'wide'],
  ['c', 'calico-02', 'network1'],
  ['d', 'calico-03', 'network1'],
] as const;
export const UDP_PORT = 7000;
const WIDE_MTU = 9000;
const FLAGS: Readonly<Record<string, readonly string[]>> = { ipv6: ['--ipv6'], 'ipv4,ipv6': ['--dual-stack'] };

/** Sends each datagram back, of both families. */
const ECHO = `import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
s.bind(("::", ${UDP_PORT}))
while True: s.sendto(*s.recvfrom(65536))`;

export const inside = (pod: Pod | string): string =>
  `nsenter --net=/var/run/netns/cni-$(cat /tmp/${typeof pod === 'string' ? pod : pod.name})`;

function printNetwork(name: string, families: readonly LabFamily[]): string {
  const [assign_ipv4, assign_ipv6] = [String(families.includes('ipv4')), String(families.includes('ipv6'))];
  const mtu = name === 'wide' ? { mtu: WIDE_MTU } : {};
  return JSON.stringify({
    ...{ name, cniVersion: '0.1.0', type: 'calico', ...mtu },
    ipam: { type: 'calico-ipam', assign_ipv4, assign_ipv6 },
  });
}

async function startPod(lab: Lab, host: string, name: string, network: string): Promise<void> {
  const run = `rkt run --net=${network} --uuid-file-save=/tmp/${name} docker://busybox --exec httpd -- -f -h /`;
  await lab.must(
    host,
    `setsid --fork ${run} >/tmp/${name}.log 2>&1 </dev/null
    for i in $(seq 200); do [ -s /tmp/${name} ] && break; sleep 0.05; done
    rkt status --uuid-file=/tmp/${name} --wait-ready=20s
    setsid --fork ${inside(name)} python3 -c '${ECHO}' >/tmp/${name}.echo 2>&1 </dev/null`,
  );
}

/** As the pod's link has them, IPv4 first. */
async function readAddresses(lab: Lab, host: string, name: string): Promise<readonly string[]> {
  const text = await lab.must(host, `${inside(name)} ip -o address show dev eth0 scope global`);
  return [...text.matchAll(/ inet6? ([^/ ]+)/g)].map((match) => match[1] ?? '');
}

async function furnish(
  lab: Lab,
  host: string,
  families: readonly LabFamily[],
): Promise<readonly (readonly [string, Pod])[]> {
  for (const network of ['network1', 'network2', 'wide'])
    await lab.must(host, `echo '${printNetwork(network, families)}' >/etc/rkt/net.d/10-${network}.conf`);
  const pods: (readonly [string, Pod])[] = [];
  for (const [name, , network] of PLACES.filter((place) => place[1] === host)) {
    await startPod(lab, host, name, network);
    pods.push([name, { name, host, network, addresses: await readAddresses(lab, host, name) }]);
  }
  return pods;
}

export interface UnderlayLab {
  readonly lab: Lab;
  readonly families: readonly LabFamily[];
  readonly pods: Pods;
}

/** Three hosts in two segments with their pods. */
export async function openUnderlay(purpose: string, families: readonly LabFamily[]): Promise<UnderlayLab> {
  const lab = await openLab(purpose, 3, ['--segments', '2', ...(FLAGS[families.join()] ?? [])]);
  try {
    const all = (await Promise.all(HOSTS.map((host) => furnish(lab, host, families)))).flat();
    return { lab, families, pods: Object.fromEntries(all) as Pods };
  } catch (error) {
    await lab.down();
    throw error;
  }
}

/** Changes the pools of all families. */
export async function setPools({ lab, families }: UnderlayLab, spec: Readonly<Record<string, string>>): Promise<void> {
  for (const family of families)
    await lab.must('calico-01', `calicoctl patch ippool default-${family}-ippool -p '${JSON.stringify({ spec })}'`);
}

/** Switches WireGuard on or off for all hosts. */
export async function setEncryption({ lab, families }: UnderlayLab, isOn: boolean): Promise<void> {
  const names = { ipv4: 'wireguardEnabled', ipv6: 'wireguardEnabledV6' } as const;
  const spec = Object.fromEntries(families.map((family) => [names[family], isOn]));
  await lab.must('calico-01', `calicoctl patch felixconfiguration default -p '${JSON.stringify({ spec })}'`);
}
