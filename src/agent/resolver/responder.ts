// What is answered to whom: names of containers to the members of their networks, everything else as the host's name servers say.
import { answerCode, answerKnown, answerNoName } from '../../dns/answer.ts';
import { type Query, readQuery } from '../../dns/query.ts';
import { createRateLimiter } from '../../dns/rate.ts';
import { TYPE } from '../../dns/wire.ts';
import type { Asker, Found, Zone } from '../../names/zone.ts';
import type { Ip } from '../../net/ip.ts';
import type { Forwarder } from './forwarder.ts';
import type { Transport } from './upstream.ts';

const MAX_TCP_BYTES = 65_535;
const PER_SECOND = 1_000;
const BURST = 2_000;

/** Ends with what is sent back; undefined: nothing is. Never throws. */
export type Responder = (message: Uint8Array, from: Ip, transport: Transport) => Promise<Uint8Array | undefined>;

export interface ResponderContext {
  readonly zone: Pick<Zone, 'askerAt' | 'find'>;
  readonly forwarder: Forwarder;
  nowMs(): number;
}

function mayForward({ memberships }: Asker, { type }: Query): boolean {
  return memberships.some(({ forwards }) => forwards) && type !== TYPE.AXFR && type !== TYPE.IXFR;
}

export function createResponder({ zone, forwarder, nowMs }: ResponderContext): Responder {
  const rate = createRateLimiter<Ip>(PER_SECOND, BURST);

  function find(asker: Asker, { isInternet, name }: Query): Found {
    return isInternet && name !== undefined ? zone.find(asker, name) : { kind: 'elsewhere' };
  }

  async function answer(query: Query, asker: Asker, from: Ip, transport: Transport): Promise<Uint8Array> {
    const maxBytes = transport === 'udp' ? query.udpBytes : MAX_TCP_BYTES;
    const found = find(asker, query);
    switch (found.kind) {
      case 'addresses':
        return answerKnown(query, { addresses: found.addresses, names: [] }, maxBytes);
      case 'names':
        return answerKnown(query, { addresses: [], names: found.names }, maxBytes);
      case 'nothing':
        return answerNoName(query);
      case 'elsewhere':
        return mayForward(asker, query) ? forwarder.forward(query, from, transport) : answerCode(query, 'refused');
    }
  }

  return async (message, from, transport) => {
    const asker = zone.askerAt(from);
    if (!rate.take(from, nowMs())) return undefined;
    const read = readQuery(message);
    if (read.kind === 'ignored') return undefined;
    if (read.kind === 'fault') return read.answer;
    return asker === undefined ? answerCode(read.query, 'refused') : answer(read.query, asker, from, transport);
  };
}
