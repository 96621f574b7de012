#!/usr/bin/env bash
# The steps of action.yml: proves the shaders of an operation, times them, and compiles them for GPUs that are not here.
#
# usage: scripts/action.sh setup   installs a Vulkan driver for the processor
#        scripts/action.sh build   builds wgrad, unless $WGRAD_BINARY names one
#        scripts/action.sh lab     `wgrad lab`; its table goes to $GITHUB_STEP_SUMMARY too
#        scripts/action.sh chips   `wgrad lab --stats` on the chips $WGRAD_CHIPS
#
# Options are variables, as action.yml sets them; an empty one counts as unset: WGRAD_OPERATION (required), WGRAD_SIZE,
# WGRAD_VARIANT, WGRAD_FILE (a path a line), WGRAD_SECONDS, WGRAD_BASELINE, WGRAD_FAIL_IF_SLOWER, WGRAD_SAVE, WGRAD_JUNIT,
# WGRAD_HTML, WGRAD_CHIPS, WGRAD_BINARY. Paths are those of the current folder.
# Exit status: 0 done, 1 a variant is wrong or slower than allowed, 2 it could not run.
set -euo pipefail

say() { printf 'action: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}

script=$(realpath "$0")
project=$(dirname "$(dirname "$script")")
built=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/wgrad
PATH=$PATH:${HOME:-/root}/.cargo/bin

binary() { # the program to run
  local binary=${WGRAD_BINARY:-$built/bin/wgrad}
  [ -x "$binary" ] || fail "there is no program $binary; run '$0 build' first, or set WGRAD_BINARY"
  realpath "$binary"
}

arguments=()
option() { # --OPTION VALUE, where there is a value
  if [ -n "$2" ]; then arguments+=("$1" "$2"); fi
}
operation() { # what is compared, with the options that all commands take
  [ -n "${WGRAD_OPERATION:-}" ] || fail "WGRAD_OPERATION is empty: name a folder with interface.wgsl and naive.wgsl"
  arguments=("$WGRAD_OPERATION")
  option --size "${WGRAD_SIZE:-}"
  option --variant "${WGRAD_VARIANT:-}"
  local file
  while IFS= read -r file; do option --file "$file"; done <<<"${WGRAD_FILE:-}"
}

case "${1:-}" in
  setup)
    "$project/scripts/setup.sh" --no-data || fail "no Vulkan driver could be installed"
    ;;
  build)
    if [ -n "${WGRAD_BINARY:-}" ]; then
      say "using $(binary)"
    else
      command -v cargo >/dev/null || fail "cargo is missing: install Rust with rustup, https://rustup.rs, or set WGRAD_BINARY"
      cargo install --quiet --locked --no-default-features --path "$project/crates/cli" --root "$built"
    fi
    ;;
  lab)
    operation
    option --seconds "${WGRAD_SECONDS:-}"
    option --save "${WGRAD_SAVE:-}"
    option --junit "${WGRAD_JUNIT:-}"
    option --html "${WGRAD_HTML:-}"
    if [ -z "${WGRAD_BASELINE:-}" ]; then
      [ -z "${WGRAD_FAIL_IF_SLOWER:-}" ] || fail "fail-if-slower needs a baseline: a file that an earlier run kept with save"
    elif [ -e "$WGRAD_BASELINE" ]; then
      option --baseline "$WGRAD_BASELINE"
      option --fail-if-slower "${WGRAD_FAIL_IF_SLOWER:-}"
    else
      printf '::notice title=wgrad lab::there is no baseline %s yet: nothing is compared with earlier results\n' "$WGRAD_BASELINE" >&2
    fi
    program=$(binary)
    status=0
    table=$("$program" lab "${arguments[@]}") || status=$?
    printf '%s\n' "$table"
    if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -n "$table" ]; then
      # shellcheck disable=SC2016 # a fence of Markdown
      printf '```text\n%s\n```\n' "$table" >>"$GITHUB_STEP_SUMMARY"
    fi
    exit "$status"
    ;;
  chips)
    [ -n "${WGRAD_CHIPS:-}" ] || fail "WGRAD_CHIPS is empty: name chips of scripts/vendors.sh --chips, such as navi31,ampere,m1"
    operation
    as_root=()
    if [ "$(id -u)" != 0 ]; then as_root=(sudo -n -E); fi
    exec "${as_root[@]}" "$project/scripts/vendors.sh" --on "$WGRAD_CHIPS" --binary "$(binary)" \
      --folder "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/wgrad-vendors" "${arguments[@]}"
    ;;
  *)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$script" >&2
    exit 2
    ;;
esac
