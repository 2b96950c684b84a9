// Docker's real engine beside the agent while either of them ends in the middle of things: what runs is not interrupted, and nothing
// is left behind.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { endDocker, prepareDocker } from '../docs/docker-host.ts';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const [HOST, BARE] = ['calico-01', 'calico-02'] as const;
const CREATE = 'docker network create -d calico --ipam-driver calico-ipam';
const PING = 'ping -c 1 -W 1 -q';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab('docker-crashes', 2);
  await prepareDocker(lab, HOST, '--live-restore');
}, 60_000);
afterAll(async () => {
  await endDocker(lab, HOST);
  await lab?.down();
}, 30_000);

const must = (command: string) => lab.must(HOST, command);
const on = (command: string) => lab.on(HOST, command);

/** What store, kernel and disk have of containers on a host. */
async function left(host: string): Promise<string> {
  const text = await lab.must(
    host,
    `calicoctl ipam check | grep -oE 'record [0-9]+|has [0-9]+ workload|Found [0-9]+ workload'
ip -br link | grep -oE '^(cali|temp)[^ ]*'; find /var/lib/calico/docker/endpoints -type f; true`,
  );
  return text.trim().replaceAll('\n', ', ');
}

const NOTHING = 'record 0, Found 0 workload';

const addressOf = async (name: string, network: string) =>
  (await must(`docker inspect -f '{{ .NetworkSettings.Networks.${network}.IPAddress }}' ${name}`)).trim();

/** A flow that never ends, and how much of it has come. */
async function streamTo(address: string): Promise<void> {
  await must(`docker run -d --name stream --network net1 busybox sh -c 'exec ping -i 0.2 ${address} >/log 2>&1'`);
}

test('an agent that is killed and comes again, and an engine that is killed with live-restore, interrupt nothing', async () => {
  await must(`${CREATE} net1 && docker run -d --name one --network net1 busybox sleep 1000`);
  await streamTo(await addressOf('one', 'net1'));
  await lab.endAgent(HOST, 'KILL');
  await lab.startAgent(HOST, 1);
  await must('/run/programs/dockerd-down KILL && /run/programs/dockerd-up --live-restore');
  await must(
    'docker exec stream killall -INT ping; sleep 0.5; docker exec stream cat /log || docker cp stream:/log /run/stream',
  );
  expect(await must('docker cp stream:/log - | tar -xO | grep loss')).toContain(' 0% packet loss');
}, 60_000);

test('a container that is started while no agent runs waits for one', async () => {
  await lab.endAgent(HOST, 'KILL');
  const started = must('docker run -d --name late --network net1 busybox sleep 1000');
  await lab.startAgent(HOST, 1);
  await started;
  await must(`docker exec late ${PING} ${await addressOf('one', 'net1')}`);
}, 60_000);

test('a container that ends while no agent runs leaves nothing when there is one', async () => {
  await lab.endAgent(HOST, 'KILL');
  const removed = on('docker rm -f late');
  await lab.startAgent(HOST, 1);
  await removed;
  await eventually('the endpoint is removed', 20_000, async () =>
    (await must('calicoctl get wep')).includes('late') ? undefined : true,
  );
}, 60_000);

test('containers that an engine starts again before it answers anybody are closed until their labels are known', async () => {
  await must(`${CREATE} --subnet 192.168.0.0/16 net2
docker run -d --restart always --name again --network net2 --ip 192.168.0.77 --label tier=front busybox sleep 1000
docker rm -f one stream; /run/programs/dockerd-down KILL && /run/programs/dockerd-up`);
  await eventually('the container has its labels', 20_000, async () =>
    (await must('calicoctl get wep -o yaml')).includes('tier: front') ? true : undefined,
  );
  await eventually('it answers', 20_000, async () =>
    (await on(`docker run --rm --network net2 busybox ${PING} 192.168.0.77`)).status === 0 ? true : undefined,
  );
}, 90_000);

