// Asks the name servers of the host what is no container's name, and remembers what they say. Who asks has a bounded number of
// questions under way, of a bounded number in all; those who ask the same wait for one answer.
import { answerCode, answerCut } from '../../dns/answer.ts';
import { createAnswerCache } from '../../dns/cache.ts';
import { createFairShare } from '../../dns/fair-share.ts';
import { codeOf, lifetimeSeconds, printAnswer, printForwarded } from '../../dns/forwarded.ts';
import { keyOf, type Query } from '../../dns/query.ts';
import { CODE } from '../../dns/wire.ts';
import type { Ip } from '../../net/ip.ts';
import type { Exchange, Transport } from './upstream.ts';

const MAX_UNDER_WAY = 512;
const MAX_OF_ONE = 64;
const CACHE_BYTES = 1024 * 1024;
/** The C library waits for 5 seconds before it asks again (resolv.conf(5), timeout). */
const TRY_MS = 1_500;
const TRIES = 3;

export interface ForwarderContext {
  /** In the order in which they are asked. */
  servers(): readonly Ip[];
  readonly exchange: Exchange;
  randomId(): number;
  nowMs(): number;
}

export interface Forwarder {
  /** Never throws: what cannot be found out is answered so. */
  forward(query: Query, from: Ip, transport: Transport): Promise<Uint8Array>;
}

/** Another server may know better. */
function isUseless(answer: Uint8Array): boolean {
  const code = codeOf(answer);
  return code === CODE.failure || code === CODE.refused || code === CODE.notImplemented;
}

export function createForwarder({ servers, exchange, randomId, nowMs }: ForwarderContext): Forwarder {
  const turns = createFairShare<Ip>(MAX_UNDER_WAY, MAX_OF_ONE);
  const cache = createAnswerCache(CACHE_BYTES);
  const underWay = new Map<string, Promise<Uint8Array | undefined>>();

  async function tryAsk(server: Ip, query: Query, transport: Transport): Promise<Uint8Array | undefined> {
    try {
      const message = printForwarded(query, randomId());
      return await exchange(server, message, transport, AbortSignal.timeout(TRY_MS));
    } catch {
      return undefined;
    }
  }

  /** One server is asked again, for a packet may be lost; of several each is asked once. */
  async function askAll(query: Query, transport: Transport, key: string): Promise<Uint8Array | undefined> {
    const all = servers();
    let last: Uint8Array | undefined;
    for (const server of all.length === 1 ? [...all, ...all] : all.slice(0, TRIES)) {
      const answer = await tryAsk(server, query, transport);
      last = answer ?? last;
      if (answer === undefined || isUseless(answer)) continue;
      cache.keep(key, answer, lifetimeSeconds(answer), nowMs());
      return answer;
    }
    return last;
  }

  function ask(query: Query, transport: Transport, key: string): Promise<Uint8Array | undefined> {
    const shared = `${transport} ${key}`;
    const known = underWay.get(shared);
    if (known !== undefined) return known;
    const asking = askAll(query, transport, key).finally(() => underWay.delete(shared));
    underWay.set(shared, asking);
    return asking;
  }

  async function forwardInTurn(query: Query, from: Ip, transport: Transport): Promise<Uint8Array> {
    const turn = turns.begin(from);
    if (turn === undefined) return answerCode(query, 'failure');
    const aborted = new Promise<undefined>((resolve) => {
      turn.signal.addEventListener('abort', () => resolve(undefined));
    });
    try {
      const answer = await Promise.race([ask(query, transport, keyOf(query)), aborted]);
      return answer === undefined ? answerCode(query, 'failure') : printAnswer(answer, query, 0);
    } finally {
      turn.end();
    }
  }

  function tryRemember(query: Query): Uint8Array | undefined {
    const kept = cache.find(keyOf(query), nowMs());
    return kept && printAnswer(kept.answer, query, kept.ageSeconds);
  }

  return {
    async forward(query, from, transport) {
      // a workload that is a name server of this host would be asked what it asks, without end
      if (servers().length === 0 || servers().includes(from)) return answerCode(query, 'refused');
      const answer = tryRemember(query) ?? (await forwardInTurn(query, from, transport));
      return transport === 'tcp' || answer.length <= query.udpBytes ? answer : answerCut(query);
    },
  };
}
