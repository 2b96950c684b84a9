// Limits on the traffic of an endpoint, from the fields as stored to values (Calico v3.33, libcalico-go/lib/apis/v3).
import { type QosControls, qosControls } from '../../model/endpoint/qos-controls.ts';
import { numberOfDscp } from '../../model/meta/values.ts';
import type { Bandwidth, LinkBandwidth } from '../../net/bandwidth.ts';
import { describeValue } from '../../schema/document.ts';
import { readSchema } from '../../schema/schema-read.ts';
import type { LocalInterface } from '../types/input.ts';
import type { DirectionLimits, TrafficLimits } from '../types/types.ts';
import { type Fields, get, getFields, pathOf, report } from './read.ts';

/** What holds where nobody says it: 512 MiB, and 5 packets (Calico's documentation, "QoS controls"). */
const DEFAULT_BURST_BITS = 2 ** 32;
const DEFAULT_PACKET_BURST = 5;

type Direction = 'ingress' | 'egress';

/** Each field by itself: one that cannot be read takes no other away. 0 is as if it were not there. */
function readControls(fields: Fields): QosControls {
  const entries = Object.keys(fields.members).flatMap((name) => {
    const value = get(fields, name);
    if (value === undefined || (value === 0 && name !== 'dscp')) return [];
    const read = readSchema(qosControls, { [name]: value }, 'stored');
    if (read.kind === 'valid') return Object.entries(read.value ?? {});
    for (const { wanted } of read.issues) report(fields, pathOf(fields, name), describeValue(value), wanted);
    return [];
  });
  return Object.fromEntries(entries);
}

function bandwidthOf(controls: QosControls, direction: Direction): Bandwidth | undefined {
  const bitsPerSecond = controls[`${direction}Bandwidth`];
  const [peak, minBurst] = [controls[`${direction}Peakrate`], controls[`${direction}Minburst`]];
  if (bitsPerSecond === undefined) return undefined;
  return {
    bitsPerSecond,
    burstBits: controls[`${direction}Burst`] ?? DEFAULT_BURST_BITS,
    ...(peak === undefined ? {} : { peakBitsPerSecond: peak }),
    ...(minBurst === undefined ? {} : { minBurstBytes: minBurst }),
  };
}

function computeBandwidth(controls: QosControls): LinkBandwidth {
  const [ingress, egress] = [bandwidthOf(controls, 'ingress'), bandwidthOf(controls, 'egress')];
  return { ...(ingress === undefined ? {} : { ingress }), ...(egress === undefined ? {} : { egress }) };
}

function limitsOf(controls: QosControls, direction: Direction): DirectionLimits {
  const [rate, connections] = [controls[`${direction}PacketRate`], controls[`${direction}MaxConnections`]];
  const burst = controls[`${direction}PacketBurst`] ?? DEFAULT_PACKET_BURST;
  return {
    ...(rate === undefined ? {} : { packets: { rate, burst } }),
    ...(connections === undefined ? {} : { connections }),
  };
}

function computeLimits(controls: QosControls): TrafficLimits {
  const { dscp } = controls;
  return {
    ingress: limitsOf(controls, 'ingress'),
    egress: limitsOf(controls, 'egress'),
    ...(dscp === undefined ? {} : { dscp: numberOfDscp(dscp) }),
  };
}

/** Of a workload endpoint's spec. */
export function getControls(spec: Fields): Pick<LocalInterface, 'bandwidth' | 'limits'> {
  if (get(spec, 'qosControls') === undefined) return {};
  const controls = readControls(getFields(spec, 'qosControls'));
  return { bandwidth: computeBandwidth(controls), limits: computeLimits(controls) };
}
