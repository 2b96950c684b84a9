// Options of run, prepare and run-prepared that concern the pod as a whole.
import { OcicatError } from '../../base/errors.ts';
import type { PullPolicy } from '../../images/transfer/fetch.ts';
import { allFlags, type FlagSpec, type FlagUse, isSet, lastFlag } from '../cli/flags.ts';
import { type DnsMode, type HostsMode, parseDnsMode, parseHostname, parseHostsMode } from './dns-files.ts';
import type { Flavour } from './flavour.ts';
import { type NetList, parseNetList } from './net-list.ts';

/** Options that shape the prepared pod. */
export const prepareFlags: readonly FlagSpec[] = [
  {
    name: 'inherit-env',
    takes: 'boolean',
    initial: 'false',
    help: 'inherit all environment variables not set by apps',
  },
  { name: 'no-store', takes: 'boolean', initial: 'false', help: 'deprecated: --pull-policy=update' },
  { name: 'pull-policy', takes: 'text', initial: 'new', help: 'when to pull an image: new, update or never' },
  { name: 'set-env', takes: 'text', help: 'environment variable to set for all the apps in the form key=value' },
  { name: 'set-env-file', takes: 'text', help: 'path to an environment variables file' },
  {
    name: 'stage1-from-dir',
    takes: 'text',
    help: 'flavour, by the file name of its image in the stage1 images directory',
  },
  { name: 'stage1-hash', takes: 'text', help: 'flavour, by the hash of its image' },
  { name: 'stage1-name', takes: 'text', help: 'flavour, by the name of its image, e.g. coreos.com/rkt/stage1-fly' },
  { name: 'stage1-path', takes: 'text', help: 'flavour, by the path of its image' },
  { name: 'stage1-url', takes: 'text', help: 'flavour, by the URL of its image' },
  { name: 'store-only', takes: 'boolean', initial: 'false', help: 'deprecated: --pull-policy=never' },
  {
    name: 'volume',
    takes: 'text',
    help: 'volume to make available in the pod: NAME,kind=host,source=PATH[,readOnly=BOOL][,recursive=BOOL] or NAME,kind=empty[,mode=MODE][,uid=UID][,gid=GID]',
  },
];

/** Options that say how the pod is to run. */
export const runtimeFlags: readonly FlagSpec[] = [
  { name: 'dns', takes: 'text', help: 'name servers to write in /etc/resolv.conf, or "host" or "none"' },
  { name: 'dns-domain', takes: 'text', initial: '""', help: 'DNS domain to write in /etc/resolv.conf' },
  { name: 'dns-opt', takes: 'text', help: 'DNS options to write in /etc/resolv.conf' },
  { name: 'dns-search', takes: 'text', help: 'DNS search domains to write in /etc/resolv.conf' },
  { name: 'hostname', takes: 'text', initial: '""', help: 'pod\'s hostname. If empty, it will be "rkt-$PODUUID"' },
  {
    name: 'hosts-entry',
    takes: 'text',
    help: 'entries to add to the pod-wide hosts file: IP=NAME[,IP=NAME], or "host"',
  },
  { name: 'interactive', takes: 'boolean', initial: 'false', help: 'run pod interactively' },
  {
    name: 'ipc',
    takes: 'text',
    initial: '""',
    help: 'whether to stay in the host IPC namespace: auto, private or parent',
  },
  {
    name: 'mds-register',
    takes: 'boolean',
    initial: 'false',
    help: 'register pod with metadata service. It needs network connectivity to the host (--net=default, --net=default-restricted, or --net=host)',
  },
  {
    name: 'net',
    takes: 'optional',
    bare: 'default',
    initial: 'default',
    help: "configure the pod's networking: a list of networks, each with optional arguments, or none, host, all",
  },
];

