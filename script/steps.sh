# Sourced by the scripts beside it: stands at the project's root and speaks in steps.

cd "$(dirname "${BASH_SOURCE[0]}")/.."
ICG_VAR="$(mkdir -p "${ICG_VAR:-var}" && cd "${ICG_VAR:-var}" && pwd)"
export ICG_VAR PYTHONUNBUFFERED=1

# Ends the script with one sentence.
fail() {
  printf '\n%s\n' "$1" >&2
  exit 1
}

# quietly "what it does" "what to do when it fails" command...: shows the command's output only when it fails.
quietly() {
  local what="$1" advice="$2" log="$ICG_VAR/setup.log"
  shift 2
  printf '%s\n' "$what"
  if ! "$@" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    fail "$advice"
  fi
}

# One line that changes when any of the given files or folders does.
fingerprint() {
  find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 cksum | cksum
}

# is_current stamp fingerprint: whether the stamp was made of this fingerprint.
is_current() {
  [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]
}
