// Why etcd could not be connected to, as text for people: the kernel's own cause, the name server's, or TLS's.
import { observeConnectError } from '../../sys/tcp-probe.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it hung up',
  ETIMEDOUT: 'no answer',
  ENETUNREACH: 'this host has no route there',
  EHOSTUNREACH: 'that host cannot be reached',
  ENETDOWN: 'the link there is down',
  EADDRNOTAVAIL: 'this host has no address to connect from',
  EACCES: "this host's routes or rules forbid it",
  EPERM: "this host's rules forbid it",
  EINVAL: "this host's routes throw away what goes there",
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'the name cannot be looked up now',
  ENOENT: "nothing listens there: this machine's agent does not run, or has another datastore",
};

/** Where TLS and HTTP/2 say little about what to do. */
const PATTERNS: readonly (readonly [RegExp, (matched: string) => string])[] = [
  [
    /ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA)/,
    (alert) => `the server wants another client certificate (${alert})`,
  ],
  [/WRONG_VERSION_NUMBER/, (matched) => `it does not speak TLS: is it http:? (${matched})`],
  [
    /^Client network socket disconnected before secure TLS.*/,
    () => 'it hung up before TLS was agreed on: is it http:?',
  ],
  [/^Protocol error$/, (matched) => `it does not speak HTTP/2 (${matched})`],
];

function codeOf(cause: Error): string | undefined {
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? code : undefined;
}

/** The kernel's error code for a connection that Bun calls refused; without the addon, Bun's. */
async function trueCode(code: string | undefined, endpoint: string, timeoutMs: number): Promise<string | undefined> {
  if (code !== 'ECONNREFUSED' || !/^https?:/.test(endpoint)) return code;
  const { hostname, port, protocol } = new URL(endpoint);
  const portNumber = Number(port || (protocol === 'https:' ? 443 : 80));
  const observed = observeConnectError(hostname.replace(/[[\]]/g, ''), portNumber, timeoutMs).catch(() => undefined);
  return (await observed) ?? code;
}

/** Waits at most as long again as the attempt took at most, to ask the kernel. */
export async function describeConnectFailure(cause: Error, endpoint: string, timeoutMs: number): Promise<string> {
  for (const [pattern, describe] of PATTERNS) {
    const matched = pattern.exec(cause.message)?.[0];
    if (matched !== undefined) return describe(matched);
  }
  const reported = codeOf(cause);
  const code = await trueCode(reported, endpoint, timeoutMs);
  const reason = code === undefined ? undefined : REASONS[code];
  if (reason !== undefined) return `${reason} (${code})`;
  return code === reported || code === undefined ? cause.message || 'failed' : code;
}
