// man: a manual page in roff, of one command or of the whole program.
import { OcicatError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { printRoffPage } from '../../manual/roff.ts';
import type { Handler } from '../cli/command.ts';
import { commands } from './commands.ts';
import { calicoctlOverview, describeCommand } from './manual.ts';

export const runMan: Handler = async ({ operands, stdio }) => {
  const command = commands.find((one) => one.words.join(' ') === operands.join(' '));
  if (command === undefined && operands.length > 0)
    throw new OcicatError('invalid', `man: no command "${operands.join(' ')}"`);
  stdio.write(printRoffPage(command === undefined ? calicoctlOverview : describeCommand(command), VERSION));
  return 0;
};
