# Returns when the file has the text, 1 when it has not within ten seconds.
until_shown() {
  local tries
  for tries in $(seq 200); do
    grep -qF -- "$1" "$2" && return
    sleep 0.05
  done
  return 1
}
