// IP protocol numbers and the names that policy uses for some of them (Calico v3.33, api/pkg/lib/numorstring/protocol.go).

const numbers: ReadonlyMap<string, number> = new Map([
  ['ICMP', 1],
  ['TCP', 6],
  ['UDP', 17],
  ['ICMPv6', 58],
  ['SCTP', 132],
  ['UDPLite', 136],
]);
const byLowerName = new Map([...numbers].map(([name, number]) => [name.toLowerCase(), { name, number }]));
const byNumber = new Map([...numbers].map(([name, number]) => [number, name]));

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;
const PROTOCOL_SCTP = 132;
export const PROTOCOL_UDPLITE = 136;

/** Whose header begins with ports. */
export const PORT_PROTOCOLS: readonly number[] = [PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP, PROTOCOL_UDPLITE];

/** The number of a name (any case) or of 1–255 given as number or digits; undefined for anything else. */
export function tryParseProtocol(value: string | number): number | undefined {
  const named = typeof value === 'string' ? byLowerName.get(value.toLowerCase())?.number : undefined;
  if (named !== undefined) return named;
  const number = typeof value === 'number' ? value : /^\d{1,3}$/.test(value) ? Number(value) : 0;
  return Number.isInteger(number) && number >= 1 && number <= 255 ? number : undefined;
}

/** The canonical name, `TCP` for `tcp`; undefined if there is none. */
export function protocolName(value: string | number): string | undefined {
  return typeof value === 'number' ? byNumber.get(value) : byLowerName.get(value.toLowerCase())?.name;
}

/** Whether the protocol has ports that policy can match: TCP, UDP, SCTP. */
export function hasPorts(protocol: number): boolean {
  return protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP || protocol === PROTOCOL_SCTP;
}
