// What a runtime remembers of an attachment, its `prevResult`, against what it is (CNI spec 1.1.0, "CHECK").
import { missingAddresses } from '../../attach/check.ts';
import { addressesOf } from '../../attach/endpoint/endpoint.ts';
import type { Issue } from '../../base/errors.ts';
import type { WorkloadEndpoint } from '../../model/endpoint/workload-endpoint.ts';
import type { Ip } from '../../net/ip.ts';
import type { CniResult, ResultAddress } from '../spec/result.ts';

function compareWith(remembered: readonly ResultAddress[], held: readonly Ip[]): readonly Issue[] {
  return missingAddresses(
    'prevResult',
    remembered.map(({ address }) => address.address),
    held,
  );
}

/** One issue for each address that the runtime remembers and that is not held. */
export function compareAddresses(previous: CniResult | undefined, held: readonly Ip[]): readonly Issue[] {
  return compareWith(previous?.addresses ?? [], held);
}

/** Those that other plugins of the chain have given to interfaces of their own are theirs to check. */
function addressesAt(previous: CniResult, name: string): readonly ResultAddress[] {
  return previous.addresses.filter(({ interface: index }) => {
    const at = index === undefined ? undefined : previous.interfaces[index];
    return at === undefined || (at.name === name && at.sandbox !== undefined);
  });
}

/** Whether the runtime's record of the interfaces is of this link; before CNI 0.3.0 a record has none. */
function compareInterfaces(previous: CniResult | undefined, { spec }: WorkloadEndpoint): readonly Issue[] {
  const interfaces = previous?.interfaces ?? [];
  if (interfaces.length === 0) return [];
  const path = 'prevResult.interfaces';
  const names = interfaces.map(({ name }) => name).join(', ');
  const inPod = interfaces.find(({ name, sandbox }) => sandbox !== undefined && name === spec.endpoint);
  const onHost = interfaces.some(({ name, sandbox }) => sandbox === undefined && name === spec.interfaceName);
  const mac = inPod?.mac?.toLowerCase();
  return [
    ...(inPod === undefined ? [{ path, found: names, wanted: `"${spec.endpoint}" in the container` }] : []),
    ...(onHost ? [] : [{ path, found: names, wanted: `"${spec.interfaceName}" on the host` }]),
    ...(mac === undefined || mac === spec.mac ? [] : [{ path: `${path}.mac`, found: mac, wanted: `${spec.mac}` }]),
  ];
}

export function compareEndpoint(previous: CniResult | undefined, endpoint: WorkloadEndpoint): readonly Issue[] {
  const remembered = previous === undefined ? [] : addressesAt(previous, endpoint.spec.endpoint);
  return [...compareWith(remembered, addressesOf(endpoint)), ...compareInterfaces(previous, endpoint)];
}
