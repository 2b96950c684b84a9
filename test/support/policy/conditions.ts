// Every condition that a rule of the policy can have, each with a packet that it refuses and a rule without it lets through.
// The tables are keyed by all conditions: one that is new does not compile until it has its sample here.
import { parseCidr } from '../../../src/net/cidr.ts';
import { type Family, type Ip, parseIp } from '../../../src/net/ip.ts';
import { ANY_ENTITY, blanketRule, type EntityMatch, type RuleInput } from '../../../src/policy/types/input.ts';
import type { PacketMatch } from '../../../src/policy/types/types.ts';
import { parseSelector } from '../../../src/selector/parse.ts';

/** Who a packet goes to or comes from, beside the workload itself: `a` has the label app=a, `b` app=b. */
export type Far = 'a' | 'b';

export const farAddresses: Readonly<Record<Far, Readonly<Record<Family, Ip>>>> = {
  a: { 4: parseIp('10.65.0.1'), 6: parseIp('fd00:65::1') },
  b: { 4: parseIp('10.65.0.2'), 6: parseIp('fd00:65::2') },
};
/** Of both. */
export const farPorts = [
  { name: 'web', protocol: 6, port: 80 },
  { name: 'bad', protocol: 6, port: 81 },
];

/** TCP from or to port 80 of `a` where it says nothing else. */
export interface Sent {
  readonly family: Family;
  readonly far: Far;
  readonly farPort: number;
  readonly protocol: number;
  readonly type: number;
  readonly code: number;
}

export interface Sample {
  readonly name: string;
  readonly rule: RuleInput;
  /** The same rule without the condition. */
  readonly without: RuleInput;
  readonly accepted: Sent;
  readonly refused: Sent;
}

const FAMILIES: readonly Family[] = [4, 6];
const icmpOf = (family: Family) => (family === 4 ? 1 : 58);

function sent(family: Family, parts: Partial<Sent> = {}): Sent {
  return { family, far: 'a', farPort: 80, protocol: 6, type: 0, code: 0, ...parts };
}

interface Case<T> {
  readonly set: (family: Family) => Partial<T>;
  /** What the rule has in both cases. */
  readonly beside?: (family: Family) => Partial<T>;
  readonly accepted?: (family: Family) => Partial<Sent>;
  readonly refused: (family: Family) => Partial<Sent>;
}

const icmpSent = (type: number, code: number) => (family: Family) => ({ protocol: icmpOf(family), type, code });

const packetCases: { readonly [K in keyof PacketMatch]: readonly Case<PacketMatch>[] } = {
  family: [{ set: (family) => ({ family }), refused: (family) => ({ family: family === 4 ? 6 : 4 }) }],
  protocol: [{ set: () => ({ protocol: 6 }), refused: () => ({ protocol: 17 }) }],
  notProtocol: [{ set: () => ({ notProtocol: 17 }), refused: () => ({ protocol: 17 }) }],
  icmp: [
    { set: () => ({ icmp: { type: 8, code: undefined } }), accepted: icmpSent(8, 0), refused: icmpSent(3, 0) },
    {
      set: () => ({ icmp: { type: 3, code: 1 } }),
      beside: () => ({ icmp: { type: 3, code: undefined } }),
      accepted: icmpSent(3, 1),
      refused: icmpSent(3, 0),
    },
  ],
  notIcmp: [
    { set: () => ({ notIcmp: { type: 8, code: undefined } }), accepted: icmpSent(3, 0), refused: icmpSent(8, 0) },
    { set: () => ({ notIcmp: { type: 3, code: 1 } }), accepted: icmpSent(3, 0), refused: icmpSent(3, 1) },
  ],
};

const addressIn = (far: Far) => (family: Family) =>
  parseCidr(family === 4 ? `10.65.0.${far === 'a' ? 1 : 2}/32` : `fd00:65::${far === 'a' ? 1 : 2}/128`);
const [onlyA, onlyB] = [addressIn('a'), addressIn('b')];
const toB = () => ({ far: 'b' as const });
const toBadPort = () => ({ farPort: 81 });

const sideCases: { readonly [K in keyof EntityMatch]: Case<EntityMatch> } = {
  nets: { set: (family) => ({ nets: [onlyA(family)] }), refused: toB },
  notNets: { set: (family) => ({ notNets: [onlyB(family)] }), refused: toB },
  selector: { set: () => ({ selector: parseSelector("app == 'a'") }), refused: toB },
  notSelector: { set: () => ({ notSelector: parseSelector("app == 'b'") }), refused: toB },
  ports: { set: () => ({ ports: [{ min: 80, max: 80 }] }), refused: toBadPort },
  namedPorts: { set: () => ({ namedPorts: ['web'] }), refused: toBadPort },
  notPorts: { set: () => ({ notPorts: [{ min: 81, max: 81 }] }), refused: toBadPort },
  notNamedPorts: { set: () => ({ notNamedPorts: ['bad'] }), refused: toBadPort },
};

const plain = blanketRule('allow');

export const packetSamples: readonly Sample[] = Object.entries(packetCases).flatMap(([name, cases]) =>
  cases.flatMap(({ set, beside, accepted, refused }, index) =>
    FAMILIES.map((family) => ({
      name: `${name} ${index}, IPv${family}`,
      rule: { ...plain, ...set(family) },
      without: { ...plain, ...beside?.(family) },
      accepted: sent(family, accepted?.(family)),
      refused: sent(family, refused(family)),
    })),
  ),
);

/** The conditions on one side, at the end that is not the workload's. */
export function sideSamples(end: 'source' | 'destination'): readonly Sample[] {
  return Object.entries(sideCases).flatMap(([name, { set, refused }]) =>
    FAMILIES.map((family) => ({
      name: `${end} ${name}, IPv${family}`,
      rule: { ...plain, [end]: { ...ANY_ENTITY, ...set(family) } },
      without: plain,
      accepted: sent(family),
      refused: sent(family, refused(family)),
    })),
  );
}
