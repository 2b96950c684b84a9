// What a client asks for besides the network: certain addresses, a MAC address, and how the container is to be known.
// CNI's conventions have several places for each; all of them are read, and what cannot be given is refused.
import type { Issue } from '../../base/errors.ts';
import { isJsonObject } from '../../base/json.ts';
import { isLabelValue, isQualifiedName } from '../../model/meta/names.ts';
import { tryParseCidr } from '../../net/cidr.ts';
import { type Ip, tryParseIp } from '../../net/ip.ts';
import { type Mac, macToBytes, tryParseMac } from '../../net/mac.ts';
import type { Reader } from './config-reader.ts';
import { computeMesosLabels, sanitiseLabel } from './mesos-labels.ts';
import { readPodAnnotations } from './pod-annotations.ts';

export interface WorkloadArgs {
  /** These very addresses, in order; each once. */
  readonly addresses: readonly Ip[];
  readonly mac: Mac | undefined;
  /** Ranges or names of pools, instead of the file's; empty: those of the file. */
  readonly pools: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
  /** The endpoint's namespace, from Mesos. */
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** The container by the name that its client knows; a resource's name. */
  readonly workload: string | undefined;
}

export const NO_WORKLOAD_ARGS: WorkloadArgs = {
  addresses: [],
  mac: undefined,
  pools: { ipv4: [], ipv6: [] },
  namespace: undefined,
  labels: {},
  workload: undefined,
};

export type CniArgs = ReadonlyMap<string, string>;

/** Variables of clients that become labels (CRI and podman: the labels that CRI runtimes use; Nomad: names of its own). */
const CLIENT_LABELS: readonly (readonly [string, string])[] = [
  ['K8S_POD_NAMESPACE', 'io.kubernetes.pod.namespace'],
  ['K8S_POD_NAME', 'io.kubernetes.pod.name'],
  ['K8S_POD_UID', 'io.kubernetes.pod.uid'],
  ['NOMAD_NAMESPACE', 'nomad.namespace'],
  ['NOMAD_JOB_ID', 'nomad.job'],
  ['NOMAD_GROUP_NAME', 'nomad.group'],
  ['NOMAD_TASK_NAME', 'nomad.task'],
  ['NOMAD_ALLOC_ID', 'nomad.alloc'],
];
const MAX_VALUE_LENGTH = 63;
const MAX_NAME_LENGTH = 253;

type Report = (issue: Issue) => void;

/** `10.0.0.1`, or with a prefix length, which says nothing here: addresses are given as single ones. */
function readAddress(text: string, path: string, report: Report): readonly Ip[] {
  const ip = tryParseIp(text) ?? tryParseCidr(text)?.address;
  if (ip !== undefined) return [ip];
  report({ path, found: `"${text}"`, wanted: 'an IPv4 or IPv6 address' });
  return [];
}

function readMac(text: string, path: string, report: Report): Mac | undefined {
  if (text === '') return undefined;
  const mac = tryParseMac(text);
  const bytes = mac === undefined ? undefined : macToBytes(mac);
  if (bytes !== undefined && ((bytes[0] ?? 0) & 1) === 0 && bytes.some((byte) => byte !== 0)) return mac;
  report({ path, found: `"${text}"`, wanted: 'an Ethernet address of one interface, such as "02:00:00:00:00:01"' });
  return undefined;
}

type Pair = readonly [key: string, value: string];

function checkLabels(pairs: readonly Pair[], path: string, report: Report): readonly Pair[] {
  return pairs.filter(([key, value]) => {
    const usable = isQualifiedName(key) && !key.startsWith('projectcalico.org/') && isLabelValue(value);
    if (!usable) report({ path, found: `"${key}=${value}"`, wanted: 'a label, not one of projectcalico.org/' });
    return usable;
  });
}

/** `LABELS=app:web,tier=front`; programs that take CNI_ARGS apart as libcni does allow one `=` in each. */
function argumentLabels(args: CniArgs, report: Report): readonly Pair[] {
  const parts = (args.get('LABELS') ?? '').split(',').filter((part) => part !== '');
  const pairs = parts.map((part): Pair => {
    const at = part.search(/[:=]/);
    return [part.slice(0, Math.max(at, 0)), part.slice(at + 1)];
  });
  return checkLabels(pairs, 'CNI_ARGS LABELS', report);
}

