// What a client asks for besides the network: certain addresses, a MAC address, and how the container is to be known.
// CNI's conventions have several places for each; all of them are read, and what cannot be given is refused.
import { tryParseBoolean } from '../../base/boolean.ts';
import type { Issue } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import type { QosControls } from '../../model/endpoint/qos-controls.ts';
import { toResourceName } from '../../model/meta/names.ts';
import { parseNames } from '../../names/name.ts';
import type { Ip } from '../../net/ip.ts';
import type { Mac } from '../../net/mac.ts';
import type { PortMapping } from '../../net/port-mapping.ts';
import { parsedText } from '../../schema/scalars.ts';
import { list, object, optional, type Scalar, sparse } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import type { CniDnsFile } from './config-file.ts';
import { argumentLabels, clientLabels, labelPairs, listedLabels, networkLabels } from './labels.ts';
import { computeMesosLabels } from './mesos-labels.ts';
import { nameCapabilities, readArgumentNames, toDnsFile } from './name-args.ts';
import { askedByPod, POD_ANNOTATIONS, podAnnotations } from './pod-annotations.ts';
import { portMappingsCapability, toPortMapping } from './port-mappings.ts';
import { bandwidthCapability, readControls } from './traffic-controls.ts';
import { address, interfaceMac } from './workload-values.ts';

export interface WorkloadArgs {
  /** These very addresses, in order; each once. */
  readonly addresses: readonly Ip[];
  /** Whether they may be reserved ones; the file may say so as well. */
  readonly allowsReserved: boolean;
  readonly mac: Mac | undefined;
  /** Ranges or names of pools, instead of the file's; empty: those of the file. */
  readonly pools: { readonly ipv4: readonly string[]; readonly ipv6: readonly string[] };
  /** The endpoint's namespace, from Mesos. */
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** The container by the name that its client knows; a resource's name. */
  readonly workload: string | undefined;
  /** By which its network finds it. */
  readonly names: readonly string[];
  /** Whom it is to ask for names instead of its host, and what for. */
  readonly dns: CniDnsFile;
  /** Limits on its traffic; undefined: none. */
  readonly controls: QosControls | undefined;
  /** Ports of the host that are to lead to it. */
  readonly portMappings: readonly PortMapping[];
}

export const NO_WORKLOAD_ARGS: WorkloadArgs = {
  addresses: [],
  allowsReserved: false,
  mac: undefined,
  pools: { ipv4: [], ipv6: [] },
  namespace: undefined,
  labels: {},
  workload: undefined,
  names: [],
  dns: {},
  controls: undefined,
  portMappings: [],
};

export type CniArgs = ReadonlyMap<string, string>;

type Report = (issue: Issue) => void;

const asked = { ips: optional(list(address)), mac: sparse(interfaceMac, '') };
const pairs = optional(labelPairs);

/** Where CNI's conventions have them (its CONVENTIONS.md: "runtimeConfig" and "args"), and Mesos. */
const workloadFile = object({
  runtimeConfig: optional(
    object({
      ...{ ...asked, ...nameCapabilities, bandwidth: optional(bandwidthCapability) },
      portMappings: optional(portMappingsCapability),
      [POD_ANNOTATIONS]: optional(podAnnotations),
    }),
  ),
  args: optional(
    object({
      cni: optional(object({ ...asked, labels: pairs })),
      'org.apache.mesos': optional(
        object({ network_info: optional(object({ labels: optional(object({ labels: pairs })) })) }),
      ),
    }),
  ),
});

const truth = parsedText('"true" or "false"', tryParseBoolean);

/** A variable of CNI_ARGS; an empty one says nothing. */
function readArgument<T>(args: CniArgs, name: string, scalar: Scalar<T>, report: Report): T | undefined {
  const text = args.get(name) ?? '';
  if (text === '') return undefined;
  const result = readSchema(scalar, text, 'open');
  if (result.kind === 'valid') return result.value;
  for (const { found, wanted } of result.issues) report({ path: `CNI_ARGS ${name}`, found, wanted });
  return undefined;
}

/** The pod's name; for Nomad `job.group`, or `job.group.task`. */
function clientName(args: CniArgs): string {
  const nomad = ['NOMAD_JOB_ID', 'NOMAD_GROUP_NAME', 'NOMAD_TASK_NAME'].map((name) => args.get(name) ?? '');
  return args.get('K8S_POD_NAME') ?? nomad.filter((part) => part !== '').join('.');
}

export interface ReadWorkloadArgs {
  readonly args: WorkloadArgs;
  readonly issues: readonly Issue[];
}

/** Of the whole configuration and CNI_ARGS (CNI's CONVENTIONS.md). */
export function readWorkloadArgs(configuration: JsonObject, args: CniArgs): ReadWorkloadArgs {
  const issues: Issue[] = [];
  const report = (issue: Issue) => void issues.push(issue);
  const file = readSchema(workloadFile, configuration, 'open');
  if (file.kind === 'invalid') issues.push(...file.issues);
  const { runtimeConfig: runtime, args: others } = file.kind === 'valid' ? file.value : {};
  const cni = others?.cni;
  const pod = askedByPod(runtime?.[POD_ANNOTATIONS]);
  const listed = [...(runtime?.ips ?? []), ...(cni?.ips ?? []), ...pod.addresses];
  // "the plugin must ignore the CNI_ARGS Field" where there is something equivalent (CNI's CONVENTIONS.md, "CNI_ARGS")
  const ip = listed.length > 0 ? undefined : readArgument(args, 'IP', address, report);
  const addresses = ip === undefined ? listed : [ip];
  const macs = [runtime?.mac, cni?.mac, pod.mac, readArgument(args, 'MAC', interfaceMac, report)].filter(
    (mac) => mac !== undefined,
  );
  if (new Set(macs).size > 1) report({ path: 'MAC address', found: macs.join(', '), wanted: 'the same everywhere' });
  const mesos = computeMesosLabels(others?.['org.apache.mesos']?.network_info?.labels?.labels ?? []);
  const labels = {
    ...networkLabels(configuration),
    ...mesos.labels,
    ...clientLabels(args),
    ...listedLabels(cni?.labels ?? [], report),
    ...argumentLabels(args, report),
  };
  const clientsName = clientName(args);
  const names = [
    ...parseNames([clientsName]),
    ...readArgumentNames(args.get('NAMES') ?? '', report),
    ...(runtime?.aliases?.(configuration.name) ?? []),
  ];
  const workload = {
    addresses: [...new Set(addresses)],
    allowsReserved: readArgument(args, 'ALLOW_RESERVED', truth, report) ?? false,
    mac: macs[0],
    pools: pod.pools,
    namespace: mesos.namespace,
    workload: toResourceName(clientsName),
    names: [...new Set(names)],
    dns: toDnsFile(runtime?.dns),
    labels,
    controls: readControls({ bandwidth: runtime?.bandwidth, annotations: runtime?.[POD_ANNOTATIONS], labels }, report),
    portMappings: (runtime?.portMappings ?? []).map(toPortMapping),
  };
  return { args: workload, issues };
}
