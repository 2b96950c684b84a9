// From a stored text to the resource that its key names, and to a value of its kind: one answer for the agent, address assignment
// and calicoctl.
import { formatIssue, OcicatError } from '../../base/errors.ts';
import { isJsonObject, type Json, type JsonObject, parseJson, printJson } from '../../base/json.ts';
import { type Kind, readResource } from './kind.ts';
import { API_VERSION, type Metadata, type Resource, type ResourceName } from './resource.ts';

/** A resource of which identity and metadata have been looked at; its spec is only known to be an object, its status to be there. */
export type StoredDocument = Resource<JsonObject, Json>;

/** Throws `corrupt` with what is wrong. */
type Refuse = (what: string, cause?: unknown) => never;

function parseObject(text: string, refuse: Refuse): JsonObject {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (cause) {
    return refuse('its value is not JSON', cause);
  }
  return isJsonObject(value) ? value : refuse('its value is no JSON object');
}

function isStringMap(value: Json): boolean {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string');
}

const TEXTS: readonly string[] = ['uid', 'creationTimestamp'];
const MAPS: readonly string[] = ['labels', 'annotations'];

/** Go leaves a missing time as null; absent is absent here. What else stands in metadata is kept as it is. */
function readMetadata({ namespace, name }: ResourceName, metadata: Json | undefined, refuse: Refuse): Metadata {
  if (!isJsonObject(metadata)) return refuse('metadata is no object');
  if (metadata.name !== name) return refuse(`metadata.name is ${printMember(metadata.name)}`);
  if ((metadata.namespace ?? undefined) !== namespace)
    return refuse(`metadata.namespace is ${printMember(metadata.namespace)}`);
  const members = Object.entries(metadata).filter(([, value]) => value !== null);
  for (const [field, value] of members) {
    if (TEXTS.includes(field) && typeof value !== 'string') return refuse(`metadata.${field} is no string`);
    if (MAPS.includes(field) && !isStringMap(value)) return refuse(`metadata.${field} is no map of strings`);
  }
  return { ...Object.fromEntries(members), name };
}

function printMember(value: Json | undefined): string {
  return value === undefined ? 'missing' : printJson(value);
}

function readDocument(named: ResourceName, text: string, refuse: Refuse): StoredDocument {
  const value = parseObject(text, refuse);
  if (value.kind !== named.kind) return refuse(`kind is ${printMember(value.kind)}, wanted "${named.kind}"`);
  if (value.apiVersion !== API_VERSION)
    return refuse(`apiVersion is ${printMember(value.apiVersion)}, wanted "${API_VERSION}"`);
  const metadata = readMetadata(named, value.metadata, refuse);
  const spec = value.spec ?? {};
  if (!isJsonObject(spec)) return refuse('spec is no object');
  const status = value.status ?? undefined;
  return {
    kind: named.kind,
    apiVersion: API_VERSION,
    metadata,
    spec,
    ...(status === undefined ? {} : { status }),
  };
}

/** `what` begins the message: `read resource "KEY"`. Throws `corrupt` for what is no resource, or not the one that is named. */
export function parseStoredDocument(what: string, named: ResourceName, text: string): StoredDocument {
  return readDocument(named, text, (why, cause) => {
    throw new OcicatError('corrupt', `${what}: ${why}`, { cause });
  });
}

/** From a stored value to what users see. Throws `corrupt` with every issue when the value breaks the kind's rules. */
export function parseStored<R extends Resource>(kind: Kind<R>, value: unknown): R {
  const result = readResource(kind, value, 'stored');
  if (result.kind === 'valid') return kind.fromStored(result.value);
  const { issues } = result;
  throw new OcicatError('corrupt', `read stored ${kind.name}: ${issues.map(formatIssue).join('; ')}`, { issues });
}

/** As parseStored, from the text that stands under a key that names the resource. */
export function parseStoredText<R extends Resource>(kind: Kind<R>, named: Omit<ResourceName, 'kind'>, text: string): R {
  const { namespace, name } = named;
  const document = parseStoredDocument(`read stored ${kind.name}`, { kind: kind.name, namespace, name }, text);
  return parseStored(kind, document);
}