export interface RuntimeOptions {
  readonly net: NetList;
  /** Whether `--net` was given at all. */
  readonly netGiven: boolean;
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

function parseDns(uses: readonly FlagUse[]): Pick<RuntimeOptions, 'dns' | 'hosts'> {
  try {
    return {
      dns: parseDnsMode({
        servers: allFlags(uses, 'dns'),
        search: allFlags(uses, 'dns-search'),
        options: allFlags(uses, 'dns-opt'),
        domain: lastFlag(uses, 'dns-domain') ?? '',
      }),
      hosts: parseHostsMode(allFlags(uses, 'hosts-entry')),
    };
  } catch (cause) {
    throw new OcicatError('invalid', 'error with dns flags', { cause });
  }
}

function parseMdsRegister(uses: readonly FlagUse[], net: NetList): boolean {
  const wanted = isSet(uses, 'mds-register');
  if (!wanted || net.kind !== 'none') return wanted;
  throw new OcicatError(
    'invalid',
    "--mds-register flag does not work with --net=none. Please use 'host', 'default' or an equivalent network",
  );
}

/** Throws `invalid`. */
export function parseRuntimeOptions(uses: readonly FlagUse[]): RuntimeOptions {
  const hostname = lastFlag(uses, 'hostname') ?? '';
  const nets = allFlags(uses, 'net');
  const net = parseNetList(nets);
  return {
    net,
    mdsRegister: parseMdsRegister(uses, net),
    netGiven: nets.length > 0,
    ...parseDns(uses),
    hostname: hostname === '' ? undefined : parseHostname(hostname),
    interactive: isSet(uses, 'interactive'),
    ownIpc: parseIpc(lastFlag(uses, 'ipc') ?? ''),
  };
}

/** Words for a deprecated option go to `warn`. Throws `invalid`. */
export function parsePullPolicy(
  uses: readonly FlagUse[],
  fallback: PullPolicy,
  warn: (line: string) => void,
): PullPolicy {
  const storeOnly = isSet(uses, 'store-only');
  const noStore = isSet(uses, 'no-store');
  if (storeOnly && noStore) throw new OcicatError('invalid', 'both --store-only and --no-store specified');
  if (storeOnly) warn('Flag --store-only has been deprecated, please use --pull-policy=never');
  if (noStore) warn('Flag --no-store has been deprecated, please use --pull-policy=update');
  if (storeOnly) return 'never';
  if (noStore) return 'update';
  const policy = lastFlag(uses, 'pull-policy') ?? fallback;
  if (policy === 'new' || policy === 'update' || policy === 'never') return policy;
  throw new OcicatError('invalid', `--pull-policy "${policy}": wanted new, update or never`);
}

const stage1Flags = ['stage1-url', 'stage1-path', 'stage1-name', 'stage1-hash', 'stage1-from-dir'];

/**
 * rkt chose a flavour by an image; the flavours are built in here, and the image's name still chooses. Throws `invalid`
 * for names of other images, and `unsupported` for a hash, which names none.
 */
export function parseFlavour(uses: readonly FlagUse[]): Flavour {
  const [given, other] = uses.filter((use) => stage1Flags.includes(use.name));
  if (given === undefined) return 'default';
  if (other !== undefined) {
    if (other.name === given.name) throw new OcicatError('invalid', `--${given.name} already used`);
    throw new OcicatError('invalid', `flags --${given.name} and --${other.name} are mutually exclusive`);
  }
  const last = given.value.slice(given.value.lastIndexOf('/') + 1);
  const name = last
    .replace(/[:,].*$/, '')
    .replace(/\.aci$/, '')
    .replace(/-\d.*$/, '');
  if (given.name !== 'stage1-hash' && /^(stage1-)?fly$/.test(name)) return 'fly';
  if (given.name !== 'stage1-hash' && /^(stage1-)?(coreos|default)$/.test(name)) return 'default';
  throw new OcicatError(
    'unsupported',
    `--${given.name} "${given.value}": unknown flavour, wanted a name ending in stage1-fly or stage1-coreos`,
  );
}
