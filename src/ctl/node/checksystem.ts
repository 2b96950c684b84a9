// node checksystem: whether this host's kernel has what the agent needs.
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { OcicatError } from '../../base/errors.ts';
import { followMove, loadDatastoreConfig } from '../../datastore/open/open.ts';
import { describeOtherBirds, describeOtherEtcds } from '../../sys/other-daemons.ts';
import { isInstalled, PACKAGES, type ProgramName } from '../../sys/programs.ts';
import { flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { DEFAULT_CONFIG_PATH } from '../store/store.ts';
import { observeForwarding } from './forwarding.ts';
import { describeFinding, describeUnreadable, observeOtherFirewalls } from './other-firewalls.ts';

/** nftables with the expressions that the agent's rules use; earlier kernels validate other things (nft(8)). */
const MIN_KERNEL: readonly [number, number] = [5, 10];

interface Need {
  readonly module: string;
  readonly option: string;
  readonly required: boolean;
}

const NEEDS: readonly Need[] = [
  { module: 'nf_tables', option: 'CONFIG_NF_TABLES', required: true },
  { module: 'nf_conntrack', option: 'CONFIG_NF_CONNTRACK', required: true },
  { module: 'nft_ct', option: 'CONFIG_NFT_CT', required: true },
  { module: 'nf_nat', option: 'CONFIG_NF_NAT', required: true },
  { module: 'nft_masq', option: 'CONFIG_NFT_MASQ', required: true },
  { module: 'veth', option: 'CONFIG_VETH', required: true },
  { module: 'nft_fib_inet', option: 'CONFIG_NFT_FIB_INET', required: false },
  { module: 'nft_limit', option: 'CONFIG_NFT_LIMIT', required: false },
  { module: 'ipip', option: 'CONFIG_NET_IPIP', required: false },
  { module: 'vxlan', option: 'CONFIG_VXLAN', required: false },
  { module: 'wireguard', option: 'CONFIG_WIREGUARD', required: false },
];

/** Who needs a program, and whether the agent does wherever it runs. */
const PROGRAMS: readonly { readonly name: ProgramName; readonly required: boolean; readonly neededBy: string }[] = [
  { name: 'bird', required: true, neededBy: 'routes between hosts' },
  { name: 'etcd', required: false, neededBy: 'one machine without a cluster' },
  { name: 'wireguard-go', required: false, neededBy: 'encryption between hosts where the kernel has no WireGuard' },
  { name: 'bwrap', required: false, neededBy: 'rkt' },
  { name: 'crun', required: false, neededBy: 'rkt' },
];

async function tryRead(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

async function readKernelConfig(path: string | undefined): Promise<string> {
  if (path !== undefined) {
    return readFile(path, 'utf8').catch((cause: unknown) => {
      throw new OcicatError('invalid', `open ${path}: cannot be read`, { cause });
    });
  }
  const running = await readFile('/proc/config.gz').catch(() => undefined);
  if (running !== undefined) return gunzipSync(running).toString();
  return tryRead(`/boot/config-${release()}`);
}

/** Names of modules that are loaded, can be loaded, or are part of the kernel. */
async function readModules(): Promise<ReadonlySet<string>> {
  const [loaded, loadable, builtin] = await Promise.all([
    tryRead('/proc/modules'),
    tryRead(`/lib/modules/${release()}/modules.dep`),
    tryRead(`/lib/modules/${release()}/modules.builtin`),
  ]);
  const files = `${loadable}\n${builtin}`.matchAll(/([^/\s:]+)\.ko(?:\.\w+)?(?=:|\s|$)/g);
  const names = [
    ...loaded.split('\n').map((line) => line.split(' ')[0] ?? ''),
    ...[...files].map((match) => match[1] ?? ''),
  ];
  return new Set(names.map((name) => name.replaceAll('-', '_')));
}

function kernelSuffices(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > MIN_KERNEL[0] || (major === MIN_KERNEL[0] && minor >= MIN_KERNEL[1]);
}

/** How many of the required ones are missing. */
function reportPrograms({ stdio }: Invocation): number {
  stdio.write('Checking programs...\n');
  let missing = 0;
  for (const { name, required, neededBy } of PROGRAMS) {
    const isPresent = isInstalled(name);
    if (!isPresent && required) missing++;
    const word = `${required ? 'MISSING' : 'absent'}: package ${PACKAGES[name]}, for ${neededBy}`;
    stdio.write(`\t\t${name.padEnd(30)}${isPresent ? 'OK' : word}\n`);
  }
  return missing;
}

/** Switches that are off are not in the way: the agent switches them on. */
function reportForwarding({ stdio }: Invocation): void {
  stdio.write('Checking IP forwarding...\n');
  for (const { name, isOn } of observeForwarding()) {
    const word = isOn === undefined ? 'absent' : isOn ? 'OK' : 'off (the agent switches it on where it is needed)';
    stdio.write(`\t\t${name.padEnd(30)}${word}\n`);
  }
}

/** Root alone can look. What drops packets of workloads before the agent runs may be let through by it. */
function reportOtherFirewalls({ stdio }: Invocation): void {
  if (process.getuid?.() !== 0) return;
  stdio.write('Checking other firewalls...\n');
  const { findings, unreadable } = observeOtherFirewalls();
  const isInTheWay = unreadable !== undefined || findings.some(({ isAccepted }) => !isAccepted);
  stdio.write(`\t\t${'packets of workloads'.padEnd(30)}${isInTheWay ? 'WARNING' : 'OK'}\n`);
  for (const finding of findings) stdio.writeError(`WARNING: ${describeFinding(finding)}\n`);
  if (unreadable !== undefined) stdio.writeError(`WARNING: ${describeUnreadable(unreadable)}\n`);
}

async function reportOtherDaemons({ stdio, environment }: Invocation): Promise<void> {
  const { servers } = await followMove(await loadDatastoreConfig(DEFAULT_CONFIG_PATH, false, environment));
  const others = [...describeOtherBirds(), ...(servers.kind === 'private' ? describeOtherEtcds() : [])];
  for (const line of others) stdio.writeError(`WARNING: ${line}\n`);
}

export const runCheckSystem: Handler = async (invocation) => {
  const { stdio } = invocation;
  const version = release();
  const suffices = kernelSuffices(version);
  stdio.write(`Checking kernel version...\n\t\t${version.padEnd(30)}${suffices ? 'OK' : 'WARNING'}\n`);
  if (!suffices) stdio.writeError(`Minimum kernel version is ${MIN_KERNEL.join('.')}. Detected: ${version}\n`);
  const [modules, config] = await Promise.all([
    readModules(),
    readKernelConfig(flagValue(invocation, 'kernel-config')),
  ]);
  stdio.write('Checking kernel modules...\n');
  let missing = 0;
  for (const { module, option, required } of NEEDS) {
    const isPresent = modules.has(module) || new RegExp(`^${option}=[ym]$`, 'm').test(config);
    const word = isPresent ? 'OK' : required ? 'MISSING' : 'absent (optional)';
    if (!isPresent && required) missing++;
    stdio.write(`\t\t${module.padEnd(30)}${word}\n`);
  }
  missing += reportPrograms(invocation);
  reportForwarding(invocation);
  reportOtherFirewalls(invocation);
  await reportOtherDaemons(invocation);
  if (missing > 0 || !suffices) {
    stdio.writeError('System does not meet minimum system requirements to run Calico!\n');
    return 1;
  }
  stdio.write('System meets minimum system requirements to run Calico!\n');
  return 0;
};
