// completion: prints the script that makes a shell complete calicoctl's words; the words come from calicoctl itself.
import { OcicatError } from '../../base/errors.ts';
import type { Handler } from '../cli/command.ts';

/** Each script hands the words before the cursor and the one under it to `calicoctl __complete`. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# bash completion for calicoctl. Load it: source <(calicoctl completion bash)
_calicoctl() {
  local IFS=$'\\n'
  local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($(calicoctl __complete -- "\${words[@]}" 2>/dev/null))
  if [ "\${#COMPREPLY[@]}" -eq 1 ] && [ "\${COMPREPLY[0]}" = ':files' ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
  fi
  [[ "\${COMPREPLY[0]-}" == *= ]] && compopt -o nospace
}
complete -o filenames -F _calicoctl calicoctl
`,
  zsh: `#compdef calicoctl
# zsh completion for calicoctl. Load it: source <(calicoctl completion zsh)
_calicoctl() {
  local -a found
  found=("\${(@f)$(calicoctl __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ "\${found[1]}" == ':files' ]]; then
    _files
  else
    compadd -- "\${found[@]}"
  fi
}
# zsh has loaded this file as the function itself, or somebody has sourced it
if [[ "$funcstack[1]" == _calicoctl ]]; then _calicoctl; else compdef _calicoctl calicoctl; fi
`,
  fish: `# fish completion for calicoctl. Load it: calicoctl completion fish | source
function __calicoctl_words
  set -l words (commandline -opc)[2..-1] (commandline -ct)
  set -l found (calicoctl __complete -- $words 2>/dev/null)
  if test "$found[1]" = ':files'
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $found
  end
end
complete -c calicoctl -f -a '(__calicoctl_words)'
`,
};

export const SHELLS: readonly string[] = Object.keys(SCRIPTS);

export const runCompletion: Handler = async ({ operands, stdio }) => {
  const [shell = ''] = operands;
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined) {
    throw new OcicatError('invalid', `completion for "${shell}": wanted one of ${SHELLS.join(', ')}`);
  }
  stdio.write(script);
  return 0;
};
