// Runs a packet through a ruleset in memory, statement by statement; the tests' measure of what rendered rules mean.
import { type Ip, isIpv4 } from '../../../src/net/ip.ts';
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6 } from '../../../src/net/protocol.ts';
import {
  bytesOfInterfaceName,
  bytesOfIp,
  bytesOfU8,
  bytesOfU16,
  hostBytesOfU32,
  maskBytes,
  padToWord,
} from '../../../src/nftables/bytes.ts';
import { ADDRESS_LOCAL, NFPROTO_IPV4, NFPROTO_IPV6 } from '../../../src/nftables/fields.ts';
import { splitInterval } from '../../../src/nftables/keys.ts';
import {
  type Bytes,
  type Field,
  type NftSet,
  type Ruleset,
  type Statement,
  type Verdict,
  verdictIn,
} from '../../../src/nftables/nft.ts';

/** The first packet of a connection. `sport` and `dport` for protocols with ports, `type` and `code` for ICMP. */
export interface ModelPacket {
  readonly iifname: string;
  readonly oifname: string;
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly sport: number;
  readonly dport: number;
  readonly type: number;
  readonly code: number;
}

export interface ModelResult {
  readonly verdict: 'accept' | 'drop';
  /** Lines logged on the way. */
  readonly logged: number;
  /** The packet's mark at the end. */
  readonly mark: number;
}

const STATE_NEW = 8;
const WITH_PORTS = new Set([6, 17, 132, 136]);

/** Undefined where a packet has no such field: the rule does not match then. */
function fieldOf(packet: ModelPacket, field: Field): Bytes | undefined {
  const isFour = isIpv4(packet.source);
  const hasPorts = WITH_PORTS.has(packet.protocol);
  const isIcmp = packet.protocol === PROTOCOL_ICMP || packet.protocol === PROTOCOL_ICMPV6;
  const only = (holds: boolean, bytes: () => Bytes): Bytes | undefined => (holds ? bytes() : undefined);
  switch (field) {
    case 'iif':
      return hostBytesOfU32(packet.iifname === '' ? 0 : 1);
    case 'iifname':
    case 'oifname':
      return bytesOfInterfaceName(packet[field]);
    case 'nfproto':
      return bytesOfU8(isFour ? NFPROTO_IPV4 : NFPROTO_IPV6);
    case 'l4proto':
      return bytesOfU8(packet.protocol);
    case 'ct-state':
      return hostBytesOfU32(STATE_NEW);
    case 'flow-saddr4':
      return only(isFour, () => bytesOfIp(packet.source));
    case 'answer-saddr4':
      return only(isFour, () => bytesOfIp(packet.destination));
    case 'flow-saddr6':
      return only(!isFour, () => bytesOfIp(packet.source));
    case 'answer-saddr6':
      return only(!isFour, () => bytesOfIp(packet.destination));
    case 'saddr4':
      return only(isFour, () => bytesOfIp(packet.source));
    case 'daddr4':
      return only(isFour, () => bytesOfIp(packet.destination));
    case 'saddr6':
      return only(!isFour, () => bytesOfIp(packet.source));
    case 'daddr6':
      return only(!isFour, () => bytesOfIp(packet.destination));
    case 'iifgroup':
    case 'oifgroup':
      return hostBytesOfU32(0); // the kernel's default
    case 'arp-operation':
    case 'arp-sender':
      return undefined;
    case 'daddr-type':
      return hostBytesOfU32(ADDRESS_LOCAL);
    case 'sport':
      return only(hasPorts, () => bytesOfU16(packet.sport));
    case 'dport':
      return only(hasPorts, () => bytesOfU16(packet.dport));
    case 'icmp-type':
    case 'icmpv6-type':
      return only(isIcmp, () => bytesOfU8(packet.type));
    case 'icmp-code':
    case 'icmpv6-code':
      return only(isIcmp, () => bytesOfU8(packet.code));
    case 'icmp-type-code':
      return only(isIcmp, () => bytesOfU16(packet.type * 256 + packet.code));
  }
}

function keyOf(
  packet: ModelPacket,
  fields: readonly Field[],
  prefixLengths: readonly number[] = [],
): Bytes | undefined {
  const parts = fields.map((field, index) => {
    const value = fieldOf(packet, field);
    const bits = prefixLengths[index];
    return value === undefined || bits === undefined ? value : masked(value, maskBytes(bits, value.length));
  });
  if (parts.some((part) => part === undefined)) return undefined;
  return parts.length === 1 ? parts[0] : parts.map((part) => padToWord(part ?? '')).join('');
}

