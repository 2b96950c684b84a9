// Walks through the guide on a lab: types each command into a shell on its host, shows what came and judges it.
import { formatSideBySide, isAsWritten, type Outcome } from './judge.ts';
import { type Step, steps } from './steps.ts';

const STEP_TIMEOUT_MS = 60_000;

/** A shell on a host that stays open from step to step, as a person's does. */
interface HostShell {
  run(command: string): Promise<Outcome>;
  close(): Promise<void>;
}

function openShell(ocicat: string, lab: string, host: string): HostShell {
  const child = Bun.spawn([ocicat, 'lab', 'exec', '--name', lab, host, '--', 'bash', '--norc'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'ignore',
  });
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let turn = 0;

  async function readUntil(marker: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = marker.exec(text);
      if (found !== null) return found;
      const { value, done } = await reader.read();
      if (done) throw new Error(`the shell on ${host} ended: ${text}`);
      text += decoder.decode(value, { stream: true });
    }
  }

  return {
    async run(command) {
      turn += 1;
      const mark = `__step_${turn}__`;
      child.stdin.write(`${command}\nprintf '\\n${mark} %d\\n' $?\n`);
      child.stdin.flush();
      const tooLong = Bun.sleep(STEP_TIMEOUT_MS).then(() =>
        Promise.reject(new Error(`no end after ${STEP_TIMEOUT_MS / 1000} s: ${text}`)),
      );
      const found = await Promise.race([readUntil(new RegExp(`\\n?${mark} (\\d+)\\n`)), tooLong]);
      const stdout = text.slice(0, found.index);
      text = text.slice(found.index + found[0].length);
      return { stdout, status: Number(found[1]) };
    },
    async close() {
      child.stdin.end();
      await child.exited;
    },
  };
}

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
  const shells = new Map(hosts.map((host) => [host, openShell(ocicat, lab, host)]));
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
