#!/usr/bin/env bash
# Makes the device fail while wgrad trains: a Vulkan layer (scripts/faults/layer.c, compiled here) lets the n-th call of a
# function report that the device is lost, or that no memory is left. Each training must end with weights bit-identical
# to those of an undisturbed one: by itself, or by the `--resume` that an error with exit code 2 names; never with a
# panic.
#
# usage: scripts/device_faults.sh [--short] [--faults N] [--wgrad FILE]
#   --short        24 faults, at least one of each function, for every change; the default is 400
#   --faults N     number of faults
#   --wgrad FILE   the program; the default is target/debug/wgrad, which is built if it does not exist
#
# Needs a C compiler and a Vulkan driver, takes one to two seconds per fault, and ends after an hour at the latest. The
# adapter is the best one here; VK_DRIVER_FILES selects another.
# Exit status: 0 all correct, 1 some were wrong (their folders are kept and named), 2 it cannot run here.
set -euo pipefail
cd "$(dirname "$0")/.."

faults=400 wgrad=${CARGO_TARGET_DIR:-target}/debug/wgrad
while [ $# -gt 0 ]; do
  case "$1" in
    --short) faults=24 ;;
    --faults) faults=$2 && shift ;;
    --wgrad) wgrad=$2 && shift ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"
      exit 0
      ;;
    *)
      echo "unknown option '$1'; known are --short, --faults, --wgrad, --help" >&2
      exit 2
      ;;
  esac
  shift
done
[ "$(uname -s)" = Linux ] || { echo "device faults: only for Linux, whose Vulkan loader takes the layer" >&2; exit 2; }
command -v cc >/dev/null || { echo "device faults: a C compiler is missing (cc)" >&2; exit 2; }
[ -x "$wgrad" ] || cargo build --locked --bin wgrad
wgrad=$(realpath "$wgrad")
data=$PWD/tests/fixtures/parity

work=$(mktemp -d)
layer=$work/layer
mkdir "$layer"
# The library counts calls over all devices, so it must stay loaded when a device is closed.
cc -shared -fPIC -O1 -fvisibility=hidden -Wl,-z,nodelete -o "$layer/libfaults.so" scripts/faults/layer.c
cat >"$layer/faults.json" <<JSON
{"file_format_version": "1.1.2", "layer": {"name": "VK_LAYER_wgrad_faults", "type": "GLOBAL",
 "library_path": "./libfaults.so", "api_version": "1.3.0", "implementation_version": "1", "description": "faults",
 "functions": {"vkNegotiateLoaderLayerInterfaceVersion": "faults_negotiate"}}}
JSON
export WGRAD_TUNED=$work/tuned

train() { # FOLDER [NAME=VALUE...]: runs a small training with the layer; its output goes into FOLDER.txt
  local folder=$1
  shift
  timeout 120 env VK_LAYER_PATH="$layer" VK_INSTANCE_LAYERS=VK_LAYER_wgrad_faults "$@" \
    "$wgrad" train --adapter vulkan --model linear --data "$data" --batch 32 --epochs 3 --ema 0.9 --validation 0.2 \
    --out "$folder" >"$folder.txt" 2>&1
}
same() { # FOLDER: whether it holds the undisturbed weights
  cmp -s "$1/last.safetensors" "$work/undisturbed/last.safetensors" &&
    cmp -s "$1/best.safetensors" "$work/undisturbed/best.safetensors"
}

train "$work/undisturbed" || { cat "$work/undisturbed.txt" >&2; exit 2; }
train "$work/counted" FAULT_COUNT="$work/calls" || { cat "$work/counted.txt" >&2; exit 2; }
same "$work/counted" || { echo "device faults: two undisturbed trainings differ" >&2; exit 1; }
[ -s "$work/calls" ] || { echo "device faults: the Vulkan loader did not take the layer" >&2; exit 2; }

# Every function in turn, at calls spread evenly from its first to its last. In turns, the device is lost until
# reopened, out of memory once, or lost once.
mapfile -t functions < <(sort "$work/calls" | uniq -c | awk '{print $2, $1}')
each=$(((faults + ${#functions[@]} - 1) / ${#functions[@]}))
total=0 alone=0 resumed=0 wrong=0
declare -A kinds
for ((n = 0; n < each; n++)); do
  for function in "${functions[@]}"; do
    if [ "$total" -ge "$faults" ] || [ "$SECONDS" -ge 3600 ]; then break 2; fi
    read -r name calls <<<"$function"
    at=$((1 + (calls - 1) * (2 * n + 1) / (2 * each)))
    # The very first calls belong to opening the device: they get a turn too.
    [ "$n" = 0 ] && [ "$each" -gt 1 ] && at=1
    case $(((total + n) % 3)) in
      0) how=(FAULT_LOST=1) ;;
      1) how=(FAULT_ERROR=-2) ;;
      2) how=(FAULT_ERROR=-4) ;;
    esac
    total=$((total + 1))
    folder=$work/$total-$name-$at
    code=0
    train "$folder" FAULT_CALL="$name" FAULT_N="$at" "${how[@]}" || code=$?
    end="exit code $code"
    if [ "$code" = 0 ] && same "$folder"; then
      end=alone
    elif [ "$code" = 2 ]; then
      if [ ! -e "$folder/last.safetensors" ]; then
        rm -rf "$folder"
        train "$folder" && same "$folder" && end=resumed
      elif grep -q -- "wgrad train --resume" "$folder.txt"; then
        "$wgrad" train --adapter vulkan --resume "$folder" >"$folder.resumed.txt" 2>&1 && same "$folder" && end=resumed
      fi
    fi
    grep -q panicked "$folder.txt" && end="a panic, exit code $code"
    case "$end" in
      alone) alone=$((alone + 1)) ;;
      resumed) resumed=$((resumed + 1)) ;;
      *) wrong=$((wrong + 1)) && echo "WRONG: call $at of $calls of $name, ${how[*]}: $end; see $folder.txt" ;;
    esac
    kinds[$name]=$((${kinds[$name]:-0} + 1))
    case "$end" in alone | resumed) rm -rf "$folder" "$folder".*txt ;; esac
  done
done

for name in "${!kinds[@]}"; do printf '%4d  %s\n' "${kinds[$name]}" "$name"; done | sort -k2
echo "device faults: $total: $alone trainings went on by themselves, $resumed after --resume or anew, $wrong were wrong"
[ "$wrong" -gt 0 ] || rm -rf "$work"
[ "$wrong" = 0 ]
