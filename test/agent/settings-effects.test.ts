// Settings that act on links and not on rules, in a running agent: the effect on the kernel comes and goes with them.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';

const KEY = '/calico/resources/v3/projectcalico.org/felixconfigurations/default';

let host: AgentHost;

function putFelix(spec: object): Promise<string> {
  const document = {
    kind: 'FelixConfiguration',
    apiVersion: 'projectcalico.org/v3',
    metadata: { name: 'default' },
    spec,
  };
  return host.etcd.ctl('put', KEY, JSON.stringify(document));
}

const soon = (what: string, look: () => boolean) => eventually(what, 10_000, () => look() || undefined);
const mtuOfPod = () => host.must('cat /sys/class/net/calia/mtu');

beforeAll(async () => {
  host = await openAgentHost();
  host.must('ip link add lan0 mtu 1400 type veth peer name lan1; ip link set lan1 up; ip link set lan0 up');
  await host.startAgent();
  host.addPod('a', 'net1');
}, 60_000);
afterAll(() => host.close());

test('workloads have the MTU of the uplinks that mtuIfacePattern names, while it does', async () => {
  expect(mtuOfPod()).toBe('1500');
  await putFelix({ mtuIfacePattern: '^lan0$' });
  await soon('the MTU of the link that is named', () => mtuOfPod() === '1400');
  expect(host.must('ip netns exec a cat /sys/class/net/eth0/mtu')).toBe('1400');
  await putFelix({});
  await soon('the usual MTU', () => mtuOfPod() === '1500');
}, 30_000);

test('an mtuIfacePattern in a syntax that is not understood is named in the log, and the usual links count', async () => {
  await putFelix({ mtuIfacePattern: '(?i)^LAN0$' });
  await soon('the line', () => /WARN mtuIfacePattern "\(\?i\)\^LAN0\$" has no effect/.test(host.log()));
  expect(mtuOfPod()).toBe('1500');
}, 30_000);

test('what is not followed is put right as often as routeRefreshInterval says, and with 0 never', async () => {
  const known = () => host.must('ip neighbour show dev calia nud permanent');
  const [address = ''] = known().split(' ');
  expect(known()).toContain('lladdr');
  const forget = () => host.must(`ip neighbour del ${address} dev calia`);
  await putFelix({ routeRefreshInterval: '0s' });
  await Bun.sleep(500);
  forget();
  await Bun.sleep(1_000);
  expect(known()).toBe('');
  await putFelix({ routeRefreshInterval: '200ms' });
  await soon('the neighbour', () => known() !== '');
  forget();
  await soon('the neighbour again', () => known() !== '');
}, 30_000);
