// Limits on the traffic of an endpoint (Calico v3.33, libcalico-go/lib/validator/v3/validator.go).
import { integer } from '../../schema/scalars.ts';
import { type ObjectOf, object, optional, sparse } from '../../schema/schema.ts';
import { dscp } from '../meta/values.ts';

/** Of rates and bursts; 0 is no limit. */
export const bandwidth = integer(1_000, 1_000_000_000_000_000, 'bits per second');
export const burst = integer(1_000, 34_359_738_360, 'bits');
const peakRate = integer(1_010, 1_010_000_000_000_000, 'bits per second');
const minBurst = integer(1_000, 100_000_000, 'bytes');
const packetRate = integer(1, 10_000, 'packets per second');
const packetBurst = integer(1, 10_000, 'packets');
const connections = integer(1, 0xffffffff, 'connections');
const fields = {
  ingressBandwidth: sparse(bandwidth, 'Bits per second to the endpoint.'),
  ingressBurst: sparse(burst, 'Burst to the endpoint in bits.'),
  ingressPeakrate: sparse(peakRate, 'Highest bits per second to the endpoint.'),
  ingressMinburst: sparse(minBurst, 'Smallest burst to the endpoint in bytes.'),
  egressBandwidth: sparse(bandwidth, 'Bits per second from the endpoint.'),
  egressBurst: sparse(burst, 'Burst from the endpoint in bits.'),
  egressPeakrate: sparse(peakRate, 'Highest bits per second from the endpoint.'),
  egressMinburst: sparse(minBurst, 'Smallest burst from the endpoint in bytes.'),
  ingressPacketRate: sparse(packetRate, 'Packets per second to the endpoint.'),
  ingressPacketBurst: sparse(packetBurst, 'Burst to the endpoint in packets.'),
  egressPacketRate: sparse(packetRate, 'Packets per second from the endpoint.'),
  egressPacketBurst: sparse(packetBurst, 'Burst from the endpoint in packets.'),
  ingressMaxConnections: sparse(connections, 'Connections to the endpoint at one time.'),
  egressMaxConnections: sparse(connections, 'Connections from the endpoint at one time.'),
  dscp: optional(dscp, 'DSCP of packets from the endpoint.'),
};

export const qosControls = object(fields);
export type QosControls = ObjectOf<typeof fields>;
