// Answers of our own: to what is asked about containers, and where nothing can be found out.
import { encode, type OptAnswer, type Answer as Record } from 'dns-packet';
import { formatIp, type Ip, isIpv4 } from '../net/ip.ts';
import { LARGE_BYTES, type Query } from './query.ts';
import { CODE, FLAG, HEADER_BYTES, TYPE, viewOf } from './wire.ts';

/** Containers come and go: who remembers an address remembers it for so long. */
const TTL_SECONDS = 5;
/** More would not fit into a message; whoever has so many of one name needs no more. */
const MAX_RECORDS = 1_000;

/** What is known of a name, whatever type of record is asked for. */
export interface Known {
  readonly addresses: readonly Ip[];
  /** Of reverse names. */
  readonly names: readonly string[];
}

const NOTHING: Known = { addresses: [], names: [] };
const ANSWER = FLAG.authoritative | FLAG.recursionAvailable;

function option({ edns }: Query): readonly OptAnswer[] {
  if (edns === undefined) return [];
  const flags = edns.dnssecOk ? 0x8000 : 0;
  const fixed = { extendedRcode: 0, ednsVersion: 0, flag_do: edns.dnssecOk, options: [] };
  return [{ type: 'OPT', name: '.', udpPayloadSize: LARGE_BYTES, flags, ...fixed }];
}

function recordsOf({ name = '', type }: Query, { addresses, names }: Known): readonly Record[] {
  const asks = (one: number) => type === one || type === TYPE.ANY;
  const common = { name, ttl: TTL_SECONDS, class: 'IN' } as const;
  return [
    ...addresses.flatMap((ip): readonly Record[] => {
      const data = formatIp(ip);
      if (isIpv4(ip)) return asks(TYPE.A) ? [{ ...common, type: 'A', data }] : [];
      return asks(TYPE.AAAA) ? [{ ...common, type: 'AAAA', data }] : [];
    }),
    ...(asks(TYPE.PTR) ? names.map((data): Record => ({ ...common, type: 'PTR', data })) : []),
  ];
}

/** Another one comes first each time, so that those with one name share what is asked of it. */
function rotate<T>(list: readonly T[], by: number): readonly T[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

/** The question stands as it was asked: whoever writes names in mixed case looks for that. */
function print(query: Query, flags: number, records: readonly Record[]): Uint8Array {
  const { id, question } = query;
  const asked = flags | (query.flags & (FLAG.recursionDesired | FLAG.checkingDisabled));
  const whole = encode({ type: 'response', id, flags: asked, answers: [...records], additionals: [...option(query)] });
  const answer = new Uint8Array(whole.length + question.length);
  answer.set(whole.subarray(0, HEADER_BYTES));
  viewOf(answer).setUint16(4, 1);
  answer.set(question, HEADER_BYTES);
  answer.set(whole.subarray(HEADER_BYTES), HEADER_BYTES + question.length);
  return answer;
}

/** `maxBytes`: what the way back takes. */
export function answerKnown(query: Query, known: Known, maxBytes: number): Uint8Array {
  const records = rotate(recordsOf(query, known), query.id).slice(0, MAX_RECORDS);
  const answer = print(query, ANSWER, records);
  return answer.length <= maxBytes ? answer : answerCut(query, ANSWER);
}

/** Without its records, so that it is asked again by TCP. */
export function answerCut(query: Query, flags = 0): Uint8Array {
  return print(query, flags | FLAG.recursionAvailable | FLAG.truncated, []);
}

/** There is no such name. */
export function answerNoName(query: Query): Uint8Array {
  return print(query, ANSWER | CODE.noName, recordsOf(query, NOTHING));
}

/** `refused`: not for whoever asks; `failure`: it cannot be found out. */
export function answerCode(query: Query, code: 'refused' | 'failure'): Uint8Array {
  return print(query, FLAG.recursionAvailable | CODE[code], []);
}
