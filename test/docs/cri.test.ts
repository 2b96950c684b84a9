// Pods of the real CRI: containerd's plugin, driven by crictl as the page for it says, and where it fails.
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { findCrictl } from '../support/host/go-programs.ts';
import { type Lab, openLab } from '../support/host/lab.ts';
import { copyProgram } from './client-hosts.ts';
import { prepareCri } from './cri-host.ts';
import { openShells, type Shells, walkPage } from './page-walk.ts';

const HOST = 'calico-01';
const crictl = findCrictl();

const capabilities = { 'io.kubernetes.cri.pod-annotations': true };
const NETWORK = {
  cniVersion: '1.0.0',
  name: 'network1',
  plugins: [{ type: 'calico', ipam: { type: 'calico-ipam' }, capabilities }],
};
const ADDRESS = { 'cni.projectcalico.org/ipAddrs': '["192.168.0.20"]' };

/** Runs a pod, whose ID is then in a variable of its name. */
function runPod(name: string, annotations: object): string {
  const pod = { metadata: { name, namespace: 'shop', uid: name }, annotations, linux: {} };
  return `cat >/run/${name}.json <<'END'\n${JSON.stringify(pod)}\nEND\n${name}=$(crictl runp /run/${name}.json)`;
}

describe.skipIf(crictl === undefined)('where crictl can be had', () => {
  let lab: Lab;
  let shells: Shells;
  beforeAll(async () => {
    lab = await openLab('cri', 1);
    shells = openShells(lab, [HOST]);
    if (crictl !== undefined) await copyProgram(lab, crictl, HOST);
    await prepareCri(lab, HOST);
    await shells.get(HOST)?.run('export PATH=/run/programs:$PATH');
  }, 60_000);
  afterAll(async () => {
    for (const shell of shells?.values() ?? []) await shell.close();
    await lab?.down();
  });

  test('cri.md: every command shows what the page shows', async () => {
    expect(await walkPage(shells, 'cri.md')).toEqual([]);
  }, 120_000);

  /** Types the commands; what they print, both streams. */
  const run = async (command: string) => (await shells.get(HOST)?.run(`{ ${command}\n} </dev/null 2>&1`))?.stdout ?? '';

  test('a pod whose address is held is refused with the holder, and leaves nothing', async () => {
    await run(`cat >/etc/cni/net.d/10-network1.conflist <<'END'\n${JSON.stringify(NETWORK)}\nEND\nsleep 0.5`);
    await run(runPod('first', ADDRESS));
    expect(await run(runPod('second', ADDRESS))).toContain(
      String.raw`assign address \"192.168.0.20\": already assigned, held by \"network1.`,
    );
    expect(await run('crictl pods --name second -q; calicoctl get wep -o custom-columns=WORKLOAD')).toMatch(
      /^\n?WORKLOAD\s+first\s+$/,
    );
  }, 30_000);

  test('a containerd that was killed lets go of its pods when it is back, and the address is free', async () => {
    await run('pid=$(pgrep -x containerd); kill -KILL $pid; tail --pid=$pid -s 0.05 -f /dev/null');
    expect(await run('calicoctl get wep -o custom-columns=WORKLOAD')).toContain('first');
    await run('systemctl restart containerd');
    expect(await run('crictl inspectp -o go-template --template "{{.status.network.ip}}" $first')).toBe(
      '192.168.0.20\n',
    );
    await run('crictl rmp -f $first');
    await run(runPod('third', ADDRESS));
    expect(await run('calicoctl get wep -o custom-columns=WORKLOAD,NETWORKS')).toMatch(/third\s+192\.168\.0\.20/);
    await run('crictl rmp -f $third');
    expect(await run('calicoctl ipam check')).toContain('found 0 problems');
  }, 30_000);

  test('with max_conf_num 2 a pod has an interface in each network, and both addresses are given back', async () => {
    await run(`sed 's/network1/network2/' /etc/cni/net.d/10-network1.conflist >/etc/cni/net.d/20-network2.conflist
sed -i '/bin_dir =/a max_conf_num = 2' /etc/containerd/config.toml; systemctl restart containerd`);
    await run(runPod('both', {}));
    expect(await run('calicoctl get wep -o custom-columns=WORKLOAD,PROFILES | sort')).toMatch(
      /^\n?WORKLOAD\s+PROFILES\s+both\s+network1\s+both\s+network2\s+$/,
    );
    expect(await run('crictl inspectp $both | grep -c \'"IP": "192.168.\'')).toBe('2\n');
    await run('crictl rmp -f $both');
    expect(await run('calicoctl get wep')).not.toContain('both');
    expect(await run('calicoctl ipam check')).toContain('found 0 problems');
  }, 30_000);

  test("ctr's containers in CRI's namespace connect under a name of their own", async () => {
    await run('ctr -n k8s.io run -d --cni docker.io/library/busybox:latest web_1 sleep 1000');
    expect(await run('calicoctl get wep -o custom-columns=NAME')).toMatch(
      /calico--01-cni-k8s--io--web--1--[0-9a-f]{16}-eth0/,
    );
    await run(
      'ctr -n k8s.io task kill -s KILL web_1; sleep 1; ctr -n k8s.io task rm web_1; ctr -n k8s.io container rm web_1',
    );
  }, 30_000);
});
