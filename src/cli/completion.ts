// The script that makes a shell complete what is typed behind a program; what there is comes from the program itself.
import { OcicatError } from '../base/errors.ts';

/** Each script hands the arguments before the cursor and the one under it to `PROGRAM __complete`. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# bash completion for PROGRAM
_FUNCTION() {
  local IFS=$'\\n'
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(PROGRAM __complete -- "\${words[@]}" 2>/dev/null))
  if [ "\${#COMPREPLY[@]}" -eq 1 ] && [ "\${COMPREPLY[0]}" = ':files' ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]#=}"))
  fi
  [[ "\${COMPREPLY[0]-}" == *= ]] && compopt -o nospace
}
complete -o filenames -F _FUNCTION PROGRAM
`,
  zsh: `#compdef PROGRAM
# zsh completion for PROGRAM
_FUNCTION() {
  local -a found
  found=("\${(@f)$(PROGRAM __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${found[1]}" == ':files' ]]; then
    [[ "\${words[CURRENT]}" == --*=* ]] && compset -P '*='
    _files
  else
    compadd -S '' -- "\${(@M)found:#*=}"
    compadd -- "\${(@)found:#*=}"
  fi
}
# zsh has loaded this file as the function itself, or somebody has sourced it
if [[ "$funcstack[1]" == _FUNCTION ]]; then _FUNCTION; else compdef _FUNCTION PROGRAM; fi
`,
  fish: `# fish completion for PROGRAM
function __FUNCTION_words
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  set -l found (PROGRAM __complete -- $words 2>/dev/null)
  if test "$found[1]" = ':files'
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c PROGRAM -f -a '(__FUNCTION_words)'
`,
};

export const SHELLS: readonly string[] = Object.keys(SCRIPTS);

/** Throws `invalid` for a shell that is not known. */
export function printCompletion(shell: string, program: string): string {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined) {
    throw new OcicatError('invalid', `completion for "${shell}": wanted one of ${SHELLS.join(', ')}`);
  }
  return script.replaceAll('PROGRAM', program).replaceAll('FUNCTION', program.replaceAll('-', '_'));
}
