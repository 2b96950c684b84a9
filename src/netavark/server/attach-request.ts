// From what podman asks for to what is asked of the host.
import type { AttachRequest, DeferredRemoval, RemoveRequest, StatusRequest } from '../../attach/request.ts';
import { createAttachRequest, createRemoveRequest, createStatusRequest } from '../../attach/usual-request.ts';
import { isOcicatError } from '../../base/errors.ts';
import { shortHash } from '../../base/hash.ts';
import { isLabelValue, toResourceName } from '../../model/meta/names.ts';
import { clearCall, saveCall, tryLoadCall } from '../../shim/deferred-calls.ts';
import type { ShimCall } from '../../shim/wire.ts';
import type { Log } from '../../sys/log.ts';
import type { Network } from '../spec/network.ts';
import { type Placement, parseTeardown, type SetupRequest } from '../spec/request.ts';

export interface DeferralContext {
  /** Folder for TEARDOWNs that are not done: the shim leaves its own there while no agent answers. */
  readonly teardownFolder: string;
  readonly log: Log;
}

/** A place in a network, and the call that speaks of it. */
export interface Placed {
  readonly call: ShimCall;
  readonly placement: Placement;
}

/** The same for every call about the place. */
function placementName({ network, attachment }: Placement): string {
  return shortHash(JSON.stringify([network, attachment.containerId, attachment.interfaceName]), 32);
}

/** Written down as the TEARDOWN that it is done by. */
export function saveTeardown(folder: string, { call, placement }: Placed): void {
  saveCall(folder, placementName(placement), {
    ...call,
    variables: { ...call.variables, NETAVARK_COMMAND: 'teardown' },
  });
}

/** What a TEARDOWN speaks of; undefined where it cannot be understood. */
export function tryPlaceTeardown(call: ShimCall): Placed | undefined {
  try {
    return { call, placement: parseTeardown(call.input) };
  } catch (error) {
    if (isOcicatError(error, 'invalid')) return undefined;
    throw error;
  }
}

/** One that cannot be understood any more goes. */
function tryReload(context: DeferralContext, name: string): RemoveRequest | undefined {
  const call = tryLoadCall(context.teardownFolder, name);
  const placed = call === undefined ? undefined : tryPlaceTeardown(call);
  if (call !== undefined && placed === undefined) clearCall(context.teardownFolder, name);
  return placed === undefined ? undefined : toRemoveRequest(placed, context);
}

function deferralOf(placed: Placed, context: DeferralContext): DeferredRemoval {
  const { teardownFolder: folder, log } = context;
  const name = placementName(placed.placement);
  return {
    load: () => tryReload(context, name),
    save() {
      try {
        saveTeardown(folder, placed);
      } catch (error) {
        log.error(`write down an unfinished teardown in "${folder}"`, error);
      }
    },
    clear: () => clearCall(folder, name),
  };
}

export function toRemoveRequest(placed: Placed, context: DeferralContext): RemoveRequest {
  const { attachment, containerId, network } = placed.placement;
  const deferred = deferralOf(placed, context);
  return createRemoveRequest({ attachment, otherIds: [containerId], network, deferred, spansNetworks: true });
}

/** What the network's containers will ask the pools for. */
export function toStatusRequest({ families, pools }: Network): StatusRequest {
  return createStatusRequest({ families, ipv4Pools: pools[4], ipv6Pools: pools[6] });
}

/** What a container finds by asking its host for names. */
function dnsOf({ hasDns, isInternal }: Network): AttachRequest['dns'] {
  if (!hasDns) return 'off';
  return isInternal ? 'internal' : 'on';
}

/** The label has the name that CRI runtimes and podman's CNI backend give it, so that a policy is the same for all of them. */
function labelsOf({ file, containerName }: SetupRequest): AttachRequest['labels'] {
  const named = containerName !== '' && isLabelValue(containerName);
  return { ...file.labels, ...(named ? { 'io.kubernetes.pod.name': containerName } : {}) };
}

/** Ports are published by networks that others may reach alone, as podman's own networks have it. */
export function toAttachRequest(
  call: ShimCall,
  placement: SetupRequest,
  netnsFd: number,
  context: DeferralContext,
): AttachRequest {
  const { file, containerName, names, addresses, mac, portMappings } = placement;
  return createAttachRequest({
    ...toStatusRequest(file),
    ...toRemoveRequest({ call, placement }, context),
    netnsFd,
    addresses,
    mac,
    mtuBytes: file.mtuBytes,
    labels: labelsOf(placement),
    workload: toResourceName(containerName),
    names,
    dns: dnsOf(file),
    isInternal: file.isInternal,
    portMappings: file.isInternal ? [] : portMappings,
  });
}
