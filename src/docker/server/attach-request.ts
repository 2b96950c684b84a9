// From what is known of one of Docker's endpoints to what is asked of the host.
import type { AddressProvider, AttachRequest, DeferredRemoval, RemoveRequest } from '../../attach/request.ts';
import { createAttachRequest, createRemoveRequest } from '../../attach/usual-request.ts';
import { OcicatError } from '../../base/errors.ts';
import type { TakenLink } from '../../kernel/link/workload-link-handover.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import type { Ip } from '../../net/ip.ts';
import type { Log } from '../../sys/log.ts';
import type { EndpointName } from '../api/network-requests.ts';
import type { Identity } from './identity.ts';
import type { EndpointRecord, NetworkRecord, Records } from './records.ts';

export interface RequestContext {
  readonly endpoints: Records<EndpointRecord>;
  readonly networks: Records<NetworkRecord>;
  /** The handle that the IPAM driver holds addresses under. */
  readonly handleId: string;
  readonly log: Log;
}

/** Docker gives an interface its name when it takes it to the container. */
const INTERFACE_NAME = 'eth0';

export function attachmentOfRecord({ endpointId }: EndpointName): Attachment {
  return { containerId: endpointId, interfaceName: INTERFACE_NAME };
}

/** Addresses of an IPAM driver that is not ours: Docker has asked it, and gives them back to it. */
function givenAddresses(addresses: readonly Ip[]): AddressProvider {
  const nothing = async (): Promise<void> => undefined;
  return {
    name: 'docker',
    take: async () => ({ addresses, routes: [], answer: '' }),
    ...{ giveBack: nothing, check: nothing, collect: nothing, status: nothing },
  };
}

/** The record itself says that its interface is to be removed. */
function deferralOf(context: RequestContext, endpointId: string): DeferredRemoval {
  const { endpoints, log } = context;
  const isDue = (record: EndpointRecord | undefined) => record?.state === 'leaving' || record?.state === 'deleting';
  return {
    load() {
      const record = endpoints.tryLoad(endpointId);
      return record !== undefined && isDue(record) ? toRemoveRequest(context, record) : undefined;
    },
    save() {
      try {
        const record = endpoints.tryLoad(endpointId);
        if (record !== undefined && !isDue(record)) endpoints.save(endpointId, { ...record, state: 'leaving' });
      } catch (error) {
        log.error(`write down that endpoint "${endpointId}" of Docker is to be removed`, error);
      }
    },
    clear() {
      const record = endpoints.tryLoad(endpointId);
      if (record?.state === 'deleting') endpoints.remove(endpointId);
      else if (record !== undefined) endpoints.save(endpointId, { ...record, state: 'created' });
    },
  };
}

/** Throws `internal` for one that never joined. */
export function toRemoveRequest(context: RequestContext, record: EndpointRecord): RemoveRequest {
  const { endpointId, networkId, network, addresses } = record;
  if (network === undefined) throw new OcicatError('internal', `remove endpoint "${endpointId}": it has never joined`);
  const ownAddresses = context.networks.tryLoad(networkId)?.ownAddresses ?? true;
  return createRemoveRequest({
    attachment: attachmentOfRecord(record),
    network,
    provider: ownAddresses ? undefined : givenAddresses(addresses),
    deferred: deferralOf(context, endpointId),
  });
}

export function toAttachRequest(
  context: RequestContext,
  record: EndpointRecord,
  network: NetworkRecord | undefined,
  { labels, workload, names }: Identity,
): AttachRequest {
  const { addresses, mac, hasGateway, portMappings } = record;
  return createAttachRequest({
    ...toRemoveRequest(context, record),
    netnsFd: undefined,
    addresses,
    families: [],
    allowsReserved: true,
    heldUnder: context.handleId,
    mac,
    mtuBytes: network?.mtuBytes,
    labels,
    workload,
    names,
    portMappings: hasGateway ? portMappings : [],
  });
}

export function toTakenLink({ addresses, ranges, hasGateway }: EndpointRecord, hostName: string): TakenLink {
  return { hostName, addresses, routes: ranges, hasGateway };
}
