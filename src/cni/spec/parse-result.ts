// The result of a plugin of any version of the specification, from JSON to values or to every reason why it is none.
import { formatIssue, type Issue, OcicatError } from '../../base/errors.ts';
import { isJsonObject, type Json, tryParseJson } from '../../base/json.ts';
import { type Cidr, tryParseCidr } from '../../net/cidr.ts';
import { tryParseIp } from '../../net/ip.ts';
import { createReader, type Reader } from './config-reader.ts';
import type { CniResult, ResultAddress, ResultInterface, ResultRoute } from './result.ts';

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** `[{ "dst": "10.0.0.0/8" }]`; what is no route is left out. */
export function readRoutes(value: Json | undefined): readonly ResultRoute[] {
  const routes: readonly Json[] = Array.isArray(value) ? value : [];
  return routes.flatMap((route) => {
    const { dst, gw } = isJsonObject(route) ? route : {};
    const destination = tryParseCidr(textOf(dst));
    return destination === undefined ? [] : [{ destination, gateway: tryParseIp(textOf(gw)) }];
  });
}

type Report = (path: string, found: Json | undefined, wanted: string) => void;

function readCidr(value: Json | undefined, path: string, report: Report): Cidr | undefined {
  const cidr = tryParseCidr(textOf(value));
  if (cidr === undefined) report(path, value, 'an address with a prefix length');
  return cidr;
}

function readAddress(value: Json, name: string, path: string, report: Report): readonly ResultAddress[] {
  const fields = isJsonObject(value) ? value : {};
  const address = readCidr(fields[name], `${path}.${name}`, report);
  const index = fields.interface;
  const gateway = tryParseIp(textOf(fields.gateway));
  return address === undefined ? [] : [{ address, gateway, interface: typeof index === 'number' ? index : undefined }];
}

function readInterface(value: Json, path: string, report: Report): readonly ResultInterface[] {
  const { name, mac, mtu, sandbox } = isJsonObject(value) ? value : {};
  if (typeof name !== 'string') {
    report(`${path}.name`, name, 'a string');
    return [];
  }
  return [
    {
      name,
      mac: textOf(mac) || undefined,
      mtuBytes: typeof mtu === 'number' && mtu > 0 ? mtu : undefined,
      sandbox: textOf(sandbox) || undefined,
    },
  ];
}

/** 0.1.0 and 0.2.0 have one address of each family. */
const FAMILIES = ['ip4', 'ip6'] as const;

function readAll(reader: Reader, fields: { readonly [key: string]: Json }): CniResult {
  const report: Report = (path, found, wanted) =>
    reader.refuse(path, found === undefined ? 'nothing' : JSON.stringify(found), wanted);
  const families = FAMILIES.filter((name) => reader.has(name));
  const familyOf = (name: string): Json => fields[name] ?? null;
  readDnsSettings(reader.within('dns'));
  return {
    interfaces: reader.list('interfaces').flatMap((one, index) => readInterface(one, `interfaces[${index}]`, report)),
    addresses: [
      ...families.flatMap((name) => readAddress(familyOf(name), 'ip', name, report)),
      ...reader.list('ips').flatMap((one, index) => readAddress(one, 'address', `ips[${index}]`, report)),
    ],
    routes: [
      ...families.flatMap((name) => {
        const family = familyOf(name);
        return isJsonObject(family) ? readRoutes(family.routes) : [];
      }),
      ...readRoutes(fields.routes),
    ],
    dns: isJsonObject(fields.dns) ? fields.dns : {},
  };
}

/** Told apart by its members. With issues it is none. */
function readResult(value: Json | undefined, issues: Issue[]): CniResult {
  const fields = isJsonObject(value) ? value : {};
  if (!isJsonObject(value)) issues.push({ path: '', found: 'something else', wanted: 'an object' });
  return readAll(createReader(fields, '', issues), fields);
}

/** undefined when it is none, or an address in it is not one. */
export function tryParseResult(value: Json | undefined): CniResult | undefined {
  const issues: Issue[] = [];
  const result = readResult(value, issues);
  return issues.length === 0 ? result : undefined;
}

const EMPTY: CniResult = { interfaces: [], addresses: [], routes: [], dns: {} };

/** What a plugin printed; nothing at all is an empty result. Throws `invalid` with every issue. */
export function parseResult(plugin: string, text: string): CniResult {
  if (text.trim() === '') return EMPTY;
  const value = tryParseJson(text);
  if (value === undefined) throw new OcicatError('invalid', `result of plugin "${plugin}": is not JSON`);
  const issues: Issue[] = [];
  const result = readResult(value, issues);
  if (issues.length === 0) return result;
  throw new OcicatError('invalid', `result of plugin "${plugin}": ${issues.map(formatIssue).join('; ')}`);
}

/** Name servers and the like (CNI spec 1.1.0, "dns"). */
export interface CniDns {
  readonly nameservers: readonly string[];
  readonly domain: string | undefined;
  readonly search: readonly string[];
  readonly options: readonly string[];
}

function readDnsSettings(reader: Reader): CniDns {
  const [nameservers, search, options] = [reader.texts('nameservers'), reader.texts('search'), reader.texts('options')];
  return { nameservers, domain: reader.text('domain') || undefined, search, options };
}

/** undefined when the result has none. */
export function dnsOf({ dns }: CniResult): CniDns | undefined {
  const settings = readDnsSettings(createReader(dns));
  const { nameservers, domain, search, options } = settings;
  const isEmpty = nameservers.length + search.length + options.length === 0 && domain === undefined;
  return isEmpty ? undefined : settings;
}
