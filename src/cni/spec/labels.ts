// Labels of a container's endpoint, from each place where a client or a network's file may have them.
import type { Issue } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { isLabelValue, isQualifiedName } from '../../model/meta/names.ts';
import { membersOf } from '../../schema/document.ts';
import { text, textThat } from '../../schema/scalars.ts';
import { list, map, object } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { sanitiseLabel } from './mesos-labels.ts';

type Report = (issue: Issue) => void;
type Labels = Readonly<Record<string, string>>;
type Args = ReadonlyMap<string, string>;
type Pair = readonly [key: string, value: string];

/** As CNI's conventions and Mesos write them. */
export const labelPairs = list(object({ key: text(), value: text() }));

/** Variables of clients that become labels (CRI and podman: the labels that CRI runtimes use; Nomad: names of its own). */
const CLIENT_LABELS: readonly Pair[] = [
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

function isLabelName(name: string): boolean {
  return isQualifiedName(name) && !name.startsWith('projectcalico.org/');
}

function checkLabels(pairs: readonly Pair[], path: string, report: Report): Labels {
  const usable = pairs.filter(([key, value]) => {
    const isUsable = isLabelName(key) && isLabelValue(value);
    if (!isUsable) report({ path, found: `"${key}=${value}"`, wanted: 'a label, not one of projectcalico.org/' });
    return isUsable;
  });
  return Object.fromEntries(usable);
}

/** Of all containers of a network, from its file. */
export const fileLabels = map(
  textThat("a label's name, not one of projectcalico.org/", isLabelName),
  textThat("a label's value", isLabelValue),
);

/** `ocicat.labels`; what is wrong there is an issue of the file's. */
export function networkLabels({ ocicat }: JsonObject): Labels {
  const read = readSchema(fileLabels, membersOf(ocicat)?.labels ?? {}, 'open');
  return read.kind === 'valid' ? read.value : {};
}

/** `args.cni.labels`. */
export function listedLabels(
  listed: readonly { readonly key: string; readonly value: string }[],
  report: Report,
): Labels {
  return checkLabels(
    listed.map(({ key, value }) => [key, value]),
    'args.cni.labels',
    report,
  );
}

/** `LABELS=app:web,tier=front`; programs that take CNI_ARGS apart as libcni does allow one `=` in each. */
export function argumentLabels(args: Args, report: Report): Labels {
  const parts = (args.get('LABELS') ?? '').split(',').filter((part) => part !== '');
  const pairs = parts.map((part): Pair => {
    const at = part.search(/[:=]/);
    return [part.slice(0, Math.max(at, 0)), part.slice(at + 1)];
  });
  return checkLabels(pairs, 'CNI_ARGS LABELS', report);
}

/** What clients say of a container without being asked, made fit to be labels. */
export function clientLabels(args: Args): Labels {
  const labels = CLIENT_LABELS.map(([variable, label]): Pair => {
    const value = sanitiseLabel(args.get(variable) ?? '').slice(0, MAX_VALUE_LENGTH);
    return [label, sanitiseLabel(value)];
  });
  return Object.fromEntries(labels.filter(([, value]) => isLabelValue(value) && value !== ''));
}
