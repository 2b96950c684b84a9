// Network configurations: the files of net.d and the two networks that are always there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OcicatError } from '../../base/errors.ts';
import { parseDocument } from '../../schema/parse.ts';
import { text, textThat } from '../../schema/scalars.ts';
import { list, object, optional } from '../../schema/schema.ts';
import { isErrno } from '../../sys/errno.ts';
import type { NetList, WantedNetwork } from '../options/net-list.ts';

/** One plugin of a network: its program and the configuration it is given, without name, version and prevResult. */
export interface PluginConf {
  readonly type: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface NetworkConf {
  readonly name: string;
  readonly cniVersion: string;
  /** Base name of the file; networks are joined in the order of these names. */
  readonly file: string;
  readonly json: string;
  /** One for a `.conf` file, in order for a `.conflist`. */
  readonly plugins: readonly PluginConf[];
}

/** A network to join, as `eth0`, `eth1` and so on. */
export interface SelectedNetwork {
  readonly conf: NetworkConf;
  readonly ifName: string;
  readonly args: string;
}

/** Both built-in networks are in it; see the two below for how they keep out of each other's way. */
export const OWN_RANGE = '172.16.28.0/24';

function builtIn(name: string, ipMasq: boolean, ipam: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ cniVersion: '0.3.1', name, type: 'ptp', ipMasq, ipam: { type: 'host-local', ...ipam } });
}

/** A network that is there without a configuration, or even without being asked for. */
export type OwnNetwork = 'default' | 'default-restricted';

/** The host on `default-restricted`. */
export const RESTRICTED_HOST = '172.16.28.99';

/**
 * Each has its own part of the addresses, as host-local keeps its books per network, and its own address of the host, as
 * ptp gives a pod a route to it. A pod on `default-restricted` alone gets .2 first.
 */
const restrictedRange = {
  subnet: '172.16.28.0/25',
  rangeStart: '172.16.28.2',
  rangeEnd: '172.16.28.98',
  gateway: RESTRICTED_HOST,
  routes: [],
};

/** A pod that is on both reaches the addresses 100 to 127 by this one, though they are in the other's subnet too. */
const defaultRange = {
  subnet: OWN_RANGE,
  rangeStart: '172.16.28.100',
  rangeEnd: '172.16.28.254',
  gateway: '172.16.28.1',
  routes: ['0.0.0.0/0', '172.16.28.100/30', '172.16.28.104/29', '172.16.28.112/28'].map((dst) => ({ dst })),
};

const builtIns: readonly (readonly [file: string, json: string])[] = [
  ['99-default-restricted.conf', builtIn('default-restricted', false, restrictedRange)],
  ['99-default.conf', builtIn('default', true, defaultRange)],
];

/** Also keeps the name from leaving a directory when it becomes a file name. */
const networkName = text({
  wanted: 'a network name of letters, digits, dots, dashes and underscores',
  pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]*$/,
});
const pluginType = textThat(
  'the file name of a plugin',
  (type) => type !== '' && !type.includes('/') && type !== '.' && type !== '..',
);
const header = {
  name: networkName,
  cniVersion: optional(text({ wanted: 'a version x.y.z', pattern: /^\d+\.\d+\.\d+$/ })),
};
const single = object({ ...header, type: pluginType });
const chained = object({
  ...header,
  plugins: list(object({ type: pluginType }), { minItems: 1, maxItems: 100, wanted: 'at least one plugin' }),
});

/** Parses one file of net.d. Throws `invalid` naming the file and every issue. Plugins see what is not known here, too. */
export function parseNetworkConf(file: string, path: string, json: string): NetworkConf {
  const what = `error loading ${path}`;
  const isList = file.endsWith('.conflist');
  const read = isList ? parseDocument(what, json, chained, 'stored') : parseDocument(what, json, single, 'stored');
  const plugins = 'plugins' in read ? read.plugins : [read];
  return {
    name: read.name,
    cniVersion: read.cniVersion ?? '0.1.0',
    file,
    json,
    plugins: plugins.map((fields) => ({ type: fields.type, fields })),
  };
}

function netFiles(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((file) => file.endsWith('.conf') || file.endsWith('.conflist'));
  } catch (cause) {
    if (isErrno(cause, 'ENOENT')) return [];
    throw new OcicatError('unavailable', `read directory "${dir}"`, { cause });
  }
}

/** Which of rkt's own networks it is; undefined for one from net.d, also under the name of an own one. */
export function ownNetwork({ name, json }: NetworkConf): OwnNetwork | undefined {
  const isOwn = builtIns.some(([, own]) => own === json);
  return isOwn && (name === 'default' || name === 'default-restricted') ? name : undefined;
}

/**
 * The networks of a net.d directory and the built-in ones it does not replace, in file order. One bad file refuses all.
 * `warn` hears of replaced built-ins and of names that were taken already.
 */
export function loadNetworks(netDir: string, warn: (line: string) => void): readonly NetworkConf[] {
  const networks = new Map<string, NetworkConf>();
  for (const file of [...netFiles(netDir)].sort()) {
    const path = join(netDir, file);
    const conf = parseNetworkConf(file, path, readFileSync(path, 'utf8'));
    if (networks.has(conf.name)) warn(`"${conf.name}" network already defined, ignoring ${file}`);
    else networks.set(conf.name, conf);
  }
  for (const [file, json] of builtIns) {
    const conf = parseNetworkConf(file, file, json);
    if (networks.has(conf.name)) warn(`overriding "${conf.name}" network with one from ${netDir}`);
    else networks.set(conf.name, conf);
  }
  return [...networks.values()].sort((a, b) => (a.file < b.file ? -1 : 1));
}

function wantedOf(
  list: Extract<NetList, { kind: 'all' | 'networks' }>,
  confs: readonly NetworkConf[],
): readonly WantedNetwork[] {
  if (list.kind === 'networks') return list.named;
  const named = new Set(list.named.map((network) => network.name));
  return [...list.named, ...confs.filter(({ name }) => !named.has(name)).map(({ name }) => ({ name, args: '' }))];
}

/** The networks that a pod joins, in file order. Throws `not-found` naming every unknown one. */
export function selectNetworks(
  list: Extract<NetList, { kind: 'all' | 'networks' }>,
  confs: readonly NetworkConf[],
): readonly SelectedNetwork[] {
  const wanted = new Map(wantedOf(list, confs).map((network) => [network.name, network]));
  const unknown = [...wanted.keys()].filter((name) => !confs.some((conf) => conf.name === name));
  if (unknown.length > 0) {
    const known = confs.map(({ name }) => name).join(', ');
    throw new OcicatError('not-found', `networks not found: ${unknown.join(', ')}; there are ${known}`);
  }
  return confs
    .filter((conf) => wanted.has(conf.name))
    .map((conf, index) => ({ conf, ifName: `eth${index}`, args: wanted.get(conf.name)?.args ?? '' }));
}
