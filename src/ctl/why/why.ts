// why: whether a packet between two ends is let through, which rule decides, and where that was written.
import { OcicatError } from '../../base/errors.ts';
import { escapeLine } from '../../base/escape.ts';
import { printJson } from '../../base/json.ts';
import type { Paint } from '../../cli/paint.ts';
import type { Cluster } from '../../why/cluster.ts';
import { paintLine } from '../../why/colours.ts';
import { describeExplanation } from '../../why/document.ts';
import { type Explanation, explainFlow } from '../../why/explain.ts';
import { type FlowOptions, readFlows } from '../../why/flow.ts';
import { askKernel, type KernelAnswers } from '../../why/kernel.ts';
import { resolveEnd } from '../../why/resolve.ts';
import { formatExplanation } from '../../why/text.ts';
import { flagValue, type Handler, type Invocation } from '../cli/command.ts';
import { withStore } from '../store/context.ts';
import { observeHost } from './host-view.ts';
import { observeLocalPods } from './local-pods.ts';
import { readOutput, TEXT_OR_JSON } from './output.ts';
import { fetchCluster } from './read-cluster.ts';

function readFamily(word: string | undefined): 4 | 6 | undefined {
  if (word === undefined) return undefined;
  if (word === '4' || word === '6') return word === '4' ? 4 : 6;
  throw new OcicatError('invalid', `ip-version "${word}": 4 or 6 wanted`);
}

function readFlowOptions(invocation: Invocation): FlowOptions {
  return {
    protocol: flagValue(invocation, 'protocol'),
    port: flagValue(invocation, 'port'),
    sourcePort: flagValue(invocation, 'source-port'),
    icmpType: flagValue(invocation, 'icmp-type'),
    family: readFamily(flagValue(invocation, 'ip-version')),
  };
}

interface Answer {
  readonly explanation: Explanation;
  readonly kernel: KernelAnswers;
}

/** Each line may hold what others have written. */
function printText(answers: readonly Answer[], cluster: Cluster, paint: Paint): string {
  const blocks = answers.map(({ explanation, kernel }) =>
    formatExplanation(explanation, cluster, kernel)
      .map((line) => `${paintLine(escapeLine(line), paint)}\n`)
      .join(''),
  );
  return blocks.join('\n');
}

function printDocuments(answers: readonly Answer[], cluster: Cluster): string {
  const documents = answers.map(({ explanation, kernel }) => describeExplanation(explanation, cluster, kernel));
  return `${printJson(documents, 2)}\n`;
}

/** Status 0 when all of it is allowed, 1 when something is denied, 2 for a failure. */
export const runWhy: Handler = async (invocation) => {
  const [source = '', destination = ''] = invocation.operands;
  const [options, output] = [readFlowOptions(invocation), readOutput(invocation, TEXT_OR_JSON)];
  const cluster = await withStore(invocation, (datastore) => fetchCluster(datastore, invocation.signal));
  const pods = observeLocalPods();
  const [from, to] = [resolveEnd(source, cluster, pods), resolveEnd(destination, cluster, pods)];
  const host = observeHost();
  const answers = readFlows(options, from, to, cluster).map((flow): Answer => {
    const explanation = explainFlow(flow, cluster);
    return { explanation, kernel: askKernel({ ...explanation, packet: flow.packet }, host, cluster.workloads) };
  });
  for (const problem of cluster.problems) invocation.stdio.writeError(`warning: ${escapeLine(problem)}\n`);
  const { stdio } = invocation;
  if (output === 'text') stdio.writePainted((paint) => printText(answers, cluster, paint));
  else stdio.write(printDocuments(answers, cluster));
  return answers.every(({ explanation }) => explanation.allowed) ? 0 : 1;
};
