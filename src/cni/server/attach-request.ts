// From a CNI call to what is asked of the host.
import type {
  AddressRequest,
  AttachRequest,
  CheckAddressesRequest,
  CheckRequest,
  CollectRequest,
  DeferredRemoval,
  RemoveRequest,
  StatusRequest,
} from '../../attach/request.ts';
import {
  createAddressRequest,
  createAttachRequest,
  createRemoveRequest,
  createStatusRequest,
} from '../../attach/usual-request.ts';
import { OcicatError } from '../../base/errors.ts';
import { shortHash } from '../../base/hash.ts';
import type { Attachment } from '../../model/endpoint/workload-endpoint-name.ts';
import { clearCall, saveCall, tryLoadCall } from '../../shim/deferred-calls.ts';
import type { Log } from '../../sys/log.ts';
import { attachModeOf, type CniRequest, type ParsedCall, parseRequest } from '../spec/request.ts';
import { ipamPluginOf } from './ipam-plugin.ts';
import { compareAddresses, compareEndpoint } from './prev-result.ts';

export interface DeferralContext {
  /** Folder for calls that could not be finished; made when it is needed. */
  readonly pendingFolder: string;
  readonly log: Log;
}

/** The same for every call about one attachment: plugin, network, container and interface. */
function attachmentName({ plugin, config, environment }: CniRequest): string {
  return shortHash(JSON.stringify([plugin, config.name, environment.containerId, environment.interfaceName]), 32);
}

/** As it is done now; undefined, and gone, where it cannot be understood any more. */
function tryReload(context: DeferralContext, name: string): RemoveRequest | undefined {
  const call = tryLoadCall(context.pendingFolder, name);
  const result = call === undefined ? undefined : parseRequest(call);
  if (call !== undefined && result?.kind === 'request')
    return toRemoveRequest({ call, request: result.request }, context);
  if (call !== undefined) clearCall(context.pendingFolder, name);
  return undefined;
}

function deferralOf({ call, request }: ParsedCall, context: DeferralContext): DeferredRemoval {
  const { pendingFolder, log } = context;
  const name = attachmentName(request);
  return {
    load: () => tryReload(context, name),
    save() {
      try {
        saveCall(pendingFolder, name, { ...call, variables: { ...call.variables, CNI_COMMAND: 'DEL' } });
      } catch (error) {
        log.error(`write down an unfinished DEL in "${pendingFolder}"`, error);
      }
    },
    clear: () => clearCall(pendingFolder, name),
  };
}

export function toRemoveRequest(parsed: ParsedCall, context: DeferralContext): RemoveRequest {
  const { call, request } = parsed;
  const { plugin, environment, config } = request;
  return createRemoveRequest({
    scope: plugin === 'calico' ? 'interface' : 'addresses',
    attachment: { containerId: environment.containerId, interfaceName: environment.interfaceName },
    otherIds: [call.variables.CNI_CONTAINERID ?? ''],
    network: config.name,
    provider: ipamPluginOf(parsed),
    deferred: deferralOf(parsed, context),
  });
}

export function toStatusRequest(parsed: ParsedCall): StatusRequest {
  const { ipv4, ipv6, ipv4Pools, ipv6Pools } = parsed.request.config.ipam;
  const families = [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])];
  return createStatusRequest({ families, ipv4Pools, ipv6Pools, provider: ipamPluginOf(parsed) });
}

export function toAddressRequest(
  parsed: ParsedCall,
  netnsFd: number | undefined,
  context: DeferralContext,
): AddressRequest {
  const { ipam, workloadArgs } = parsed.request.config;
  const { addresses } = workloadArgs;
  const allowsReserved = ipam.allowsReserved || workloadArgs.allowsReserved;
  const asked = { addresses, allowsReserved, netnsFd };
  return createAddressRequest({ ...toStatusRequest(parsed), ...toRemoveRequest(parsed, context), ...asked });
}

/** Throws `invalid`; the shim has said why there is no descriptor, and the server has answered that already. */
export function toAttachRequest(
  parsed: ParsedCall,
  netnsFd: number | undefined,
  context: DeferralContext,
): AttachRequest {
  const { environment, config } = parsed.request;
  if (netnsFd === undefined)
    throw new OcicatError('invalid', `open network namespace "${environment.netns}": there is none`);
  const { mtuBytes, queues, allowForwarding, createsProfile, readinessGates, workloadArgs } = config;
  const { mac, namespace, labels, workload, names, controls, portMappings } = workloadArgs;
  return createAttachRequest({
    ...toAddressRequest(parsed, netnsFd, context),
    mode: attachModeOf(parsed.request),
    netnsFd,
    mac,
    mtuBytes,
    needsMtu: config.requireMtu,
    queues,
    allowForwarding,
    routes: config.ipam.routes,
    namespace,
    labels,
    workload,
    names,
    dns: config.networkDns,
    controls,
    portMappings,
    createsProfile,
    readinessGates,
  });
}

export function toCheckRequest(
  parsed: ParsedCall,
  netnsFd: number | undefined,
  context: DeferralContext,
): CheckRequest {
  const { previous } = parsed.request.config;
  const compare: CheckRequest['compare'] = (endpoint) => compareEndpoint(previous, endpoint);
  return { ...toAttachRequest(parsed, netnsFd, context), compare };
}

export function toCheckAddressesRequest(parsed: ParsedCall, context: DeferralContext): CheckAddressesRequest {
  const { previous } = parsed.request.config;
  return { ...toAddressRequest(parsed, undefined, context), compare: (held) => compareAddresses(previous, held) };
}

/** The call as if it were a DEL of one attachment. */
function asDel({ call, request }: ParsedCall, { containerId, interfaceName }: Attachment): ParsedCall {
  const names = { CNI_COMMAND: 'DEL', CNI_CONTAINERID: containerId, CNI_IFNAME: interfaceName };
  const environment = { ...request.environment, command: 'DEL' as const, containerId, interfaceName, netns: '' };
  return { call: { ...call, variables: { ...call.variables, ...names } }, request: { ...request, environment } };
}

export function toCollectRequest(parsed: ParsedCall, context: DeferralContext): CollectRequest {
  const { plugin, config } = parsed.request;
  return {
    scope: plugin === 'calico' ? 'interface' : 'addresses',
    network: config.name,
    valid: config.validAttachments ?? [],
    provider: plugin === 'calico' ? ipamPluginOf(parsed) : undefined,
    removalOf: (attachment) => toRemoveRequest(asDel(parsed, attachment), context),
  };
}
