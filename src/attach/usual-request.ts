// Requests from what a client says: the usual stands for all the rest, so that who has nothing special to ask for says little.
import type { AddressRequest, AttachRequest, RemoveRequest, StatusRequest } from './request.ts';

/** What nobody but the client knows: which workload, in which network, and where its removal is kept until it is done. */
type Needed = Pick<RemoveRequest, 'attachment' | 'network' | 'deferred'>;

const USUAL_STATUS: StatusRequest = { families: [4], ipv4Pools: [], ipv6Pools: [], provider: undefined };

const USUAL_REMOVAL: Omit<RemoveRequest, keyof Needed> = {
  ...{ scope: 'interface', otherIds: [], provider: undefined, spansNetworks: false },
};

const USUAL_ADDRESSES: Omit<AddressRequest, keyof Needed> = {
  ...USUAL_STATUS,
  ...USUAL_REMOVAL,
  addresses: [],
  allowsReserved: false,
  netnsFd: undefined,
};

const USUAL_INTERFACE: Omit<AttachRequest, keyof Needed | 'netnsFd'> = {
  ...USUAL_ADDRESSES,
  heldUnder: undefined,
  mode: 'interface',
  mac: undefined,
  mtuBytes: undefined,
  needsMtu: false,
  queues: 1,
  allowForwarding: false,
  routes: [],
  namespace: undefined,
  labels: {},
  workload: undefined,
  names: [],
  dns: 'on',
  controls: undefined,
  portMappings: [],
  createsProfile: true,
  isInternal: false,
  readinessGates: [],
};

/** One IPv4 address from the pools that select this node. */
export function createStatusRequest(asked: Partial<StatusRequest>): StatusRequest {
  return { ...USUAL_STATUS, ...asked };
}

/** An interface whose addresses this agent has given. */
export function createRemoveRequest(asked: Needed & Partial<RemoveRequest>): RemoveRequest {
  return { ...USUAL_REMOVAL, ...asked };
}

/** One IPv4 address from the pools that select this node. */
export function createAddressRequest(asked: Needed & Partial<AddressRequest>): AddressRequest {
  return { ...USUAL_ADDRESSES, ...asked };
}

/**
 * An interface of its own with one IPv4 address, the MTU that the agent finds and a MAC address that it makes up, in the
 * profile of the network, which is made where it is missing, and whose members it finds by their names.
 */
export function createAttachRequest(
  asked: Needed & Pick<AttachRequest, 'netnsFd'> & Partial<AttachRequest>,
): AttachRequest {
  return { ...USUAL_INTERFACE, ...asked };
}
