# bash completion for murnau, as `murnau completion bash` prints it. `murnau __complete` knows the candidates.

_murnau() {
  local command=${1/#\~\//$HOME/} words=() word before= line paths=none i
  COMPREPLY=()
  # bash takes --flag=value apart at the sign.
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ ${#words[@]} -gt 0 && ($word == = || $before == =) ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("${word#[\"\']}")
    fi
    before=$word
  done
  while IFS= read -r line; do
    case $line in
      :*) paths=${line#:} ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("$command" __complete "${words[@]}" 2>/dev/null)
  # What stands before the sign is not replaced.
  if [[ ${words[${#words[@]} - 1]} == -*=* && $COMP_WORDBREAKS == *=* ]]; then
    COMPREPLY=("${COMPREPLY[@]#*=}")
  fi
  # bash before 4 cannot be told, and offers files wherever there is no candidate.
  if type -t compopt >/dev/null; then
    case $paths in
      folders) compopt +o default -o dirnames 2>/dev/null ;;
      none) compopt +o default 2>/dev/null ;;
    esac
  fi
}

complete -o default -F _murnau murnau
