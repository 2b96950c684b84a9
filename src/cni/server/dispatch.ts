// From a plugin call to its answer: which command asks what of the host, and what every failure looks like to the runtime.

import type { Attacher } from '../../attach/attacher.ts';
import { describeError, isOcicatError, OcicatError } from '../../base/errors.ts';
import { clearCall, listCalls } from '../../shim/deferred-calls.ts';
import type { ShimAnswer } from '../../shim/wire.ts';
import { CNI_CODE, type CniError, printCniError, toCniError } from '../spec/error.ts';
import { type CniCall, type CniRequest, type ParsedCall, parseRequest } from '../spec/request.ts';
import { printResult } from '../spec/result.ts';
import { printVersions } from '../spec/version.ts';
import {
  type DeferralContext,
  toAddressRequest,
  toAttachRequest,
  toCheckAddressesRequest,
  toCheckRequest,
  toCollectRequest,
  toRemoveRequest,
  toStatusRequest,
} from './attach-request.ts';
import { toAddressResult, toResult } from './attach-result.ts';

export interface CniContext extends DeferralContext {
  readonly nodeName: string;
  readonly attacher: Attacher;
}

export interface CniDispatcher {
  /** Never throws. `netnsFd` stays the caller's; it must live until the answer is there. */
  answer(call: CniCall, netnsFd: number | undefined): Promise<ShimAnswer>;
  /** Finishes the DELs that could not be finished before: at start, and when the store is back. Returns how many are left. */
  finishDeferred(): Promise<number>;
}

/** A call while it is served. */
interface Serving extends ParsedCall {
  readonly context: CniContext;
  readonly netnsFd: number | undefined;
  readonly signal: AbortSignal;
}

/** What to print, or why not. Throws every other failure. */
type Served = string | Omit<CniError, 'cniVersion'>;
type Serve = (serving: Serving) => Promise<Served>;

/** Throws `invalid` when the configuration is for another node. */
function requireNode({ request: { config }, context }: Serving): void {
  if (config.nodeName === undefined || config.nodeName === context.nodeName) return;
  throw new OcicatError(
    'invalid',
    `serve network "${config.name}": nodename is "${config.nodeName}", this node is "${context.nodeName}"`,
  );
}

/** Nothing is there of the container, and nothing need be removed (CNI spec 1.1.0, "Error"). */
function unknownContainer({ call, request }: Serving): Served {
  const { CNI_CONTAINERID: id, CNI_IFNAME: interfaceName } = call.variables;
  const what = request.plugin === 'calico' ? `interface "${interfaceName}"` : 'addresses';
  const msg = `check container "${id}": it has no ${what} in network "${request.config.name}"`;
  return { code: CNI_CODE.unknownContainer, msg };
}

const serve: Readonly<Record<'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS', Serve>> = {
  async ADD(serving) {
    requireNode(serving);
    const { request, context, netnsFd, signal } = serving;
    const { attacher } = context;
    const result =
      request.plugin === 'calico'
        ? toResult(request, await attacher.add(toAttachRequest(serving, netnsFd, context), signal))
        : toAddressResult(request, await attacher.addAddresses(toAddressRequest(serving, netnsFd, context), signal));
    return printResult(result, request.config.version);
  },
  async DEL(serving) {
    await serving.context.attacher.remove(toRemoveRequest(serving, serving.context), serving.signal);
    return '';
  },
  async CHECK(serving) {
    requireNode(serving);
    const { request, context, netnsFd, signal } = serving;
    const { attacher } = context;
    const outcome =
      request.plugin === 'calico'
        ? await attacher.check(toCheckRequest(serving, netnsFd, context), signal)
        : await attacher.checkAddresses(toCheckAddressesRequest(serving, context), signal);
    return outcome === 'attached' ? '' : unknownContainer(serving);
  },
  async GC(serving) {
    requireNode(serving);
    await serving.context.attacher.collect(toCollectRequest(serving, serving.context), serving.signal);
    return '';
  },
  async STATUS(serving) {
    requireNode(serving);
    const outcome = await serving.context.attacher.status(toStatusRequest(serving), serving.signal);
    return outcome.kind === 'ready' ? '' : { code: CNI_CODE.limited, msg: outcome.reason };
  },
};

/** STATUS has a code of its own for "do not send me ADDs", whatever the reason. */
function errorOf(request: CniRequest, error: unknown): CniError {
  const cniError = toCniError(error, request.config.version);
  return request.environment.command === 'STATUS' ? { ...cniError, code: CNI_CODE.unavailable } : cniError;
}

function refused(error: CniError): ShimAnswer {
  return { status: 1, output: printCniError(error) };
}

async function serveRequest(serving: Serving): Promise<ShimAnswer> {
  const { plugin, environment, config } = serving.request;
  const { command, containerId } = environment;
  if (command === 'VERSION') return { status: 0, output: printVersions(config.version) };
  try {
    const served = await serve[command](serving);
    return typeof served === 'string'
      ? { status: 0, output: served }
      : refused({ ...served, cniVersion: config.version });
  } catch (error) {
    serving.context.log.warn(
      `${plugin} ${command} of container "${containerId}", network "${config.name}" failed`,
      error,
    );
    return refused(errorOf(serving.request, error));
  }
}

/** Calls that are not done when `signal` aborts are abandoned. */
export function createDispatcher(context: CniContext, signal: AbortSignal): CniDispatcher {
  const { attacher, pendingFolder, log } = context;

  /** One that cannot be understood any more goes. */
  async function finish(name: string, call: CniCall): Promise<void> {
    const parsed = parseRequest(call);
    if (parsed.kind !== 'request') return clearCall(pendingFolder, name);
    await attacher.removeIfDeferred(toRemoveRequest({ call, request: parsed.request }, context), signal);
  }

  return {
    async answer(call, netnsFd) {
      const parsed = parseRequest(call);
      switch (parsed.kind) {
        case 'version':
          return { status: 0, output: printVersions(parsed.version) };
        case 'refused':
          log.warn(`refused a call of "${call.program}": ${parsed.error.msg} ${parsed.error.details ?? ''}`);
          return refused(parsed.error);
        case 'request':
          return serveRequest({ call, request: parsed.request, context, netnsFd, signal });
      }
    },
    async finishDeferred() {
      let left = 0;
      for (const [name, call] of listCalls(pendingFolder)) {
        try {
          await finish(name, call);
        } catch (error) {
          left += 1;
          log.warn(`unfinished DEL ${name}: ${describeError(error)}`, isOcicatError(error) ? undefined : error);
        }
      }
      return left;
    },
  };
}
