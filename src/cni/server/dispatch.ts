// From a plugin call to its answer: which command does what, in which order calls of one container run, and what every
// failure looks like to the runtime.

import { addContainer } from '../../attach/add.ts';
import { checkContainer } from '../../attach/check.ts';
import type { CniContext } from '../../attach/context.ts';
import { deleteContainer } from '../../attach/del.ts';
import { collectGarbage } from '../../attach/gc.ts';
import { addAddresses, checkAddresses, deleteAddresses } from '../../attach/ipam.ts';
import { attachmentName, forgetDel, listPendingDels, tryRecallDel } from '../../attach/pending.ts';
import { reportStatus } from '../../attach/status.ts';
import { type CniTask, ensureReady } from '../../attach/task.ts';
import { createWriteBack } from '../../attach/write-back.ts';
import { describeError, isOcicatError } from '../../base/errors.ts';
import { createQueue, type Queue } from '../../sys/queue.ts';
import { CNI_CODE, type CniError, printCniError, toCniError } from '../spec/error.ts';
import { type CniCall, type CniRequest, parseRequest } from '../spec/request.ts';
import { printResult } from '../spec/result.ts';
import { printVersions } from '../spec/version.ts';
import type { CniAnswer } from './wire.ts';

/** Calico's limit for one assignment; the shim waits a little longer than this. */
const CALL_TIMEOUT_MS = 90_000;

export interface CniDispatcher {
  /** Never throws. `netnsFd` stays the caller's; it must live until the answer is there. */
  answer(call: CniCall, netnsFd: number | undefined): Promise<CniAnswer>;
  /** Finishes the DELs that could not be finished before: at start, and when the store is back. Returns how many are left. */
  finishPending(): Promise<number>;
  /** Writes pods that live back into a store that does not know them. `later`: some are to be tried again soon. */
  writeBack(): Promise<'done' | 'later'>;
}

type Serve = (task: CniTask) => Promise<string>;

/** A runtime that has forgotten a failed DEL may use the container's name again: what is left of it goes first. */
async function finishOwnPending(task: CniTask): Promise<void> {
  const { pendingFolder } = task.context;
  const call = tryRecallDel(pendingFolder, attachmentName(task.request));
  if (call === undefined) return;
  const parsed = parseRequest(call);
  if (parsed.kind === 'request') await removeAttachment({ ...task, call, request: parsed.request });
  else forgetDel(pendingFolder, attachmentName(task.request));
}

function removeAttachment(task: CniTask): Promise<void> {
  return task.request.plugin === 'calico' ? deleteContainer(task) : deleteAddresses(task);
}

const serve: Readonly<Record<'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS', Serve>> = {
  async ADD(task) {
    await ensureReady(task);
    await finishOwnPending(task);
    const result = task.request.plugin === 'calico' ? await addContainer(task) : await addAddresses(task);
    return printResult(result, task.request.config.version);
  },
  async DEL(task) {
    await removeAttachment(task);
    return '';
  },
  async CHECK(task) {
    await ensureReady(task);
    await (task.request.plugin === 'calico' ? checkContainer(task) : checkAddresses(task));
    return '';
  },
  async GC(task) {
    await ensureReady(task);
    await collectGarbage(task);
    return '';
  },
  async STATUS(task) {
    await reportStatus(task);
    return '';
  },
};

/** STATUS has a code of its own for "do not send me ADDs", whatever the reason. */
function errorOf(request: CniRequest, error: unknown): CniError {
  const cniError = toCniError(error, request.config.version);
  return request.environment.command === 'STATUS' ? { ...cniError, code: CNI_CODE.unavailable } : cniError;
}

function refused(error: CniError): CniAnswer {
  return { status: 1, output: printCniError(error) };
}

export function createDispatcher(context: CniContext, closing: AbortSignal): CniDispatcher {
  const containers: Queue = createQueue();
  const commits: Queue = createQueue();
  const { log } = context;
  const returning = createWriteBack(context);

  function taskOf(call: CniCall, request: CniRequest, netnsFd: number | undefined): CniTask {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    return { context, call, request, netnsFd, commits, containers, signal };
  }

  async function serveRequest(call: CniCall, request: CniRequest, netnsFd: number | undefined): Promise<CniAnswer> {
    const { command, containerId } = request.environment;
    if (command === 'VERSION') return { status: 0, output: printVersions() };
    const words = `${request.plugin} ${command} of container "${containerId}", network "${request.config.name}"`;
    try {
      const output = await containers.run(containerId, () => serve[command](taskOf(call, request, netnsFd)));
      return { status: 0, output };
    } catch (error) {
      log.warn(`${words} failed`, error);
      return refused(errorOf(request, error));
    }
  }

  async function finish(name: string, call: CniCall): Promise<void> {
    const parsed = parseRequest(call);
    if (parsed.kind !== 'request') return forgetDel(context.pendingFolder, name);
    const { request } = parsed;
    // a DEL or ADD of the same attachment may have finished it while this one waited
    await containers.run(request.environment.containerId, async () => {
      if (tryRecallDel(context.pendingFolder, name) !== undefined)
        await removeAttachment(taskOf(call, request, undefined));
    });
  }

  async function answer(call: CniCall, netnsFd: number | undefined): Promise<CniAnswer> {
    const parsed = parseRequest(call);
    switch (parsed.kind) {
      case 'version':
        return { status: 0, output: printVersions() };
      case 'refused':
        log.warn(`refused a call of "${call.program}": ${parsed.error.msg} ${parsed.error.details ?? ''}`);
        return refused(parsed.error);
      case 'request':
        return serveRequest(call, parsed.request, netnsFd);
    }
  }

  return {
    answer,
    async finishPending() {
      const pending = listPendingDels(context.pendingFolder);
      let left = 0;
      for (const [name, call] of pending) {
        try {
          await finish(name, call);
        } catch (error) {
          left += 1;
          log.warn(`unfinished DEL ${name}: ${describeError(error)}`, isOcicatError(error) ? undefined : error);
        }
      }
      return left;
    },
    async writeBack() {
      let outcome: 'done' | 'later' = 'done';
      for (const attachment of returning.attachments()) {
        const signal = AbortSignal.any([closing, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
        const work = () => returning.follow({ context, commits, signal }, attachment);
        if ((await containers.run(attachment.containerId, work)) === 'later') outcome = 'later';
      }
      return outcome;
    },
  };
}
