// Walks through the guide on a lab: types each command into a shell on its host, shows what came and judges it.
import { type HostShell, openHostShell } from '../support/host/host-shell.ts';
import { formatSideBySide, isAsWritten, type Outcome } from './judge.ts';
import { type Step, steps } from './steps.ts';

async function runStep(shell: HostShell, step: Step, command: string): Promise<Outcome> {
  const deadline = performance.now() + (step.withinMs ?? 0);
  for (;;) {
    const outcome = await shell.run(command);
    if (isAsWritten(step, outcome) || performance.now() > deadline) return outcome;
    await Bun.sleep(100);
  }
}

export interface WalkResult {
  readonly steps: number;
  readonly asWritten: number;
}

/** `show` gets every line for the reader: sections, prompts, real output, and both texts side by side where they differ. */
export async function walkGuide(ocicat: string, lab: string, show: (line: string) => void): Promise<WalkResult> {
  const hosts = [...new Set(steps.map((step) => step.host))];
  const shells = new Map(hosts.map((host) => [host, openHostShell(ocicat, lab, host)]));
  let asWritten = 0;
  let section = '';
  let busybox = '';
  try {
    for (const step of steps) {
      const shell = shells.get(step.host);
      if (shell === undefined) throw new Error(`no shell on ${step.host}`);
      if (step.section !== section) show(`\n## ${step.section}\n`);
      section = step.section;
      const command = step.command.replace('{busybox}', busybox);
      show(`${step.host}$ ${command.replaceAll('\n', '\n> ')}`);
      const outcome = await runStep(shell, step, command);
      busybox = /^([0-9a-f]{8})\tbusybox\t/m.exec(outcome.stdout)?.[1] ?? busybox;
      const good = isAsWritten(step, outcome);
      if (good) asWritten += 1;
      if (outcome.stdout.trim() !== '') show(outcome.stdout.trimEnd());
      show(good ? '  as written' : `  DIFFERENT\n${formatSideBySide(step, outcome)}`);
    }
    return { steps: steps.length, asWritten };
  } finally {
    await Promise.all([...shells.values()].map((shell) => shell.close()));
  }
}
