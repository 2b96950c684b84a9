// Ports of the host that lead to a pod, with the real agent and the real shim: whoever asks, by which protocol and family, what policy
// says, and what stays over the agent's end and after the pod's.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

/** Answers on port 80 of TCP and UDP, both families, with its name and who asks. */
const SERVER = `
import selectors, socket, sys
name, waiting = sys.argv[1], selectors.DefaultSelector()
for family, address in (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"):
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        s = socket.socket(family, kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, 80))
        if kind == socket.SOCK_STREAM: s.listen()
        waiting.register(s, selectors.EVENT_READ)
open("/run/serves-" + name, "w").close()
while True:
    for key, _ in waiting.select():
        s = key.fileobj
        if s.type == socket.SOCK_STREAM:
            one, peer = s.accept()
            one.sendall(("%s %s" % (name, peer[0])).encode())
            one.close()
        else:
            _, peer = s.recvfrom(100)
            s.sendto(("%s %s" % (name, peer[0])).encode(), peer)
`;

/** Asks once and prints the answer, or nothing. */
const CLIENT = `
import socket, sys
protocol, address, port, wait = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
    socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
s.settimeout(wait)
if len(sys.argv) > 5: s.bind(("", int(sys.argv[5])))
try:
    s.connect((address, port))
    s.send(b"?")
    print(s.recv(100).decode())
except OSError:
    pass
`;

const HOST4 = '10.98.0.1';
const HOST6 = 'fd98::1';
/** For an answer that must come, on however slow a machine; and for one that must not. */
const PATIENCE = 20;
const MOMENT = 0.5;
const GNP = '/calico/resources/v3/projectcalico.org/globalnetworkpolicies/default.open';

type Asked = {
  readonly hostPort: number;
  readonly containerPort?: number;
  readonly protocol?: string;
  readonly hostIP?: string;
};

let host: AgentHost;

function ports(...asked: readonly Asked[]): object {
  return { runtimeConfig: { portMappings: asked.map((one) => ({ containerPort: 80, protocol: 'tcp', ...one })) } };
}

function add(pod: string, ...asked: readonly Asked[]): readonly string[] {
  const { status, output } = host.cni('ADD', pod, 'net1', '', ports(...asked));
  expect(status, output).toBe(0);
  return JSON.parse(output).ips.map(({ address }: { address: string }) => address.split('/')[0]);
}

async function serve(pod: string): Promise<void> {
  host.must(`ip netns exec ${pod} python3 /run/server.py ${pod} >/run/log/server-${pod} 2>&1 &`);
  await eventually(
    `the server of ${pod}`,
    60_000,
    () => host.run(`test -f /run/serves-${pod}`).status === 0 || undefined,
  );
}

/** Whom it reached and as whom, from a namespace; empty: nobody. */
function ask(netns: string, protocol: string, address: string, port: number, wait = PATIENCE, from = ''): string {
  const enter = netns === 'host' ? '' : `ip netns exec ${netns} `;
  return host.must(`${enter}python3 /run/client.py ${protocol} ${address} ${port} ${wait} ${from}`);
}

beforeAll(async () => {
  host = await openAgentHost({
    environment: { CALICO_IPV6POOL_CIDR: 'fd80:24e2::/64' },
    ipam: { assign_ipv6: 'true' },
  });
  host.must(`cat >/run/server.py <<'END'\n${SERVER}\nEND\ncat >/run/client.py <<'END'\n${CLIENT}\nEND`);
  host.must(
    `ip address add ${HOST6}/64 dev eth0 nodad; ip -n outside address add fd98::2/64 dev eth0 nodad; ip -n outside link set lo up`,
  );
  await host.startAgent();
}, 60_000);

afterAll(() => host.close());

test('the host itself, the pod and its neighbours reach a pod at a port of the host, in both families, by TCP and UDP', async () => {
  const [own4 = '', own6 = ''] = add('web', { hostPort: 8080 }, { hostPort: 8080, protocol: 'udp' });
  const [near4 = '', near6 = ''] = add('near');
  await serve('web');
  for (const protocol of ['tcp', 'udp']) {
    for (const [address, near] of [
      [HOST4, near4],
      [HOST6, near6],
    ] as const) {
      expect(ask('near', protocol, address, 8080)).toBe(`web ${near}`);
      expect(ask('host', protocol, address, 8080)).toBe(`web ${address}`);
      expect(ask('web', protocol, address, 8080)).toBe(`web ${address}`);
    }
    expect(ask('host', protocol, '127.0.0.1', 8080)).toStartWith('web 10.98.0.1');
    expect(ask('host', protocol, '::1', 8080)).toStartWith('web fd98::1');
    expect(ask('near', protocol, own4, 8080, MOMENT)).toBe('');
  }
  expect(own6).toStartWith('fd80:24e2::');
});

