// datastore export and import: the whole content of a store as text, and back into an empty store.
// Three parts with `===` between them, as Calico writes them: resources as YAML, ClusterInformation and addresses as JSON.
import { OcicatError } from '../../base/errors.ts';
import { parseJson, printJson } from '../../base/json.ts';
import { IPAM_PREFIX, RESOURCES_PREFIX, tryParseKey } from '../../datastore/keys.ts';
import { type Datastore, MAX_TRANSACTION_WRITES, type Write } from '../../datastore/port.ts';
import { printResourceKey } from '../../datastore/resource/resource-codec.ts';
import { getResource } from '../../datastore/resource/resources.ts';
import { findKind } from '../../model/kinds.ts';
import { readResource } from '../../model/meta/kind.ts';
import { membersOf } from '../../schema/document.ts';
import { dryRunNote, flagValues, type Handler } from '../cli/command.ts';
import { readBlock } from '../ipam/read.ts';
import { printYaml } from '../manifest/yaml.ts';
import { withStore } from '../store/context.ts';
import { isLocked } from '../store/datastore-lock.ts';

const SEPARATOR = '===\n';
const CLUSTER = { kind: 'ClusterInformation', name: 'default' } as const;
const NOT_LOCKED =
  'datastore is not locked. Run the `calicoctl datastore migrate lock` command in order to begin migration';

/** Everything as it stands, so that nothing is lost that this program does not know. */
export const runExport: Handler = (invocation) =>
  withStore(invocation, async (datastore) => {
    const { signal, stdio } = invocation;
    if (!(await isLocked(datastore, signal))) throw new OcicatError('not-ready', NOT_LOCKED);
    const cluster = await getResource(datastore, CLUSTER, signal);
    const resources = await datastore.list(RESOURCES_PREFIX, {}, signal);
    const addresses = await datastore.list(IPAM_PREFIX, {}, signal);
    for (const { key, value } of resources.kvs) {
      if (key !== printResourceKey(CLUSTER)) stdio.write(`---\n${printYaml(parseJson(value))}`);
    }
    stdio.write(SEPARATOR);
    stdio.write(`${printJson(cluster, 2)}\n${SEPARATOR}`);
    const entries = addresses.kvs.map(({ key, value }) => [
      key.slice(IPAM_PREFIX.length),
      value === '' ? '' : parseJson(value),
    ]);
    stdio.write(`${printJson(Object.fromEntries(entries), 2)}\n`);
    return 0;
  });

/** A resource as it stood. Throws `invalid` for what is none. */
function toWrite(value: unknown): Write {
  const members = membersOf(value);
  const metadata = membersOf(members?.metadata);
  const { kind } = members ?? {};
  if (typeof kind !== 'string' || typeof metadata?.name !== 'string') {
    throw new OcicatError('invalid', 'import: the first part holds something that is no resource');
  }
  const namespace = typeof metadata.namespace === 'string' ? metadata.namespace : undefined;
  const key = printResourceKey({ kind, namespace, name: metadata.name });
  return { kind: 'put', key, value: printJson(inStoredOrder(kind, value)) };
}

/** YAML sorts names; the store has them in the order of the kind. What breaks the kind's rules stays as it is. */
function inStoredOrder(kindName: string, value: unknown): unknown {
  const kind = findKind(kindName);
  const result = kind === undefined ? undefined : readResource(kind, value, 'stored');
  if (result?.kind === 'valid') return result.value;
  const { kind: name, apiVersion, metadata, spec, status } = membersOf(value) ?? {};
  return { kind: name, apiVersion, metadata, spec, status };
}

/** A block that nobody can read would take its addresses with it. Throws `corrupt`. */
function checkBlock(key: string, text: string): void {
  if (tryParseKey(key)?.kind !== 'block') return;
  readBlock(key, text);
}

async function readParts(text: string): Promise<readonly Write[]> {
  const [resources = '', cluster, addresses, ...rest] = text.split(/^===\n/m);
  if (cluster === undefined || addresses === undefined || rest.length > 0) {
    throw new OcicatError('invalid', 'import: wanted three parts with "===" between them, as export writes them');
  }
  const { parseDocuments } = await import('../manifest/documents.ts');
  const writes = parseDocuments('import', resources).map((document) => toWrite(document.value));
  const entries = Object.entries(membersOf(parseJson(addresses)) ?? {});
  const held = entries.map(([key, value]): Write => {
    const text = value === '' ? '' : printJson(value);
    checkBlock(IPAM_PREFIX + key, text);
    return { kind: 'put', key: IPAM_PREFIX + key, value: text };
  });
  return [...writes, ...held];
}

async function isEmpty(datastore: Datastore, signal: AbortSignal): Promise<boolean> {
  const [resources, addresses] = await Promise.all([
    datastore.list(RESOURCES_PREFIX, { keysOnly: true }, signal),
    datastore.list(IPAM_PREFIX, { keysOnly: true }, signal),
  ]);
  return resources.kvs.length + addresses.kvs.length === 0;
}

/** The lock comes first and stays, so that an import that is interrupted is seen. */
export const runImport: Handler = async (invocation) => {
  const { stdio, signal } = invocation;
  const [path, ...more] = flagValues(invocation, 'filename');
  if (path === undefined || more.length > 0) throw new OcicatError('invalid', 'import: needs one -f FILE');
  const { readManifests } = await import('../manifest/files.ts');
  const [file, ...others] = await readManifests(path, false, stdio);
  if (file === undefined || others.length > 0 || (path !== '-' && file.source !== path)) {
    throw new OcicatError('invalid', `import: "${path}" is a folder, wanted the file that export printed`);
  }
  const { text } = file;
  const writes = await readParts(text);
  const cluster = lockedCluster(parseJson(text.split(/^===\n/m)[1] ?? '{}'));
  await withStore(invocation, async (datastore) => {
    if (!(await isEmpty(datastore, signal))) throw new OcicatError('already-exists', 'import: the store is not empty');
    const all: readonly Write[] = [cluster, ...writes];
    for (let at = 0; at < all.length; at += MAX_TRANSACTION_WRITES) {
      const part = all.slice(at, at + MAX_TRANSACTION_WRITES);
      const conditions = part.map(({ key }) => ({ key, modRevision: 0 }));
      const result = await datastore.commit({ conditions, writes: part }, signal);
      if (result.kind === 'conflict') throw new OcicatError('conflict', 'import: somebody else writes into the store');
    }
  });
  const note = dryRunNote(invocation);
  stdio.write(
    `Imported ${writes.length} entries${note}. Unlock the store with \`calicoctl datastore migrate unlock\`.\n`,
  );
  return 0;
};

/** ClusterInformation as it was, but locked and without the revision of the other store. */
function lockedCluster(value: unknown): Write {
  const { kind, apiVersion, metadata, spec } = membersOf(value) ?? {};
  const { resourceVersion, ...rest } = membersOf(metadata) ?? {};
  const locked = { kind, apiVersion, metadata: rest, spec: { ...membersOf(spec), datastoreReady: false } };
  return { kind: 'put', key: printResourceKey(CLUSTER), value: printJson(locked) };
}
