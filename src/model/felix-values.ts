// The forms that fields of FelixConfiguration take (facts: calico §7.2).
import { duration } from './duration.ts';
import { boolean, choice, integer, looseChoice, text } from './scalars.ts';
import { type Field, type Infer, list, object, optional, required, type Scalar, sparse } from './schema.ts';
import { maskedCidr, port } from './values.ts';

export const logLevel = looseChoice('Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal');
export const enabled = choice('Enabled', 'Disabled');
export const hostName = text({
  wanted: 'a host name or an address',
  pattern: /^[a-zA-Z0-9:._+-]{1,64}$/,
});
export const tcpPort = integer(0, 65535);
export const anyInteger = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
export const count = integer(0, Number.MAX_SAFE_INTEGER);
export const mark = integer(0, 0xffffffff);
export const mtu = integer(0, 65535);
export const regex: Scalar<string> = {
  shape: 'scalar',
  wanted: 'a regular expression',
  json: { type: 'string', format: 'regex' },
  read: (value) => (typeof value === 'string' && isRegex(value) ? value : undefined),
};

function isRegex(value: string): boolean {
  try {
    new RegExp(value);
    return true;
  } catch {
    return false;
  }
}

/** A field that is true, false or not there. */
export function flag(doc: string, usual?: string): Field<boolean, 'optional'> {
  return optional(boolean, doc, usual);
}

/** A field with a length of time. */
export function span(doc: string, usual?: string): Field<string, 'optional'> {
  return optional(duration, doc, usual);
}

/** A field with free text. */
export function words(doc: string, usual?: string): Field<string, 'sparse'> {
  return sparse(text(), doc, usual);
}

const failsafePort = object({
  protocol: sparse(text({ wanted: 'TCP, UDP or another protocol' }), 'The protocol.', 'TCP'),
  port: required(port, 'The port.'),
  net: sparse(maskedCidr, 'The range of the other side.', 'everything'),
});

/** Ports that no policy closes; an empty list means none. */
export const failsafePorts = list(failsafePort);
export type FailsafePort = Infer<typeof failsafePort>;
