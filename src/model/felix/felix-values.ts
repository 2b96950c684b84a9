// The forms that fields of FelixConfiguration take (Calico v3.33, felix/config/config_params.go). An empty text is no
// value: it asks for the default.

import { formatDurationNs, tryParseDurationNs } from '../../base/duration.ts';
import { isGoRegex } from '../../schema/regex.ts';
import { boolean, choice, integer, looseChoice, parsedText, text } from '../../schema/scalars.ts';
import { type Field, filled, list, object, optional, required, type Scalar, sparse } from '../../schema/schema.ts';
import { cidrOrIp } from '../meta/values.ts';

export const logLevel = looseChoice('Trace', 'Debug', 'Info', 'Warning', 'Error', 'Fatal');
export const enabled = choice('Enabled', 'Disabled');
export const hostName = text({
  wanted: 'a host name or an address: 1 to 64 letters, digits, ":", ".", "_", "+" and "-"',
  pattern: /^[a-zA-Z0-9:._+-]{1,64}$/,
});
/** As rules of iptables name interfaces: a `+` at the end stands for any rest. */
export const interfaceFilter = text({
  wanted: 'an interface name, or its beginning and a "+": 1 to 15 letters, digits, ":", ".", "_", "+" and "-"',
  pattern: /^[a-zA-Z0-9:._+-]{1,15}$/,
});
export const tcpPort = integer(0, 65535);
/** The kernel counts what its sets and maps hold with 32 bits. */
export const count = integer(0, 0xffffffff);
/** For numbers that -1 switches off. */
export const countOrNone = integer(-1, Number.MAX_SAFE_INTEGER);
export const mark = integer(0, 0xffffffff);
export const mtu = integer(0, 65535);

/** The agent wants two bits of packet marks for itself at the least. */
export const markMask: Scalar<number> = {
  shape: 'scalar',
  wanted: 'a whole number from 3 to 4294967295 (0xffffffff) with at least 2 bits set',
  json: { type: 'integer', minimum: 3, maximum: 0xffffffff },
  read: (value) => {
    const bits = mark.read(value);
    return typeof bits === 'number' && bits.toString(2).replaceAll('0', '').length >= 2 ? bits : undefined;
  },
};

export const regex = parsedText('a regular expression in RE2 syntax', (value) =>
  isGoRegex(value) ? value : undefined,
);

/** Names and, between slashes, expressions. A comma always separates, also in an expression. */
export const interfaceList = parsedText(
  'interface names of 1 to 15 letters, digits, "_" and "-", or RE2 expressions between slashes, with commas between',
  (value) => {
    const isExpression = (item: string) => /^\/\S+\/$/.test(item) && isGoRegex(item.slice(1, -1));
    const isValid = value.split(',').every((item) => /^[a-zA-Z0-9_-]{1,15}$/.test(item) || isExpression(item));
    return isValid ? value : undefined;
  },
);

const MIN_NS = 1_000_000n;
const time = parsedText('a duration such as 90s, 1m30s or 1h: 0s or at least 1ms', (value) => {
  const ns = tryParseDurationNs(value);
  return ns === undefined || (ns !== 0n && ns < MIN_NS) ? undefined : formatDurationNs(ns);
});

/** A word that Calico's agent takes for "no value", in fields where there must be one: it ends when it reads that. */
export function notNone(scalar: Scalar<string>): Scalar<string> {
  return {
    ...scalar,
    wanted: `${scalar.wanted}, but not none`,
    read: (value) => {
      const read = scalar.read(value);
      return typeof read === 'string' && read.toLowerCase() !== 'none' ? read : undefined;
    },
  };
}

/** A field that is true, false or not there. */
export function flag(doc: string, usual?: string): Field<boolean, 'optional'> {
  return optional(boolean, doc, usual);
}

/** A field with a length of time. */
export function span(doc: string, usual: string): Field<string, 'sparse'> {
  return sparse(time, doc, usual);
}

/** A field with free text. */
export function textField(doc: string, usual?: string): Field<string, 'sparse'> {
  return sparse(text(), doc, usual);
}

/** Free text, which the agent takes one line of. */
export const oneLine = text({ wanted: 'a text of one line', pattern: /^[^\n]*$/ });

export const healthTimeouts = list(
  object({
    name: required(
      text({ wanted: 'letters, digits, blanks, "_" and "-"', pattern: /^[a-zA-Z0-9_ -]+$/ }),
      'The part of the agent.',
    ),
    timeout: required(time, 'How long it may be silent.'),
  }),
);

const failsafePort = object({
  protocol: filled(looseChoice('TCP', 'UDP'), 'TCP', 'The protocol.'),
  port: required(tcpPort, 'The port.'),
  net: sparse(cidrOrIp, 'The address or range of the other side.', 'everything'),
});

/** Ports that no policy closes; an empty list means none. */
export const failsafePorts = list(failsafePort);
