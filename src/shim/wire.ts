// What the shim says to the agent and what it is answered (native/cni-shim.c).
// Request: base name of the plugin, netns descriptor, variables, an empty text - each ended by a zero byte - and then
// standard input as it is. Answer: one byte of exit status, then standard output.
import { OcicatError } from '../base/errors.ts';
import { escapeText } from '../base/escape.ts';

/** The shim's buffer: more than this is nobody's network configuration. */
export const MAX_REQUEST_BYTES = 1 << 19;

/** A call of a plugin: CNI's variables, or those by which the shim tells netavark's arguments. */
export interface ShimCall {
  readonly program: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly input: string;
}

/** How the shim fared with the network namespace. */
export type NetnsOffer =
  | { readonly kind: 'none' }
  /** A descriptor of the shim's process. */
  | { readonly kind: 'descriptor'; readonly fd: number }
  | { readonly kind: 'failed'; readonly errno: number };

export interface WireRequest {
  readonly call: ShimCall;
  readonly netns: NetnsOffer;
}

function parseNetns(text: string): NetnsOffer {
  if (text === '') return { kind: 'none' };
  if (!/^-?\d{1,9}$/.test(text)) throw new OcicatError('invalid', `read request: netns "${text}" is not a number`);
  const number = Number(text);
  return number < 0 ? { kind: 'failed', errno: -number } : { kind: 'descriptor', fd: number };
}

/** Throws `invalid` for bytes that no shim sends. */
export function parseWireRequest(bytes: Uint8Array): WireRequest {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const texts: string[] = [];
  let at = 0;
  while (texts.length < 3 || texts.at(-1) !== '') {
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new OcicatError('invalid', 'read request: it ends inside its header');
    try {
      texts.push(decoder.decode(bytes.subarray(at, end)));
    } catch (cause) {
      throw new OcicatError('invalid', 'read request: its header is not UTF-8', { cause });
    }
    at = end + 1;
  }
  const [program = '', netns = '', ...variables] = texts.slice(0, -1);
  const named = variables.map((variable): [string, string] => {
    const equals = variable.indexOf('=');
    return equals < 0 ? [variable, ''] : [variable.slice(0, equals), variable.slice(equals + 1)];
  });
  const input = new TextDecoder().decode(bytes.subarray(at));
  return { call: { program, variables: Object.fromEntries(named), input }, netns: parseNetns(netns) };
}

export interface ShimAnswer {
  /** 0 or 1. */
  readonly status: number;
  readonly output: string;
}

export function printWireAnswer({ status, output }: ShimAnswer): Uint8Array {
  const text = new TextEncoder().encode(escapeText(output)); // it is JSON, and runtimes print messages as they are
  const bytes = new Uint8Array(text.length + 1);
  bytes[0] = status;
  bytes.set(text, 1);
  return bytes;
}
