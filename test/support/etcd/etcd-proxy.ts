// Stands between a client and a real etcd, and keeps back what the file of faults names: run as a program, so that it can
// live in a host's namespaces. Arguments: the port to listen on, etcd's URL, the file of faults.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { createDeframer, frameMessage } from '../../../src/datastore/etcd/framing.ts';
import { LEASE_GRANT, TXN, WATCH } from '../../../src/datastore/etcd/messages.ts';

/** What the file may say; nothing in it: all passes. */
type Fault =
  /** No answer of any watch gets through. */
  | 'silent-watches'
  /** Watches are not asked for their progress: etcd 3.3 and earlier do not know that question. */
  | 'no-progress'
  /** Of the writes since the file says so, the one of this number never reaches etcd; the file `….held` tells. */
  | `hold-request ${number}`
  /** The same, carried out by etcd, and never answered. */
  | `hold-answer ${number}`;

/** WatchRequest's field `progress_request`, length-delimited (etcd api/etcdserverpb/rpc.proto). */
const PROGRESS_TAG = 0x1a;
const WRITES: readonly string[] = [TXN, LEASE_GRANT];

const [port = '', target = '', faultFile = ''] = process.argv.slice(2);
let upstream = connect(target);
upstream.on('error', () => undefined);
let counted = { fault: '', writes: 0 };

/** Connected again after etcd has been started anew. */
function openCall(headers: Record<string, string>): ClientHttp2Stream {
  if (upstream.closed || upstream.destroyed) {
    upstream = connect(target);
    upstream.on('error', () => undefined);
  }
  return upstream.request(headers);
}

function readFault(): Fault | '' {
  try {
    return readFileSync(faultFile, 'utf8').trim() as Fault | '';
  } catch {
    return '';
  }
}

/** Which end of this write is held, if any is. */
function holdOf(path: string): 'request' | 'answer' | undefined {
  const fault = readFault();
  if (fault !== counted.fault) counted = { fault, writes: 0 };
  const [, what, number] = /^hold-(request|answer) (\d+)$/.exec(fault) ?? [];
  if (what === undefined || !WRITES.includes(path)) return undefined;
  counted.writes += 1;
  if (counted.writes !== Number(number)) return undefined;
  writeFileSync(`${faultFile}.held`, fault);
  return what === 'request' ? 'request' : 'answer';
}

function forwardRequests(from: ServerHttp2Stream, to: ClientHttp2Stream, path: string): void {
  const deframer = createDeframer();
  from.on('data', (chunk: Buffer) => {
    for (const message of deframer.push(chunk)) {
      const isQuestion = path === WATCH && message[0] === PROGRESS_TAG;
      if (!(isQuestion && readFault() === 'no-progress')) to.write(frameMessage(message));
    }
  });
  from.on('end', () => to.end());
}

function forwardAnswers(from: ClientHttp2Stream, to: ServerHttp2Stream, path: string): void {
  let trailers: Record<string, string> = {};
  from.on('response', (headers, flags) => {
    const ends = (flags & 1) !== 0; // HTTP/2's END_STREAM: a refusal without content
    if (to.destroyed) return;
    to.respond(pick(headers), { waitForTrailers: !ends, endStream: ends });
  });
  from.on('trailers', (headers) => {
    trailers = pick(headers);
  });
  from.on('data', (chunk: Buffer) => {
    if (path === WATCH && readFault() === 'silent-watches') return;
    if (!to.destroyed) to.write(chunk);
  });
  to.on('wantTrailers', () => to.sendTrailers(trailers));
  from.on('end', () => to.end());
}

function pick(headers: object): Record<string, string> {
  const given = Object.entries(headers).filter(([name]) => name === ':status' || !name.startsWith(':'));
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

const server = createServer();
server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  const path = String(headers[':path']);
  stream.on('error', () => undefined);
  const hold = holdOf(path);
  if (hold === 'request') return;
  const call = openCall({ ...pick(headers), ':method': 'POST', ':path': path });
  call.on('error', () => stream.destroy());
  stream.on('close', () => call.close());
  forwardRequests(stream, call, path);
  if (hold === undefined) forwardAnswers(call, stream, path);
});
server.listen(Number(port), '127.0.0.1', () => console.log('listening'));
