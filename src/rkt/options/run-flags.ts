// Options of run, prepare and run-prepared that concern the pod as a whole.
import { OcicatError } from '../../base/errors.ts';
import type { Flag } from '../../cli/command.ts';
import { flagOn, flagValue, flagValues, type WithFlags } from '../../cli/flags.ts';
import type { PullPolicy } from '../../images/transfer/fetch.ts';
import { type DnsMode, type HostsMode, parseDnsMode, parseHostname, parseHostsMode } from './dns-files.ts';
import type { Flavour } from './flavour.ts';
import { type NetList, parseNetList } from './net-list.ts';

/** Options that shape the prepared pod. */
export const prepareFlags: readonly Flag[] = [
  {
    name: 'inherit-env',
    doc: 'inherit all environment variables not set by apps',
  },
  { name: 'no-store', doc: 'deprecated: --pull-policy=update' },
  {
    name: 'pull-policy',
    value: 'VALUE',
    usual: 'new',
    doc: 'when to pull an image: new, update or never',
    choices: ['new', 'update', 'never'],
  },
  { name: 'set-env', value: 'VALUE', doc: 'environment variable to set for all the apps in the form key=value' },
  { name: 'set-env-file', value: 'VALUE', doc: 'path to an environment variables file', isPath: true },
  {
    name: 'stage1-from-dir',
    value: 'VALUE',
    doc: 'flavour, by the file name of its image in the stage1 images directory',
  },
  { name: 'stage1-hash', value: 'VALUE', doc: 'flavour, by the hash of its image' },
  { name: 'stage1-name', value: 'VALUE', doc: 'flavour, by the name of its image, e.g. coreos.com/rkt/stage1-fly' },
  { name: 'stage1-path', value: 'VALUE', doc: 'flavour, by the path of its image' },
  { name: 'stage1-url', value: 'VALUE', doc: 'flavour, by the URL of its image' },
  { name: 'store-only', doc: 'deprecated: --pull-policy=never' },
  {
    name: 'volume',
    value: 'VALUE',
    doc: 'volume to make available in the pod: NAME,kind=host,source=PATH[,readOnly=BOOL][,recursive=BOOL] or NAME,kind=empty[,mode=MODE][,uid=UID][,gid=GID]',
  },
];

/** Options that say how the pod is to run. */
export const runtimeFlags: readonly Flag[] = [
  { name: 'dns', value: 'VALUE', doc: 'name servers to write in /etc/resolv.conf, or "host" or "none"' },
  { name: 'dns-domain', value: 'VALUE', usual: '""', doc: 'DNS domain to write in /etc/resolv.conf' },
  { name: 'dns-opt', value: 'VALUE', doc: 'DNS options to write in /etc/resolv.conf' },
  { name: 'dns-search', value: 'VALUE', doc: 'DNS search domains to write in /etc/resolv.conf' },
  { name: 'hostname', value: 'VALUE', usual: '""', doc: 'pod\'s hostname. If empty, it will be "rkt-$PODUUID"' },
  {
    name: 'hosts-entry',
    value: 'VALUE',
    doc: 'entries to add to the pod-wide hosts file: IP=NAME[,IP=NAME], or "host"',
  },
  { name: 'interactive', doc: 'run pod interactively' },
  {
    name: 'ipc',
    value: 'VALUE',
    usual: '""',
    doc: 'whether to stay in the host IPC namespace: auto, private or parent',
    choices: ['auto', 'private', 'parent'],
  },
  {
    name: 'mds-register',
    doc: 'register pod with metadata service. It needs network connectivity to the host (--net=default, --net=default-restricted, or --net=host)',
  },
  {
    name: 'net',
    value: 'VALUE',
    bare: 'default',
    usual: 'default',
    doc: "configure the pod's networking: a list of networks, each with optional arguments, or none, host, all",
  },
];

export interface RuntimeOptions {
  readonly net: NetList;
  /** Whether `--net` was given at all. */
  readonly hasNetFlag: boolean;
  /** undefined: as the flavour does it. */
  readonly ownIpc: boolean | undefined;
  readonly dns: DnsMode;
  readonly hosts: HostsMode;
  /** undefined: `rkt-` and the UUID. */
  readonly hostname: string | undefined;
  readonly interactive: boolean;
  /** Whether the pod may ask the metadata service about itself. */
  readonly mdsRegister: boolean;
}

