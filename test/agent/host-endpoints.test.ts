// Host endpoints with a real agent: followed from the store and the kernel, reported back, and kept over a restart.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const CALICOCTL = join(import.meta.dir, '../../dist/bin/calicoctl');

let host: AgentHost;

function calicoctl(words: string, input = '') {
  return host.run(`ETCD_ENDPOINTS=${host.etcd.endpoint} ${CALICOCTL} ${words} <<'END'\n${input}\nEND`);
}

function apply(kind: string, name: string, spec: object, labels: object = {}): void {
  const resource = { apiVersion: 'projectcalico.org/v3', kind, metadata: { name, labels }, spec };
  const { status, output } = calicoctl('apply -f -', JSON.stringify(resource));
  if (status !== 0) throw new Error(output);
}

/** A connection to a port on which nobody listens: refused when the packet arrives. */
function arrives(port: number, to = '10.98.0.1'): boolean {
  return (
    host.run(`ip netns exec outside timeout 0.5 bash -c '</dev/tcp/${to}/${port}' 2>&1 | grep -q refused`).status === 0
  );
}

const soon = (what: string, look: () => boolean) => eventually(what, 10_000, () => look() || undefined);

function statusOf(name: string): string {
  const key = `/calico/felix/v1/host/node-1/endpoint/${name}`;
  return host
    .run(`ETCDCTL_API=3 etcdctl --endpoints=${host.etcd.endpoint} get --print-value-only ${key}`)
    .output.trim();
}

beforeAll(async () => {
  host = await openAgentHost();
  await host.startAgent();
}, 60_000);
afterAll(() => host.close());

test('an endpoint that is applied closes its interface but for failsafe ports, and opens it when it goes', async () => {
  expect(arrives(8080)).toBe(true);
  apply('HostEndpoint', 'gate', { node: 'node-1', interfaceName: 'eth0' }, { role: 'gate' });
  await soon('the host to be closed', () => !arrives(8080));
  expect([arrives(22), arrives(179)]).toEqual([true, true]);
  expect(host.log()).toContain('HostEndpoint(gate) protects eth0');
  apply('GlobalNetworkPolicy', 'web', {
    ...{ selector: `role == 'gate'`, types: ['Ingress'] },
    ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [8080] } }],
  });
  await soon('the policy to be in force', () => arrives(8080));
  expect(arrives(8081)).toBe(false);
}, 30_000);

test('an agent that is killed, and the next one, leave the host as closed as it was', async () => {
  await host.stopAgent('KILL');
  expect([arrives(8081), arrives(8080), arrives(22)]).toEqual([false, true, true]);
  await host.startAgent();
  expect([arrives(8081), arrives(8080), arrives(22)]).toEqual([false, true, true]);
}, 60_000);

test('failsafe ports follow FelixConfiguration while the agent runs', async () => {
  const failsafe = { protocol: 'TCP', port: 8081, net: '10.98.0.0/24' };
  apply('FelixConfiguration', 'default', { failsafeInboundHostPorts: [failsafe] });
  await soon('the port to be open', () => arrives(8081));
  expect(arrives(22)).toBe(false);
  apply('FelixConfiguration', 'default', { failsafeInboundHostPorts: [] });
  await soon('the port to be closed', () => !arrives(8081));
  expect(calicoctl('delete felixconfiguration default').status).toBe(0);
  await soon('the usual ones to be back', () => arrives(22));
}, 30_000);

test('an endpoint by an expected address protects the interface that comes to have it', async () => {
  expect(calicoctl('delete hostendpoint gate').status).toBe(0);
  await soon('the host to be open', () => arrives(8081));
  apply('HostEndpoint', 'by-address', { node: 'node-1', expectedIPs: ['10.98.0.77'] });
  await soon('it to be read', () => host.log().includes('HostEndpoint(by-address) protects nothing'));
  expect(arrives(8081)).toBe(true);
  host.must('ip address add 10.98.0.77/24 dev eth0');
  await soon('the host to be closed', () => !arrives(8081));
  host.must('ip address del 10.98.0.77/24 dev eth0');
  await soon('the host to be open again', () => arrives(8081));
}, 30_000);

test('the state of host endpoints stands in the store while that is asked for', async () => {
  apply('HostEndpoint', 'gate', { node: 'node-1', interfaceName: 'eth0' });
  apply('HostEndpoint', 'all', { node: 'node-1', interfaceName: '*' });
  apply('HostEndpoint', 'elsewhere', { node: 'node-2', interfaceName: 'eth0' });
  apply('FelixConfiguration', 'default', { endpointReportingEnabled: true, endpointReportingDelay: '100ms' });
  const states = () => ['gate', 'all', 'by-address', 'elsewhere'].map(statusOf);
  await soon('the reports', () => states().join() === '{"status":"up"},{"status":"up"},{"status":"error"},');
  host.must('ip -n outside link set eth0 down');
  await soon('the link that is down to be reported', () => statusOf('gate') === '{"status":"down"}');
  host.must('ip -n outside link set eth0 up');
  await soon('the link that is up to be reported', () => statusOf('gate') === '{"status":"up"}');
  expect(calicoctl('delete hostendpoint by-address').status).toBe(0);
  await soon('what is gone to be taken away', () => states()[2] === '');
  apply('FelixConfiguration', 'default', { endpointReportingEnabled: false });
  await soon('the reports to end', () => states().join('') === '');
}, 60_000);
