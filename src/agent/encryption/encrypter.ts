// Keeps the device that encrypts a family in step with the cluster, and this host's public key on its Node. The rules that let
// nothing pass unencrypted are others', and are there before.
import { type FSWatcher, watch } from 'node:fs';
import { describeError } from '../../base/errors.ts';
import type { Family } from '../../net/ip.ts';
import type { HostEncryption } from '../../routing/wireguard/cluster.ts';
import type { Log } from '../../sys/log.ts';
import { applySysctls } from '../../sys/sysctl.ts';
import { createWireguard } from '../../wireguard/wireguard.ts';
import { keyFileName } from './key-files.ts';

/** Changes that come this close together are one. */
const GATHER_MS = 20;
const RETRY_MS = 2_000;

export interface EncrypterContext {
  /** Holds the private keys. */
  readonly directory: string;
  /** Undefined: there is to be none. */
  readonly publish: (publicKey: string | undefined, signal: AbortSignal) => Promise<void>;
  /** Of the device. */
  readonly mtuBytes: (family: Family) => number;
  readonly log: Log;
}

export interface Encrypter {
  /** This is wanted from now on. */
  follow(encryption: HostEncryption): void;
  /** Somebody may have changed the device, or how large its packets may be. */
  touch(): void;
  /** Why nothing of the family is sent that is to be encrypted; undefined while all is well. */
  whyNot(): string | undefined;
  /** The device stays as it is. */
  close(): void;
}

/** A strict look at where encrypted packets of hosts may come from goes by their mark, too (Linux, networking/ip-sysctl). */
const SOURCE_BY_MARK = { name: 'net/ipv4/conf/all/src_valid_mark', value: '1', optional: true };

/** Who deletes a key wants another one. */
function watchFile(directory: string, wanted: string, changed: () => void): FSWatcher {
  return watch(directory, (_event, name) => {
    if (name === wanted) changed();
  });
}

export function createEncrypter({ directory, publish, mtuBytes, log }: EncrypterContext, family: Family): Encrypter {
  const closing = new AbortController();
  const what = `what encrypts IPv${family} between hosts`;
  let current: HostEncryption | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let complaint: string | undefined;
  /** What is wrong is with the store: the device does what it did. */
  let isUntold = false;
  const keyName = keyFileName(family);
  const keys = watchFile(directory, keyName, () => later(GATHER_MS));
  const wireguard = createWireguard({
    family,
    keyPath: `${directory}/${keyName}`,
    publish: async (publicKey) => {
      if (current?.published !== publicKey) await tell(publicKey);
    },
    restarted: () => later(0),
    log: log.info,
  });

  async function tell(publicKey: string | undefined): Promise<void> {
    isUntold = true;
    await publish(publicKey, closing.signal);
    isUntold = false;
  }

  async function apply({ wanted, published }: HostEncryption): Promise<void> {
    if (wanted !== undefined) {
      const { settings, encryption } = wanted;
      const { interfaceName, isThreaded } = settings;
      const { device, address } = encryption;
      if (settings.encryptsHosts) applySysctls([SOURCE_BY_MARK]);
      return wireguard.apply({ interfaceName, isThreaded, device, address, mtuBytes: mtuBytes(family) });
    }
    if (published !== undefined) await tell(undefined);
    await wireguard.remove();
  }

  function note(error: unknown): void {
    const next = error === undefined ? undefined : describeError(error);
    if (next !== undefined && next !== complaint)
      log.error(`${what} is not as it should be; nothing is sent that it does not encrypt`, error);
    if (next === undefined && complaint !== undefined) log.info(`${what} is as it should be again`);
    complaint = next;
  }

  async function run(): Promise<void> {
    timer = undefined;
    if (current === undefined) return;
    isUntold = false;
    try {
      await apply(current);
      note(undefined);
    } catch (error) {
      if (closing.signal.aborted) return;
      note(error);
      later(RETRY_MS);
    }
  }

  function later(delayMs: number): void {
    if (!closing.signal.aborted) timer ??= setTimeout(() => void run(), delayMs);
  }

  return {
    follow(encryption) {
      current = encryption;
      later(GATHER_MS);
    },
    touch: () => later(GATHER_MS),
    whyNot: () =>
      complaint === undefined || isUntold ? undefined : `IPv${family} to hosts that encrypt is not sent: ${complaint}`,
    close() {
      closing.abort();
      clearTimeout(timer);
      keys.close();
      wireguard.release();
    },
  };
}
