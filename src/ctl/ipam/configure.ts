// ipam configure: changes settings of address assignment for the whole cluster.
import { tryParseBoolean } from '../../base/boolean.ts';
import { OcicatError } from '../../base/errors.ts';
import type { IpamRecord } from '../../model/ipam/ipam-record.ts';
import { dryRunNote, flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { withStore } from '../store/context.ts';
import { retryConflict } from '../store/retry.ts';
import { readIpamConfig, writeIpamConfig } from './config.ts';

/** Limits of Calico v3.33 (calicoctl/calicoctl/commands/ipam/configure.go). */
const MAX_BLOCKS = 1_000_000;
const MAX_COOLDOWN_S = 1_200;

type Change = { readonly [K in keyof IpamRecord]?: IpamRecord[K] };

function readNumber(flag: string, text: string, max: number): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= max) return Number(text);
  throw new OcicatError('invalid', `invalid value "${text}" for --${flag}: wanted 0 to ${max}`);
}

function readPersistence(text: string): IpamRecord['kubeVirtVMAddressPersistence'] {
  if (text === 'Enabled' || text === 'Disabled') return text;
  throw new OcicatError('invalid', 'invalid value. Use Enabled or Disabled to set kubevirt-ip-persistence');
}

function readStrictness(text: string): boolean {
  const isStrict = tryParseBoolean(text);
  if (isStrict !== undefined) return isStrict;
  throw new OcicatError('invalid', 'invalid value. Use true or false to set strictaffinity');
}

interface Setting {
  readonly label: string;
  readonly change: Change;
  readonly value: string;
}

/** The settings that flags change, in the order in which they are shown. */
function readSettings(invocation: Invocation): readonly Setting[] {
  const settings: Setting[] = [];
  const read = (flag: string, label: string, toChange: (text: string) => Change, show = (text: string) => text) => {
    const text = flagValue(invocation, flag);
    if (text !== undefined) settings.push({ label, change: toChange(text), value: show(text) });
  };
  read(
    'strictaffinity',
    'StrictAffinity',
    (text) => ({ strict_affinity: readStrictness(text) }),
    (text) => String(readStrictness(text)),
  );
  read('max-blocks-per-host', 'MaxBlocksPerHost', (text) => ({
    maxBlocksPerHost: readNumber('max-blocks-per-host', text, MAX_BLOCKS),
  }));
  read('ip-cooldown-seconds', 'IPCooldownSeconds', (text) => ({
    ipCooldownSeconds: readNumber('ip-cooldown-seconds', text, MAX_COOLDOWN_S),
  }));
  read('kubevirt-ip-persistence', 'KubeVirtVMAddressPersistence', (text) => ({
    kubeVirtVMAddressPersistence: readPersistence(text),
  }));
  return settings;
}

function checkConfig(config: IpamRecord): void {
  if (config.strict_affinity && !config.auto_allocate_blocks) {
    throw new OcicatError(
      'invalid',
      "error: Cannot disable 'StrictAffinity' and 'AutoAllocateBlocks' at the same time",
    );
  }
  if (config.maxBlocksPerHost > 0 && !config.strict_affinity) {
    throw new OcicatError('invalid', 'error: MaxBlocksPerHost requires StrictAffinity to be enabled');
  }
}

export const runIpamConfigure: Handler = async (invocation) => {
  const settings = readSettings(invocation);
  if (settings.length === 0) throw new OcicatError('invalid', 'at least one configuration option must be specified');
  await withStore(invocation, (datastore) =>
    retryConflict(async () => {
      const changing = settings.flatMap(({ change }) => Object.keys(change));
      const read = await readIpamConfig(datastore, invocation.signal, changing);
      const config: IpamRecord = Object.assign({}, read.fields, ...settings.map(({ change }) => change));
      checkConfig(config);
      await writeIpamConfig(datastore, config, read, invocation.signal);
    }),
  );
  const note = dryRunNote(invocation);
  for (const { label, value } of settings) invocation.stdio.write(`Successfully set ${label} to: ${value}${note}\n`);
  return 0;
};
