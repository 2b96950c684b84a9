// What a runtime asks of the traffic of a container: CNI's capability "bandwidth" (its CONVENTIONS.md), and Calico's controls as
// annotations of the pod or labels of the container ("QoS controls" of its documentation).
import type { Issue } from '../../base/errors.ts';
import { tryParseQuantity } from '../../base/quantity.ts';
import { bandwidth, burst, type QosControls, qosControls } from '../../model/endpoint/qos-controls.ts';
import { parsedText } from '../../schema/scalars.ts';
import {
  type Field,
  type Fields,
  type Infer,
  object,
  optional,
  type Scalar,
  type Schema,
} from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';

const PREFIX = 'qos.projectcalico.org/';

/** 0 is no limit, as in the reference plugin "bandwidth". */
function orNone(limit: Scalar<number>): Scalar<number> {
  return { ...limit, wanted: `${limit.wanted}, or 0 for none`, read: (value) => (value === 0 ? 0 : limit.read(value)) };
}

const [rate, size] = [optional(orNone(bandwidth)), optional(orNone(burst))];
export const bandwidthCapability = object({
  ingressRate: rate,
  ingressBurst: size,
  egressRate: rate,
  egressBurst: size,
});

/** An amount such as `10M`, rounded up; of what is none the text, as names of marks are. */
function inText(schema: Schema<unknown>): Scalar<unknown> {
  const wanted = schema.shape === 'scalar' ? schema.wanted : 'a value';
  return parsedText<unknown>(`${wanted}, as a text such as "10M"`, (text) => {
    const amount = tryParseQuantity(text);
    const result = readSchema(schema, amount === undefined ? text : Math.ceil(amount), 'open');
    return result.kind === 'valid' ? result.value : undefined;
  });
}

const known: Fields = qosControls.fields;
/** By the names that they have as annotations and labels. */
export const controlTexts: Readonly<Record<`${typeof PREFIX}${string}`, Field<unknown, 'optional'>>> =
  Object.fromEntries(Object.entries(known).map(([name, { schema }]) => [`${PREFIX}${name}`, optional(inText(schema))]));
const texts = object(controlTexts);

type Report = (issue: Issue) => void;
type Values = Readonly<Record<string, unknown>>;

function read<T>(schema: Schema<T>, value: unknown, report: Report, at = ''): T | undefined {
  const result = readSchema(schema, value, 'open');
  if (result.kind === 'valid') return result.value;
  for (const issue of result.issues) report({ ...issue, path: `${at}${issue.path}` });
  return undefined;
}

function ofCapability(asked: Values = {}): Values {
  const entries = (['ingress', 'egress'] as const).flatMap((direction) => {
    const [rate, burst] = [asked[`${direction}Rate`] || undefined, asked[`${direction}Burst`] || undefined];
    if (rate === undefined) return [];
    return [[`${direction}Bandwidth`, rate], ...(burst === undefined ? [] : [[`${direction}Burst`, burst]])];
  });
  return Object.fromEntries(entries);
}

function ofTexts(asked: Values = {}): Values {
  const ours = Object.entries(asked).filter(([name]) => name.startsWith(PREFIX));
  return Object.fromEntries(ours.map(([name, value]) => [name.slice(PREFIX.length), value]));
}

export interface AskedControls {
  readonly bandwidth: Infer<typeof bandwidthCapability> | undefined;
  /** As `controlTexts` reads them, among others. */
  readonly annotations: Values | undefined;
  /** As they came. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Labels go before annotations, and these before the capability; undefined: nothing is asked. */
export function readControls(
  { bandwidth, annotations, labels }: AskedControls,
  report: Report,
): QosControls | undefined {
  const labelled = read(texts, labels, report, 'labels');
  const asked = { ...ofCapability(bandwidth), ...ofTexts(annotations), ...ofTexts(labelled) };
  return Object.keys(asked).length === 0 ? undefined : read(qosControls, asked, report);
}
