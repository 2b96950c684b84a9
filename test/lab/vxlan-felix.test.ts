// Calico's own agent and CNI plugin on a second host of a cluster with VXLAN: what is published on Nodes is right for both, and
// packets go both ways. Where OCICAT_PEERS names the folder with Calico's programs.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { eventually, type Lab, openLab } from '../support/host/lab.ts';

const PEERS = process.env.OCICAT_PEERS ?? '';
const HOST = 'felix-1';
const ETCD = 'http://10.99.0.254:2379';
const TUNNEL = '192.168.250.1';
let lab: Lab;

/** A host on the lab's segment with folders of its own where Calico keeps things; its first process waits for commands. */
const HOST_SCRIPT = `set -e
for folder in /run /var/lib /etc/cni; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
mkdir -p /run/netns /run/calico /var/lib/calico; ln -sfn /run /var/run 2>/dev/null || true
ip netns add ${HOST}; ip link add up-felix type veth peer name eth0 netns ${HOST}
ip link set up-felix master underlay up
ip -n ${HOST} link set lo up; ip -n ${HOST} address add 10.99.0.77/24 dev eth0; ip -n ${HOST} link set eth0 up
ip -n ${HOST} route add default via 10.99.0.254 # without, nobody answers for the gateway of pods
exec sleep infinity`;

const SETTINGS = {
  ...{
    DATASTORETYPE: 'etcdv3',
    ETCDENDPOINTS: ETCD,
    FELIXHOSTNAME: HOST,
    NFTABLESMODE: 'Enabled',
    IPV6SUPPORT: 'false',
  },
  ...{ IPINIPENABLED: 'false', XDPENABLED: 'false', LOGSEVERITYSYS: 'none', LOGSEVERITYFILE: 'none' },
  ...{ LOGSEVERITYSCREEN: 'warning', MTUIFACEPATTERN: 'eth0', USAGEREPORTINGENABLED: 'false' },
  DebugSkipCTLBCleanup: 'true', // Felix built without libbpf ends there
};

async function onFelix(command: string): Promise<string> {
  const enter = `nsenter --target $(cat /run/ocicat/felix.pid) --mount`;
  const { stdout, stderr, status } = await lab.onSegment(`${enter} bash -c '${command.replaceAll("'", "'\\''")}'`);
  if (status !== 0) throw new Error(`${command}\n${stdout}${stderr}`);
  return stdout;
}

const apply = (resource: object) =>
  lab.must('calico-01', `calicoctl apply -f - <<'END'\n${JSON.stringify(resource)}\nEND`);

async function startFelix(): Promise<void> {
  const started = await lab.onSegment(
    `echo '${HOST_SCRIPT.replaceAll("'", "'\\''")}' >/run/ocicat/felix.sh
    setsid --fork unshare --mount bash -c 'echo $$ >/run/ocicat/felix.pid; . /run/ocicat/felix.sh' >/run/ocicat/felix.boot 2>&1 </dev/null
    for i in $(seq 100); do ip link show up-felix 2>/dev/null | grep -q UP && break; sleep 0.05; done; sleep 0.3; cat /run/ocicat/felix.boot`,
  );
  if (started.stdout !== '') throw new Error(started.stdout);
  const environment = Object.entries(SETTINGS).map(([name, value]) => `FELIX_${name}=${value}`);
  await onFelix(
    `setsid --fork env DATASTORE_TYPE=etcdv3 ETCD_ENDPOINTS=${ETCD} ${environment.join(' ')} ip netns exec ${HOST} ${join(PEERS, 'felix')} >/run/felix.log 2>&1 </dev/null`,
  );
}

/** By Calico's own plugins; its address. */
async function addPodOfCalico(): Promise<string> {
  const ipam = { type: 'calico-ipam' };
  const store = { etcd_endpoints: ETCD, datastore_type: 'etcdv3', nodename: HOST, log_level: 'ERROR' };
  const config = JSON.stringify({ name: 'network1', cniVersion: '1.0.0', type: 'calico', ...store, ipam });
  const call = `CNI_COMMAND=ADD CNI_CONTAINERID=pod CNI_NETNS=/run/netns/pod CNI_IFNAME=eth0 CNI_PATH=${PEERS}`;
  const output = await onFelix(
    `ip netns add pod; echo ${HOST} >/var/lib/calico/nodename; echo '${config}' | ${call} ip netns exec ${HOST} ${PEERS}/calico`,
  );
  return String(JSON.parse(output).ips[0].address).replace('/32', '');
}

