// Messages of DNS as clients and servers write them, by the library, for tests.
import { decode, encode, type Packet } from 'dns-packet';
import { type Query, readQuery } from '../../../src/dns/query.ts';

const RECURSION_DESIRED = 0x0100;

const EDNS = { type: 'OPT', name: '.', flags: 0, extendedRcode: 0, ednsVersion: 0, flag_do: false } as const;

export interface Asked {
  readonly type?: 'A' | 'AAAA' | 'PTR' | 'TXT' | 'ANY' | 'AXFR';
  readonly id?: number;
  /** undefined: no EDNS. */
  readonly udpBytes?: number;
}

export function printQuery(name: string, { type = 'A', id = 7, udpBytes }: Asked = {}): Uint8Array {
  const additionals = udpBytes === undefined ? [] : [{ ...EDNS, options: [], udpPayloadSize: udpBytes }];
  // the library knows ANY, its types do not
  const question = { name, type: type as 'A' };
  return encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [question], additionals });
}

/** Throws when it is none. */
export function queryOf(name: string, asked: Asked = {}): Query {
  const read = readQuery(printQuery(name, asked));
  if (read.kind !== 'query') throw new Error(`no query: ${read.kind}`);
  return read.query;
}

export function printResponse(message: Uint8Array, parts: Packet, code = 0): Uint8Array {
  const { id, questions } = decode(Buffer.from(message));
  return encode({ type: 'response', id, flags: 0x8180 | code, questions, ...parts });
}

/** What a stub makes of an answer: its code, whether it is cut short, and its records. */
export function show(message: Uint8Array): string {
  const { answers = [], ...packet } = decode(Buffer.from(message));
  const { rcode, flag_tc } = packet as { rcode?: string; flag_tc?: boolean };
  const records = answers.map((one) => ('data' in one ? `${one.type} ${String(one.data)}` : one.type));
  return [rcode, ...(flag_tc === true ? ['cut'] : []), ...records].join(' ');
}
