#!/usr/bin/env bash
# Compiles the HLSL of every variant with Microsoft's compilers, as wgpu does for DX12, without Windows: FXC
# (d3dcompiler_47.dll) and DXC (dxcompiler.dll) under Wine.
#
# usage: scripts/dx12.sh [OPTION]...
#   --settings      also every value that the variants offer for their constants (minutes)
#   --folder DIR    where the system with Wine goes, that of scripts/vendors.sh [vendors-trixie in $CARGO_TARGET_DIR or target]
#   --binary FILE   a wgrad that is built already [$WGRAD; else cargo builds one]
#   --seconds N     how long a compiler may take for its share of all files [300]
#   --keep DIR      keeps the HLSL and the verdicts there
#
# Both DLLs are part of Dawn for node, which scripts/tint.sh installs too; they are Microsoft's and stay out of the
# repository. Needs root, Debian or a relative, python3 and npm. Installs debootstrap where it is missing; some 1.3 GB go
# into the folder (Wine, a C compiler for Windows).
# Exit status: 0 all are accepted, 1 some are not, 2 a wrong option, 3 what it needs cannot be had here.
set -euo pipefail

say() { printf 'dx12: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}

script=$(realpath "$0")
project=$(dirname "$(dirname "$script")")
# shellcheck source=scripts/vendors/system.sh
. "$project/scripts/vendors/system.sh"

folder='' binary='' keep='' seconds=300 settings=()
given=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --settings) settings=(--settings) ;;
    --folder | --binary | --seconds | --keep)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --folder) folder=$2 ;;
        --binary) binary=$2 ;;
        --seconds) seconds=$2 ;;
        --keep) keep=$2 ;;
      esac
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$script"
      exit 0
      ;;
    *) fail "unknown option '$1'; known are --settings, --folder, --binary, --seconds, --keep, --help" ;;
  esac
  shift
done
[[ "$seconds" =~ ^[1-9][0-9]{0,4}$ ]] || fail "--seconds takes a number from 1 to 99999, got: $seconds"

own_mounts "${given[@]}"
find_program
results=$(mktemp -d)
trap 'if [ -n "${root:-}" ]; then unshared "$results"; fi; rm -rf "$results"' EXIT

"$project/scripts/tint.sh" --install || lacking "Dawn, which has the compilers, cannot be had"
compilers=${CARGO_TARGET_DIR:-$project/target}/tint/node_modules/webgpu/dist/win32-x64
open_system trixie "${folder:-${CARGO_TARGET_DIR:-$project/target}/vendors-trixie}"
install "Wine and a C compiler for Windows, some 1 GB" wine wine64 gcc-mingw-w64-x86-64-win32 ||
  lacking "Wine or the C compiler for Windows cannot be had: $log"
share "$results"

"$binary" lab all --emit hlsl --json --activation linear | python3 "$project/scripts/translated.py" write "$results" "${settings[@]}"
cp "$compilers/d3dcompiler_47.dll" "$compilers/dxcompiler.dll" "$project/scripts/dx12/compile.c" "$results"
enter x86_64-w64-mingw32-gcc -O1 -Wall -Werror -o "$results/compile.exe" "$results/compile.c"

# The longest texts of FXC, which takes nearly all the time, are dealt out one after the other.
shares=$(nproc)
python3 "$project/scripts/translated.py" jobs "$results" >"$results/jobs"
while IFS=$'\t' read -r compiler profile entry file; do
  printf '%d\t%s\t%s\t%s\t%s\n' "$(wc -c <"$results/$file")" "$compiler" "$profile" "$entry" "$file"
done <"$results/jobs" | sort -rn | cut -f 2- >"$results/sorted"
for ((n = 0; n < shares; n++)); do awk -v n="$n" -v of="$shares" 'NR % of == n' "$results/sorted" >"$results/share$n"; done

wine() { # ARGUMENT...
  # shellcheck disable=SC2016 # the dollars are the inner shell's
  enter WINEPREFIX=/opt/wine WINEDEBUG=-all DISPLAY= 'WINEDLLOVERRIDES=d3dcompiler_47=n;dxcompiler=n;mscoree=;mshtml=;winemenubuilder.exe=' \
    sh -c 'cd "$0" && exec timeout --kill-after 5 "$@"' "$results" "$seconds" wine "$@" </dev/null
}
# The first start makes its folders.
wine cmd /c ver >>"$log" 2>&1 || lacking "Wine does not start: $log"
for ((n = 0; n < shares; n++)); do
  { wine compile.exe "share$n" >"$results/$n.said" 2>"$results/$n.errors" || true; } &
done
wait
enter WINEPREFIX=/opt/wine wineserver -k >>"$log" 2>&1 || true
cat "$results"/*.errors >&2
if [ -n "$keep" ]; then
  mkdir -p "$keep"
  cp "$results"/*.hlsl "$results"/*.said "$keep"
fi
python3 "$project/scripts/translated.py" dx12 "$results"
