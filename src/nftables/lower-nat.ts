// Statements that change a packet's addresses as the kernel's expressions, register for register as nft does.
import type { Family } from '../net/ip.ts';
import type { PortRange } from '../net/port.ts';
import { bytesOfU16 } from './bytes.ts';
import { type AttributeValue, type Expression, expression } from './expression.ts';
import { NFPROTO_IPV4, NFPROTO_IPV6 } from './fields.ts';
import type { Bytes } from './nft.ts';
import { registerAt } from './registers.ts';

/** Kernel numbers: NFT_NAT_SNAT, NFT_NAT_DNAT; NF_NAT_RANGE_ of include/uapi/linux/netfilter/nf_nat.h. */
const SOURCE = 0;
const DESTINATION = 1;
const MAP_ADDRESSES = 1 << 0;
const PORTS_SPECIFIED = 1 << 1;
const RANDOM_FULLY = 1 << 4;
const IPV4_BYTES = 4;
const ADDRESS_WORDS: Readonly<Record<Family, number>> = { 4: 1, 6: 4 };

function load(dreg: number, data: Bytes): Expression {
  return expression('immediate', { dreg, value: data });
}

/** The ends of a range in two registers from `first` on, and the values of the expression that reads them. */
function lowerPorts(ports: PortRange | undefined, first: number) {
  if (ports === undefined) return { loads: [], values: {}, flags: 0 };
  const loads = [load(first, bytesOfU16(ports.min)), load(first + 1, bytesOfU16(ports.max))];
  return { loads, values: { portMin: first, portMax: first + 1 }, flags: PORTS_SPECIFIED };
}

export function lowerMasquerade(ports: PortRange | undefined): readonly Expression[] {
  const { loads, values, flags } = lowerPorts(ports, 1);
  return [...loads, expression('masq', { flags: RANDOM_FULLY | flags, ...values })];
}

function natOf(type: number, of: Family, more: Readonly<Record<string, AttributeValue>>): Expression {
  const family = of === 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  return expression('nat', { type, family, addressMin: 1, addressMax: 1, ...more });
}

function nat(type: number, address: Bytes, more: Readonly<Record<string, AttributeValue>>): Expression {
  return natOf(type, address.length === IPV4_BYTES ? 4 : 6, more);
}

export function lowerSourceNat(address: Bytes, ports: PortRange | undefined): readonly Expression[] {
  const { loads, values, flags } = lowerPorts(ports, 2);
  const all = { ...values, flags: MAP_ADDRESSES | RANDOM_FULLY | flags };
  return [load(1, address), ...loads, nat(SOURCE, address, all)];
}

export function lowerDestinationNat(address: Bytes): readonly Expression[] {
  return [load(1, address), nat(DESTINATION, address, { flags: MAP_ADDRESSES })];
}

/** By what a lookup has put into the first register: an address, and with `hasPort` a port in the word behind it. */
export function lowerNatOfMap(family: Family, hasPort: boolean): Expression {
  if (!hasPort) return natOf(DESTINATION, family, { flags: MAP_ADDRESSES });
  const port = registerAt(ADDRESS_WORDS[family]);
  return natOf(DESTINATION, family, { portMin: port, portMax: port, flags: MAP_ADDRESSES | PORTS_SPECIFIED });
}
