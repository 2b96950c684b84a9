// Questions that others are asked, and their answers, which are passed on as they came.
import { LARGE_BYTES, type Query } from './query.ts';
import {
  CODE,
  countsOf,
  FLAG,
  flagsOf,
  foldBytes,
  HEADER_BYTES,
  idOf,
  questionOf,
  recordsOf,
  TYPE,
  viewOf,
} from './wire.ts';

const OPTION_BYTES = 11;
const MAX_TTL_SECONDS = 3_600;

/**
 * The same question under an identity of its own. What a workload has put into EDNS besides the size and DNSSEC is between it and
 * its host.
 */
export function printForwarded({ question, flags, edns }: Query, id: number): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + question.length + (edns === undefined ? 0 : OPTION_BYTES));
  const view = viewOf(message);
  view.setUint16(0, id);
  view.setUint16(2, FLAG.recursionDesired | (flags & FLAG.checkingDisabled));
  view.setUint16(4, 1);
  view.setUint16(10, edns === undefined ? 0 : 1);
  message.set(question, HEADER_BYTES);
  if (edns === undefined) return message;
  const at = HEADER_BYTES + question.length;
  view.setUint16(at + 1, TYPE.OPT);
  view.setUint16(at + 3, LARGE_BYTES);
  view.setUint16(at + 7, edns.dnssecOk ? 0x8000 : 0);
  return message;
}

/** Whether it answers the message: anybody who guesses its port could have sent it. */
export function answers(answer: Uint8Array, message: Uint8Array): boolean {
  if (answer.length < HEADER_BYTES || idOf(answer) !== idOf(message)) return false;
  if ((flagsOf(answer) & (FLAG.response | FLAG.opcode)) !== FLAG.response || countsOf(answer)[0] !== 1) return false;
  try {
    recordsOf(answer);
    return foldBytes(questionOf(answer)) === foldBytes(questionOf(message));
  } catch {
    return false;
  }
}

export function codeOf(answer: Uint8Array): number {
  return flagsOf(answer) & FLAG.code;
}

function isCut(answer: Uint8Array): boolean {
  return (flagsOf(answer) & FLAG.truncated) !== 0;
}

/**
 * For how long it may be remembered; 0: not at all. That there is nothing is remembered as long as the zone says (RFC 2308,
 * section 5).
 */
export function lifetimeSeconds(answer: Uint8Array): number {
  const code = codeOf(answer);
  if (isCut(answer) || (code !== CODE.ok && code !== CODE.noName)) return 0;
  const view = viewOf(answer);
  const records = recordsOf(answer).filter(({ type }) => type !== TYPE.OPT);
  const zones = records.filter(({ type }) => type === TYPE.SOA);
  const isNegative = code === CODE.noName || countsOf(answer)[1] === 0;
  if (records.length === 0 || (isNegative && zones.length === 0)) return 0;
  const ttls = records.map(({ ttlOffset }) => view.getUint32(ttlOffset));
  const minimums = isNegative ? zones.map(({ dataEnd }) => view.getUint32(dataEnd - 4)) : [];
  return Math.min(MAX_TTL_SECONDS, ...ttls, ...minimums);
}

/** The answer for another one who asks the same, after some time. */
export function printAnswer(answer: Uint8Array, { id, question }: Query, ageSeconds: number): Uint8Array {
  const copy = Uint8Array.from(answer);
  const view = viewOf(copy);
  view.setUint16(0, id);
  copy.set(question, HEADER_BYTES);
  if (ageSeconds === 0) return copy;
  for (const { type, ttlOffset } of recordsOf(copy)) {
    if (type !== TYPE.OPT) view.setUint32(ttlOffset, Math.max(0, view.getUint32(ttlOffset) - ageSeconds));
  }
  return copy;
}
