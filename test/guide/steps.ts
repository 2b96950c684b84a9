// The guide as data: each command as it is typed, the host that it is typed on, and what the guide shows for it.

export interface Step {
  readonly section: string;
  readonly host: string;
  /** `{busybox}` stands for the UUID that the reader copies from `rkt list`. */
  readonly command: string;
  /**
   * Lines that must come in this order; runs of white space are equal. `{uuid}`, `{version}`, `{ago}`, `{clock}`, `{pid}`,
   * `{stars}` and `{token}` stand for what differs from run to run. Lines may stand between them where `between` allows it.
   */
  readonly expected: readonly string[];
  readonly status: 0 | 'failure';
  /** Lines that today's busybox prints and that of the guide did not. */
  readonly between?: RegExp;
  /** The lines after the first may come in any order: rkt sorts pods by their UUIDs, which are random. */
  readonly unordered?: true;
  /** Repeat for up to this long until it is as written: the pod before it starts in the background. */
  readonly withinMs?: number;
}

const HOSTS = ['calico-01', 'calico-02'] as const;

const listHeader = 'UUID APP IMAGE NAME STATE CREATED STARTED NETWORKS';
const nodeRow = '{uuid} node quay.io/calico/node:{version} running {ago} {ago}';

function networkFile(name: string): string {
  return `cat >/etc/rkt/net.d/10-calico-${name}.conf <<EOF
{
    "name": "${name}",
    "cniVersion": "0.1.0",
    "type": "calico",
    "ipam": {
        "type": "calico-ipam"
    }
}
EOF`;
}

const fetchFrom = (network: string) =>
  `sudo rkt run --net=${network} docker://busybox --exec=/bin/wget -- -T 3 192.168.0.0/etc/passwd 2>/dev/null`;

const connecting = '[{clock}] busybox[{pid}]: Connecting to 192.168.0.0 (192.168.0.0:80)';
const saving = /busybox\[\d+\]: (saving to|'passwd' saved)/;

function onBoth(step: Omit<Step, 'host'>): readonly Step[] {
  return HOSTS.map((host) => ({ ...step, host }));
}

export const steps: readonly Step[] = [
  ...onBoth({
    section: '1. Verify Calico service is running',
    command: 'sudo rkt list',
    expected: [listHeader, nodeRow],
    status: 0,
  }),
  ...['network1', 'network2'].flatMap((name) =>
    onBoth({ section: '2. Create the networks', command: networkFile(name), expected: [], status: 0 }),
  ),
  {
    section: '3. Create test container',
    host: 'calico-01',
    command: 'sudo rkt run --net=network1:IP=192.168.0.0 docker://busybox --exec httpd -- -f -h / &',
    expected: [],
    status: 0,
  },
  {
    section: '3. Create test container',
    host: 'calico-01',
    command: 'sudo rkt list',
    expected: [
      listHeader,
      '{uuid} busybox registry-1.docker.io/library/busybox:latest running {ago} {ago} network1:ip4=192.168.0.0, default-restricted:ip4=172.16.28.2',
      nodeRow,
    ],
    status: 0,
    unordered: true,
    withinMs: 10_000,
  },
  // What `default-restricted` is for, as the guide says: the metadata service that runs on the host.
  {
    section: '3. Create test container',
    host: 'calico-01',
    command: 'sudo rkt metadata-service 2>/dev/null &',
    expected: [],
    status: 0,
  },
  {
    section: '3. Create test container',
    host: 'calico-01',
    command: `sudo rkt run --mds-register --net=network1 docker://busybox --exec=/bin/sh -- -c 'wget -q -O - $AC_METADATA_URL/acMetadata/v1/pod/uuid; echo; echo $AC_METADATA_URL' 2>/dev/null`,
    expected: ['[{clock}] busybox[{pid}]: {uuid}', '[{clock}] busybox[{pid}]: http://172.16.28.99:18112/{token}'],
    status: 0,
    withinMs: 10_000,
  },
  ...[...HOSTS].reverse().map(
    (host): Step => ({
      section: '4. Validate intra-network connectivity',
      host,
      command: fetchFrom('network1'),
      expected: [connecting, '[{clock}] busybox[{pid}]: passwd 100% |{stars}| 334 0:00:00 ETA'],
      status: 0,
      between: saving,
    }),
  ),
  ...[...HOSTS].reverse().map(
    (host): Step => ({
      section: '5. Checking inter-network isolation',
      host,
      command: fetchFrom('network2'),
      expected: [connecting, '[{clock}] busybox[{pid}]: wget: download timed out'],
      status: 'failure',
    }),
  ),
  ...onBoth({
    section: '6. Verify Calico profiles were created',
    command: 'calicoctl get profiles',
    expected: ['NAME', 'network1', 'network2'],
    status: 0,
  }),
  {
    section: '7. Resetting/Cleanup',
    host: 'calico-01',
    command: 'sudo rkt stop --force {busybox}',
    expected: ['"{uuid}"'],
    status: 0,
  },
  {
    section: '7. Resetting/Cleanup',
    host: 'calico-01',
    command: 'sudo rkt list --no-legend | cut -f1 | sudo xargs rkt rm',
    expected: ['"{uuid}"', '"{uuid}"', '"{uuid}"', '"{uuid}"'],
    // The calico-node pod is in the list too, and rkt does not remove a pod that runs.
    status: 'failure',
  },
  {
    section: '7. Resetting/Cleanup',
    host: 'calico-02',
    command: 'sudo rkt list --no-legend | cut -f1 | sudo xargs rkt rm',
    expected: ['"{uuid}"', '"{uuid}"'],
    status: 'failure',
  },
  ...onBoth({
    section: '7. Resetting/Cleanup',
    command: 'sudo rkt list',
    expected: [listHeader, nodeRow],
    status: 0,
  }),
];
