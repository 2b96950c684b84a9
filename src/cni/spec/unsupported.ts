// What a network's file or its runtime may ask of Calico's plugin and this one cannot do: refused by key and value, with CNI's
// code for it (CNI spec 1.1.0, "Error").
import type { Issue } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json.ts';
import { describeValue, membersOf } from '../../schema/document.ts';
import { boolean, textThat } from '../../schema/scalars.ts';
import { object, optional, type Scalar, type Schema, sparse } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { POD_ANNOTATIONS } from './pod-annotations.ts';

const only = (value: string): Scalar<string> => textThat(`"${value}"`, (actual) => actual === value);
const nothing = textThat('nothing', () => false);
const notFree: Scalar<boolean> = {
  ...boolean,
  wanted: 'false: requested feature is not supported for this runtime: ip_addrs_no_ipam',
  read: (value) => (value === false ? value : undefined),
};
const never = optional(textThat('nothing: it is not supported', () => false));

/** Settings that would make the network another one than this program can make. */
const foreignFile = object({
  device_type: sparse(only('veth'), ''),
  datastore_type: sparse(only('etcdv3'), ''),
  dataplane_options: optional(object({ type: sparse(nothing, '') })),
  feature_control: optional(object({ ip_addrs_no_ipam: optional(notFree) })),
});

/** Of a pod. */
const foreignAnnotations = object({
  'cni.projectcalico.org/ipAddrsNoIpam': never,
  'cni.projectcalico.org/floatingIPs': never,
  'cni.projectcalico.org/allowedSourcePrefixes': never,
});

function unknownKeys(at: string, value: unknown, known: readonly string[]): readonly Issue[] {
  const unknown = Object.entries(membersOf(value) ?? {}).filter(([name]) => !known.includes(name));
  const wanted = `one of ${known.join(', ')}`;
  return unknown.map(([name, found]) => ({ path: `${at}.${name}`, found: describeValue(found), wanted }));
}

/** Below this program's own key: what is misspelt there is nobody else's. */
const OWN_KEYS: readonly string[] = ['dns', 'labels'];

/** Capability arguments that are acted on. */
const CAPABILITIES: readonly string[] = ['ips', 'mac', 'bandwidth', 'portMappings', 'dns', 'aliases', POD_ANNOTATIONS];

/**
 * A runtime sends what the file says that the plugin can do, and counts on it ("runtimeConfig" in CNI's CONVENTIONS.md). Of those
 * that are not known, another plugin for addresses may be the one that is meant: it reads the same.
 */
function unknownCapabilities({ runtimeConfig }: JsonObject): readonly Issue[] {
  return unknownKeys('runtimeConfig', runtimeConfig, CAPABILITIES);
}

function issuesOf(schema: Schema<unknown>, value: unknown, at = ''): readonly Issue[] {
  const read = readSchema(schema, value, 'open');
  return read.kind === 'valid' ? [] : read.issues.map((issue) => ({ ...issue, path: `${at}${issue.path}` }));
}

function unsupportedAnnotations({ runtimeConfig }: JsonObject): readonly Issue[] {
  const annotations = membersOf(membersOf(runtimeConfig)?.[POD_ANNOTATIONS]) ?? {};
  return issuesOf(foreignAnnotations, annotations, `runtimeConfig["${POD_ANNOTATIONS}"]`);
}

/** Every key and value that asks for what is not there. */
export function findUnsupported(config: JsonObject, isOwnIpam: boolean): readonly Issue[] {
  return [
    ...issuesOf(foreignFile, config),
    ...unsupportedAnnotations(config),
    ...unknownKeys('ocicat', config.ocicat, OWN_KEYS),
    ...(isOwnIpam ? unknownCapabilities(config) : []),
  ];
}
