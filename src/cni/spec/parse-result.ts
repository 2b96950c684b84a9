// The result of a plugin of any version of the specification, from JSON to values or to every reason why it is none.
import { OcicatError } from '../../base/errors.ts';
import { tryParseJson } from '../../base/json.ts';
import { type Cidr, tryParseCidr } from '../../net/cidr.ts';
import { type Ip, tryParseIp } from '../../net/ip.ts';
import { membersOf } from '../../schema/document.ts';
import { parseValue } from '../../schema/parse.ts';
import { anything, parsedText, text } from '../../schema/scalars.ts';
import { type Infer, list, object, optional, type Scalar } from '../../schema/schema.ts';
import { readSchema } from '../../schema/schema-read.ts';
import { type CniResult, type ResultAddress, type ResultInterface, type ResultRoute, ROUTE_OPTIONS } from './result.ts';

/** What an address may look like where a wrong one is nobody's. */
export function ipOf(value: unknown): Ip | undefined {
  return typeof value === 'string' ? tryParseIp(value) : undefined;
}

/** Those that are numbers. */
function readOptions(route: Readonly<Record<string, unknown>>): Pick<ResultRoute, 'options'> {
  const options = ROUTE_OPTIONS.filter((name) => typeof route[name] === 'number').map((name) => [name, route[name]]);
  return options.length === 0 ? {} : { options: Object.fromEntries(options) };
}

/** `[{ "dst": "10.0.0.0/8" }]`; what is no route is left out. */
function readRoutes(value: unknown): readonly ResultRoute[] {
  const routes: readonly unknown[] = Array.isArray(value) ? value : [];
  return routes.flatMap((route) => {
    const members = membersOf(route) ?? {};
    const destination = typeof members.dst === 'string' ? tryParseCidr(members.dst) : undefined;
    return destination === undefined ? [] : [{ destination, gateway: ipOf(members.gw), ...readOptions(members) }];
  });
}

/** Name servers and the like (CNI spec 1.1.0, "dns"). */
export function dnsSchema(server: Scalar<string>) {
  const texts = optional(list(text()));
  return object({
    nameservers: optional(list(server)),
    domain: optional(text()),
    search: texts,
    options: texts,
  });
}

const anyDns = dnsSchema(text());
const cidr = parsedText('an address with a prefix length', tryParseCidr);
const ignored = optional(anything);

/** 0.1.0 and 0.2.0 have one address of each family. */
const family = optional(object({ ip: cidr, gateway: ignored, routes: ignored }));

/** Told apart by its members, and not by its version; what is no address of ours to give is taken as it comes. */
const resultFile = object({
  interfaces: optional(
    list(object({ name: text(), mac: ignored, mtu: ignored, sandbox: ignored, socketPath: ignored, pciID: ignored })),
  ),
  ip4: family,
  ip6: family,
  ips: optional(list(object({ address: cidr, interface: ignored, gateway: ignored }))),
  routes: ignored,
  dns: optional(anyDns),
});
type ResultFile = Infer<typeof resultFile>;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function toInterface(file: NonNullable<ResultFile['interfaces']>[number]): ResultInterface {
  const { name, mtu, socketPath, pciID } = file;
  return {
    name,
    mac: textOf(file.mac),
    mtuBytes: typeof mtu === 'number' && mtu > 0 ? mtu : undefined,
    sandbox: textOf(file.sandbox),
    ...(textOf(socketPath) === undefined ? {} : { socketPath: textOf(socketPath) }),
    ...(textOf(pciID) === undefined ? {} : { pciId: textOf(pciID) }),
  };
}

function toAddress(address: Cidr, gateway: unknown, index?: unknown): ResultAddress {
  return { address, gateway: ipOf(gateway), interface: typeof index === 'number' ? index : undefined };
}

function toResult(file: ResultFile, dns: CniResult['dns']): CniResult {
  const families = [file.ip4, file.ip6].filter((one) => one !== undefined);
  return {
    interfaces: (file.interfaces ?? []).map(toInterface),
    addresses: [
      ...families.map(({ ip, gateway }) => toAddress(ip, gateway)),
      ...(file.ips ?? []).map((one) => toAddress(one.address, one.gateway, one.interface)),
    ],
    routes: [...families.flatMap(({ routes }) => readRoutes(routes)), ...readRoutes(file.routes)],
    dns,
  };
}

/** undefined when it is none, or an address in it is not one. */
export function tryParseResult(value: unknown): CniResult | undefined {
  const result = readSchema(resultFile, value, 'open');
  return result.kind === 'valid' ? toResult(result.value, dnsIn(value)) : undefined;
}

/** As it came: plugins put keys of their own there. */
function dnsIn(value: unknown): CniResult['dns'] {
  return (membersOf(membersOf(value)?.dns) ?? {}) as CniResult['dns']; // of a JSON text
}

const EMPTY: CniResult = { interfaces: [], addresses: [], routes: [], dns: {} };

/** What a plugin printed; nothing at all is an empty result. Throws `invalid` with every issue. */
export function parseResult(plugin: string, text: string): CniResult {
  if (text.trim() === '') return EMPTY;
  const value = tryParseJson(text);
  if (value === undefined) throw new OcicatError('invalid', `result of plugin "${plugin}": is not JSON`);
  return toResult(parseValue(`result of plugin "${plugin}"`, value, resultFile, 'open'), dnsIn(value));
}

export interface CniDns {
  readonly nameservers: readonly string[];
  readonly domain: string | undefined;
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** undefined when the result has none. */
export function dnsOf({ dns }: CniResult): CniDns | undefined {
  const read = readSchema(anyDns, dns, 'open');
  const { nameservers = [], domain, search = [], options = [] } = read.kind === 'valid' ? read.value : {};
  const settings = { nameservers, domain: domain || undefined, search, options };
  const isEmpty = nameservers.length + search.length + options.length === 0 && settings.domain === undefined;
  return isEmpty ? undefined : settings;
}
