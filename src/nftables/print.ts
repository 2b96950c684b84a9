// Prints a batch as text that `nft -f` loads with the same effect as its netlink form.
import { formatIp, isIpv4 } from '../net/ip.ts';
import type { PortRange } from '../net/port.ts';
import { ipOfBytes, maskBytes } from './bytes.ts';
import { MAX_DYNAMIC_ELEMENTS } from './encode-objects.ts';
import { burstOf } from './expression.ts';
import { fields } from './fields.ts';
import { printKey, printStates, printValue } from './keys.ts';
import {
  type Batch,
  type Bytes,
  type ChainSpec,
  type Count,
  type Element,
  type Field,
  familyOfObject,
  isMap,
  LAYOUT,
  type Operation,
  type Rule,
  type SetSpec,
  type Statement,
  TABLE,
  TABLE_FAMILIES,
  type Verdict,
} from './nft.ts';

function printVerdict(verdict: Verdict): string {
  return verdict.kind === 'jump' || verdict.kind === 'goto' ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

function printMark(bits: number): string {
  return `0x${(bits >>> 0).toString(16).padStart(8, '0')}`;
}

/** `ip saddr & 255.255.255.0 . meta l4proto`. */
function printFields(list: readonly Field[], prefixLengths: readonly number[] = []): string {
  return list
    .map((field, index) => {
      const { text, bytes, print } = fields[field];
      const prefixLength = prefixLengths[index] ?? bytes * 8;
      return prefixLength === bytes * 8 ? text : `${text} & ${print(maskBytes(prefixLength, bytes))}`;
    })
    .join(' . ');
}

function printPorts({ min, max }: PortRange): string {
  return `:${min}-${max}`;
}

/** With its family, which a rule of `inet` must say; an IPv6 address with ports stands between brackets. */
function printTarget(bytes: Bytes, ports?: PortRange): string {
  const address = ipOfBytes(bytes);
  const family = isIpv4(address) ? 'ip' : 'ip6';
  const text = formatIp(address);
  if (ports === undefined) return `${family} to ${text}`;
  return `${family} to ${isIpv4(address) ? text : `[${text}]`}${printPorts(ports)}`;
}

function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'compare':
    case 'prefix':
    case 'range': {
      const { text, print } = fields[statement.field];
      const operator = statement.negated ? '!= ' : '';
      if (statement.kind === 'range') return `${text} ${operator}${print(statement.first)}-${print(statement.last)}`;
      const suffix = statement.kind === 'prefix' ? `/${statement.prefixLength}` : '';
      return `${text} ${operator}${print(statement.value)}${suffix}`;
    }
    case 'name-prefix':
      return `${fields[statement.field].text} "${statement.value}*"`;
    case 'lookup':
      return `${printFields(statement.fields, statement.prefixLengths)} ${statement.negated ? '!= ' : ''}@${statement.set}`;
    case 'verdict-map':
      return `${printFields(statement.fields)} vmap @${statement.map}`;
    case 'ct-states':
      return `ct state ${printStates(statement.bits)}`;
    case 'beyond-flows':
      return `add @${statement.set} { ${fields[statement.field].text} ct count over ${statement.limit} }`;
    case 'beyond-rate-each': {
      const { field, set, perSecond } = statement;
      return `add @${set} { ${fields[field].text} limit rate over ${perSecond}/second burst ${burstOf(perSecond)} packets }`;
    }
    case 'beyond-rate': {
      const { rate, unit, burst } = statement.limit;
      return `limit rate over ${rate}/${unit} burst ${burst} packets`;
    }
    case 'beyond-connections':
      return `ct count over ${statement.limit}`;
    case 'set-dscp':
      return `${statement.family === 4 ? 'ip' : 'ip6'} dscp set ${statement.value}`;
    case 'mark-is':
      return `meta mark & ${printMark(statement.bits)} == ${printMark(statement.bits)}`;
    case 'mark-set':
      return `meta mark set meta mark | ${printMark(statement.bits)}`;
    case 'mark-clear':
      return `meta mark set meta mark & ${printMark(~statement.bits)}`;
    case 'counter':
      return 'counter';
    case 'limit': {
      const { rate, unit, burst } = statement.limit;
      return `limit rate ${rate}/${unit} burst ${burst} packets`;
    }
    case 'log':
      return statement.group === undefined
        ? `log prefix "${statement.prefix}" level info`
        : `log prefix "${statement.prefix}" group ${statement.group}`;
    case 'reject':
      return statement.how === 'tcp-reset' ? 'reject with tcp reset' : 'reject with icmpx admin-prohibited';
    case 'notrack':
      return 'notrack';
    case 'destination-translated':
      return 'ct status dnat';
    case 'masquerade':
      return statement.ports === undefined
        ? 'masquerade fully-random'
        : `masquerade to ${printPorts(statement.ports)} fully-random`;
    case 'source-nat':
      return `snat ${printTarget(statement.address, statement.ports)} fully-random`;
    case 'destination-nat':
      return `dnat ${printTarget(statement.address)}`;
    case 'destination-nat-map': {
      const family = statement.family === 4 ? 'ip' : 'ip6';
      return `dnat ${family} to ${printFields(statement.fields)} map @${statement.map}`;
    }
    case 'verdict':
      return printVerdict(statement.verdict);
  }
}

