// What a WireGuard device holds, and the two ways to read and to write it, as one.
import type { DeviceChange, WireguardDevice } from '../routing/wireguard/device.ts';
import type { WireguardKey } from './keys.ts';

export interface HeldDevice extends WireguardDevice {
  /** Undefined on a device that has none yet. For nobody but the device and the key's own file. */
  readonly privateKey: WireguardKey | undefined;
}

export interface DeviceControl {
  read(): Promise<HeldDevice>;
  /** `privateKey`: another than it has. Throws `kernel`. */
  write(change: DeviceChange, privateKey?: WireguardKey): Promise<void>;
}
