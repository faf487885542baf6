#compdef murnau
# zsh completion for murnau, as `murnau completion zsh` prints it. `murnau __complete` knows the candidates.

_murnau() {
  local command=${${(Q)words[1]}/#\~\//$HOME/} line paths=none
  local -a candidates
  for line in "${(@f)$("$command" __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}"; do
    case $line in
      :*) paths=${line#:} ;;
      ?*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done
  (( $#candidates )) && _describe -t candidates murnau candidates
  [[ $paths == none ]] && return $(( ! $#candidates ))
  [[ $PREFIX == -*=* ]] && compset -P '*='
  case $paths in
    folders) _files -/ ;;
    *) _files ;;
  esac
}

if [[ $funcstack[1] == _murnau ]]; then
  # Loaded by name, from a folder of fpath.
  _murnau "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _murnau murnau
fi
