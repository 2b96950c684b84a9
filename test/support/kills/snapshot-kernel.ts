// What the kernel holds, a line each, from the JSON of ip(8) and nft(8).

type Fields = Readonly<Record<string, unknown>>;

/** What is said of each kind of object. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  link: ['ifname', 'flags', 'mtu', 'group', 'ifalias', 'address', 'promiscuity'],
  address: ['local', 'prefixlen', 'scope', 'protocol'],
  route: ['type', 'dst', 'gateway', 'via', 'dev', 'table', 'protocol', 'scope', 'metric', 'prefsrc', 'flags'],
  rule: ['priority', 'src', 'srclen', 'dst', 'fwmark', 'table', 'protocol'],
  neighbour: ['dst', 'dev', 'lladdr', 'state'],
};

function pick(kind: string, fields: Fields): string {
  const named = (FIELDS[kind] ?? []).flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]]));
  return `${kind} ${JSON.stringify(Object.fromEntries(named))}`;
}

function objectsOf(json: string): readonly Fields[] {
  return (JSON.parse(json || '[]') as readonly Fields[]).filter((fields) => Object.keys(fields).length > 0);
}

/** What the kernel has for each link that is up, of IPv6, comes in its own time. */
function isSaid(line: string): boolean {
  return !/"(fe80:|ff00::)/.test(line);
}

/** What is sent from an interface of a pod has a table of its own, after the interface's number (src/kernel/link/pod-routes.ts). */
const FIRST_TABLE = 0x10000;

function numbersOf(links: string): ReadonlyMap<number, unknown> {
  return new Map(objectsOf(links).map(({ ifindex, ifname }) => [Number(ifindex), ifname]));
}

/** A table says something where a pod has several interfaces; what is in one that has gone goes with the next interface. */
function describePodObject(kind: string, fields: Fields, names: ReadonlyMap<number, unknown>): readonly string[] {
  const number = Number(fields.table) - FIRST_TABLE;
  if (!(number > 0)) return [pick(kind, fields)];
  const name = names.get(number);
  return name === undefined || names.size < 3 ? [] : [pick(kind, { ...fields, table: `of ${name}` })]; // `lo` is one
}

/** By kind, what ip(8) prints of a pod's namespace. */
export function describePod(objects: readonly (readonly [kind: string, json: string])[]): readonly string[] {
  const names = numbersOf(objects.find(([kind]) => kind === 'link')?.[1] ?? '');
  return objects.flatMap(([kind, json]) =>
    kind === 'address'
      ? describeObjects(kind, json)
      : objectsOf(json)
          .flatMap((fields) => describePodObject(kind, fields, names))
          .filter(isSaid),
  );
}

/** What `ip -j` prints of the kind. */
export function describeObjects(kind: string, json: string): readonly string[] {
  if (kind !== 'address')
    return objectsOf(json)
      .map((fields) => pick(kind, fields))
      .filter(isSaid);
  return objectsOf(json).flatMap(({ ifname, addr_info }) =>
    (addr_info as readonly Fields[]).map((fields) => `${pick(kind, fields)} of ${ifname}`).filter(isSaid),
  );
}

/** Without the numbers that the kernel gives, and what has been counted. */
function scrub(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(scrub);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !['handle', 'packets', 'bytes'].includes(name));
  return Object.fromEntries(kept.map(([name, part]) => [name, scrub(part)]));
}

function describeSet({ elem = [], ...set }: { readonly elem?: readonly unknown[]; readonly name?: string }) {
  return [`set ${JSON.stringify(set)}`, ...elem.map((one) => `element of ${set.name} ${JSON.stringify(one)}`)];
}

/** What `nft -j list ruleset` prints; rules with their place in their chain. */
export function describeRuleset(json: string): readonly string[] {
  const { nftables } = JSON.parse(json) as { readonly nftables: readonly Readonly<Record<string, Fields>>[] };
  const places = new Map<string, number>();
  return nftables.flatMap((object) => {
    const [kind = '', fields = {}] = Object.entries(scrub(object) as Readonly<Record<string, Fields>>)[0] ?? [];
    if (kind === 'metainfo') return [];
    if (kind === 'set' || kind === 'map') return describeSet(fields);
    const place = (places.get(`${fields.chain}`) ?? 0) + 1;
    if (kind === 'rule') places.set(`${fields.chain}`, place);
    return [`${kind}${kind === 'rule' ? ` ${place}` : ''} ${JSON.stringify(fields)}`];
  });
}
