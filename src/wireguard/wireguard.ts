// Owns this host's WireGuard device of one family: its link, the program that encrypts where the kernel cannot, its key, its peers.
import { writeFileSync } from 'node:fs';
import { describeError } from '../base/errors.ts';
import type { Family } from '../net/ip.ts';
import {
  computeDeviceChange,
  isNoChange,
  type WireguardDevice,
  type WireguardPeer,
} from '../routing/wireguard/device.ts';
import { withRouteSocket } from '../sys/netlink.ts';
import type { RunningProcess } from '../sys/process/running-process.ts';
import { createSupervisor } from '../sys/process/supervisor.ts';
import { createQueue } from '../sys/queue.ts';
import { endGo, startGo, tryTakeOverGo } from './go-process.ts';
import type { DeviceControl } from './held-device.ts';
import { keepKey } from './key-file.ts';
import { publicKeyOf, type WireguardKey } from './keys.ts';
import { ensureWireguardLink, observeWireguardLinks, removeWireguardLink, type WireguardLink } from './link.ts';
import { applyLinkSettings, type LinkSettings } from './link-settings.ts';
import { createNetlinkControl } from './netlink-control.ts';
import { createUapiControl } from './uapi-socket.ts';

interface WantedWireguard extends LinkSettings {
  readonly interfaceName: string;
  readonly isThreaded: boolean;
  readonly device: WireguardDevice;
}

export interface WireguardContext {
  readonly family: Family;
  readonly keyPath: string;
  /** The public key is to be where other hosts read it, before the device has the private one. */
  readonly publish: (publicKey: WireguardKey) => Promise<void>;
  /** A program that encrypts has ended, and another one is there that knows nothing yet. */
  readonly restarted: () => void;
  readonly log: (message: string) => void;
}

export interface Wireguard {
  /**
   * Makes the device so, peers that stay as they are undisturbed. Throws `unavailable` where there can be no device,
   * `conflict` where somebody else has its name, and as `publish` does: then the device goes on with the key that it has.
   */
  apply(wanted: WantedWireguard): Promise<void>;
  /** Takes the device away, whatever it was called, and with it the program; the key stays in its file. */
  remove(): Promise<void>;
  /** Lets it go on without this process. */
  release(): void;
}

export function createWireguard({ family, keyPath, publish, restarted, log }: WireguardContext): Wireguard {
  const turns = createQueue();
  let deviceName = '';
  const supervisor = createSupervisor('wireguard-go', () => inTurn(restart), log);

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    return turns.run('wireguard', work);
  }

  function adopt(running: RunningProcess, how: string): void {
    supervisor.adopt(running);
    log(`wireguard-go of "${deviceName}" ${how} with process id ${running.pid}`);
  }

  async function start(): Promise<void> {
    const earlier = await tryTakeOverGo(deviceName);
    if (earlier !== undefined) return adopt(earlier, 'goes on');
    adopt(await startGo(deviceName), 'runs');
  }

  async function restart(): Promise<void> {
    if (deviceName === '' || supervisor.current() !== undefined) return;
    try {
      await start();
      restarted();
    } catch (error) {
      supervisor.startLater(describeError(error));
    }
  }

  async function ensureProgram(): Promise<void> {
    if (supervisor.current() !== undefined) return;
    supervisor.cancel();
    await start();
  }

  /**
   * A device without a key may have its key at once, before it speaks to a peer; one that has a key keeps it until the other hosts can
   * know the next. Returns the peers that it is new to.
   */
  async function applyDevice(control: DeviceControl, device: WireguardDevice): Promise<readonly WireguardPeer[]> {
    const key = keepKey(keyPath);
    const standing = await control.read();
    const change = computeDeviceChange(device, standing);
    const isFirst = standing.privateKey === undefined;
    if (isFirst || !isNoChange(change)) await control.write(change, isFirst ? key : undefined);
    await publish(publicKeyOf(key));
    if (!isFirst && standing.privateKey !== key) await control.write({ peers: [] }, key);
    if (standing.privateKey !== key) return device.peers;
    const known = new Set(standing.peers.map(({ publicKey }) => publicKey));
    return device.peers.filter(({ publicKey }) => !known.has(publicKey));
  }

  async function ensureControl({ kind, name }: WireguardLink): Promise<DeviceControl> {
    if (kind === 'kernel') return createNetlinkControl(name);
    await ensureProgram();
    return createUapiControl(name);
  }

  /** But the one of that name: an earlier configuration, or another, may have called it otherwise. */
  function removeOthers(name: string): void {
    withRouteSocket((socket) => {
      const others = observeWireguardLinks(socket, family).filter((link) => link.name !== name);
      for (const link of others) removeWireguardLink(socket, link);
    });
  }

  /** Under another name there is another program, too. */
  function setName(name: string): void {
    if (deviceName !== name) letGo();
    deviceName = name;
    removeOthers(name);
  }

  /** Who encrypted for a device that has gone may still answer, and has nothing to do with the next one of that name. */
  function endWithoutDevice(name: string): void {
    const isThere = withRouteSocket((socket) =>
      observeWireguardLinks(socket, family).some((link) => link.name === name),
    );
    if (isThere) return;
    letGo();
    endGo(name);
  }

  async function apply({ interfaceName, isThreaded, device, ...settings }: WantedWireguard): Promise<void> {
    setName(interfaceName);
    endWithoutDevice(interfaceName);
    const link = withRouteSocket((socket) => ensureWireguardLink(socket, interfaceName, family));
    const control = await ensureControl(link);
    withRouteSocket((socket) => applyLinkSettings(socket, link.index, settings));
    const strangers = await applyDevice(control, device);
    if (link.kind === 'kernel' && device.peers.length > 0) setThreaded(link.name, isThreaded);
    await greet(control, strangers);
  }

  function letGo(): void {
    supervisor.cancel();
    supervisor.drop();
  }

  return {
    apply: (wanted) => inTurn(() => apply(wanted)),
    remove: () => inTurn(async () => setName('')),
    release() {
      deviceName = '';
      letGo();
    },
  };
}

/**
 * Shakes hands with these peers. Of two hosts that learn of each other the first speaks to one that does not know it, and would try
 * again after five seconds; the second is heard. A keep-alive that is switched on sends its first packet at once (wireguard-go,
 * device/uapi.go; Linux, drivers/net/wireguard/netlink.c).
 */
async function greet(control: DeviceControl, peers: readonly WireguardPeer[]): Promise<void> {
  if (peers.length === 0) return;
  const keepAlive = (secondsOf: (wanted: number) => number) =>
    control.write({
      peers: peers.map(({ publicKey, keepaliveSeconds }) => ({
        ...({ kind: 'update', publicKey, isNew: false } as const),
        keepaliveSeconds: secondsOf(keepaliveSeconds),
      })),
    });
  await keepAlive((wanted) => (wanted === 0 ? 1 : 0));
  await keepAlive((wanted) => wanted);
}

/** The kernel takes it once there is a peer (Linux, networking/napi, "Threaded NAPI"). */
function setThreaded(deviceName: string, isThreaded: boolean): void {
  writeFileSync(`/sys/class/net/${deviceName}/threaded`, isThreaded ? '1' : '0');
}
