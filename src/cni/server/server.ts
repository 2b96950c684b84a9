// The socket on which CNI plugins ask: a call goes to the dispatcher, with the container's namespace where its command needs one.
import type { ShimLimits } from '../../shim/admission.ts';
import { type Netns, openShimServer, type ShimProtocol, type ShimServer } from '../../shim/server.ts';
import type { ShimAnswer, ShimCall } from '../../shim/wire.ts';
import { CNI_CODE, type CniError, printCniError, toCniError } from '../spec/error.ts';
import { tryReadVersion } from '../spec/version.ts';
import { type CniContext, type CniDispatcher, createDispatcher } from './dispatch.ts';

/** Compiled into the shim as well. */
const CNI_SOCKET_PATH = '/var/run/calico/cni.sock';

type CniProtocol = ShimProtocol & Pick<CniDispatcher, 'finishDeferred'>;

export type CniServer = ShimServer<CniProtocol>;

function refused(error: CniError): ShimAnswer {
  return { status: 1, output: printCniError(error) };
}

/** DEL does not need the namespace: it may be gone. */
function needsNetns({ variables }: ShimCall): boolean {
  return variables.CNI_COMMAND === 'ADD' || variables.CNI_COMMAND === 'CHECK';
}

async function answer(dispatcher: CniDispatcher, call: ShimCall, netns: Netns): Promise<ShimAnswer> {
  if (netns.kind === 'open') return dispatcher.answer(call, netns.fd);
  if (netns.kind === 'none' || !needsNetns(call)) return dispatcher.answer(call, undefined);
  const msg = `open network namespace "${call.variables.CNI_NETNS ?? ''}": ${netns.reason}`;
  return refused({ cniVersion: tryReadVersion(call.input), code: CNI_CODE.invalidNetns, msg });
}

function createProtocol(context: CniContext, signal: AbortSignal): CniProtocol {
  const dispatcher = createDispatcher(context, signal);
  return {
    finishDeferred: dispatcher.finishDeferred,
    answer: (call, netns) => answer(dispatcher, call, netns),
    refuse: (error) => refused(toCniError(error)),
  };
}

/** Throws `unavailable`. */
export function openCniServer(context: CniContext, path = CNI_SOCKET_PATH, limits?: ShimLimits): Promise<CniServer> {
  return openShimServer({ path, limits, log: context.log }, (signal) => createProtocol(context, signal));
}
