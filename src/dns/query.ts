// A question as it comes from a workload: what is none gets the answer that it deserves, or none.
import { type DecodedPacket, decode } from 'dns-packet';
import { CODE, countsOf, FLAG, flagsOf, foldBytes, HEADER_BYTES, idOf, nameOf, questionOf, viewOf } from './wire.ts';

/** What is sent by UDP to who does not say that it takes more (RFC 1035, section 4.2.1). */
const SMALL_BYTES = 512;
/** What passes any network unbroken; DNS Flag Day 2020. */
export const LARGE_BYTES = 1232;

export interface Query {
  readonly id: number;
  /** Name, type and class as they came. */
  readonly question: Uint8Array;
  /** In lower case, without the dot at its end; undefined where it has characters that no name of ours has. */
  readonly name: string | undefined;
  readonly type: number;
  readonly isInternet: boolean;
  readonly flags: number;
  /** EDNS (RFC 6891); undefined where it has none. */
  readonly edns: { readonly dnssecOk: boolean } | undefined;
  /** What an answer by UDP may have. */
  readonly udpBytes: number;
}

export type ReadQuery =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'fault'; readonly answer: Uint8Array }
  /** Whoever sends this is not to be answered, as two that answer each other would never end. */
  | { readonly kind: 'ignored' };

/** The header alone. */
function fault(bytes: Uint8Array, code: number): ReadQuery {
  const answer = new Uint8Array(HEADER_BYTES);
  const view = viewOf(answer);
  view.setUint16(0, idOf(bytes));
  view.setUint16(2, FLAG.response | (flagsOf(bytes) & (FLAG.opcode | FLAG.recursionDesired)) | code);
  return { kind: 'fault', answer };
}

/** One question, and nothing but EDNS and a signature behind it: what else a message may have is not looked at. */
function isShaped(bytes: Uint8Array): boolean {
  const [questions, answers, authorities, additionals] = countsOf(bytes);
  return questions === 1 && answers === 0 && authorities === 0 && additionals <= 2;
}

/** A question that points elsewhere is none either. */
function tryDecode(bytes: Uint8Array): DecodedPacket | undefined {
  try {
    questionOf(bytes);
    return decode(Buffer.from(bytes));
  } catch {
    return undefined;
  }
}

type Edns = Pick<Query, 'edns' | 'udpBytes'>;

function ednsOf({ additionals = [] }: DecodedPacket): Edns | undefined {
  const options = additionals.filter((one) => one.type === 'OPT');
  const [option] = options;
  if (options.length > 1 || (option !== undefined && option.ednsVersion !== 0)) return undefined;
  if (option === undefined) return { edns: undefined, udpBytes: SMALL_BYTES };
  const { udpPayloadSize, flag_do: dnssecOk } = option;
  return { edns: { dnssecOk }, udpBytes: Math.min(LARGE_BYTES, Math.max(SMALL_BYTES, udpPayloadSize)) };
}

/** Never throws. */
export function readQuery(bytes: Uint8Array): ReadQuery {
  if (bytes.length < HEADER_BYTES || (flagsOf(bytes) & FLAG.response) !== 0) return { kind: 'ignored' };
  if ((flagsOf(bytes) & FLAG.opcode) !== 0) return fault(bytes, CODE.notImplemented);
  const packet = isShaped(bytes) ? tryDecode(bytes) : undefined;
  const edns = packet && ednsOf(packet);
  if (edns === undefined) return fault(bytes, CODE.format);
  const question = Uint8Array.from(questionOf(bytes));
  const view = viewOf(question);
  const type = view.getUint16(question.length - 4);
  const isInternet = view.getUint16(question.length - 2) === 1;
  const [id, flags, name] = [idOf(bytes), flagsOf(bytes), nameOf(question)];
  return { kind: 'query', query: { id, question, name, type, isInternet, flags, ...edns } };
}

/** Queries of one key have the same answer, but for their identities and how their names are written. */
export function keyOf({ question, flags, edns }: Query): string {
  const how = [edns === undefined ? 0 : edns.dnssecOk ? 2 : 1, flags & FLAG.checkingDisabled];
  return `${how.join(' ')} ${foldBytes(question)}`;
}
