// Packets that are to be encrypted leave by the encrypting device, or not at all; and those that say they come from there come by it.
import type { Family } from '../../net/ip.ts';
import { PROTOCOL_UDP } from '../../net/protocol.ts';
import type { Chain, Rule, Statement } from '../../nftables/nft.ts';
import { accept, dropping, isFamily, isIn, isInterface, isPort, isProtocol, rule } from '../../nftables/statements.ts';
import { guardedHostsSet, guardedSet } from './ranges.ts';

const FAMILIES = [4, 6] as const;

/** Before everything else that a chain at these hooks decides. */
const PRIORITY = -4;
/** With other raw rules, before connection tracking and the look at where a packet may come from. */
const PRIORITY_RAW = -300;

/** A device that encrypts, of one family. */
interface EncryptingDevice {
  readonly interfaceName: string;
  readonly listenPort: number;
  /** The bit of the packet mark that what arrives encrypted gets; undefined: none, as hosts themselves speak plain. */
  readonly incomingMark: number | undefined;
}

/** Undefined: nothing is encrypted in the family. */
export type EncryptionConfig = Readonly<Record<Family, EncryptingDevice | undefined>>;

export const NO_ENCRYPTION: EncryptionConfig = { 4: undefined, 6: undefined };

const sourceOf = (family: Family) => (family === 4 ? 'saddr4' : 'saddr6');
const destinationOf = (family: Family) => (family === 4 ? 'daddr4' : 'daddr6');

function deviceRules(
  config: EncryptionConfig,
  field: 'iifname' | 'oifname',
  matches: readonly Statement[],
): readonly Rule[] {
  return FAMILIES.flatMap((family) => {
    const { interfaceName } = config[family] ?? {};
    return interfaceName === undefined
      ? []
      : [rule([isFamily(family), ...matches, isInterface(field, interfaceName), accept])];
  });
}

/** What goes out, by anything but the device and the links of workloads, where none of these addresses is. */
function leaving(config: EncryptionConfig, workloadPrefix: string): readonly Rule[] {
  const toWorkload: Statement = { kind: 'name-prefix', field: 'oifname', value: workloadPrefix };
  return [
    rule([toWorkload, accept]),
    ...deviceRules(config, 'oifname', []),
    ...FAMILIES.filter((family) => config[family] !== undefined).map((family) =>
      dropping('unencrypted', isFamily(family), isIn([destinationOf(family)], guardedSet(family))),
    ),
  ];
}

/** What goes to a workload of this host. */
function arriving(config: EncryptionConfig, workloadPrefix: string): readonly Rule[] {
  const toWorkload: Statement = { kind: 'name-prefix', field: 'oifname', value: workloadPrefix };
  const fromWorkload: Statement = { kind: 'name-prefix', field: 'iifname', value: workloadPrefix };
  return [
    rule([toWorkload, fromWorkload, accept]),
    ...deviceRules(config, 'iifname', [toWorkload]),
    ...FAMILIES.filter((family) => config[family] !== undefined).map((family) =>
      dropping('unencrypted', toWorkload, isFamily(family), isIn([sourceOf(family)], guardedSet(family))),
    ),
  ];
}

function toHosts(config: EncryptionConfig, workloadPrefix: string): readonly Rule[] {
  const fromWorkload: Statement = { kind: 'name-prefix', field: 'iifname', value: workloadPrefix };
  return FAMILIES.filter((family) => config[family] !== undefined).map((family) =>
    dropping('unencrypted', fromWorkload, isFamily(family), isIn([destinationOf(family)], guardedHostsSet(family))),
  );
}

/**
 * Encrypted packets of a host come by another way than what is sent to it leaves by, which is the device: with the mark a strict
 * look at where they may come from goes by the same table as they do (Linux, networking/ip-sysctl, src_valid_mark).
 */
function incomingMarks(config: EncryptionConfig): readonly Rule[] {
  return FAMILIES.flatMap((family) => {
    const { listenPort, incomingMark } = config[family] ?? {};
    if (listenPort === undefined || incomingMark === undefined) return [];
    return [
      rule([
        isFamily(family),
        isProtocol(PROTOCOL_UDP),
        isPort('dport', listenPort),
        { kind: 'mark-set', bits: incomingMark },
      ]),
    ];
  });
}

/** None where nothing is encrypted. */
export function computeEncryptionChains(config: EncryptionConfig, workloadPrefix: string): readonly Chain[] {
  if (FAMILIES.every((family) => config[family] === undefined)) return [];
  const marks = incomingMarks(config);
  const at = (hook: 'forward' | 'output') => ({ type: 'filter', hook, priority: PRIORITY }) as const;
  const forward = [...arriving(config, workloadPrefix), ...leaving(config, workloadPrefix)];
  return [
    { name: 'base-encrypted-forward', base: at('forward'), rules: [...forward, ...toHosts(config, workloadPrefix)] },
    { name: 'base-encrypted-output', base: at('output'), rules: leaving(config, workloadPrefix) },
    ...(marks.length === 0
      ? []
      : [
          {
            name: 'base-encrypted-incoming',
            base: { type: 'filter', hook: 'prerouting', priority: PRIORITY_RAW } as const,
            rules: marks,
          },
        ]),
  ];
}
