import { afterEach, beforeEach, expect, test } from 'bun:test';
import { countFlows, deleteFlowsOneByOne, flushConntrack } from '../../src/kernel/flow/conntrack.ts';
import { openFlowFlusher } from '../../src/kernel/worker/flow-flusher.ts';
import { type Ip, parseIp } from '../../src/net/ip.ts';
import * as libc from '../../src/sys/libc.ts';
import * as netlink from '../../src/sys/netlink.ts';
import { createNetns, withNetns } from '../../src/sys/netns.ts';

/** A host that tracks flows between its own addresses, and sends what goes to 10.9.0.9 to 10.9.0.1. */
const HOST = `
  ip link set lo up
  for i in 1 2 3 9; do ip address add 10.9.0.$i/32 dev lo; ip address add fd09::$i/128 dev lo nodad; done
  nft -f - <<'END'
table inet t {
  chain track { type filter hook output priority 0; ct state new counter; }
}
table ip n {
  chain out { type nat hook output priority -100; ip daddr 10.9.0.9 dnat to 10.9.0.1; }
}
END`;

let netns: number;
let socket: netlink.Netlink;

function run(command: string): string {
  const { exitCode, stdout, stderr } = withNetns(netns, () => Bun.spawnSync(['bash', '-ec', command]));
  if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout.toString();
}

beforeEach(() => {
  netns = createNetns();
  run(HOST);
  socket = netlink.openNetlink(netlink.NETLINK_NETFILTER, { netnsFd: netns });
});

afterEach(() => {
  socket.close();
  libc.close(netns);
});

/** One UDP packet each, `from to`. */
function send(...flows: readonly string[]): void {
  const lines = flows.map((flow) => `send(*${JSON.stringify(flow.split(' '))})`).join('\n');
  run(`python3 - <<'END'
import socket
def send(source, to):
    s = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    s.sendto(b"x", (to, 9))
${lines}
END`);
}

/** The flows that the kernel remembers: who began them and who answers. */
function flows(): readonly string[] {
  const found: string[] = [];
  for (const family of [2, 10]) {
    const writer = netlink.createMessageWriter(64);
    writer.begin(0x101, netlink.NLM_F_DUMP).u8(family).u8(0).u16(0).end();
    socket.dump(writer, (_type, payload) => {
      const attributes = netlink.readAttributes(payload, 4);
      const source = (side: number) => {
        const tuple = netlink.readAttributes(attributes.get(side) ?? new Uint8Array()).get(1) ?? new Uint8Array();
        return netlink
          .readAttributes(tuple)
          .get(family === 2 ? 1 : 3)
          ?.at(-1);
      };
      found.push(`${family === 2 ? 'ipv4' : 'ipv6'} ${source(1)} > ${source(2)}`);
    });
  }
  return found.sort();
}

const ALL = ['10.9.0.1 10.9.0.2', '10.9.0.2 10.9.0.1', '10.9.0.2 10.9.0.9', '10.9.0.2 10.9.0.3'];
const ALL_V6 = ['fd09::1 fd09::2', 'fd09::3 fd09::1', 'fd09::3 fd09::2'];

type Flush = (socket: netlink.Netlink, addresses: readonly Ip[]) => void;
const ways: readonly (readonly [string, Flush])[] = [
  ['as a whole', flushConntrack],
  [
    'one by one',
    (to, addresses) => {
      for (const family of [4, 6] as const) deleteFlowsOneByOne(to, family, addresses);
    },
  ],
];

test.each(ways)('%s: flows of an address go, whoever began them and whatever was translated', (_name, flush) => {
  send(...ALL, ...ALL_V6);
  expect(flows()).toEqual([
    ...['ipv4 1 > 2', 'ipv4 2 > 1', 'ipv4 2 > 1', 'ipv4 2 > 3'],
    ...['ipv6 1 > 2', 'ipv6 3 > 1', 'ipv6 3 > 2'],
  ]);
  flush(socket, [parseIp('10.9.0.1')]);
  expect(flows()).toEqual(['ipv4 2 > 3', 'ipv6 1 > 2', 'ipv6 3 > 1', 'ipv6 3 > 2']);
  flush(socket, [parseIp('10.9.0.1'), parseIp('fd09::1')]);
  expect(flows()).toEqual(['ipv4 2 > 3', 'ipv6 3 > 2']);
  flush(socket, []);
  expect(flows()).toEqual(['ipv4 2 > 3', 'ipv6 3 > 2']);
});

