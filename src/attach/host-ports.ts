// Ports of the host that a workload asks for: one workload has each, at an address that the host has, and no program of the host
// that listens there is cut off.
import { type Issue, OcicatError } from '../base/errors.ts';
import type { TransactionBuilder } from '../ipam/transaction-builder.ts';
import { portMappingsOf, printPortMappings } from '../model/endpoint/port-mappings.ts';
import type { WorkloadEndpoint } from '../model/endpoint/workload-endpoint.ts';
import { formatIp } from '../net/ip.ts';
import {
  formatHostPorts,
  formatPortMapping,
  isForAllAddresses,
  joinPortMappings,
  type PortMapping,
  tryMakePortMapping,
  wantSamePort,
} from '../net/port-mapping.ts';
import { draftedEndpoints } from './drafted-endpoints.ts';
import { attachmentOf } from './endpoint/endpoint.ts';
import type { Operation } from './operation.ts';
import type { AttachRequest } from './request.ts';

type Asking = Pick<Operation<AttachRequest>, 'context' | 'request'>;
type Asked = Pick<AttachRequest, 'attachment' | 'portMappings'>;

/** A workload's interfaces may ask for the same ports: the first of them has them. */
function findClash({ attachment, portMappings }: Asked, endpoint: WorkloadEndpoint): PortMapping | undefined {
  if (attachmentOf(endpoint).containerId === attachment.containerId) return undefined;
  const theirs = portMappingsOf(endpoint);
  return portMappings.find((mine) => theirs.some((other) => wantSamePort(mine, other)));
}

/** Whether the endpoint has one of the ports that are asked for another workload. */
export function wantsPortsOf(request: Asked, endpoint: WorkloadEndpoint): boolean {
  return request.portMappings.length > 0 && findClash(request, endpoint) !== undefined;
}

function requireFreeOf(request: Asked, endpoints: readonly WorkloadEndpoint[]): void {
  for (const endpoint of endpoints) {
    const mine = findClash(request, endpoint);
    if (mine === undefined) continue;
    const { containerId } = attachmentOf(endpoint);
    const name = endpoint.spec.workload === undefined ? '' : ` ("${endpoint.spec.workload}")`;
    throw new OcicatError(
      'already-exists',
      `map port "${formatHostPorts(mine)}" of the host: container "${containerId}"${name} has it`,
    );
  }
}

/** With what is drafted in the turn of this host's commits, of two at once one has the port. Throws `already-exists`. */
export function requireFreePorts({ context, request }: Asking, builder?: TransactionBuilder): void {
  if (request.portMappings.length === 0) return;
  const stored = context.cache.endpoints().map(({ endpoint }) => endpoint);
  requireFreeOf(request, builder === undefined ? stored : [...stored, ...draftedEndpoints(builder)]);
}

function requireWhole(mapping: PortMapping): void {
  if (tryMakePortMapping(mapping) !== undefined) return;
  const { hostPort, containerPort, protocol, count } = mapping;
  throw new OcicatError(
    'invalid',
    `map ${count} ports from ${hostPort} of the host to those from ${containerPort}, protocol ${protocol}: wanted ports from 1 to 65535 of TCP, UDP or SCTP`,
  );
}

function requireDistinct({ portMappings }: Asked): void {
  const twice = portMappings.find((one, at) => portMappings.slice(at + 1).some((other) => wantSamePort(one, other)));
  if (twice === undefined) return;
  throw new OcicatError('invalid', `map port "${formatHostPorts(twice)}" of the host: it is asked for twice`);
}

function requireOwnAddress({ context }: Asking, mapping: PortMapping): void {
  const { hostAddress } = mapping;
  if (hostAddress === undefined || isForAllAddresses(mapping) || context.isOwnAddress(hostAddress)) return;
  throw new OcicatError(
    'invalid',
    `map port "${formatHostPorts(mapping)}" of the host: the host has no address "${formatIp(hostAddress)}"`,
  );
}

/** A runtime that asks again, for another interface, may itself keep what the workload has. */
function isHeld({ context, request }: Asking, mapping: PortMapping): boolean {
  const own = context.cache.endpointsOf(request.attachment.containerId);
  return own.some(({ endpoint }) => portMappingsOf(endpoint).some((other) => wantSamePort(mapping, other)));
}

function requireNoListener(asking: Asking, mapping: PortMapping): void {
  if (isHeld(asking, mapping)) return;
  const { context, request } = asking;
  const listener = context.findListener(mapping, request.attachment.containerId);
  if (listener === undefined) return;
  throw new OcicatError(
    'already-exists',
    `map port "${formatHostPorts(mapping)}" of the host: ${listener} listens on it`,
  );
}

/** Throws `invalid` when the host can give one of the ports to nobody. */
export function requireMappable(asking: Asking): void {
  const { portMappings } = asking.request;
  for (const mapping of portMappings) requireWhole(mapping);
  requireDistinct(asking.request);
  for (const mapping of portMappings) requireOwnAddress(asking, mapping);
}

/** Throws `already-exists` when another workload or a program of the host has one of the ports now. */
export function requireUnusedPorts(asking: Asking): void {
  requireFreePorts(asking);
  for (const mapping of asking.request.portMappings) requireNoListener(asking, mapping);
}

/** One issue for each port that is asked for and does not lead to the endpoint. */
export function missingPorts({ portMappings }: Asked, endpoint: WorkloadEndpoint): readonly Issue[] {
  const found = portMappingsOf(endpoint).map(formatPortMapping);
  const wanted = joinPortMappings(portMappings).map(formatPortMapping);
  const missing = wanted.filter((text) => !found.includes(text));
  return missing.map((text) => ({ path: 'portMappings', found: found.join(', ') || 'nothing', wanted: text }));
}

/** The endpoint with these as well. */
export function withPortMappings(endpoint: WorkloadEndpoint, more: readonly PortMapping[]): WorkloadEndpoint {
  const before = portMappingsOf(endpoint);
  const added = more.filter((one) => !before.some((other) => wantSamePort(one, other)));
  if (added.length === 0) return endpoint;
  const annotations = { ...endpoint.metadata.annotations, ...printPortMappings([...before, ...added]) };
  return { ...endpoint, metadata: { ...endpoint.metadata, annotations } };
}