test('with all containers and networks gone nothing is left', async () => {
  await must('docker rm -f again && docker network rm net1 net2');
  await eventually('nothing is left', 20_000, async () => ((await left(HOST)) === NOTHING ? true : undefined));
  expect(await must('calicoctl ipam check | tail -1')).toContain('found 0 problems');
}, 60_000);

const [NETWORK, ENDPOINT] = ['a'.repeat(64), 'b'.repeat(64)];
const ids = { NetworkID: NETWORK, EndpointID: ENDPOINT };

/** As the engine calls a plugin; throws what that says is wrong. */
async function call(plugin: 'calico' | 'calico-ipam', name: string, body: object) {
  const socket = `/run/docker/plugins/${plugin}.sock`;
  const driver = plugin === 'calico' ? 'NetworkDriver' : 'IpamDriver';
  const command = `curl -sf --unix-socket ${socket} -d '${JSON.stringify(body)}' http://x/${driver}.${name}`;
  const answer = JSON.parse(await lab.must(BARE, command));
  if (answer.Err !== undefined) throw new Error(answer.Err);
  return answer;
}

/** Nothing of the calls before is in the memory of the agent that serves the next one. */
async function killAgent(): Promise<void> {
  await lab.endAgent(BARE, 'KILL');
  await lab.startAgent(BARE, 1);
  await eventually('the plugins are open', 10_000, async () =>
    (await lab.on(BARE, 'curl -sf --unix-socket /run/docker/plugins/calico.sock -d "" http://x/Plugin.Activate'))
      .status === 0
      ? true
      : undefined,
  );
}

test("an agent that is killed after each call of an endpoint's life goes on with the next, and nothing is left", async () => {
  await lab.must(BARE, 'mkdir /run/docker');
  await killAgent();
  const Options = { 'com.docker.network.generic': { 'com.docker.network.calico.profile': 'net1' } };
  const { PoolID } = await call('calico-ipam', 'RequestPool', { Pool: '192.168.0.0/16' });
  const IPv4Data = [{ AddressSpace: 'CalicoGlobalAddressSpace', Pool: '192.168.0.0/16', Gateway: '169.254.1.1/32' }];
  await call('calico', 'CreateNetwork', { NetworkID: NETWORK, Options, IPv4Data });
  await killAgent();
  const { Address } = await call('calico-ipam', 'RequestAddress', { PoolID });
  await killAgent();
  const { Interface } = await call('calico', 'CreateEndpoint', { ...ids, Interface: { Address } });
  await killAgent();
  const join = { ...ids, SandboxKey: '/run/docker/netns/1' };
  const { InterfaceName, Gateway } = await call('calico', 'Join', join);
  await killAgent();
  expect(await call('calico', 'Join', join)).toMatchObject({ InterfaceName, Gateway });
  await lab.must(
    BARE,
    `ip netns add c && ip link set ${InterfaceName.SrcName} netns c && ip netns exec c sh -ec '
ip link set ${InterfaceName.SrcName} name eth0 address ${Interface.MacAddress}; ip addr add ${Address} dev eth0; ip link set eth0 up
ip route add 169.254.1.1 dev eth0; ip route add default via 169.254.1.1'`,
  );
  await eventually('the gateway is known in the container', 25_000, async () =>
    (await lab.must(BARE, 'ip -n c neigh')).includes('169.254.1.1 dev eth0 lladdr ee:ee:ee:ee:ee:ee PERMANENT')
      ? true
      : undefined,
  );
  await killAgent();
  await call('calico', 'Leave', ids);
  await killAgent();
  await call('calico', 'DeleteEndpoint', ids);
  await call('calico', 'DeleteEndpoint', ids);
  await killAgent();
  await call('calico-ipam', 'ReleaseAddress', { PoolID, Address: Address.split('/')[0] });
  await call('calico', 'DeleteNetwork', { NetworkID: NETWORK });
  expect(await left(BARE)).toBe(NOTHING);
}, 120_000);
