// What the network's attacks are tried on: a host with the real agent, a pod that attacks, one beside it, a machine outside.
import { type Ip, isIpv4, parseIp } from '../../src/net/ip.ts';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';
import { type Link, type Octets, printFrames } from './frames.ts';
import { injector } from './neighbour-flood.ts';

/** Where everybody listens. */
export const PORT = 7777;
export const VXLAN_PORT = 4789;
export const OUTSIDE = parseIp('10.98.0.2');
export const OUTSIDE6 = parseIp('fd98::2');
export const HOST = parseIp('10.98.0.1');
export const HOST6 = parseIp('fd98::1');
/** What every host end of a workload's link has (its Ethernet address, and the link-local one that follows from it). */
const GATEWAY_MAC = 'ee:ee:ee:ee:ee:ee';
export const GATEWAY = parseIp('169.254.1.1');
export const GATEWAY6 = parseIp('fe80::ecee:eeff:feee:eeee');

export interface Pod {
  readonly name: string;
  readonly mac: string;
  readonly ipv4: Ip;
  readonly ipv6: Ip;
  /** The host's end of its link. */
  readonly interfaceName: string;
}

export interface Site {
  readonly host: AgentHost;
  readonly attacker: Pod;
  readonly victim: Pod;
  /** From the attacker to its host, as its kernel would send. */
  readonly link: Link;
  /** Puts frames on the attacker's link. */
  inject(frames: readonly Octets[]): void;
  /** Everything that anybody has received, as text. */
  heard(): string;
}

/** Writes what a socket gets to its output, printable characters alone. */
const PRINT = `
def show(where, data):
    text = "".join(chr(c) if 32 <= c < 127 else " " for c in data).strip()
    if text: print(where, text, flush=True)`;

/** Every frame of an interface. */
const SNIFFER = `
import socket, sys
${PRINT}
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(("eth0", 0))
print("listening", flush=True)
while True:
    data, address = s.recvfrom(4096)
    if address[2] != 4: show(sys.argv[1], data)`;

/** What reaches programs of the host: UDP at every address of both families, tunnels' packets, IP in IP. */
const HOST_EAR = `
import select, socket
${PRINT}
def udp(family, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6: s.setsockopt(41, 26, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.bind(("", port))
    return s
all = [udp(f, p) for f in (socket.AF_INET, socket.AF_INET6) for p in (${PORT}, ${VXLAN_PORT})]
all.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, 4))
print("listening", flush=True)
while True:
    for s in select.select(all, [], [])[0]: show("host", s.recv(4096))`;

const BOTH_FAMILIES = { assign_ipv4: 'true', assign_ipv6: 'true' };
/** What a host allows that allows most: nothing but the checks of every packet stands before its programs. */
const ENVIRONMENT = {
  FELIX_DEFAULTENDPOINTTOHOSTACTION: 'Accept',
  CALICO_IPV6POOL_CIDR: 'fd42::/112',
  MAX_FLOWS_PER_ENDPOINT: '250',
};

function observePod(host: AgentHost, name: string): Pod {
  const address = (family: 4 | 6) =>
    parseIp(host.must(`ip -n ${name} -${family} -o address show eth0 scope global | awk '{print $4}' | cut -d/ -f1`));
  const [ipv4, ipv6] = [address(4), address(6)];
  const mac = host.must(`ip -n ${name} -o link show eth0 | grep -oE 'ether [0-9a-f:]+' | cut -c7-`);
  const route = host.must(
    `ip -4 route | grep -F '${host.must(`ip -n ${name} -4 -o address show eth0 | grep -oE '[0-9.]+/32' | cut -d/ -f1`)} dev'`,
  );
  return { name, mac, ipv4, ipv6, interfaceName: /dev (\S+)/.exec(route)?.[1] ?? '' };
}

async function listen(host: AgentHost, where: string, enter: string, program: string): Promise<void> {
  host.must(`setsid ${enter} python3 -c '${program}' ${where} > /run/ear-${where} 2>&1 < /dev/null &`);
  await eventually(`${where} to listen`, 10_000, () =>
    host.run(`grep -q listening /run/ear-${where}`).status === 0 ? true : undefined,
  );
}

/** `environment`: more for the agent. */
export async function openSite(environment: Readonly<Record<string, string>> = {}): Promise<Site> {
  const host = await openAgentHost({ environment: { ...ENVIRONMENT, ...environment }, ipam: BOTH_FAMILIES });
  host.must(`ip address add fd98::1/64 dev eth0 nodad; ip -n outside address add fd98::2/64 dev eth0 nodad
    ip -n outside route add fd42::/112 via fd98::1; ip -6 route add default via fd98::2
    sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.eth0.forwarding=1`);
  await host.startAgent();
  for (const pod of ['attacker', 'victim']) host.addPod(pod, 'net1');
  await listen(host, 'host', '', HOST_EAR);
  for (const place of ['outside', 'victim']) await listen(host, place, `ip netns exec ${place}`, SNIFFER);
  const [attacker, victim] = [observePod(host, 'attacker'), observePod(host, 'victim')];
  return {
    host,
    attacker,
    victim,
    link: { from: attacker.mac, to: GATEWAY_MAC },
    inject(frames) {
      host.must(`ip netns exec ${attacker.name} python3 -c '${injector('eth0')}' <<'END'\n${printFrames(frames)}\nEND`);
    },
    heard: () => host.must('cat /run/ear-*'),
  };
}

export function addressOf(pod: Pod, like: Ip): Ip {
  return isIpv4(like) ? pod.ipv4 : pod.ipv6;
}
