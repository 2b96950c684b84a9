// The router between the segments as a BGP peer of all hosts, which forwards what pods send to each other: BIRD beside the lab's
// services, and rules that let packets of the pools pass.
import type { LabFamily } from '../../../src/lab/plan.ts';
import { HOSTS, type UnderlayLab } from './pods.ts';

const ROUTER_AS = 65_009;
const FILES = '/run/ocicat/router';
const ROUTERS: Readonly<Record<LabFamily, string>> = { ipv4: '10.99.0.254', ipv6: 'fd99::254' };
const POOLS: Readonly<Record<LabFamily, string>> = { ipv4: '192.168.0.0/16', ipv6: 'fd00:192:168::/64' };
const HOST_ADDRESSES: Readonly<Record<LabFamily, readonly string[]>> = {
  ipv4: ['10.99.0.1', '10.99.0.2', '10.99.1.3'],
  ipv6: ['fd99::1', 'fd99::2', 'fd99:0:0:1::3'],
};
const BRIDGES = ['underlay', 'underlay-2'];

function printFamily(family: LabFamily): string {
  const sessions = HOSTS.map(
    (_, index) =>
      `protocol bgp ${family}_${index} { local ${ROUTERS[family]} as ${ROUTER_AS}; neighbor ${HOST_ADDRESSES[family][index]} as 64512; multihop; ${family} { import all; export none; }; }`,
  );
  return [`protocol kernel { ${family} { import none; export all; }; }`, ...sessions].join('\n');
}

function rules(verb: 'add' | 'del', families: readonly LabFamily[]): readonly string[] {
  return families.flatMap((family) =>
    BRIDGES.map(
      (bridge) =>
        `ip ${family === 'ipv6' ? '-6' : '-4'} rule ${verb} pref 150 iif ${bridge} from ${POOLS[family]} lookup main`,
    ),
  );
}

async function onRouter({ lab }: UnderlayLab, lines: readonly string[]): Promise<void> {
  const { status, stderr } = await lab.onSegment(['set -e', ...lines].join('\n'));
  if (status !== 0) throw new Error(`router: ${stderr}`);
}

const peerOf = (family: LabFamily) => ({
  apiVersion: 'projectcalico.org/v3',
  kind: 'BGPPeer',
  metadata: { name: `router-${family}` },
  spec: { peerIP: ROUTERS[family], asNumber: ROUTER_AS, keepOriginalNextHop: true }, // hosts tell of each other’s blocks too
});

export async function startRouter(underlay: UnderlayLab): Promise<void> {
  const { lab, families } = underlay;
  const config = [
    'router id 10.99.0.254;',
    'protocol device {}',
    'protocol direct { ipv4; ipv6; }',
    ...families.map(printFamily),
  ].join('\n');
  await onRouter(underlay, [
    `cat >${FILES}.conf <<'END'\n${config}\nEND`,
    `setsid --fork bird -P ${FILES}.pid -s ${FILES}.ctl -c ${FILES}.conf`,
    ...rules('add', families),
  ]);
  await lab.must('calico-01', `calicoctl apply -f - <<'END'\n${JSON.stringify(families.map(peerOf))}\nEND`);
}

export async function stopRouter(underlay: UnderlayLab): Promise<void> {
  const { lab, families } = underlay;
  for (const family of families) await lab.must('calico-01', `calicoctl delete bgppeer router-${family}`);
  await onRouter(underlay, [`kill $(cat ${FILES}.pid)`, ...rules('del', families)]);
}