test('who asks from outside is judged by policy as who it is, at the port of the pod', async () => {
  const asks = () =>
    ['tcp', 'udp'].flatMap((protocol) => [HOST4, HOST6].map((to) => ask('outside', protocol, to, 8080, MOMENT)));
  expect(asks()).toEqual(['', '', '', '']);
  const open = (...nets: readonly string[]) => {
    const ingress = nets.map((net) => ({ action: 'Allow', source: { nets: [net] } }));
    const spec = { selector: 'all()', types: ['Ingress'], ingress: [...ingress, { action: 'Pass' }] };
    const document = {
      kind: 'GlobalNetworkPolicy',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'default.open' },
    };
    return host.etcd.ctl('put', GNP, JSON.stringify({ ...document, spec: { ...spec, tier: 'default' } }));
  };
  await open('10.98.0.2/32', 'fd98::2/128');
  for (const protocol of ['tcp', 'udp']) {
    expect(ask('outside', protocol, HOST4, 8080)).toBe('web 10.98.0.2');
    expect(ask('outside', protocol, HOST6, 8080)).toBe('web fd98::2');
    expect(ask('outside', protocol, HOST4, 80, MOMENT)).toBe('');
  }
  await open('10.98.0.3/32');
  await eventually('closed again', 30_000, () => ask('outside', 'tcp', HOST4, 8080, MOMENT) === '' || undefined);
  await open('10.98.0.2/32', 'fd98::2/128');
});

test('a port has one owner, and a program that listens keeps its own', async () => {
  const refusal = (pod: string, one: Asked) => {
    const { status, output } = host.cni('ADD', pod, 'net1', '', ports(one));
    expect(status, output).not.toBe(0);
    return JSON.parse(output).msg;
  };
  expect(refusal('other', { hostPort: 8080, hostIP: HOST4 })).toBe(
    `map port "${HOST4}:8080/tcp" of the host: container "web" has it`,
  );
  expect(refusal('other', { hostPort: 8081, hostIP: '192.0.2.1' })).toContain('the host has no address "192.0.2.1"');
  host.must('python3 /run/server.py host >/run/log/server-host 2>&1 &');
  await eventually(
    'the server of the host',
    60_000,
    () => host.run('test -f /run/serves-host').status === 0 || undefined,
  );
  for (const protocol of ['tcp', 'udp'])
    expect(refusal('other', { hostPort: 80, protocol })).toMatch(
      new RegExp(`^map port "80/${protocol}" of the host: "python3" \\(process \\d+\\) listens on it$`),
    );
  expect(host.run('ip -br link show caliother').status).not.toBe(0);
});

test('a pod sends nothing to 127.0.0.1 of its host by the link that answers to there come back by', () => {
  const settings = () =>
    host.must('sysctl -n net.ipv4.conf.caliweb.route_localnet net.ipv4.conf.calinear.route_localnet');
  expect(settings()).toBe('1\n0');
  const dropped = () =>
    Number(
      /counter packets (\d+) .*"destination of nobody"/.exec(
        host.must('nft list chain inet ocicat workload-check'),
      )?.[1],
    );
  const before = dropped();
  host.must(
    'ip netns exec web sysctl -qw net.ipv4.conf.all.route_localnet=1; ip netns exec web ip route del local 127.0.0.0/8 dev lo table local; ip netns exec web ip route del local 127.0.0.1 dev lo table local',
  );
  expect(ask('web', 'tcp', '127.0.0.1', 80, MOMENT)).toBe('');
  expect(dropped()).toBeGreaterThan(before);
});

test('interfaces of one pod may ask for the same port; the next has it when the first goes', async () => {
  const asked = ports({ hostPort: 8090 });
  for (const [ifname, network] of [
    ['eth0', 'net1'],
    ['eth1', 'net2'],
  ] as const)
    expect(host.cni('ADD', 'both', network, '', asked, ifname)).toMatchObject({ status: 0 });
  await serve('both');
  expect(ask('host', 'tcp', HOST4, 8090)).toStartWith('both ');
  expect(ask('both', 'tcp', HOST4, 8090)).toStartWith('both ');
  expect(host.cni('DEL', 'both', 'net1', '', asked, 'eth0').status).toBe(0);
  expect(ask('host', 'tcp', '::1', 8090)).toStartWith('both ');
  expect(host.cni('DEL', 'both', 'net2', '', asked, 'eth1').status).toBe(0);
  expect(host.must('nft list table inet ocicat')).not.toContain('8090');
});

test('the ports stay while no agent runs, and with the next one; they and their flows go with the pod', async () => {
  await host.stopAgent('KILL');
  expect(ask('outside', 'tcp', HOST4, 8080)).toBe('web 10.98.0.2');
  await host.startAgent();
  expect(ask('outside', 'udp', HOST6, 8080)).toBe('web fd98::2');
  expect(host.log()).not.toMatch(/repaired|restored|removed/);
  // a sender that goes on from the same port
  expect(ask('outside', 'udp', HOST4, 8080, PATIENCE, '5353')).toBe('web 10.98.0.2');
  expect(host.cni('DEL', 'web', 'net1').status).toBe(0);
  expect(ask('outside', 'udp', HOST4, 8080, MOMENT, '5353')).toBe('');
  expect(host.must('nft list table inet ocicat')).not.toMatch(/base-ports|mapped-/);
  add('next', { hostPort: 8080, protocol: 'udp' }, { hostPort: 8080, hostIP: '127.0.0.1' });
  await serve('next');
  expect(ask('outside', 'udp', HOST4, 8080, PATIENCE, '5353')).toBe('next 10.98.0.2');
  expect(ask('outside', 'tcp', HOST4, 8080, MOMENT)).toBe('');
  expect(ask('host', 'tcp', '127.0.0.1', 8080)).toStartWith('next ');
});
