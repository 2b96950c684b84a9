// From a subcommand to its answer: which asks what of the host, and what every failure looks like to podman.
import type { Attacher } from '../../attach/attacher.ts';
import type { Attached } from '../../attach/request.ts';
import { describeError, isOcicatError, OcicatError } from '../../base/errors.ts';
import { formatCidr, hostCidr } from '../../net/cidr.ts';
import { clearCall, listCalls } from '../../shim/deferred-calls.ts';
import type { Netns, ShimProtocol } from '../../shim/server.ts';
import type { ShimAnswer, ShimCall } from '../../shim/wire.ts';
import { parseCreate, printCreated } from '../spec/create.ts';
import type { Network } from '../spec/network.ts';
import { parseSetup, parseTeardown, type SetupRequest } from '../spec/request.ts';
import { printFailure, printStatus } from '../spec/status.ts';
import {
  type DeferralContext,
  toAttachRequest,
  toRemoveRequest,
  toStatusRequest,
  tryPlaceTeardown,
} from './attach-request.ts';
import { takeLeftTeardowns } from './left-teardowns.ts';

export interface NetavarkContext extends DeferralContext {
  readonly attacher: Attacher;
}

export interface NetavarkProtocol extends ShimProtocol {
  /** Finishes the TEARDOWNs that could not be finished before. */
  finishDeferred(): Promise<void>;
}

/** A call while it is served. */
interface Serving {
  readonly call: ShimCall;
  readonly netns: Netns;
  readonly context: NetavarkContext;
  readonly signal: AbortSignal;
}

/** Throws `not-found` where the network's addresses would come from no pool, with what to do. */
async function requirePools({ context, signal }: Serving, network: Network): Promise<void> {
  try {
    await context.attacher.status(toStatusRequest(network), signal);
  } catch (cause) {
    if (!isOcicatError(cause, 'not-found') || network.subnets.length === 0) throw cause;
    const ranges = network.subnets.map(formatCidr).join(', ');
    throw new OcicatError(
      'not-found',
      `create network "${network.name}": subnets are to be IP pools of the cluster (calicoctl get ippools), ${ranges} is to be made one first, or left out`,
      { cause },
    );
  }
}

async function create(serving: Serving): Promise<string> {
  const created = parseCreate(serving.call.input);
  await requirePools(serving, created.network);
  return printCreated(created);
}

function openFd({ call, netns }: Serving): number {
  if (netns.kind === 'open') return netns.fd;
  const reason = netns.kind === 'none' ? 'there is none' : netns.reason;
  throw new OcicatError('invalid', `open network namespace "${call.variables.NETAVARK_NETNS ?? ''}": ${reason}`);
}

/** A network without a way out has no gateway, as podman has it. */
function statusOf({ file }: SetupRequest, { endpoint, addresses, nameservers }: Attached): string {
  const { endpoint: name, mac = '' } = endpoint.spec;
  const own = addresses.map(({ ip, gateway }) => ({
    range: hostCidr(ip),
    gateway: file.isInternal ? undefined : gateway,
  }));
  return printStatus({ name, mac, addresses: own, nameservers });
}

async function setup(serving: Serving): Promise<string> {
  const { call, context, signal } = serving;
  const request = parseSetup(call.input);
  takeLeftTeardowns(context, Date.now());
  const attach = toAttachRequest(call, request, openFd(serving), context);
  return statusOf(request, await context.attacher.add(attach, signal));
}

async function teardown({ call, context, signal }: Serving): Promise<string> {
  await context.attacher.remove(toRemoveRequest({ call, placement: parseTeardown(call.input) }, context), signal);
  return '';
}

const SUBCOMMANDS: ReadonlyMap<string, (serving: Serving) => Promise<string>> = new Map([
  ['create', create],
  ['setup', setup],
  ['teardown', teardown],
]);

function refuse(error: unknown): ShimAnswer {
  return { status: 1, output: printFailure(error) };
}

async function serve(serving: Serving): Promise<ShimAnswer> {
  const command = serving.call.variables.NETAVARK_COMMAND ?? '';
  try {
    const subcommand = SUBCOMMANDS.get(command);
    if (subcommand === undefined)
      throw new OcicatError('invalid', `serve "${command}": wanted create, setup or teardown`);
    return { status: 0, output: await subcommand(serving) };
  } catch (error) {
    serving.context.log.warn(`netavark ${command} failed`, error);
    return refuse(error);
  }
}

/** Calls that are not done when `signal` aborts are abandoned. */
export function createNetavarkProtocol(context: NetavarkContext, signal: AbortSignal): NetavarkProtocol {
  const { attacher, teardownFolder, log } = context;

  /** What fails is tried again in the next round. */
  async function orLog(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.warn(`${what}: ${describeError(error)}`, isOcicatError(error) ? undefined : error);
    }
  }

  async function finish(name: string, call: ShimCall): Promise<void> {
    const placed = tryPlaceTeardown(call);
    if (placed === undefined) clearCall(teardownFolder, name);
    else await attacher.removeIfDeferred(toRemoveRequest(placed, context), signal);
  }

  return {
    refuse,
    answer: (call, netns) => serve({ call, netns, context, signal }),
    async finishDeferred() {
      await orLog('take in teardowns that were left', async () => takeLeftTeardowns(context, Date.now()));
      for (const [name, call] of listCalls(teardownFolder))
        await orLog(`unfinished teardown ${name}`, () => finish(name, call));
    },
  };
}
