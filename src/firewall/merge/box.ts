// The packets of a rule as boxes: products of a prefix of addresses or ports, or a value, for each field that it asks for. Boxes
// of one shape are keys of one set, so that one lookup finds any of them.
import { type Cidr, maskCidr } from '../../net/cidr.ts';
import type { Family } from '../../net/ip.ts';
import type { PortRange } from '../../net/port.ts';
import { PORT_PROTOCOLS } from '../../net/protocol.ts';
import { bytesOfIp, bytesOfU8, bytesOfU16, maskBytes, padToWord } from '../../nftables/bytes.ts';
import type { Bytes, Field, KeyType } from '../../nftables/nft.ts';
import { mergePorts, ofFamily, withoutCovered } from '../../nftables/ranges.ts';
import type { CompiledRule, IpSetId, SideMatch } from '../../policy/types/types.ts';

export interface Shape {
  /** Equal for equal shapes. */
  readonly id: string;
  /** Undefined for packets of both. */
  readonly family: Family | undefined;
  readonly fields: readonly Field[];
  readonly prefixLengths: readonly number[];
  readonly key: readonly KeyType[];
}

export interface Box {
  readonly shape: Shape;
  /** As an element has it; empty where the shape has no fields. */
  readonly key: Bytes;
  /** Whose it is, as the element's comment says it. */
  readonly owner: string;
}

/** The ranges of a set of addresses in a family; undefined where there are more than a rule is to be made of. */
export type RangesOfSet = (id: IpSetId, family: Family) => readonly Prefix[] | undefined;

/** Values that begin with the first bits of `value`, whose others are zero. */
export interface Prefix {
  readonly value: Bytes;
  readonly length: number;
}

/** Of one rule. What would take more has its own rules. */
const MAX_BOXES = 64;
/** Of one IP set. What has more is asked for as the set that it is, so that a member that comes or goes is no more than that. */
export const MAX_BOXES_OF_SET = 16;
/** Prefixes of other lengths are made of longer ones: so there are few shapes. */
const LENGTH_STEP = 4;

/** Undefined: any value. */
interface Dimension {
  readonly field: Field;
  readonly type: KeyType;
  readonly prefixes: readonly Prefix[] | undefined;
}

/** The same values in prefixes whose lengths are multiples of the step. */
function roundLength({ value, length }: Prefix): readonly Prefix[] {
  const rounded = Math.ceil(length / LENGTH_STEP) * LENGTH_STEP;
  const at = Math.floor((rounded - 1) / 8);
  const unit = 1 << (7 - ((rounded - 1) % 8));
  return Array.from({ length: 1 << (rounded - length) }, (_, index) => ({
    value: value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) + index * unit) + value.slice(at + 1),
    length: rounded,
  }));
}

function prefixOf(cidr: Cidr): Prefix {
  return { value: bytesOfIp(maskCidr(cidr).address), length: cidr.prefixLength };
}

/** The fewest prefixes that have just these ports. */
function prefixesOfPorts({ min, max }: PortRange): readonly Prefix[] {
  const prefixes: Prefix[] = [];
  for (let port = min; port <= max; ) {
    let bits = 0;
    while (bits < 16 && port % (2 << bits) === 0 && port + (2 << bits) - 1 <= max) bits++;
    prefixes.push({ value: bytesOfU16(port), length: 16 - bits });
    port += 1 << bits;
  }
  return prefixes;
}

function isPlain({ notNets, notIpSets, notPorts, notPortSets, portSets }: SideMatch): boolean {
  return [notNets, notIpSets, notPorts, notPortSets, portSets].every((list) => list.length === 0);
}

/** What both begin with: the longer one where the other covers it. */
function intersect(a: Prefix, b: Prefix): readonly Prefix[] {
  const [outer, inner] = a.length <= b.length ? [a, b] : [b, a];
  const mask = maskBytes(outer.length, inner.value.length);
  const covered = [...mask].every(
    (bits, at) => ((inner.value.charCodeAt(at) ^ outer.value.charCodeAt(at)) & bits.charCodeAt(0)) === 0,
  );
  return covered ? [inner] : [];
}

/** The ranges that a side asks for, each by itself: an address must be in one of every list. */
function addressLists(
  { nets, ipSets }: SideMatch,
  family: Family,
  rangesOf: RangesOfSet,
): readonly (readonly Prefix[] | undefined)[] {
  const wanted = withoutCovered(ofFamily(nets, family));
  const isAny = nets.length === 0 || wanted[0]?.prefixLength === 0;
  return [...(isAny ? [] : [wanted.map(prefixOf)]), ...ipSets.map((id) => rangesOf(id, family))];
}