function parseIpc(text: string): boolean | undefined {
  if (text === '' || text === 'auto') return undefined;
  if (text === 'private') return true;
  if (text === 'parent') return false;
  throw new OcicatError('invalid', `unknown value for --ipc parameter: ${text}`);
}

function parseDns(line: WithFlags): Pick<RuntimeOptions, 'dns' | 'hosts'> {
  try {
    return {
      dns: parseDnsMode({
        servers: flagValues(line, 'dns'),
        search: flagValues(line, 'dns-search'),
        options: flagValues(line, 'dns-opt'),
        domain: flagValue(line, 'dns-domain') ?? '',
      }),
      hosts: parseHostsMode(flagValues(line, 'hosts-entry')),
    };
  } catch (cause) {
    throw new OcicatError('invalid', 'error with dns flags', { cause });
  }
}

function parseMdsRegister(line: WithFlags, net: NetList): boolean {
  const wanted = flagOn(line, 'mds-register');
  if (!wanted || net.kind !== 'none') return wanted;
  throw new OcicatError(
    'invalid',
    "--mds-register flag does not work with --net=none. Please use 'host', 'default' or an equivalent network",
  );
}

/** Throws `invalid`. */
export function parseRuntimeOptions(line: WithFlags): RuntimeOptions {
  const hostname = flagValue(line, 'hostname') ?? '';
  const nets = flagValues(line, 'net');
  const net = parseNetList(nets);
  return {
    net,
    mdsRegister: parseMdsRegister(line, net),
    hasNetFlag: nets.length > 0,
    ...parseDns(line),
    hostname: hostname === '' ? undefined : parseHostname(hostname),
    interactive: flagOn(line, 'interactive'),
    ownIpc: parseIpc(flagValue(line, 'ipc') ?? ''),
  };
}

/** Warnings about a deprecated option go to `warn`. Throws `invalid`. */
export function parsePullPolicy(line: WithFlags, fallback: PullPolicy, warn: (text: string) => void): PullPolicy {
  const storeOnly = flagOn(line, 'store-only');
  const noStore = flagOn(line, 'no-store');
  if (storeOnly && noStore) throw new OcicatError('invalid', 'both --store-only and --no-store specified');
  if (storeOnly) warn('Flag --store-only has been deprecated, please use --pull-policy=never');
  if (noStore) warn('Flag --no-store has been deprecated, please use --pull-policy=update');
  if (storeOnly) return 'never';
  if (noStore) return 'update';
  const policy = flagValue(line, 'pull-policy') ?? fallback;
  if (policy === 'new' || policy === 'update' || policy === 'never') return policy;
  throw new OcicatError('invalid', `--pull-policy "${policy}": wanted new, update or never`);
}

const stage1Flags = ['stage1-url', 'stage1-path', 'stage1-name', 'stage1-hash', 'stage1-from-dir'];

/**
 * rkt chose a flavour by an image; the flavours are built in here, and the image's name still chooses. Throws `invalid`
 * for names of other images, and `unsupported` for a hash, which names none.
 */
export function parseFlavour(line: WithFlags): Flavour {
  const [first, other] = line.flags.filter(({ name }) => stage1Flags.includes(name));
  if (first === undefined) return 'default';
  if (other !== undefined) {
    if (other.name === first.name) throw new OcicatError('invalid', `--${first.name} already used`);
    throw new OcicatError('invalid', `flags --${first.name} and --${other.name} are mutually exclusive`);
  }
  const last = first.value.slice(first.value.lastIndexOf('/') + 1);
  const name = last
    .replace(/[:,].*$/, '')
    .replace(/\.aci$/, '')
    .replace(/-\d.*$/, '');
  if (first.name !== 'stage1-hash' && /^(stage1-)?fly$/.test(name)) return 'fly';
  if (first.name !== 'stage1-hash' && /^(stage1-)?(coreos|default)$/.test(name)) return 'default';
  throw new OcicatError(
    'unsupported',
    `--${first.name} "${first.value}": unknown flavour, wanted a name ending in stage1-fly or stage1-coreos`,
  );
}
