// What this host encrypts, of both families: first the rules learn what may leave encrypted alone, then the ways and devices follow.
import { sameContent } from '../../base/equal.ts';
import { type GuardedRanges, NOTHING_GUARDED } from '../../firewall/encryption/ranges.ts';
import { mergePaths, type PathState } from '../../kernel/reconcile/path-state.ts';
import type { Family } from '../../net/ip.ts';
import type { HostEncryption } from '../../routing/wireguard/cluster.ts';
import { createEncrypter, type EncrypterContext } from './encrypter.ts';
import { computeEncryptionPaths } from './encryption-paths.ts';
import { type PublicationContext, publishKey } from './public-key.ts';

const FAMILIES = [4, 6] as const;

export interface HostEncryptionContext extends PublicationContext, Omit<EncrypterContext, 'publish'> {
  /** As it follows from the store now. */
  readonly compute: (family: Family) => HostEncryption;
  readonly setGuarded: (ranges: GuardedRanges) => void;
  readonly setPaths: (paths: PathState) => void;
}

export interface HostEncryptions {
  /** The store is another: the rules are to have it with their next flush. */
  look(): void;
  /** The rules have it. */
  apply(): void;
  /** Somebody may have changed a device, or how large its packets may be. */
  touch(): void;
  /** Why nothing is sent that is to be encrypted; undefined while all is well. */
  whyNot(): string | undefined;
  /** Devices stay as they are. */
  close(): void;
}

type Current = Readonly<Record<Family, HostEncryption>>;
const NOTHING: HostEncryption = { published: undefined, wanted: undefined };

function joinGuarded(current: Current): GuardedRanges {
  const encryptions = FAMILIES.flatMap((family) => current[family].wanted?.encryption ?? []);
  if (encryptions.length === 0) return NOTHING_GUARDED;
  return {
    workloads: encryptions.flatMap(({ guarded }) => guarded),
    hosts: encryptions.flatMap(({ guardedHosts }) => guardedHosts),
  };
}

export function openHostEncryptions(context: HostEncryptionContext): HostEncryptions {
  const { compute, setGuarded, setPaths } = context;
  const encrypters = FAMILIES.map((family) => {
    const publish: EncrypterContext['publish'] = (publicKey, signal) => publishKey(context, family, publicKey, signal);
    return { family, encrypter: createEncrypter({ ...context, publish }, family) };
  });
  let current: Current = { 4: NOTHING, 6: NOTHING };
  let applied: Current | undefined;

  return {
    look() {
      const next = { 4: compute(4), 6: compute(6) };
      if (!sameContent(current, next)) current = next;
      setGuarded(joinGuarded(current));
    },
    apply() {
      if (applied === current) return;
      applied = current;
      setPaths(mergePaths(FAMILIES.map((family) => computeEncryptionPaths(current[family], family))));
      for (const { family, encrypter } of encrypters) encrypter.follow(current[family]);
    },
    touch() {
      for (const { encrypter } of encrypters) encrypter.touch();
    },
    whyNot: () => encrypters.map(({ encrypter }) => encrypter.whyNot()).find((why) => why !== undefined),
    close() {
      for (const { encrypter } of encrypters) encrypter.close();
    },
  };
}
