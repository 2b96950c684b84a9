// What `ocicat` alone and `ocicat --help` show.
import { formatUsage } from './cli/program.ts';
import { formatUsageHelp } from './cli/usage-help.ts';
import { ocicat } from './ocicat.ts';
import { writeLine } from './sys/output.ts';

export function showHelp(): void {
  const rows = ocicat.commands
    .filter(({ hidden }) => !hidden)
    .map((command) => {
      const { ownName, summary, usage = '' } = command;
      const own = ownName === undefined ? [] : [`(also as: ${ownName}${command.path.length === 0 ? ` ${usage}` : ''})`];
      return [formatUsage(ocicat, command), summary, ...own];
    });
  writeLine(
    formatUsageHelp(
      'Networks that cannot reach each other, for containers on plain Linux hosts.',
      rows,
      '"ocicat lab --help", "rkt help" and "calicoctl --help" say more.',
    ),
  );
}
