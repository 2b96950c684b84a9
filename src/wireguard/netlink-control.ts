// Reads and writes a WireGuard device of the kernel.
import * as netlink from '../sys/netlink.ts';
import { observeFamily, withGenericSocket } from './generic-netlink.ts';
import type { DeviceControl } from './held-device.ts';
import { readDevice, WIREGUARD_FAMILY, writeGetDevice, writeSetDevice } from './netlink-messages.ts';

export function createNetlinkControl(deviceName: string): DeviceControl {
  return {
    read: async () =>
      withGenericSocket((socket) => {
        const writer = netlink.createMessageWriter(64);
        writeGetDevice(writer, observeFamily(socket, WIREGUARD_FAMILY), deviceName);
        const payloads: Uint8Array[] = [];
        socket.dump(writer, (_type, payload) => payloads.push(payload.slice()));
        return readDevice(payloads);
      }),
    write: async (change, privateKey) =>
      withGenericSocket((socket) => {
        const writer = netlink.createMessageWriter();
        writeSetDevice(writer, observeFamily(socket, WIREGUARD_FAMILY), deviceName, change, privateKey);
        if (writer.count > 0) socket.request(writer, writer.count);
      }),
  };
}
