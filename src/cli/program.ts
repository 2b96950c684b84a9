// A program: its command table, and how it speaks of it.
import { OcicatError } from '../base/errors.ts';
import type { Command, Flag, Operand } from './command.ts';
import type { Fault } from './faults.ts';

export interface Program<C extends Command = Command> {
  /** What calls it: `calicoctl`, `ocicat lab`. */
  readonly name: string;
  readonly commands: readonly C[];
  readonly globalFlags: readonly Flag[];
  /** What help and completion put between a flag and its value. */
  readonly assigns: ' ' | '=';
  /** Whether flags are shown by name, or in the order of the table. */
  readonly sortsFlags?: boolean;
  /** The message for a line that cannot be read; undefined where the program lets it pass. */
  readonly describeFault: (fault: Fault) => string | undefined;
}

/** `-o, --output FORMAT`, `    --dir=PATH`, `    --net[=default]`. */
export function formatFlag({ name, short, value, bare }: Flag, { assigns }: Pick<Program, 'assigns'>): string {
  const letter = short === undefined ? '    ' : `-${short}, `;
  if (value === undefined) return `${letter}--${name}`;
  return `${letter}--${name}${bare === undefined ? `${assigns}${value}` : `[=${bare}]`}`;
}

/** What a flag does, and its value where it is not given; that of an on-off flag goes without saying. */
export function describeFlag({ doc, value, usual }: Flag): string {
  const isShown = value !== undefined && usual !== undefined && usual !== '""';
  return isShown ? `${doc} (default ${usual})` : doc;
}

/** Flags as they are shown. */
export function shownFlags(flags: readonly Flag[], { sortsFlags }: Pick<Program, 'sortsFlags'>): readonly Flag[] {
  const shown = flags.filter((flag) => !flag.hidden);
  return sortsFlags ? shown.sort((a, b) => (a.name < b.name ? -1 : 1)) : shown;
}

function formatOperand({ name, many, optional, afterDashes }: Operand): string {
  const several = many ? `${name}...` : name;
  const dashed = afterDashes ? `-- ${several}` : several;
  return optional ? `[${dashed}]` : dashed;
}

/** `calicoctl get [KIND [NAME...]] [flags]`. */
export function formatUsage(program: Pick<Program, 'name'>, command: Command): string {
  const rest = command.usage ?? [...command.operands.map(formatOperand), '[flags]'].join(' ');
  return [program.name, ...command.path, rest].join(' ').trimEnd();
}

/** Throws `invalid` with the program's message, unless it lets the fault pass. */
export function refuse({ describeFault }: Pick<Program, 'describeFault'>, fault: Fault): void {
  const message = describeFault(fault);
  if (message !== undefined) throw new OcicatError('invalid', message);
}
