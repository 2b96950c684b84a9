// Answers the CalicoNodeStatuses about this node: when one comes or is changed, and then as often as it asks for.
import { describeError, isOcicatError } from '../../base/errors.ts';
import type { Datastore } from '../../datastore/port.ts';
import { commitTransaction, NO_CACHE } from '../../ipam/commit.ts';
import type { TransactionBuilder } from '../../ipam/transaction-builder.ts';
import type { CalicoNodeStatusSpec } from '../../model/node/calico-node-status.ts';
import type { Log } from '../../sys/log.ts';
import { type AnswerContext, buildAnswer, parseQuestion } from './node-status-answer.ts';

/** Changes that come this close together make one answer. */
const GATHER_MS = 50;
/** After so long an answer that could not be given, or that BIRD gave none to, is tried again. */
const RETRY_MS = 5_000;

export interface NodeStatusReporter {
  /** What stands of a CalicoNodeStatus now; undefined: it has gone. */
  note(name: string, text: string | undefined): void;
  close(): void;
}

export interface NodeStatusContext extends AnswerContext {
  readonly datastore: Datastore;
  readonly log: Log;
}

interface Question {
  readonly name: string;
  /** 0: once. */
  periodMs: number;
  timer?: ReturnType<typeof setTimeout>;
  /** The answer that was written last, to know it when the watch brings it. */
  written?: string | undefined;
  isBusy: boolean;
  /** It was changed while an answer was under way. */
  isStale: boolean;
  /** What the log last has of it. */
  complaint?: string;
}

function warnOnce(question: Question, log: Log, error: unknown): void {
  const message = describeError(error);
  if (question.complaint !== message) log.warn(`answer CalicoNodeStatus(${question.name})`, error);
  question.complaint = message;
}

/** Whether it is done for this time: what the store refuses, such as a table of routes that is too large, it will refuse again. */
async function tryAnswer(context: NodeStatusContext, question: Question, signal: AbortSignal): Promise<boolean> {
  const build = async (builder: TransactionBuilder) => {
    const answer = await buildAnswer(context, builder, question.name);
    if (answer.text !== undefined) question.written = answer.text;
    return answer;
  };
  try {
    const { result } = await commitTransaction(context.datastore, NO_CACHE, build, signal);
    delete question.complaint;
    return !result.isMissing;
  } catch (error) {
    if (!signal.aborted) warnOnce(question, context.log, error);
    return !isOcicatError(error, 'unavailable', 'timeout', 'not-ready', 'conflict');
  }
}

/** Undefined for a question to another node, and for what cannot be read. */
function tryReadQuestion(
  { nodeName, log }: NodeStatusContext,
  name: string,
  text: string,
): CalicoNodeStatusSpec | undefined {
  try {
    const spec = parseQuestion(name, text);
    return spec.node === nodeName ? spec : undefined;
  } catch (error) {
    if (!isOcicatError(error, 'corrupt')) throw error;
    log.error(`CalicoNodeStatus(${name}) cannot be used`, error);
    return undefined;
  }
}

export function createNodeStatusReporter(context: NodeStatusContext): NodeStatusReporter {
  const questions = new Map<string, Question>();
  const closing = new AbortController();

  function plan(question: Question, delayMs: number): void {
    clearTimeout(question.timer);
    question.timer = setTimeout(() => void answer(question), delayMs);
  }

  function forget(name: string): void {
    clearTimeout(questions.get(name)?.timer);
    questions.delete(name);
  }

  async function answer(question: Question): Promise<void> {
    question.isBusy = true;
    question.isStale = false;
    const isDone = await tryAnswer(context, question, closing.signal);
    question.isBusy = false;
    if (questions.get(question.name) !== question || closing.signal.aborted) return;
    const { periodMs } = question;
    if (question.isStale) plan(question, GATHER_MS);
    else if (!isDone) plan(question, Math.min(periodMs || RETRY_MS, RETRY_MS));
    else if (periodMs > 0) plan(question, periodMs);
  }

  return {
    note(name, text) {
      const known = questions.get(name);
      if (text !== undefined && text === known?.written) return;
      const spec = text === undefined ? undefined : tryReadQuestion(context, name, text);
      if (spec === undefined) return forget(name);
      const question = known ?? { name, periodMs: 0, isBusy: false, isStale: false };
      question.periodMs = (spec.updatePeriodSeconds ?? 0) * 1_000;
      questions.set(name, question);
      if (question.isBusy) question.isStale = true;
      else plan(question, GATHER_MS);
    },
    close() {
      closing.abort();
      for (const name of [...questions.keys()]) forget(name);
    },
  };
}
