// Whether the rules in this host's kernel do with a packet what the policies say, at the ends that are on this host.
import { isOcicatError } from '../base/errors.ts';
import { familyOf, type Ip, isIpv4 } from '../net/ip.ts';
import { hasPorts } from '../net/protocol.ts';
import { bytesOfInterfaceName, bytesOfIp, bytesOfU8, bytesOfU16 } from '../nftables/bytes.ts';
import { fields, NFPROTO_IPV4, NFPROTO_IPV6 } from '../nftables/fields.ts';
import { type JudgedPacket, type Judgement, judgePacket } from '../nftables/judge.ts';
import type { Field } from '../nftables/nft.ts';
import type { ObservedTable } from '../nftables/repair.ts';
import type { Packet } from '../policy/oracle/packet.ts';
import type { Direction } from '../policy/types/types.ts';
import type { Path } from './hosts.ts';
import type { Walk } from './walk.ts';

/** What the kernel says at one end. */
export type KernelAnswer =
  | {
      readonly kind: 'judged';
      readonly agrees: boolean;
      readonly judgement: Judgement;
      readonly packets: number | undefined;
    }
  /** `why`: the reason, for people. */
  | { readonly kind: 'unknown'; readonly why: string };

export type KernelAnswers = Readonly<Record<Direction, KernelAnswer>>;

/** What the rules of a chain have counted, in order. */
interface CountedRules {
  readonly rules: readonly { readonly count: { readonly packets: number } | undefined }[];
}

/** The rules, and what they have counted, by chain. */
interface CountedTable extends ObservedTable {
  readonly counts?: ReadonlyMap<string, CountedRules>;
}

/** What could be read on this host: the name of its node and its rules, or the reason why it could not, for people. */
export interface HostView {
  readonly node: string | undefined;
  readonly table: CountedTable | string;
}

/** Chains that the kernel calls, in order (src/firewall/static.ts): a packet must be accepted in each. */
const CHAINS: Readonly<Record<Path, Readonly<Record<Direction, readonly string[]>>>> = {
  forward: { egress: ['base-prerouting', 'base-forward-egress'], ingress: ['base-forward-ingress'] },
  'to-host': { egress: ['base-prerouting', 'base-input-egress'], ingress: ['base-input-host'] },
  'from-host': { egress: [], ingress: ['base-output'] },
};
/** An interface of the host that is none of a workload. */
const UPLINK = 'uplink';
const META = ['iifname', 'oifname', 'nfproto', 'l4proto'] as const;

function metaKey(field: Field): number {
  const { source } = fields[field];
  return source.kind === 'meta' ? source.key : -1;
}

/** Addresses where rules look for them; all else is zero. */
function networkHeader(source: Ip, destination: Ip): string {
  const before = isIpv4(source) ? 12 : 8;
  return '\0'.repeat(before) + bytesOfIp(source) + bytesOfIp(destination);
}

function transportHeader({ protocol, sourcePort = 0, destinationPort = 0, icmpType, icmpCode = 0 }: Packet): string {
  if (hasPorts(protocol)) return bytesOfU16(sourcePort) + bytesOfU16(destinationPort);
  return icmpType === undefined ? '' : bytesOfU8(icmpType) + bytesOfU8(icmpCode);
}

function toJudged(packet: Packet, iifname: string, oifname: string, isLocal: boolean): JudgedPacket {
  const family = familyOf(packet.source) === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  const values = { iifname: bytesOfInterfaceName(iifname), oifname: bytesOfInterfaceName(oifname) };
  const all = { ...values, nfproto: bytesOfU8(family), l4proto: bytesOfU8(packet.protocol) };
  return {
    isLocal,
    meta: new Map(META.map((field) => [metaKey(field), all[field]])),
    headers: new Map([
      [1, networkHeader(packet.source, packet.destination)],
      [2, transportHeader(packet)],
    ]),
  };
}

/** The first chain that drops it, or the last one. */
function judgeAll(table: ObservedTable, chains: readonly string[], packet: JudgedPacket): Judgement {
  let judgement: Judgement = { verdict: 'accept', rule: undefined };
  for (const chain of chains) {
    judgement = judgePacket(table, chain, packet);
    if (judgement.verdict === 'drop') break;
  }
  return judgement;
}

/** Where one end of the path is judged; undefined where nothing is. */
interface Site {
  readonly node: string;
  /** Of the workload; a host has none. */
  readonly interfaceName: string | undefined;
}

type SiteOf = (walk: Walk) => Site | undefined;

/** A packet and what its policies, or its host, say. */
interface WalkedPacket {
  readonly packet: Packet;
  readonly path: Path;
  readonly egress: Walk;
  readonly ingress: Walk;
}

function answer(walk: Walk, path: Path, view: HostView, packet: JudgedPacket, siteOf: SiteOf): KernelAnswer {
  const site = siteOf(walk);
  if (site === undefined) {
    const isHost = walk.endpoint !== undefined;
    return { kind: 'unknown', why: isHost ? 'the interfaces of hosts are not looked at' : 'no workload is there' };
  }
  if (site.node !== view.node) return { kind: 'unknown', why: 'the endpoint is on another host' };
  if (typeof view.table === 'string') return { kind: 'unknown', why: view.table };
  try {
    const judgement = judgeAll(view.table, CHAINS[path][walk.direction], packet);
    const { verdict, rule } = judgement;
    return {
      kind: 'judged',
      agrees: (verdict === 'accept') === (walk.verdict.action === 'allow'),
      judgement,
      packets: rule && view.table.counts?.get(rule.chain)?.rules[rule.index]?.count?.packets,
    };
  } catch (error) {
    if (!isOcicatError(error, 'unsupported')) throw error;
    return { kind: 'unknown', why: error.message };
  }
}

/** Whether there is anything at that end that the kernel decides. */
export function isAsked({ endpoint }: Walk, answered: KernelAnswer): boolean {
  return endpoint !== undefined || answered.kind === 'judged';
}

/** `workloads`: node and interface of an endpoint, by its id. */
export function askKernel(
  { packet, path, egress, ingress }: WalkedPacket,
  view: HostView,
  workloads: ReadonlyMap<string, { readonly node: string; readonly interfaceName: string }>,
): KernelAnswers {
  const siteOf: SiteOf = ({ endpoint, verdict: { reason } }) => {
    if (endpoint !== undefined) return workloads.get(endpoint);
    return reason.kind === 'to-host' ? { node: reason.host, interfaceName: undefined } : undefined;
  };
  const interfaceAt = (walk: Walk, otherwise: string) => {
    const site = siteOf(walk);
    return site?.node === view.node ? (site?.interfaceName ?? otherwise) : otherwise;
  };
  const names = [
    interfaceAt(egress, path === 'from-host' ? '' : UPLINK),
    interfaceAt(ingress, path === 'to-host' ? '' : UPLINK),
  ] as const;
  const judged = toJudged(packet, ...names, path === 'to-host');
  return {
    egress: answer(egress, path, view, judged, siteOf),
    ingress: answer(ingress, path, view, judged, siteOf),
  };
}
