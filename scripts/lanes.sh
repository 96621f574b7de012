#!/usr/bin/env bash
# Proves the variants that use subgroups on subgroups of other widths than the tests': llvmpipe of 4 and 16 lanes in place of 8.
# A kernel that assumes how many lanes there are is wrong on one of them.
#
# usage: scripts/lanes.sh [--cases N] [--file FILE] [OP...]
#   --cases N     proves at N sizes of each operation's page, besides a middle one [0]
#   --file FILE   only this WGSL file, as a variant of the one OP that is named
#   OP            only these operations
#
# Runs the program in the variable WGRAD, or target/debug/wgrad, which is built if it does not exist. Needs Mesa's lavapipe
# (scripts/setup.sh).
# Exit status: 0 all are right, 1 some are wrong, 2 a wrong option, 3 there is no lavapipe here.
set -euo pipefail
start=$PWD
cd "$(dirname "$0")/.."

say() { printf 'lanes: %s\n' "$*" >&2; }
wgrad=${WGRAD:-${CARGO_TARGET_DIR:-target}/debug/wgrad} cases=0 file='' only=()
while [ $# -gt 0 ]; do
  case "$1" in
    --cases)
      [[ "${2:-}" =~ ^[0-9]{1,2}$ ]] || { say "--cases takes a number from 0 to 99, got: ${2:-nothing}" && exit 2; }
      cases=$2
      shift
      ;;
    --file)
      cd "$start"
      [ -r "${2:-}" ] || { say "--file takes a WGSL file, got: ${2:-nothing}" && exit 2; }
      file=$(realpath "$2")
      cd - >/dev/null
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"
      exit 0
      ;;
    -*)
      say "unknown option '$1'; known are --cases, --file, --help"
      exit 2
      ;;
    *) only+=("$1") ;;
  esac
  shift
done
[ -x "$wgrad" ] || cargo build --locked --bin wgrad
"$wgrad" adapters 2>/dev/null | grep -q llvmpipe || { say "no llvmpipe among the adapters: scripts/setup.sh installs it" && exit 3; }

# Each as `operation variant size`.
if [ -n "$file" ]; then
  [ ${#only[@]} = 1 ] || { say "--file needs one OP, got: ${only[*]:-none}" && exit 2; }
  work=("${only[0]} $file -")
else
  mapfile -t work < <("$wgrad" lab all --emit wgsl --json --activation linear |
    python3 scripts/proof_sizes.py subgroups "${only[@]}")
fi

prove() { # WIDTH OPERATION VARIANT SIZE: prints its row
  local of=(--variant "$3") at=()
  case "$3" in *.wgsl) of=(--apart --file "$3") ;; esac
  if [ "$4" != - ]; then at=(--size "$4"); fi
  # Compiled code of another width must not come from the cache.
  LP_NATIVE_VECTOR_WIDTH=$1 MESA_SHADER_CACHE_DISABLE=true "$wgrad" lab "$2" "${of[@]}" "${at[@]}" --adapter llvmpipe \
    --seconds 0 --cases "$cases" --json 2>/dev/null || true
}

# The first must be wrong: otherwise the rest says nothing.
if ! prove 128 matmul scripts/lanes/eight.wgsl M=3,N=5,K=24 | grep -q '"status":"wrong"'; then
  say "a kernel that assumes eight lanes is right at four, so that this llvmpipe cannot be relied on"
  exit 1
fi

rows=$(mktemp -d)
trap 'rm -rf "$rows"' EXIT
right=0 wrong=0
for width in 128 512; do
  for n in "${!work[@]}"; do
    read -r op variant size <<<"${work[n]}"
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    prove "$width" "$op" "$variant" "$size" >"$rows/$width.$n" &
  done
done
wait
for width in 128 512; do
  for n in "${!work[@]}"; do
    read -r op variant size <<<"${work[n]}"
    row=$(cat "$rows/$width.$n")
    case "$row" in
      *'"status":"ok"'*) right=$((right + 1)) ;;
      *'"status":"skipped"'*) say "skipped at $((width / 32)) lanes: $op/$variant" ;;
      *)
        wrong=$((wrong + 1))
        say "WRONG at $((width / 32)) lanes: $op/$variant: $(grep -o '"reason":"[^"]*"' <<<"$row" || echo 'no answer')"
        ;;
    esac
  done
done
echo "lanes: $right proofs at 4 and 16 lanes are right, $wrong wrong"
[ "$wrong" = 0 ] && [ "$right" -gt 0 ]
