#!/usr/bin/env bash
# Proves the variants that use subgroups on subgroups of other widths than the tests': llvmpipe of 4 and 16 lanes in place of 8.
# A kernel that assumes how many lanes there are is wrong on one of them.
#
# usage: scripts/lanes.sh [--cases N] [OP...]
#   --cases N   proves at N sizes of each operation's page, besides a middle one [1]
#   OP          only these operations
#
# Runs the program in the variable WGRAD, or target/debug/wgrad, which is built if it does not exist. Needs Mesa's lavapipe
# (scripts/setup.sh).
# Exit status: 0 all are right, 1 some are wrong, 2 a wrong option, 3 there is no lavapipe here.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'lanes: %s\n' "$*" >&2; }
wgrad=${WGRAD:-${CARGO_TARGET_DIR:-target}/debug/wgrad} cases=1 only=()
while [ $# -gt 0 ]; do
  case "$1" in
    --cases)
      [[ "${2:-}" =~ ^[1-9][0-9]?$ ]] || { say "--cases takes a number from 1 to 99, got: ${2:-nothing}" && exit 2; }
      cases=$2
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"
      exit 0
      ;;
    -*)
      say "unknown option '$1'; known are --cases, --help"
      exit 2
      ;;
    *) only+=("$1") ;;
  esac
  shift
done
[ -x "$wgrad" ] || cargo build --locked --bin wgrad
"$wgrad" adapters 2>/dev/null | grep -q llvmpipe || { say "no llvmpipe among the adapters: scripts/setup.sh installs it" && exit 3; }

# Each as `operation variant size`.
mapfile -t work < <("$wgrad" lab all --emit wgsl --json --activation linear | python3 scripts/proof_sizes.py subgroups "${only[@]}")
proven=0 wrong=0
for width in 128 512; do
  for line in "${work[@]}"; do
    read -r op variant size <<<"$line"
    # Compiled code of another width must not come from the cache.
    rows=$(LP_NATIVE_VECTOR_WIDTH=$width MESA_SHADER_CACHE_DISABLE=true "$wgrad" lab "$op" --variant "$variant" \
      --adapter llvmpipe --size "$size" --seconds 0 --cases "$cases" --json 2>/dev/null) || true
    [ -n "$rows" ] || { say "$op/$variant at $((width / 32)) lanes: no answer" && wrong=$((wrong + 1)); }
    proven=$((proven + $(grep -c '"status":"ok"' <<<"$rows" || true)))
    while read -r row; do
      [ -n "$row" ] || continue
      wrong=$((wrong + 1))
      say "WRONG at $((width / 32)) lanes: $row"
    done < <(grep '"status":"wrong"' <<<"$rows" | python3 -c '
import json, sys
for line in sys.stdin:
    row = json.loads(line)
    print(row["op"] + "/" + row["variant"], row["reason"])
')
  done
done
echo "lanes: $proven proofs at 4 and 16 lanes are right, $wrong wrong"
[ "$wrong" = 0 ] && [ "$proven" -gt 0 ]