/** `[{"key": "app", "value": "web"}]`, in `args.cni.labels` and in Mesos' place. */
function listedPairs(reader: Reader): readonly { readonly key: string; readonly value: string }[] {
  return reader.list('labels').flatMap((pair) => {
    const { key, value } = isJsonObject(pair) ? pair : {};
    if (typeof key === 'string' && typeof value === 'string') return [{ key, value }];
    reader.refuse('labels', 'an entry without key or value', 'texts for both in each');
    return [];
  });
}

function clientLabels(args: CniArgs): readonly Pair[] {
  return CLIENT_LABELS.flatMap(([variable, label]) => {
    const value = sanitiseLabel(sanitiseLabel(args.get(variable) ?? '').slice(0, MAX_VALUE_LENGTH));
    return isLabelValue(value) && value !== '' ? [[label, value] as const] : [];
  });
}

/** Any text as a resource's name; undefined when nothing of it can stand in one. */
function toResourceName(text: string): string | undefined {
  const parts = text.toLowerCase().slice(0, MAX_NAME_LENGTH).split('.');
  const clean = parts.map((part) => part.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, ''));
  return clean.filter((part) => part !== '').join('.') || undefined;
}

/** The pod's name; for Nomad `job.group`, or `job.group.task`. */
function workloadOf(args: CniArgs): string | undefined {
  const nomad = ['NOMAD_JOB_ID', 'NOMAD_GROUP_NAME', 'NOMAD_TASK_NAME'].map((name) => args.get(name) ?? '');
  return toResourceName(args.get('K8S_POD_NAME') ?? nomad.filter((part) => part !== '').join('.'));
}

/** Of the whole configuration and CNI_ARGS (CNI's conventions: "runtimeConfig", "args" and "CNI_ARGS"). */
export function readWorkloadArgs(reader: Reader, args: CniArgs): WorkloadArgs {
  const report = (issue: Issue) => void reader.issues.push(issue);
  const [runtime, cni] = [reader.within('runtimeConfig'), reader.within('args').within('cni')];
  const pod = readPodAnnotations(runtime);
  const ip = args.get('IP') ?? '';
  const addresses = [
    ...runtime.texts('ips').flatMap((text) => readAddress(text, 'runtimeConfig.ips', report)),
    ...cni.texts('ips').flatMap((text) => readAddress(text, 'args.cni.ips', report)),
    ...pod.addresses.flatMap((text) => readAddress(text, pod.path, report)),
    ...(ip === '' ? [] : readAddress(ip, 'CNI_ARGS IP', report)),
  ];
  const macs = [
    readMac(runtime.text('mac') ?? '', 'runtimeConfig.mac', report),
    readMac(cni.text('mac') ?? '', 'args.cni.mac', report),
    readMac(pod.mac, pod.path, report),
    readMac(args.get('MAC') ?? '', 'CNI_ARGS MAC', report),
  ].filter((mac) => mac !== undefined);
  if (new Set(macs).size > 1) report({ path: 'MAC address', found: macs.join(', '), wanted: 'the same everywhere' });
  const network = reader.within('args').within('org.apache.mesos').within('network_info');
  const mesos = computeMesosLabels(listedPairs(network.within('labels')));
  const listed = listedPairs(cni).map(({ key, value }): Pair => [key, value]);
  return {
    addresses: [...new Set(addresses)],
    mac: macs[0],
    pools: { ipv4: pod.ipv4Pools, ipv6: pod.ipv6Pools },
    namespace: mesos.namespace,
    workload: workloadOf(args),
    labels: {
      ...mesos.labels,
      ...Object.fromEntries(clientLabels(args)),
      ...Object.fromEntries(checkLabels(listed, 'args.cni.labels', report)),
      ...Object.fromEntries(argumentLabels(args, report)),
    },
  };
}
