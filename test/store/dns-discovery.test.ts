// etcd found by the SRV records of a real DNS server, by the real programs, in a network of their own.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');
const DOMAIN = 'ocicat.test';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'discovery-'));
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** dnsmasq's options for records of one domain: `service,port,priority`. */
function records(
  domain: string,
  ...all: readonly (readonly [service: string, port: number, priority: number])[]
): string {
  return all
    .map(([service, port, priority]) => `--srv-host=_${service}._tcp.${domain},etcd.${DOMAIN},${port},${priority}`)
    .join(' ');
}

const SERVICES = [
  records(`plain.${DOMAIN}`, ['etcd-client', 2379, 0]),
  // nobody listens at the first two
  records(`several.${DOMAIN}`, ['etcd-client', 2381, 1], ['etcd-client', 2382, 2], ['etcd-client', 2379, 3]),
  records(`secure.${DOMAIN}`, ['etcd-client-ssl', 3379, 0], ['etcd-client', 2381, 0]),
];

/** A machine with loopback, a DNS server, an etcd without and one with TLS; then the commands, each with its output. */
const BOOT = `
set -eu
cd "$FOLDER"
mount --bind resolv.conf /etc/resolv.conf
ip link set lo up
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=etcd \\
  -addext subjectAltName=DNS:etcd.${DOMAIN} -keyout server.key -out server.pem 2>/dev/null
dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --listen-address=127.0.0.1 --bind-interfaces \\
  --user=root --pid-file= --local=/${DOMAIN}/ --address=/etcd.${DOMAIN}/127.0.0.1 ${SERVICES.join(' ')} 2>dns.log &
etcd --data-dir plain --logger zap --log-level error 2>plain.log &
etcd --data-dir secure --name secure --logger zap --log-level error --cert-file server.pem --key-file server.key \\
  --listen-client-urls https://127.0.0.1:3379 --advertise-client-urls https://127.0.0.1:3379 \\
  --listen-peer-urls http://127.0.0.1:3380 --initial-advertise-peer-urls http://127.0.0.1:3380 \\
  --initial-cluster secure=http://127.0.0.1:3380 2>secure.log &
for port in 2379 3379; do
  for try in $(seq 200); do (echo >/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.05; done
done
`;

function runMachine(commands: string) {
  const script = `${BOOT}\nset +e\n${commands}`;
  const namespaces = [
    '--net',
    '--mount',
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--propagation',
    'private',
  ];
  const result = Bun.spawnSync(['unshare', ...namespaces, 'bash', '-c', script], {
    env: { PATH: process.env.PATH, FOLDER: folder, CALICOCTL },
    stdin: 'ignore',
    timeout: 60_000,
  });
  return { out: result.stdout.toString(), err: result.stderr.toString() };
}

test('found, several tried in order, with TLS, and a domain without records', () => {
  const profile = '{"apiVersion":"projectcalico.org/v3","kind":"Profile","metadata":{"name":"NAME"},"spec":{}}';
  const { out, err } = runMachine(`
    echo '${profile}' | sed s/NAME/plain/ | ETCD_DISCOVERY_SRV=plain.${DOMAIN} $CALICOCTL apply -f -
    ETCD_DISCOVERY_SRV=several.${DOMAIN} $CALICOCTL get profiles
    export ETCD_CA_CERT_FILE=server.pem
    echo '${profile}' | sed s/NAME/secure/ | ETCD_DISCOVERY_SRV=secure.${DOMAIN} $CALICOCTL apply -f -
    ETCD_DISCOVERY_SRV=secure.${DOMAIN} $CALICOCTL get profiles
    ETCD_DISCOVERY_SRV=nothing.${DOMAIN} $CALICOCTL get profiles; echo $?`);
  expect(out).toBe(`Successfully applied 1 'Profile' resource(s)
NAME
plain
Successfully applied 1 'Profile' resource(s)
NAME
secure
1
`);
  expect(err).toBe(
    `discover etcd in domain "nothing.${DOMAIN}": no SRV records; ` +
      `"_etcd-client-ssl._tcp.nothing.${DOMAIN}": querySrv ENOTFOUND _etcd-client-ssl._tcp.nothing.${DOMAIN}; ` +
      `"_etcd-client._tcp.nothing.${DOMAIN}": querySrv ENOTFOUND _etcd-client._tcp.nothing.${DOMAIN}\n`,
  );
}, 90_000);
