// What the programs say of an etcd that cannot be connected to, for each cause that a network of its own can have.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');

/** Endpoint, and what is said of it. */
const CAUSES: readonly (readonly [name: string, endpoint: string, words: string])[] = [
  ['nobody at the port', 'http://127.0.0.1:9', 'nothing listens there (ECONNREFUSED)'],
  ['no route, IPv4', 'http://10.1.2.3:2379', 'this host has no route there (ENETUNREACH)'],
  ['no route, IPv6', 'http://[fd00::1]:2379', 'this host has no route there (ENETUNREACH)'],
  ['a route that leads nowhere', 'http://10.77.0.1:2379', 'that host cannot be reached (EHOSTUNREACH)'],
  ['a router that refuses', 'http://10.8.0.1:2379', 'that host cannot be reached (EHOSTUNREACH)'],
  ['a route that forbids', 'http://10.78.0.1:2379', "this host's routes or rules forbid it (EACCES)"],
  ['a route that throws away', 'http://10.79.0.1:2379', "this host's routes throw away what goes there (EINVAL)"],
  ['a host that says nothing', 'http://10.9.0.77:2379', 'no answer within 3000 ms'],
  ['a server that says nothing', 'http://127.0.0.1:7001', 'no answer within 3000 ms'],
  ['a server that hangs up', 'http://127.0.0.1:7002', 'it hung up at once'],
  ['TLS to a server without', 'https://127.0.0.1:7002', 'it hung up before TLS was agreed on: is it http:?'],
  ['no such name', 'http://etcd.invalid:2379', 'there is no such name (ENOTFOUND)'],
  ['nobody to ask for the name', 'http://etcd.elsewhere:2379', 'the name cannot be looked up now (EAI_AGAIN)'],
];

/** A server that accepts and never speaks, and one that hangs up after the first words. */
const SERVERS = `
import socket, threading, time
def serve(port, take):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", port)); s.listen(64)
    kept = []
    def loop():
        while True: take(s.accept()[0], kept)
    threading.Thread(target=loop, daemon=True).start()
serve(7001, lambda c, kept: kept.append(c))
serve(7002, lambda c, kept: (c.recv(65536), c.shutdown(socket.SHUT_WR), kept.append(c)))
time.sleep(60)
`;

/** A machine with a router beside it that rejects what goes to 10.8.0.0/16 as firewalld does. */
const BOOT = `
set -eu
cd "$FOLDER"
echo 'nameserver 127.0.0.1' >resolv.conf
mount --bind resolv.conf /etc/resolv.conf
ip link set lo up
mkdir -p /run/netns && mount -t tmpfs none /run/netns
ip netns add router
ip link add up0 type veth peer name eth0 netns router
ip addr add 10.9.0.1/24 dev up0
ip link set up0 up
ip -n router addr add 10.9.0.2/24 dev eth0
ip -n router link set eth0 up
ip netns exec router sysctl -qw net.ipv4.ip_forward=1
ip netns exec router nft 'table ip t { chain c { type filter hook prerouting priority 0; ip daddr 10.8.0.0/16 reject with icmp type host-prohibited; }; }'
ip route add 10.8.0.0/16 via 10.9.0.2
ip route add unreachable 10.77.0.0/16
ip route add prohibit 10.78.0.0/16
ip route add blackhole 10.79.0.0/16
dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces \\
  --user=root --pid-file= --local=/invalid/ 2>dns.log &
python3 servers.py &
for port in 7001 7002; do
  for try in $(seq 200); do (echo >/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.05; done
done
`;

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'connect-'));
  await Bun.write(join(folder, 'servers.py'), SERVERS);
  const each = CAUSES.map(
    ([, endpoint], at) =>
      `(ETCD_ENDPOINTS=${endpoint} timeout 20 $CALICOCTL get nodes >${at} 2>&1; echo "exit $?" >>${at}) &`,
  );
  const script = `${BOOT}\nset +e\npids=\n${each.map((line) => `${line} pids="$pids $!"`).join('\n')}\nwait $pids`;
  const namespaces = '--net --mount --pid --fork --kill-child --mount-proc --propagation private'.split(' ');
  const { exitCode, stderr } = Bun.spawnSync(['unshare', ...namespaces, 'bash', '-c', script], {
    env: { PATH: process.env.PATH, FOLDER: folder, CALICOCTL },
    stdin: 'ignore',
    timeout: 60_000,
  });
  if (exitCode !== 0) throw new Error(`the machine did not start: ${stderr}`);
}, 90_000);
afterAll(() => rmSync(folder, { recursive: true }));

for (const [at, [name, endpoint, words]] of CAUSES.entries())
  test(`a connection that fails says why, and the command ends: ${name}`, () => {
    expect(readFileSync(join(folder, `${at}`), 'utf8')).toBe(`connect to etcd "${endpoint}": ${words}\nexit 1\n`);
  });