function find({ spec, elements }: NftSet, key: Bytes): { readonly verdict: Verdict | undefined } | undefined {
  if (!spec.interval) return elements.has(key) ? { verdict: verdictIn(elements.get(key)) } : undefined;
  for (const [range, value] of elements) {
    const [first, last] = splitInterval(spec, range);
    if (first <= key && key <= last) return { verdict: verdictIn(value) };
  }
  return undefined;
}

function masked(value: Bytes, mask: Bytes): Bytes {
  return [...value].map((char, at) => String.fromCharCode(char.charCodeAt(0) & mask.charCodeAt(at))).join('');
}

interface Run {
  readonly ruleset: Ruleset;
  readonly packet: ModelPacket;
  mark: number;
  logged: number;
}

function mustHave<T>(map: ReadonlyMap<string, T>, name: string): T {
  const found = map.get(name);
  if (found === undefined) throw new Error(`"${name}" is not there`);
  return found;
}

/** Goes on (true), ends the rule (false), or decides. */
function runStatement(run: Run, statement: Statement): boolean | Verdict {
  const { packet, ruleset } = run;
  switch (statement.kind) {
    case 'compare':
    case 'prefix':
    case 'range': {
      const value = fieldOf(packet, statement.field);
      if (value === undefined) return false;
      if (statement.kind === 'range')
        return (statement.first <= value && value <= statement.last) !== statement.negated;
      const bits = statement.kind === 'prefix' ? statement.prefixLength : value.length * 8;
      return (masked(value, maskBytes(bits, value.length)) === statement.value) !== statement.negated;
    }
    case 'name-prefix':
      return packet[statement.field].startsWith(statement.value);
    case 'lookup': {
      const key = keyOf(packet, statement.fields, statement.prefixLengths);
      return (
        key !== undefined && (find(mustHave(ruleset.sets, statement.set), key) !== undefined) !== statement.negated
      );
    }
    case 'verdict-map': {
      const key = keyOf(packet, statement.fields);
      return key === undefined ? false : (find(mustHave(ruleset.sets, statement.map), key)?.verdict ?? false);
    }
    case 'ct-states':
      return (STATE_NEW & statement.bits) !== 0;
    case 'beyond-flows':
    case 'beyond-rate':
    case 'beyond-rate-each':
    case 'beyond-connections':
      return false; // one packet is never too many
    case 'mark-is':
      return (run.mark & statement.bits) === statement.bits;
    case 'mark-set':
      run.mark |= statement.bits;
      return true;
    case 'mark-clear':
      run.mark &= ~statement.bits;
      return true;
    case 'limit':
      return true; // the first packet is always within it
    case 'log':
      run.logged++;
      return true;
    case 'destination-translated':
      return false;
    case 'counter':
    case 'set-dscp':
    case 'notrack':
    case 'masquerade':
    case 'source-nat':
    case 'destination-nat':
    case 'destination-nat-map':
      return true;
    case 'reject':
      return { kind: 'drop' };
    case 'verdict':
      return statement.verdict;
  }
}

function runRule(run: Run, statements: readonly Statement[]): Verdict | undefined {
  for (const statement of statements) {
    const outcome = runStatement(run, statement);
    if (outcome === false) return undefined;
    if (outcome !== true) return outcome;
  }
  return undefined;
}

/** Undefined when the packet comes back undecided. */
function runChain(run: Run, name: string): 'accept' | 'drop' | undefined {
  for (const { statements } of mustHave(run.ruleset.chains, name).rules) {
    const verdict = runRule(run, statements);
    if (verdict === undefined) continue;
    if (!('chain' in verdict)) return verdict.kind === 'return' ? undefined : verdict.kind;
    const inner = runChain(run, verdict.chain);
    if (inner !== undefined || verdict.kind === 'goto') return inner;
  }
  return undefined;
}

/** Through one base chain, whose policy is accept. `mark`: what the packet comes with. */
export function runPacket(ruleset: Ruleset, baseChain: string, packet: ModelPacket, mark = 0): ModelResult {
  const run: Run = { ruleset, packet, mark, logged: 0 };
  const verdict = runChain(run, baseChain) ?? 'accept';
  return { verdict, logged: run.logged, mark: run.mark };
}
