// CalicoNodeStatus: a question about one node, which its agent answers in `status` (Calico v3.33,
// api/pkg/apis/projectcalico/v3/nodestatus.go).

import { choice, integer, text } from '../../schema/scalars.ts';
import { filled, type Infer, list, object, required, sparse } from '../../schema/schema.ts';
import { joinItems } from '../meta/cells.ts';
import { defineKind } from '../meta/kind.ts';
import { resourceName } from '../meta/names.ts';
import { timestamp } from '../meta/resource.ts';

const MAX_UPDATE_PERIOD_S = 86_400;

/** Annotations of an answer, for what Calico's status has no place for. */
export const ANSWER_ANNOTATIONS = {
  /** Resources that BIRD refuses. */
  leftOut: 'ocicat/left-out',
  /** Peers that get and give nothing, since a filter of theirs is missing. */
  closed: 'ocicat/closed',
  /** Tunnels to other hosts. */
  tunnels: 'ocicat/tunnels',
  /** Of the addresses that ASK_ADDRESSES names those that are there, with spaces between, or `none`. */
  addresses: 'ocicat/addresses',
} as const;

/** Annotation of a question: addresses, with spaces between; which of them are there in any network namespace of the host? */
export const ASK_ADDRESSES = 'ocicat/ask-addresses';

type Annotations = Readonly<Record<string, string>>;

/** Annotations without those of an answer, and with these in their place. */
export function replaceAnswerAnnotations(annotations: Annotations = {}, answer: Annotations = {}): Annotations {
  const names: readonly string[] = Object.values(ANSWER_ANNOTATIONS);
  const isAnswer = ([name]: readonly [string, string]) => names.includes(name);
  const others = Object.entries(annotations).filter((entry) => !isAnswer(entry));
  return Object.fromEntries([...others, ...Object.entries(answer).filter(isAnswer)]);
}

const spec = object({
  node: required(resourceName, 'The node.'),
  classes: required(list(choice('Agent', 'BGP', 'Routes'), { minItems: 1, unique: true }), 'What to report.'),
  updatePeriodSeconds: required(integer(0, MAX_UPDATE_PERIOD_S), 'How often to report; 0 reports once.'),
});

const daemon = object({
  state: sparse(choice('Ready', 'NotReady'), 'Whether it works.'),
  version: sparse(text(), 'Its version.'),
  routerID: sparse(text(), 'Its router id.'),
  lastBootTime: sparse(text(), 'When it started.'),
  lastReconfigurationTime: sparse(text(), 'When it was last configured.'),
});

const peers = list(
  object({
    peerIP: sparse(text(), 'The address.'),
    type: sparse(choice('NodeMesh', 'NodePeer', 'GlobalPeer'), 'Why it is a peer.'),
    state: sparse(
      choice('Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established', 'Close'),
      'The state of the session.',
    ),
    since: sparse(text(), 'Since when.'),
  }),
);

const routes = list(
  object({
    type: sparse(choice('FIB', 'RIB'), 'Whether the kernel uses it.'),
    destination: sparse(text(), 'The range.'),
    gateway: sparse(text(), 'The next hop.'),
    interface: sparse(text(), 'The interface.'),
    learnedFrom: filled(
      object({
        sourceType: sparse(choice('Kernel', 'Static', 'Direct', 'NodeMesh', 'BGPPeer'), 'Where it comes from.'),
        peerIP: sparse(text(), 'The peer that sent it.'),
      }),
      {},
      'Where it comes from.',
    ),
  }),
);

const count = integer(0, Number.MAX_SAFE_INTEGER);

const status = object({
  lastUpdated: sparse(timestamp, 'When the agent last reported.'),
  agent: filled(
    object({
      birdV4: filled(daemon, {}, 'The BGP program for IPv4.'),
      birdV6: filled(daemon, {}, 'The BGP program for IPv6.'),
    }),
    { birdV4: {}, birdV6: {} },
    'The programs of the node.',
  ),
  bgp: filled(
    object({
      numberEstablishedV4: filled(count, 0, 'IPv4 sessions that are up.'),
      numberNotEstablishedV4: filled(count, 0, 'IPv4 sessions that are not.'),
      numberEstablishedV6: filled(count, 0, 'IPv6 sessions that are up.'),
      numberNotEstablishedV6: filled(count, 0, 'IPv6 sessions that are not.'),
      peersV4: sparse(peers, 'IPv4 peers.'),
      peersV6: sparse(peers, 'IPv6 peers.'),
    }),
    { numberEstablishedV4: 0, numberNotEstablishedV4: 0, numberEstablishedV6: 0, numberNotEstablishedV6: 0 },
    'The BGP sessions.',
  ),
  routes: filled(
    object({
      routesV4: sparse(routes, 'IPv4 routes.'),
      routesV6: sparse(routes, 'IPv6 routes.'),
    }),
    {},
    'The routes.',
  ),
});

export type CalicoNodeStatusSpec = Infer<typeof spec>;
export type CalicoNodeStatusStatus = Infer<typeof status>;

export const calicoNodeStatus = defineKind({
  name: 'CalicoNodeStatus',
  plural: 'caliconodestatuses',
  aliases: ['caliconodestatus', 'nodestatus', 'nodestatuses'],
  doc: "A question about one node; the node's agent answers it in `status`.",
  spec,
  status: { schema: status, always: true },
  columns: [
    { heading: 'NAME', value: (one) => one.metadata.name },
    { heading: 'NODE', value: (one) => one.spec.node ?? '' },
    { heading: 'CLASSES', value: (one) => joinItems(one.spec.classes) },
  ],
  table: ['NAME', 'NODE'],
  wideTable: ['NAME', 'NODE', 'CLASSES'],
});

interface Answered {
  readonly kind: string;
  readonly metadata: { readonly annotations?: Annotations | undefined };
  readonly status?: unknown;
}

/**
 * What a user writes, with the answer that stands: one that was read and is written again with the question is older. A
 * resource of another kind as it is.
 */
export function keepAnswer<R extends Answered>(written: R, { metadata, status }: Answered): R {
  if (written.kind !== 'CalicoNodeStatus' || status === undefined) return written;
  const annotations = replaceAnswerAnnotations(written.metadata.annotations, metadata.annotations);
  const isPlain = Object.keys(annotations).length === 0;
  return { ...written, metadata: { ...written.metadata, annotations: isPlain ? undefined : annotations }, status };
}
