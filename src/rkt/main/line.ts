// How rkt reads a command line: global flags, the command by name or by an unambiguous beginning of it, and the rest by its rule.
import { OcicatError } from '../../base/errors.ts';
import { cutFlags, cutLine, looksLikeFlag } from '../../cli/arguments.ts';
import { type Flag, operandFlags } from '../../cli/command.ts';
import { readFlags } from '../../cli/flags.ts';
import { refuse } from '../../cli/program.ts';
import type { Arguments, RktCommand } from '../command/command.ts';
import { parseAppArguments } from '../options/app-arguments.ts';
import { rkt } from './commands.ts';

export interface LineStart {
  readonly command: RktCommand;
  /** All arguments but the command's path: flags may stand before it. */
  readonly argv: readonly string[];
}

function isBeginning(argv: readonly string[], { path, hidden }: RktCommand): boolean {
  return !hidden && path.every((part, at) => part.startsWith(argv[at] ?? '-'));
}

export function isExactly(argv: readonly string[], { path }: RktCommand): boolean {
  return path.every((part, at) => part === argv[at]);
}

/** The command that the arguments name, whole or by an unambiguous beginning; undefined for none. */
function matchCommand(argv: readonly string[]): RktCommand | undefined {
  const exact = rkt.commands.find((command) => isExactly(argv, command));
  if (exact !== undefined) return exact;
  const [command, other] = rkt.commands.filter((one) => isBeginning(argv, one));
  return other === undefined ? command : undefined;
}

/** Undefined when there is no command among the arguments. Throws `invalid`. */
export function parseStart(argv: readonly string[]): LineStart | undefined {
  // enough to tell a value before the command from the command
  const every = [...rkt.globalFlags, ...rkt.commands.flatMap((command) => command.flags)];
  const rest = [...argv];
  while (looksLikeFlag(rest[0] ?? '')) readFlags(rkt, cutFlags(rest.shift() ?? '', rest, every), every);
  const [first] = rest;
  if (first === undefined) return undefined;
  const command = matchCommand(rest);
  if (command === undefined) {
    refuse(rkt, { kind: 'unknown-command', path: [], argument: first });
    return undefined;
  }
  const before = argv.slice(0, argv.length - rest.length);
  return { command, argv: [...before, ...rest.slice(command.path.length)] };
}

function parseApps(flags: readonly Flag[], argv: readonly string[]): Arguments {
  try {
    return { ...parseAppArguments(flags, argv), operands: [] };
  } catch (cause) {
    throw new OcicatError('invalid', 'error parsing app image arguments', { cause });
  }
}

/** Throws `invalid`. */
export function parseRest({ command, argv }: LineStart): Arguments {
  const flags = [...rkt.globalFlags, ...command.flags];
  if (operandFlags(command).length > 0) return parseApps(flags, argv);
  const { tokens, operands, trailing } = cutLine(argv, flags, command.leading);
  return { flags: readFlags(rkt, tokens, flags), operands: [...operands, ...trailing], apps: [], mounts: [] };
}