function printCounted(rule: Rule, counted: Count | undefined): string {
  const counter = counted && `counter packets ${counted.packets} bytes ${counted.bytes}`;
  const parts = rule.statements.map((one) => (one.kind === 'counter' && counter) || printStatement(one));
  if (rule.comment !== undefined) parts.push(`comment "${rule.comment}"`);
  return parts.join(' ');
}

/** One line, without the chain's name. */
export function printRule(rule: Rule): string {
  return printCounted(rule, undefined);
}

function printBlock(parts: readonly (string | undefined)[]): string {
  const present = parts.filter((part) => part !== undefined);
  return present.length === 0 ? '' : ` { ${present.map((part) => `${part};`).join(' ')} }`;
}

function printComment(comment: string | undefined): string | undefined {
  return comment === undefined ? undefined : `comment "${comment}"`;
}

/** The table that the chain or set of that name is in, and the name. */
function placeOf(name: string): string {
  return `${familyOfObject(name)} ${TABLE} ${name}`;
}

function printSet(set: SetSpec): string {
  const values = set.verdicts ? 'verdict' : set.values?.join(' . ');
  const type = `type ${set.key.join(' . ')}${values === undefined ? '' : ` : ${values}`}`;
  const timeout = set.timeoutSeconds === undefined ? '' : `,timeout; timeout ${set.timeoutSeconds}s`;
  const dynamic = set.dynamic && `size ${MAX_DYNAMIC_ELEMENTS}; flags dynamic${timeout}`;
  const flags = set.interval ? 'flags interval' : dynamic;
  const counts = set.decides && 'counter';
  const block = printBlock([type, flags, counts, printComment(set.comment)]);
  return `${isMap(set) ? 'map' : 'set'} ${placeOf(set.name)}${block}`;
}

function printChain({ name, base, comment }: ChainSpec): string {
  const hook = base && `type ${base.type} hook ${base.hook} priority ${base.priority}; policy accept`;
  return `chain ${placeOf(name)}${printBlock([hook, printComment(comment)])}`;
}

function printElement(set: SetSpec, [key, value]: Element, withValue: boolean): string {
  const text = printKey(set, key);
  if (value === undefined || !withValue) return text;
  if (value.kind === 'comment') return `${text} comment "${value.text}"`;
  return `${text} : ${value.kind === 'value' ? printValue(set, value.bytes) : printVerdict(value)}`;
}

function printElements(set: SetSpec, elements: readonly Element[], withValues: boolean): string {
  const list = elements.map((element) => printElement(set, element, withValues));
  return `element ${placeOf(set.name)} { ${list.join(', ')} }`;
}

function printOperation(operation: Operation): string {
  switch (operation.kind) {
    case 'add-table':
      return TABLE_FAMILIES.map((family) => `add table ${family} ${TABLE} { comment "${LAYOUT}"; }`).join('\n');
    case 'delete-table':
      return TABLE_FAMILIES.map((family) => `delete table ${family} ${TABLE}`).join('\n');
    case 'add-set':
      return `add ${printSet(operation.set)}`;
    case 'delete-set':
      return `delete ${operation.isMap ? 'map' : 'set'} ${placeOf(operation.name)}`;
    case 'add-chain':
      return `add ${printChain(operation.chain)}`;
    case 'flush-chain':
      return `flush chain ${placeOf(operation.chain)}`;
    case 'delete-chain':
      return `delete chain ${placeOf(operation.chain)}`;
    case 'add-rule':
      return `add rule ${placeOf(operation.chain)} ${printCounted(operation.rule, operation.counted)}`;
    case 'add-elements':
      return `add ${printElements(operation.set, operation.elements, true)}`;
    case 'delete-elements':
      return `delete ${printElements(operation.set, operation.elements, false)}`;
  }
}

/** One operation a line (two for those of both tables), each line ended; empty for an empty batch. */
export function printBatch(batch: Batch): string {
  return batch.map((operation) => `${printOperation(operation)}\n`).join('');
}
