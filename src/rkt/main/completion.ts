// `rkt completion bash`: shell code made from the command table.
import { OcicatError } from '../../base/errors.ts';
import { globalFlags } from '../cli/context.ts';
import type { FlagSpec } from '../cli/flags.ts';
import type { Command, Handler } from '../command/command.ts';
import { appFlags } from '../options/app-arguments.ts';
import { commands } from './commands.ts';

function flagWords(specs: readonly FlagSpec[]): string {
  const words = specs.map((spec) => (spec.takes === 'text' ? `--${spec.name}=` : `--${spec.name}`));
  return [...words].sort().join(' ');
}

function flagCase(command: Command): string {
  const specs = [...globalFlags, ...command.flags, ...(command.reads === 'apps' ? appFlags : [])];
  return `    '${command.name.join(' ')}') words='${flagWords(specs)}' ;;`;
}

/** Commands whose other words are pods. */
const takingPods = ['cat-manifest', 'enter', 'rm', 'run-prepared', 'status', 'stop'];

function printBash(): string {
  const names = [...new Set(commands.map((command) => command.name[0] ?? ''))].join(' ');
  const second = commands.flatMap((command) => command.name.slice(1)).join(' ');
  return `# bash completion for rkt

_rkt() {
  local current=\${COMP_WORDS[COMP_CWORD]} command='' word words
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
    -*) ;;
    *) command=\${command:+$command }$word; [ "$command" = image ] || break ;;
    esac
  done
  case $command in
${commands.map(flagCase).join('\n')}
  *) words='${flagWords(globalFlags)}' ;;
  esac
  if [[ $current != -* ]]; then
    case $command in
    '') words='${names}' ;;
    image) words='${second}' ;;
    ${takingPods.join('|')}) words=$(rkt list --no-legend --full 2>/dev/null | grep '^[0-9a-f]' | cut -f1) ;;
    *) words='' ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  [[ \${COMPREPLY[0]-} != *= ]] || compopt -o nospace
}

complete -o default -F _rkt rkt
`;
}

/** Prints the code for bash, the one shell that rkt knew. */
export const printCompletion: Handler = async (context, { rest }) => {
  if (rest.length !== 1 || rest[0] !== 'bash') {
    throw new OcicatError('invalid', `completion "${rest.join(' ')}": wanted bash`);
  }
  context.stdio.stdout(printBash());
  return 0;
};
