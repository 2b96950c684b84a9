// What a runtime asks of the traffic of a container: CNI's capability "bandwidth" (its CONVENTIONS.md), and Calico's controls as
// annotations of the pod or labels of the container ("QoS controls" of its documentation).
import type { Issue } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { tryParseQuantity } from '../../base/quantity.ts';
import { type QosControls, qosControls } from '../../model/endpoint/qos-controls.ts';
import { integer, parsedText } from '../../schema/scalars.ts';
import { type Fields, object, optional, type Scalar, type Schema } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { POD_ANNOTATIONS } from './pod-annotations.ts';

const PREFIX = 'qos.projectcalico.org/';

/** 0 is no limit, as in the reference plugin "bandwidth". */
const bits = optional(integer(0, Number.MAX_SAFE_INTEGER, 'bits'));
const capability = object({ ingressRate: bits, ingressBurst: bits, egressRate: bits, egressBurst: bits });

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
const named: Fields = Object.fromEntries(
  Object.entries(known).map(([name, { schema }]) => [`${PREFIX}${name}`, optional(inText(schema))]),
);
const texts = object(named);
const file = object({
  runtimeConfig: optional(object({ bandwidth: optional(capability), [POD_ANNOTATIONS]: optional(texts) })),
});

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
  return Object.fromEntries(Object.entries(asked).map(([name, value]) => [name.slice(PREFIX.length), value]));
}

/** Labels go before annotations, and these before the capability; undefined: nothing is asked. */
export function readControls(
  configuration: JsonObject,
  labels: Readonly<Record<string, string>>,
  report: Report,
): QosControls | undefined {
  const { runtimeConfig: runtime } = read(file, configuration, report) ?? {};
  const asked = {
    ...ofCapability(runtime?.bandwidth),
    ...ofTexts(runtime?.[POD_ANNOTATIONS]),
    ...ofTexts(read(texts, labels, report, 'labels.')),
  };
  if (Object.keys(asked).length === 0) return undefined;
  return read(qosControls, asked, report, 'runtimeConfig.bandwidth: ');
}
