// Reads and writes a WireGuard device of the kernel.
import { requestEach } from '../kernel/route/netlink-batch.ts';
import * as netlink from '../sys/netlink.ts';
import { observeFamily, withGenericSocket } from './generic-netlink.ts';
import type { DeviceControl } from './held-device.ts';
import { messagesOf, readDevice, WIREGUARD_FAMILY, writeDeviceMessage, writeGetDevice } from './netlink-messages.ts';

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
        const device = { family: observeFamily(socket, WIREGUARD_FAMILY), name: deviceName };
        const [refused] = requestEach(socket, messagesOf(change, privateKey), (writer, message, flags) =>
          writeDeviceMessage(writer, device, message, flags),
        );
        if (refused !== undefined) throw netlink.refusalError(`configure "${deviceName}"`, refused);
      }),
  };
}