async function startPod(): Promise<string> {
  await lab.must(
    'calico-01',
    `echo '{"name":"network1","cniVersion":"0.1.0","type":"calico","ipam":{"type":"calico-ipam"}}' >/etc/rkt/net.d/10-network1.conf
    setsid --fork rkt run --net=network1 --uuid-file-save=/tmp/pod docker://busybox --exec /bin/sleep -- 600 >/tmp/pod.log 2>&1 </dev/null
    for i in $(seq 200); do [ -s /tmp/pod ] && break; sleep 0.05; done; rkt status --uuid-file=/tmp/pod --wait-ready=20s`,
  );
  const text = await lab.must('calico-01', 'ip netns exec cni-$(cat /tmp/pod) ip -4 -o address show dev eth0');
  return / inet ([^/]+)/.exec(text)?.[1] ?? '';
}

describe.skipIf(PEERS === '')('beside Calico’s own agent', () => {
  let [ours, theirs] = ['', ''];

  beforeAll(async () => {
    lab = await openLab('felix', 1);
    await lab.must('calico-01', `calicoctl patch ippool default-ipv4-ippool -p '{"spec":{"vxlanMode":"Always"}}'`);
    const spec = { bgp: { ipv4Address: '10.99.0.77/24' }, ipv4VXLANTunnelAddr: TUNNEL };
    await apply({ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata: { name: HOST }, spec });
    await startFelix();
    [ours, theirs] = [await startPod(), await addPodOfCalico()];
  }, 90_000);

  afterAll(async () => {
    await lab?.down();
  }, 30_000);

  test('each has the other as the end of a tunnel, as its Node says', async () => {
    const node = JSON.parse(await lab.must('calico-01', 'calicoctl get node calico-01 -o json')).spec;
    await eventually('Felix’s entries', 10_000, async () => {
      const table = await onFelix(
        `ip netns exec ${HOST} bash -c "bridge fdb show dev vxlan.calico; ip neigh show dev vxlan.calico"`,
      ).catch(() => '');
      const isThere =
        table.includes(`${node.vxlanTunnelMACAddr} dst 10.99.0.1 `) &&
        table.includes(`${node.ipv4VXLANTunnelAddr} lladdr ${node.vxlanTunnelMACAddr}`);
      return isThere ? true : undefined;
    });
    const mac = (await onFelix(`ip netns exec ${HOST} cat /sys/class/net/vxlan.calico/address`)).trim();
    expect(await lab.must('calico-01', 'bridge fdb show dev vxlan.calico')).toContain(
      `${mac} dst 10.99.0.77 self permanent`,
    );
    expect(await lab.must('calico-01', 'ip route')).toMatch(new RegExp(`via ${TUNNEL} dev vxlan\\.calico proto 80`));
  }, 30_000);

  test('packets go both ways, small and as large as the tunnel takes them', async () => {
    for (const size of [56, 1450 - 28]) {
      const ping = `ping -n -c 3 -i 0.2 -W 2 -M do -s ${size}`;
      await eventually(`an answer to ${size} bytes from Calico’s pod`, 20_000, async () =>
        (await onFelix(`ip netns exec pod ${ping} ${ours}`).catch(() => undefined)) === undefined ? undefined : true,
      );
      expect(await lab.must('calico-01', `ip netns exec cni-$(cat /tmp/pod) ${ping} ${theirs}`)).toContain(
        ' 0% packet loss',
      );
    }
  }, 60_000);

  test('Calico’s tools understand the tunnel’s address', async () => {
    const command = `DATASTORE_TYPE=etcdv3 ETCD_ENDPOINTS=${ETCD} ${join(PEERS, 'calicoctl')} ipam show --show-blocks`;
    expect(await lab.must('calico-01', command)).toContain('| Block ');
    const held = await lab.must(
      'calico-01',
      `DATASTORE_TYPE=etcdv3 ETCD_ENDPOINTS=${ETCD} ${join(PEERS, 'calicoctl')} ipam show --ip=$(calicoctl get node calico-01 -o jsonpath={.spec.ipv4VXLANTunnelAddr})`,
    );
    expect(held).toContain('vxlanTunnelAddress');
  });
});
