#!/usr/bin/env bash
# Looks for data races in workgroup memory: the proofs of every variant that shares it, on lavapipe, with the kernels
# instrumented by Khronos's newest validation layer (GPU-assisted validation). A missing barrier is reported even where the
# results are right.
#
# usage: scripts/races.sh [OPTION]... [OP...]
#   OP              only these operations
#   --short         every variant at one small size, for every change, but for tiled_8x8, which lavapipe compiles for minutes
#                   once it is instrumented; the default is all of them at all sizes of the operations' pages
#   --settings      also every value that the variants offer for their constants
#   --folder DIR    where the system with the layer goes, that of scripts/vendors.sh [vendors-trixie in $CARGO_TARGET_DIR or target]
#   --binary FILE   a wgrad that is built already [$WGRAD; else cargo builds one]
#   --seconds N     how long one variant may take [600]
#   --file FILE     only this WGSL file, as a variant of the one OP that is named
#
# Needs root, Debian or a relative, and python3. Installs debootstrap where it is missing; some 700 MB go into the folder.
# Exit status: 0 there is no race, 1 there is one, 2 a wrong option, 3 what it needs cannot be had here.
set -euo pipefail

say() { printf 'races: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}

script=$(realpath "$0")
project=$(dirname "$(dirname "$script")")
# shellcheck source=scripts/vendors/system.sh
. "$project/scripts/vendors/system.sh"

folder='' binary='' file='' seconds=600 short=false settings=() only=()
given=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --short) short=true ;;
    --settings) settings=(--settings) ;;
    --folder | --binary | --seconds | --file)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --folder) folder=$2 ;;
        --binary) binary=$2 ;;
        --seconds) seconds=$2 ;;
        --file) file=$2 ;;
      esac
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$script"
      exit 0
      ;;
    -*) fail "unknown option '$1'; known are --short, --settings, --folder, --binary, --seconds, --file, --help" ;;
    *) only+=("$1") ;;
  esac
  shift
done
[[ "$seconds" =~ ^[1-9][0-9]{0,4}$ ]] || fail "--seconds takes a number from 1 to 99999, got: $seconds"
if [ -n "$file" ]; then
  [ ${#only[@]} = 1 ] || fail "--file needs one OP, got: ${only[*]:-none}"
  [ -r "$file" ] || fail "there is no file $file"
fi

own_mounts "${given[@]}"
find_program
results=$(mktemp -d)
trap 'if [ -n "${root:-}" ]; then unshared "$results"; fi; rm -rf "$results"' EXIT
open_system trixie "${folder:-${CARGO_TARGET_DIR:-$project/target}/vendors-trixie}"
install_drivers
install_validation vulkan-validationlayers
cp "$binary" "$results/wgrad"
cp "$project/scripts/races/no_barrier.wgsl" "$results"
if [ -n "$file" ]; then cp "$file" "$results/asked.wgsl"; fi
share "$results"

# Each as `operation variant size`; the size of --short is small, crosses the tiles once, and is one that the variant takes.
if [ -n "$file" ]; then
  work=("${only[0]} asked.wgsl -")
else
  mapfile -t work < <("$binary" lab all --emit wgsl --json --activation linear |
    python3 "$project/scripts/proof_sizes.py" workgroup "${settings[@]}" "${only[@]}")
  [ ${#work[@]} -gt 0 ] || fail "no variant of ${only[*]:-any operation} uses workgroup memory"
  if [ "$short" = true ]; then
    mapfile -t work < <(printf '%s\n' "${work[@]}" | grep -v ' tiled_8x8 ' || true)
    say "tiled_8x8 is left to the long form, without --short"
    [ ${#work[@]} -gt 0 ] || fail "no other variant of ${only[*]:-any operation} uses workgroup memory"
  fi
fi

examine() { # NUMBER OPERATION VARIANT SIZE: puts what the layer reports into NUMBER.log, and the verdict into NUMBER.verdict
  local of=(--variant "$3") at=() rows reports start=$SECONDS
  case "$3" in *.wgsl) of=(--variant naive --file "$3") ;; esac
  if [ "$4" != - ]; then
    at=(--size "$4" --cases 0)
  elif [ "$short" = true ]; then
    at=(--cases 1)
  fi
  # Of the checks on the device only that of workgroup memory.
  cat >"$results/$1.settings" <<SETTINGS
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.log_filename = $results/$1.log
khronos_validation.report_flags = error
khronos_validation.validate_core = false
khronos_validation.check_image_layout = false
khronos_validation.check_command_buffer = false
khronos_validation.check_object_in_use = false
khronos_validation.check_query = false
khronos_validation.check_shaders = false
khronos_validation.unique_handles = true
khronos_validation.object_lifetime = false
khronos_validation.stateless_param = false
khronos_validation.thread_safety = false
khronos_validation.gpuav_enable = true
khronos_validation.gpuav_descriptor_checks = false
khronos_validation.gpuav_post_process_descriptor_indexing = false
khronos_validation.gpuav_buffer_address_oob = false
khronos_validation.gpuav_shader_sanitizer = false
khronos_validation.gpuav_buffers_validation = false
khronos_validation.gpuav_shared_memory_data_race = true
SETTINGS
  # shellcheck disable=SC2016 # the dollars are the inner shell's
  enter VK_DRIVER_FILES="$(driver lvp)" VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation VK_LAYER_SETTINGS_PATH="$results/$1.settings" \
    sh -c 'cd "$0" && exec "$@"' "$results" timeout "$seconds" ./wgrad lab "$2" "${of[@]}" "${at[@]}" --adapter vulkan \
    --seconds 0 --timeout "$seconds" --json </dev/null >"$results/$1.rows" 2>"$results/$1.said" || true
  rows=$(grep -c '"status":"\(ok\|wrong\)"' "$results/$1.rows" || true)
  reports=$(grep -c 'data race was detected' "$results/$1.log" 2>/dev/null || true)
  if [ ! -e "$results/$1.log" ]; then
    printf 'FAILED the layer did not start: %s\n' "$(tail -n 1 "$results/$1.said")"
  elif [ "${rows:-0}" = 0 ]; then
    printf 'FAILED it did not run: %s\n' "$(tail -n 1 "$results/$1.said")"
  elif [ "${reports:-0}" -gt 0 ]; then
    printf 'RACE %s\n' "$(grep -m 1 'data race was detected' "$results/$1.log")"
  else
    printf 'none %d s\n' "$((SECONDS - start))"
  fi >"$results/$1.verdict"
}

# The first must be reported: otherwise the rest says nothing.
examine canary matmul no_barrier.wgsl M=5,N=70,K=70
verdict=$(cat "$results/canary.verdict")
if [[ "$verdict" != RACE* ]]; then
  say "a kernel without its barrier was not reported, so that this layer cannot be relied on: $verdict"
  exit 1
fi

n=0
for line in "${work[@]}"; do
  read -r op variant size <<<"$line"
  if [ "$short" = false ]; then size=-; fi
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
  n=$((n + 1))
  examine "$n" "$op" "$variant" "$size" &
done
wait
races=0 failed=0
for ((i = 1; i <= n; i++)); do
  read -r op variant size <<<"${work[i - 1]}"
  read -r verdict words <"$results/$i.verdict"
  case "$verdict" in
    none) say "$op/$variant: none, $words" ;;
    RACE) say "RACE in $op/$variant: $words" && races=$((races + 1)) ;;
    *) say "FAILED $op/$variant: $words" && failed=$((failed + 1)) ;;
  esac
done
echo "races: $n variants with workgroup memory, $races with a race, $failed that did not run"
[ "$races" = 0 ] && [ "$failed" = 0 ]
