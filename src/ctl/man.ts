// man: a manual page in roff, made from the command table: one for each command, one for all of them.
import { OcicatError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import type { Command, Flag, Handler } from './command.ts';
import { commands, globalFlags } from './commands.ts';
import { formatFlag, formatUsage } from './help.ts';

/** Text without a meaning for roff: backslashes, hyphens, and dots and quotes at the start of a line. */
function toRoff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(['.])/gm, '\\&$1');
}

function formatFlags(flags: readonly Flag[]): string {
  return flags
    .filter((flag) => !flag.hidden)
    .map((flag) => {
      const usual = flag.usual === undefined ? '' : ` (default ${flag.usual})`;
      return `.TP\n.B ${toRoff(formatFlag(flag).trim())}\n${toRoff(`${flag.doc}${usual}.`)}\n`;
    })
    .join('');
}

function head(name: string, summary: string): string {
  return `.TH ${toRoff(name.toUpperCase())} 1 "" "ocicat ${VERSION}" "calicoctl"\n.SH NAME\n${toRoff(name)} \\- ${toRoff(summary)}\n`;
}

/** The page of one command. */
export function printCommandPage(command: Command): string {
  const name = ['calicoctl', ...command.words].join('-');
  const examples = (command.examples ?? []).map(
    ([comment, line]) => `.PP\n${toRoff(comment)}:\n.PP\n.nf\n.RS\n${toRoff(line)}\n.RE\n.fi\n`,
  );
  return [
    head(name, command.summary),
    `.SH SYNOPSIS\n.B ${toRoff(formatUsage(command))}\n`,
    `.SH DESCRIPTION\n${toRoff(command.description ?? `${command.summary}.`)}\n`,
    `.SH OPTIONS\n${formatFlags([...command.flags, ...globalFlags])}`,
    examples.length === 0 ? '' : `.SH EXAMPLES\n${examples.join('')}`,
    '.SH SEE ALSO\n.BR calicoctl (1)\n',
  ].join('');
}

/** The page that lists all commands. */
export function printOverviewPage(): string {
  const shown = commands.filter((command) => !command.hidden);
  const list = shown.map((command) => `.TP\n.B ${toRoff(command.words.join(' '))}\n${toRoff(`${command.summary}.`)}\n`);
  return [
    head('calicoctl', 'manage network and security policy of a cluster of hosts'),
    '.SH SYNOPSIS\n.B calicoctl\nCOMMAND [flags]\n',
    `.SH COMMANDS\n${list.join('')}`,
    '.SH ENVIRONMENT\n.TP\n.B ETCD_ENDPOINTS\nWhere the store is, as URLs with commas between; the private etcd of this host by default.\n',
    '.SH FILES\n.TP\n.B /etc/calico/calicoctl.cfg\nHow to reach the store.\n',
  ].join('');
}

export const runMan: Handler = async ({ operands, stdio }) => {
  if (operands.length === 0) {
    stdio.write(printOverviewPage());
    return 0;
  }
  const command = commands.find((one) => one.words.join(' ') === operands.join(' '));
  if (command === undefined) throw new OcicatError('invalid', `man: no command "${operands.join(' ')}"`);
  stdio.write(printCommandPage(command));
  return 0;
};