/** Undefined for any address, `many` where there are too many. */
function addresses(side: SideMatch, family: Family, rangesOf: RangesOfSet): readonly Prefix[] | undefined | 'many' {
  const lists = addressLists(side, family, rangesOf);
  if (lists.some((list) => list === undefined || list.length > MAX_BOXES)) return 'many';
  return lists.reduce(
    (all, list = []) => all?.flatMap((one) => list.flatMap((other) => intersect(one, other))) ?? list,
    undefined,
  );
}

function ports({ ports: ranges }: SideMatch): readonly Prefix[] | undefined {
  const merged = mergePorts(ranges);
  if (merged.length === 0 || (merged[0]?.min === 0 && merged[0].max === 65535)) return undefined;
  return merged.flatMap(prefixesOfPorts);
}

function protocols({ protocol, source, destination }: CompiledRule): readonly Prefix[] | undefined {
  const asksForPorts = source.ports.length + destination.ports.length > 0;
  const numbers = protocol !== undefined ? [protocol] : asksForPorts ? PORT_PROTOCOLS : undefined;
  return numbers?.map((number) => ({ value: bytesOfU8(number), length: 8 }));
}

function dimensions(
  rule: CompiledRule,
  family: Family | undefined,
  rangesOf: RangesOfSet,
): readonly Dimension[] | undefined {
  const sides = [rule.source, rule.destination].map((side) => family && addresses(side, family, rangesOf));
  const [source, destination] = sides;
  if (source === 'many' || destination === 'many') return undefined;
  const type = family === 6 ? 'ipv6_addr' : 'ipv4_addr';
  return [
    { field: family === 6 ? 'saddr6' : 'saddr4', type, prefixes: source },
    { field: family === 6 ? 'daddr6' : 'daddr4', type, prefixes: destination },
    { field: 'l4proto', type: 'inet_proto', prefixes: protocols(rule) },
    { field: 'sport', type: 'inet_service', prefixes: ports(rule.source) },
    { field: 'dport', type: 'inet_service', prefixes: ports(rule.destination) },
  ];
}

const shapes = new Map<string, Shape>();

function shapeOf(family: Family | undefined, dims: readonly Dimension[], prefixLengths: readonly number[]): Shape {
  const id = `${family ?? ''}:${dims.map(({ field }, index) => `${field}/${prefixLengths[index]}`).join(',')}`;
  let shape = shapes.get(id);
  if (shape === undefined) {
    shape = { id, family, fields: dims.map(({ field }) => field), prefixLengths, key: dims.map(({ type }) => type) };
    shapes.set(id, shape);
  }
  return shape;
}

/** Every way to pick one prefix of each; undefined when there are too many. */
function combine(lists: readonly (readonly Prefix[])[]): readonly (readonly Prefix[])[] | undefined {
  const count = lists.reduce((product, list) => product * list.length, 1);
  if (count > MAX_BOXES) return undefined;
  return lists.reduce<readonly (readonly Prefix[])[]>(
    (heads, list) => heads.flatMap((head) => list.map((prefix) => [...head, prefix])),
    [[]],
  );
}

function boxesOfFamily(
  rule: CompiledRule,
  family: Family | undefined,
  owner: string,
  rangesOf: RangesOfSet,
): readonly Box[] | undefined {
  const asked = dimensions(rule, family, rangesOf)?.filter(({ prefixes }) => prefixes !== undefined);
  if (asked === undefined) return undefined;
  const products = combine(asked.map(({ prefixes = [] }) => prefixes.flatMap(roundLength)));
  return products?.map((product) => ({
    shape: shapeOf(
      family,
      asked,
      product.map(({ length }) => length),
    ),
    owner,
    key: product.length === 1 ? (product[0]?.value ?? '') : product.map(({ value }) => padToWord(value)).join(''),
  }));
}

/** The packets that the rule matches; undefined for a rule that must be asked by itself. */
export function computeBoxes(rule: CompiledRule, owner: string, rangesOf: RangesOfSet): readonly Box[] | undefined {
  const { source, destination } = rule;
  const isOther = rule.notProtocol !== undefined || rule.icmp !== undefined || rule.notIcmp !== undefined;
  if (isOther || !isPlain(source) || !isPlain(destination)) return undefined;
  const asksForAddresses = [source, destination].some(({ nets, ipSets }) => nets.length + ipSets.length > 0);
  const all = asksForAddresses || rule.family !== undefined ? ([4, 6] as const) : [undefined];
  const families = all.filter((family) => rule.family === undefined || family === rule.family);
  const boxes = families.map((family) => boxesOfFamily(rule, family, owner, rangesOf));
  return boxes.every((one) => one !== undefined) ? boxes.flat() : undefined;
}
