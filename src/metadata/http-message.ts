// HTTP/1.1 as far as a server of small answers needs it: one request from bytes, one answer to bytes (RFC 9112).
import { STATUS_CODES } from 'node:http';

export interface RequestHead {
  readonly method: string;
  /** Without its first slash, split at the others and decoded. */
  readonly segments: readonly string[];
  readonly query: string;
  readonly bodyBytes: number;
  readonly contentType: string;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

export interface HttpRequest extends RequestHead {
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT_TYPE = 'text/plain; charset=us-ascii';

/** Text for people; the pod's own program looks at the status. */
export function textAnswer(status: number, body = STATUS_CODES[status] ?? ''): HttpAnswer {
  return { status, type: TEXT_TYPE, body };
}

export function jsonAnswer(body: string): HttpAnswer {
  return { status: 200, type: 'application/json', body };
}

const REQUEST_LINE = /^([A-Z]{1,16}) \/([\x21-\x7e]*) HTTP\/1\.[01]$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e\t\x80-\xff]*)$/;

type Fields = ReadonlyMap<string, readonly string[]>;

function readFields(lines: readonly string[]): Fields | undefined {
  const fields = new Map<string, readonly string[]>();
  for (const line of lines) {
    const [, name = '', value = ''] = FIELD.exec(line) ?? [];
    if (name === '') return undefined;
    const key = name.toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), value.trim()]);
  }
  return fields;
}

/** undefined for a length that is none, or several that differ or not: RFC 9112 section 6.3 has no use for those. */
function bodyLength(fields: Fields): number | undefined {
  const [length = '0', second] = fields.get('content-length') ?? [];
  return second === undefined && /^\d{1,12}$/.test(length) ? Number(length) : undefined;
}

/** undefined where an escape is none. */
function decodeSegments(path: string): readonly string[] | undefined {
  try {
    return path.split('/').map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** The head of a request, without the empty line that ends it; or the status to refuse it with. */
export function parseHead(head: string): RequestHead | number {
  const [first = '', ...lines] = head.split('\r\n');
  const [, method = '', target = ''] = REQUEST_LINE.exec(first) ?? [];
  const fields = readFields(lines);
  if (method === '' || fields === undefined) return 400;
  if (fields.has('transfer-encoding')) return 501;
  const bodyBytes = bodyLength(fields);
  const [path = '', query = ''] = target.split(/\?(.*)/s);
  const segments = decodeSegments(path);
  if (bodyBytes === undefined || segments === undefined) return 400;
  const contentType = (fields.get('content-type')?.[0] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const expectsContinue = fields.get('expect')?.[0]?.toLowerCase() === '100-continue';
  return { method, segments, query, bodyBytes, contentType, expectsContinue };
}

/** The connection ends with the answer. */
export function printAnswer({ status, type, body }: HttpAnswer): Buffer {
  const bytes = Buffer.from(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    `Content-Type: ${type}`,
    `Content-Length: ${bytes.length}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes]);
}

/** Bytes as a text of the characters 0 to 255, escapes undone; undefined where one is none. */
function decodeField(field: string): string | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(field)) return undefined;
  const decode = (_: string, hex: string): string => String.fromCharCode(Number.parseInt(hex, 16));
  return field.replaceAll('+', ' ').replace(/%([0-9a-fA-F]{2})/g, decode);
}

/**
 * The fields of a form, byte for byte: no two contents are the same here that were not the same to their sender. undefined
 * for a broken one, and for a field that is there twice. Source: URL Standard, "application/x-www-form-urlencoded".
 */
export function parseForm(body: Buffer): ReadonlyMap<string, Buffer> | undefined {
  const form = new Map<string, Buffer>();
  for (const pair of body.toString('latin1').split('&')) {
    const [before = '', after = ''] = pair.split(/=(.*)/s);
    const name = decodeField(before);
    const value = decodeField(after);
    if (name === undefined || value === undefined || form.has(name)) return undefined;
    form.set(name, Buffer.from(value, 'latin1'));
  }
  return form;
}
