// calicoctl node run on a host of its own: the agent starts, is replaced, and says why it does not start.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, openAgentHost } from '../support/host/agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');
let host: AgentHost;

beforeAll(async () => {
  host = await openAgentHost();
}, 60_000);
afterAll(async () => {
  await host.close();
}, 20_000);

/** Without those that have ended: nobody collects them on this host. */
const agents = () =>
  host.run("ps -C calico-node -o pid=,stat= | awk '$2 !~ /Z/ { print $1 }'").output.trim().split('\n');
const run = (flags: string, name = 'node-1') =>
  host.run(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} node run --name ${name} --ip autodetect ${flags}`);

test('it goes on in the background once it works, and another one takes its place', () => {
  const first = run('');
  expect(first).toEqual({
    status: 0,
    output: 'Starting calico-node; its log is /var/log/calico/node.log\nCalico node started successfully\n',
  });
  const [pid] = agents();
  expect(host.run(`${CALICOCTL} node status`).output).toStartWith('Calico process is running.\n');
  host.addPod('a', 'net1');
  host.must('echo "LogPrefix = of-this-host" >/run/felix.cfg');
  const second = run('--log-dir /run/other --felix-config /run/felix.cfg');
  expect(second).toEqual({
    status: 0,
    output:
      `Stopping calico-node (process ${pid}).\n` +
      'Starting calico-node; its log is /run/other/node.log\nCalico node started successfully\n',
  });
  expect(agents()).toHaveLength(1);
  expect(agents()).not.toContain(pid);
  expect(host.must('cat /run/other/node.log')).toContain('in step with the datastore');
  expect(host.must('grep -v "<" /var/log/calico/node.log | tail -n 1')).toContain(
    'ended; the data plane stays as it is',
  );
  host.addPod('b', 'net1');
  host.must(`${CALICOCTL} -c /dev/stdin get nodes <<'END'
apiVersion: projectcalico.org/v3
kind: CalicoAPIConfig
spec: {etcdEndpoints: "${host.etcd.endpoint}"}
END`);
  const log =
    '{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: l}, spec: {ingress: [{action: Log}]}}';
  host.must(`echo '${log}' | ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} apply -f -`);
  host.must(
    'for i in $(seq 50); do nft list table inet ocicat | grep -q of-this-host && exit; sleep 0.1; done; exit 1',
  );
}, 60_000);

test('for an init system it stays, and ends with the agent', () => {
  const { status, output } = host.run(
    `ETCD_ENDPOINTS=${host.etcd.endpoint} timeout --foreground --preserve-status -s TERM 5 ${CALICOCTL} node run --name node-1 --ip autodetect --init-system`,
  );
  expect(status).toBe(0);
  expect(output).toContain('in step with the datastore');
  expect(output).toContain('ended; the data plane stays as it is');
  expect(agents()).toEqual(['']);
}, 30_000);

test('settings that are wrong are refused while the agent goes on; one that does not start is reported', async () => {
  expect(run('').status).toBe(0);
  const before = agents();
  const refused = run('--as 0');
  expect(refused.status).toBe(1);
  expect(refused.output).toBe(
    'node run: calico-node: read environment: settings refused\n  AS: found "0", wanted an AS number, 1 to 4294967295\n',
  );
  host.must('echo "VXLANPort = high" >/run/wrong.cfg');
  expect(run('--felix-config /run/wrong.cfg').output).toContain('vxlanPort: found "high", wanted a whole number from');
  expect(agents()).toEqual(before);
  const ended = run('--ip-autodetection-method interface=nosuch', 'node-2');
  expect(ended.status).toBe(1);
  expect(ended.output).toContain('node run: calico-node has ended:\n');
  expect(ended.output).toContain('detect IPv4 address: none by method "interface" among interfaces [eth0]');
  const other = { kind: 'Node', apiVersion: 'projectcalico.org/v3', metadata: { name: 'other' } };
  const document = JSON.stringify({ ...other, spec: { bgp: { ipv4Address: '10.98.0.1/24' } } });
  const nodes = '/calico/resources/v3/projectcalico.org/nodes';
  for (const name of ['node-1', 'node-2']) await host.etcd.ctl('del', `${nodes}/${name}`);
  await host.etcd.ctl('put', `${nodes}/other`, document);
  expect(run('').output).toContain(
    'register node "node-1": its address 10.98.0.1 is that of node "other"; set IP or NODENAME',
  );
  await host.etcd.ctl('del', `${nodes}/other`);
  expect(agents()).toEqual(['']);
}, 30_000);

test('programs that are missing, and daemons that are in the way, are named while the agent goes on', () => {
  expect(run('').status).toBe(0);
  const before = agents();
  host.must('mount --bind /dev/null /usr/sbin/bird && mount --bind /dev/null /usr/bin/etcd');
  const refused = run('');
  expect(refused.output).toBe(
    'node run: calico-node: start: program "bird": not installed (Debian has it in the package bird2)\n',
  );
  const alone = host.run(`env -u ETCD_ENDPOINTS ${CALICOCTL} node run --name node-1 --backend none`);
  expect(alone.output).toBe(
    'node run: calico-node: start: program "etcd": not installed (Debian has it in the package etcd-server)\n',
  );
  expect(host.run(`${CALICOCTL} node checksystem`).output).toContain(
    'MISSING: package bird2, for routes between hosts',
  );
  host.must('umount /usr/sbin/bird && umount /usr/bin/etcd');
  expect(agents()).toEqual(before);
  host.must('mkdir -p /run/bird && echo "protocol device {}" >/run/bird/bird.conf');
  host.must('bird -s /run/bird/bird.ctl -c /run/bird/bird.conf');
  const urls = 'http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379';
  host.must(
    `etcd --data-dir /run/default --listen-client-urls ${urls} >/dev/null 2>&1 & echo $! >/run/etcd.pid; sleep 0.2`,
  );
  const beside = host.run(`${CALICOCTL} node checksystem`);
  expect(beside.output).toMatch(
    /WARNING: another BIRD runs on this host \(process \d+\).*"systemctl disable --now bird"/,
  );
  expect(beside.output).toMatch(/WARNING: an etcd runs on this host \(process \d+\).*"systemctl disable --now etcd"/);
  host.must('birdc -s /run/bird/bird.ctl down; kill $(cat /run/etcd.pid)');
}, 30_000);
