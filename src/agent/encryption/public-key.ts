// This host's public keys on its Node, where the other hosts read them; written only while the node's name is this agent's.
import { printKey } from '../../datastore/keys.ts';
import type { Datastore } from '../../datastore/port.ts';
import { printResource } from '../../datastore/resource/resource-codec.ts';
import { commitTransaction, type StoreCache } from '../../ipam/commit.ts';
import { parseStoredDocument } from '../../model/meta/stored.ts';
import type { Family } from '../../net/ip.ts';
import { membersOf } from '../../schema/document.ts';
import type { NodeLease } from '../node/node-lease.ts';

export interface PublicationContext {
  readonly nodeName: string;
  readonly datastore: Datastore;
  readonly cache: StoreCache;
  readonly nodeLease: Pick<NodeLease, 'require'>;
}

const FIELDS: Readonly<Record<Family, string>> = { 4: 'wireguardPublicKey', 6: 'wireguardPublicKeyV6' };

/** Undefined: there is to be none. Does nothing while the store has no such node. Throws as a commit does. */
export async function publishKey(
  { nodeName, datastore, cache, nodeLease }: PublicationContext,
  family: Family,
  publicKey: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const named = { kind: 'Node', namespace: undefined, name: nodeName } as const;
  const key = printKey({ kind: 'resource', resourceKind: 'Node', namespace: undefined, name: nodeName });
  await commitTransaction(
    datastore,
    cache,
    async (builder) => {
      await nodeLease.require(builder);
      const text = await builder.get(key);
      if (text === undefined) return;
      const document = parseStoredDocument('read own node', named, text);
      const { [FIELDS[family]]: before, ...others } = membersOf(document.status) ?? {};
      if (before === publicKey) return;
      const status = { ...others, ...(publicKey === undefined ? {} : { [FIELDS[family]]: publicKey }) };
      builder.put(key, printResource({ ...document, status }));
    },
    signal,
  );
}
