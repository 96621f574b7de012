#!/usr/bin/env bash
# Holds the SPIR-V of every variant against Khronos's newest spirv-val, as wgpu gives it to drivers: of the version of Vulkan
# 1.3, and of the oldest that serves. One known fault of naga is counted, nothing else is let through.
#
# usage: scripts/spirv.sh [OPTION]...
#   --settings      also every value that the variants offer for their constants
#   --folder DIR    where the system with spirv-val goes, that of scripts/vendors.sh [vendors-trixie in $CARGO_TARGET_DIR or target]
#   --binary FILE   a wgrad that is built already [$WGRAD; else cargo builds one]
#   --keep DIR      keeps the modules and the verdicts there
#
# Needs root, Debian or a relative, and python3. Installs debootstrap where it is missing; some 300 MB go into the folder.
# Exit status: 0 all are valid, 1 some are not, 2 a wrong option, 3 what it needs cannot be had here.
set -euo pipefail

say() { printf 'spirv: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}

script=$(realpath "$0")
project=$(dirname "$(dirname "$script")")
# shellcheck source=scripts/vendors/system.sh
. "$project/scripts/vendors/system.sh"

folder='' binary='' keep='' settings=()
given=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --settings) settings=(--settings) ;;
    --folder | --binary | --keep)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --folder) folder=$2 ;;
        --binary) binary=$2 ;;
        --keep) keep=$2 ;;
      esac
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$script"
      exit 0
      ;;
    *) fail "unknown option '$1'; known are --settings, --folder, --binary, --keep, --help" ;;
  esac
  shift
done

own_mounts "${given[@]}"
find_program
results=$(mktemp -d)
trap 'if [ -n "${root:-}" ]; then unshared "$results"; fi; rm -rf "$results"' EXIT
open_system trixie "${folder:-${CARGO_TARGET_DIR:-$project/target}/vendors-trixie}"
install_validation spirv-tools
share "$results"
say "$(enter spirv-val --version | sed -n 1p)"

for version in spirv-1.6 spirv; do
  "$binary" lab all --emit "$version" --json | python3 "$project/scripts/translated.py" write "$results/$version" "${settings[@]}"
  printf 'no module' >"$results/$version/canary.spv"
done
validate() { # ENVIRONMENT, the modules on standard input
  # shellcheck disable=SC2016 # the dollars are the inner shell's
  enter xargs -r -n 32 -P "$(nproc)" sh -c 'for module in "$@"; do
      spirv-val --target-env "$0" "$module" >"$module.val" 2>&1 || [ -s "$module.val" ] || echo refused >"$module.val"
    done' "$1"
}
for pair in spirv-1.6:vulkan1.3 spirv:vulkan1.1; do
  at=$results/${pair%:*}
  find "$at" -name '*.spv' | validate "${pair#*:}"
  # It ends at the first fault, and a module has one for each of its arrays.
  for _ in {1..20}; do
    mended=$(python3 "$project/scripts/translated.py" mend "$at")
    [ -n "$mended" ] || break
    validate "${pair#*:}" <<<"$mended"
  done
done
if [ -n "$keep" ]; then
  mkdir -p "$keep"
  cp -r "$results"/. "$keep"
fi
python3 "$project/scripts/translated.py" spirv "$results"
