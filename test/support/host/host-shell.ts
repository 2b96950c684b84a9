// A shell on a host of a lab that stays open from command to command, as a person's does.

const COMMAND_TIMEOUT_MS = 60_000;

interface ShellOutcome {
  readonly stdout: string;
  readonly status: number;
}

export interface HostShell {
  /** Types a command and waits for its end. */
  run(command: string): Promise<ShellOutcome>;
  close(): Promise<void>;
}

/** Standard error of what is typed is not read. */
export function openHostShell(ocicat: string, lab: string, host: string): HostShell {
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
      const tooLong = Bun.sleep(COMMAND_TIMEOUT_MS).then(() =>
        Promise.reject(new Error(`no end after ${COMMAND_TIMEOUT_MS / 1000} s: ${text}`)),
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