test('one by one: more flows than one batch holds', () => {
  run(`for i in $(seq 250); do echo x > /dev/udp/10.9.0.1/$((1000 + i)); done`);
  expect(flows().length).toBe(250);
  deleteFlowsOneByOne(socket, 4, [parseIp('10.9.0.1')]);
  expect(flows()).toEqual([]);
});

test('many addresses at once: flows of theirs go, others stay', () => {
  send(...ALL, ...ALL_V6);
  expect(countFlows(socket)).toBe(flows().length);
  const many = Array.from({ length: 2000 }, (_, index) => [`10.50.${index >> 8}.${index & 255}`, `fd50::${index}`]);
  flushConntrack(
    socket,
    [...many.flat(), '10.9.0.1', 'fd09::1'].map((text) => parseIp(text)),
  );
  expect(flows()).toEqual(['ipv4 2 > 3', 'ipv6 3 > 2']);
});

test('the flusher works at once or by a worker, several requests at a time, until it is closed', async () => {
  const flusher = withNetns(netns, openFlowFlusher);
  send(...ALL, ...ALL_V6);
  await Promise.all([flusher.flush([parseIp('10.9.0.1')]), flusher.flush([parseIp('fd09::1')]), flusher.flush([])]);
  expect(flows()).toEqual(['ipv4 2 > 3', 'ipv6 3 > 2']);
  flusher.close();
  await expect(flusher.flush([parseIp('fd09::3')])).rejects.toThrow('closed');
});

/**
 * The reason for it all: pod 10.9.1.2 holds a connection to 10.9.1.1; the one behind that address goes, another one gets
 * it and is denied to everybody, but what is established passes.
 */
const PODS = `
  sysctl -qw net.ipv4.ip_forward=1; ip address add 169.254.1.1/32 dev lo
  nft 'add table inet f; add chain inet f c { type filter hook forward priority 0; policy drop; }; add rule inet f c ct state established accept; add rule inet f c ip daddr 10.9.1.1 udp dport 7 counter accept'`;

test('what was established with an address is not so with the next one that has it', () => {
  run(PODS);
  const pod = (name: string, address: string) =>
    run(`ip netns add ${name}
      ip link add ${name.slice(-8)} type veth peer name eth0 netns ${name}
      ip link set ${name.slice(-8)} up; 
      ip route replace ${address}/32 dev ${name.slice(-8)}
      ip -n ${name} address add ${address}/32 dev eth0; ip -n ${name} link set eth0 up
      ip -n ${name} route add 169.254.1.1 dev eth0; ip -n ${name} route add default via 169.254.1.1`);
  const [client, first, second] = ['c', 'f', 's'].map((kind) => `ocitest-flows-${process.pid}-${kind}`) as [
    string,
    string,
    string,
  ];
  const answers = (server: string, waitSeconds = 5) => {
    const script = `
import socket
a, b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), None
a.bind(("10.9.1.2", 4000)); a.settimeout(${waitSeconds})
a.sendto(b"x", ("10.9.1.1", 7))
try: print(a.recv(9).decode())
except socket.timeout: print("silence")`;
    const echo = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 7)); s.settimeout(10)
print("ready", flush=True)
d, p = s.recvfrom(9); s.sendto(b"answer", p)`;
    return run(`ip netns exec ${server} python3 -c '${echo}' > /tmp/${server}.ready 2>&1 & server=$!
      while ! grep -q ready /tmp/${server}.ready; do sleep 0.02; done
      ip netns exec ${client} python3 -c '${script}'; kill $server 2> /dev/null || true; rm /tmp/${server}.ready`).trim();
  };
  try {
    pod(client, '10.9.1.2');
    pod(first, '10.9.1.1');
    expect(answers(first)).toBe('answer');
    run('nft flush chain inet f c; nft add rule inet f c ct state established accept'); // the next one is denied to all
    expect(answers(first)).toBe('answer');
    run(`ip netns delete ${first}`);
    pod(second, '10.9.1.1');
    expect(answers(second)).toBe('answer'); // this is what must not be
    flushConntrack(socket, [parseIp('10.9.1.1')]);
    expect(answers(second, 0.5)).toBe('silence');
  } finally {
    for (const name of [client, first, second]) Bun.spawnSync(['ip', 'netns', 'delete', name]);
  }
}, 20_000);
