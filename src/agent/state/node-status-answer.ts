// One answer to a CalicoNodeStatus: BIRD is asked, and what it says is written into the resource if it is news.
import { sameContent } from '../../base/equal.ts';
import { isOcicatError } from '../../base/errors.ts';
import { observeBirdProtocols } from '../../bird/protocols.ts';
import { observeBirdRoutes } from '../../bird/routes.ts';
import { observeBirdStatus } from '../../bird/status.ts';
import {
  parseStoredResource,
  printResource,
  printResourceKey,
  type StoredResource,
} from '../../datastore/resource/resource-codec.ts';
import type { TransactionBuilder } from '../../ipam/transaction-builder.ts';
import { findAddressesInUse } from '../../kernel/link/netns-addresses.ts';
import { observeTunnels } from '../../kernel/reconcile/tunnel-status.ts';
import { parseStored } from '../../model/meta/stored.ts';
import {
  ASK_ADDRESSES,
  type CalicoNodeStatusSpec,
  calicoNodeStatus,
  replaceAnswerAnnotations,
} from '../../model/node/calico-node-status.ts';
import { membersOf } from '../../schema/document.ts';
import { observeWireguardTunnels } from '../../wireguard/status.ts';
import type { NodeLease } from '../node/node-lease.ts';
import { type BirdAnswers, reportAddresses, reportNodeStatus, reportNotes } from './node-status-report.ts';
import type { RouterNotes } from './router.ts';

export interface AnswerContext {
  readonly nodeName: string;
  readonly nodeLease: Pick<NodeLease, 'require'>;
  /** Undefined on a node without BIRD. */
  readonly birdSocket: string | undefined;
  readonly notes: () => RouterNotes;
}

export interface Answer {
  /** BIRD did not say anything, and should have. */
  readonly isMissing: boolean;
  /** The resource as it is to stand; undefined where nothing is new. */
  readonly text: string | undefined;
}

const NOTHING_ASKED: Answer = { isMissing: false, text: undefined };
const keyOf = (name: string) => printResourceKey({ kind: 'CalicoNodeStatus', name });

function parse(name: string, value: string): StoredResource {
  return parseStoredResource({ key: keyOf(name), value, modRevision: 1 });
}

/** The question alone: an answer that somebody else wrote need not be one that we would. */
function specOf({ status: _answer, ...question }: StoredResource): CalicoNodeStatusSpec {
  return parseStored(calicoNodeStatus, question).spec;
}

/** What a stored text asks for. Throws `corrupt`. */
export function parseQuestion(name: string, value: string): CalicoNodeStatusSpec {
  return specOf(parse(name, value));
}

/** Asks no more than the classes want; undefined when BIRD does not answer. */
async function tryAsk(socketPath: string, classes: CalicoNodeStatusSpec['classes']): Promise<BirdAnswers | undefined> {
  try {
    const wantsRoutes = classes?.includes('Routes') ?? false;
    const wantsProtocols = wantsRoutes || (classes?.includes('BGP') ?? false);
    return {
      status: await observeBirdStatus(socketPath),
      protocols: wantsProtocols ? await observeBirdProtocols(socketPath) : [],
      routes: wantsRoutes ? await observeBirdRoutes(socketPath) : [],
    };
  } catch (error) {
    if (!isOcicatError(error, 'not-found', 'unavailable')) throw error;
    return undefined;
  }
}

/** RFC 3339 in whole seconds, as Calico writes it. */
function formatNow(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Throws `corrupt`, and `not-ready` when the node's name is not this agent's. */
export async function buildAnswer(context: AnswerContext, builder: TransactionBuilder, name: string): Promise<Answer> {
  const value = await builder.get(keyOf(name));
  if (value === undefined) return NOTHING_ASKED;
  const stored = parse(name, value);
  const { node, classes } = specOf(stored);
  if (node !== context.nodeName) return NOTHING_ASKED;
  const { birdSocket } = context;
  const answers = birdSocket === undefined ? undefined : await tryAsk(birdSocket, classes);
  const isMissing = answers === undefined && birdSocket !== undefined;
  const report = reportNodeStatus(classes ?? [], answers);
  const tunnels = [...observeTunnels(), ...(await observeWireguardTunnels())];
  const seen = reportAddresses(stored.metadata.annotations?.[ASK_ADDRESSES], findAddressesInUse);
  const notes = { ...reportNotes(context.notes(), tunnels), ...seen };
  const annotations = replaceAnswerAnnotations(stored.metadata.annotations, notes);
  const { lastUpdated: _, ...before } = membersOf(stored.status) ?? {};
  if (sameContent(before, report) && sameContent(stored.metadata.annotations ?? {}, annotations))
    return { isMissing, text: undefined };
  await context.nodeLease.require(builder);
  const metadata = { ...stored.metadata, annotations };
  const text = printResource({ ...stored, metadata, status: { lastUpdated: formatNow(), ...report } });
  builder.put(keyOf(name), text);
  return { isMissing, text };
}
