// What each client sends to name a container: it is found by calicoctl, and a policy that selects by it acts on real packets.
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pushImage } from '../../src/images/transfer/push.ts';
import { type AgentHost, eventually, openAgentHost } from '../support/host/agent-host.ts';
import { openRegistryServer } from '../support/images/registry-server.ts';

const root = join(import.meta.dir, '../..');
const rkt = join(root, 'dist/bin/rkt');
let host: AgentHost;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ocitest-names-'));
  host = await openAgentHost();
  await host.startAgent();
  host.addPod('client', 'network1');
  host.addPod('other', 'network1');
}, 60_000);
afterAll(async () => {
  await host?.close();
  rmSync(folder, { recursive: true, force: true });
});

function calicoctl(words: string, input = ''): string {
  const program = `ETCD_ENDPOINTS=${host.etcd.endpoint} ${join(root, 'dist/bin/calicoctl')}`;
  return host.must(`${program} ${words} <<'END'\n${input}\nEND`);
}

const reaches = (address: string) => host.run(`ip netns exec client ping -c 1 -W 1 ${address}`).status === 0;
const addressOf = (netns: string) =>
  host.must(`ip -n ${netns} -o -4 address show eth0 | grep -oE '[0-9.]+/32' | cut -d/ -f1`);

/** Denies what the selector takes in, holds that this changes what passes to it and nothing else, and allows it again. */
async function expectPolicyToAct(selector: string, address: string): Promise<void> {
  const spec = { order: 1, selector, types: ['Ingress'], ingress: [{ action: 'Deny' }] };
  const policy = {
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkPolicy',
    metadata: { name: 'by-name' },
    spec,
  };
  expect([reaches(address), reaches(addressOf('other'))]).toEqual([true, true]);
  calicoctl('apply -f -', JSON.stringify(policy));
  await eventually('the policy to act', 5_000, () => (reaches(address) ? undefined : true));
  expect(reaches(addressOf('other'))).toBe(true);
  calicoctl('delete gnp by-name');
  await eventually('the policy to go', 5_000, () => (reaches(address) ? true : undefined));
}

const mesosLabels = { labels: [{ key: 'app', value: 'web' }] };

test.each<readonly [string, string, string | undefined, string, object]>([
  [
    'podman: a container by its name, a pod by the name of the pod',
    'IgnoreUnknown=1;K8S_POD_NAME=web-1',
    'web-1',
    "io.kubernetes.pod.name == 'web-1'",
    {},
  ],
  [
    'CRI: namespace, name and uid of a pod',
    'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-2;K8S_POD_INFRA_CONTAINER_ID=abc;K8S_POD_UID=u-1',
    'web-2',
    "io.kubernetes.pod.namespace == 'shop' && io.kubernetes.pod.uid == 'u-1'",
    {},
  ],
  [
    'Nomad: job, group and task',
    'IgnoreUnknown=1;NOMAD_JOB_ID=shop;NOMAD_GROUP_NAME=web;NOMAD_TASK_NAME=nginx;NOMAD_ALLOC_ID=a-1',
    'shop.web.nginx',
    "nomad.job == 'shop' && nomad.group == 'web' && nomad.task == 'nginx'",
    {},
  ],
  [
    'Nomad: without a task',
    'IgnoreUnknown=1;NOMAD_JOB_ID=shop;NOMAD_GROUP_NAME=api',
    'shop.api',
    "nomad.group == 'api'",
    {},
  ],
  ['args.cni.labels', '', undefined, "app == 'web'", { args: { cni: mesosLabels } }],
  [
    'ocicat.labels of the file',
    '',
    undefined,
    "app == 'web' && zone == 'a'",
    { ocicat: { labels: { app: 'web', zone: 'a' } } },
  ],
  [
    'the form of Mesos',
    '',
    undefined,
    "app == 'web'",
    { args: { 'org.apache.mesos': { network_info: { labels: mesosLabels } } } },
  ],
  ['LABELS= in CNI_ARGS', 'LABELS=app=web,tier:front', undefined, "app == 'web' && tier == 'front'", {}],
])(
  '%s',
  async (_client, args, workload, selector, keys) => {
    const { status, output } = host.cni('ADD', 'target', 'network1', args, keys);
    expect([status, output.includes('"error"')]).toEqual([0, false]);
    const [endpoint] = JSON.parse(calicoctl('get wep -o json')).items.filter(
      ({ spec }: { spec: { containerID: string } }) => spec.containerID === 'target',
    );
    expect(endpoint.spec.workload).toBe(workload);
    if (workload !== undefined) expect(calicoctl('get wep')).toMatch(new RegExp(`^${workload} `, 'm'));
    await expectPolicyToAct(selector, addressOf('target'));
    expect(host.cni('DEL', 'target', 'network1').status).toBe(0);
    host.must('ip netns del target');
  },
  30_000,
);

/** A store with busybox, a network of the agent's, and the plugins beside it. */
async function prepareRkt(): Promise<string> {
  const server = await openRegistryServer();
  try {
    const directory = join(root, 'dist/images/library+busybox@latest');
    await pushImage({ registryUrl: server.url, name: 'library/busybox', tag: 'latest', directory });
    const [nets, mirrors] = [join(folder, 'local/net.d'), join(folder, 'local/mirrors.d')];
    for (const path of [nets, mirrors]) mkdirSync(path, { recursive: true });
    const mirror = {
      rktKind: 'registryMirror',
      rktVersion: 'v1',
      registries: ['names.invalid'],
      mirrors: [server.url],
    };
    writeFileSync(join(mirrors, 'mirror.json'), JSON.stringify(mirror));
    const network = { name: 'network1', cniVersion: '0.1.0', type: 'calico', ipam: { type: 'calico-ipam' } };
    writeFileSync(join(nets, '10-network1.conf'), JSON.stringify(network));
    copyFileSync(join(root, 'dist/cni/calico'), join(nets, 'calico'));
    linkSync(join(nets, 'calico'), join(nets, 'calico-ipam'));
    const command = `${rkt} --dir=${folder}/data --local-config=${folder}/local --system-config=/nonexistent`;
    const fetched = Bun.spawnSync(['sh', '-c', `${command} fetch docker://names.invalid/library/busybox`]);
    if (fetched.exitCode !== 0) throw new Error(fetched.stderr.toString());
    return command;
  } finally {
    await server.close();
  }
}

test('several LABELS= through rkt, which cuts --net at commas', async () => {
  const command = await prepareRkt();
  const run = `${command} run --uuid-file-save=${folder}/uuid '--net=network1:LABELS=app=web,tier=front' docker://names.invalid/library/busybox --exec=/bin/sleep -- 60`;
  host.must(`nohup ${run} >${folder}/out 2>&1 </dev/null & echo`);
  const { value: address } = await eventually('the pod', 15_000, () => {
    const networks = host.run(`${command} status --uuid-file=${folder}/uuid`).output;
    return /network1:ip4=([\d.]+)/.exec(networks)?.[1];
  });
  const { items } = JSON.parse(calicoctl('get wep -o json'));
  const labels = items.map(({ metadata }: { metadata: { labels: Record<string, string> } }) => metadata.labels);
  expect(labels).toContainEqual(expect.objectContaining({ app: 'web', tier: 'front' }));
  await expectPolicyToAct("app == 'web' && tier == 'front'", address);
  host.must(`${command} stop --force --uuid-file=${folder}/uuid; ${command} gc --grace-period=0s`);
}, 60_000);
