#!/usr/bin/env bash
# Proves and measures wgrad on a GPU machine that has neither its sources nor a compiler: pack here, run there.
#
# usage: scripts/gpu.sh pack [DIR]             builds the release binary and the test programs and puts them, with fixtures,
#                                              data set and this script, into DIR [target/gpu-pack] and DIR.tar.gz
#        scripts/gpu.sh run PACK [OPTION]...   PACK is that folder or archive; DIR/run.sh is the same without PACK
#
#   --out DIR         folder of the results [$OUT, else ./gpu-results]: JSON lines, logs, and summary.md
#   --adapter A       an index, a part of a name, `gpu`, `vulkan`, ... as `wgrad adapters` takes them [gpu]
#   --seconds S       measuring time per network and round; the lab takes a tenth of it per variant [10]
#   --rounds R        rounds of wgrad and PyTorch in turns [3]
#   --only STAGE,..   some of: adapters tests bench lab tune accuracy peers [all]
#   --lab OP          one operation instead of all
#   --target A        target test accuracy of `cnn`, 0 to 1 [0.9]
#   --epochs N        epochs after which the target is given up [30]
#   --limit S         seconds after which a program is ended [900]
#
# PyTorch (eager, and CUDA graphs if it finds a device) is compared with wgrad if the Python named by PYTHON [python3]
# has it.
# Exit status: 0 done, 1 a test or a stage failed (the others ran anyway), 2 it could not start.
set -euo pipefail

tests=(kernels checker parity determinism plan optimizer)
programs=(kernels library) # the programs with these tests: the first has `kernels`, the other one the rest as modules
stages=(adapters tests bench lab tune accuracy peers)

say() { printf 'gpu: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}
usage() { sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"; }

# --- on the machine with the sources -------------------------------------------------------------------------------

pack() { # DIR
  local folder=$1 source built name executable
  mkdir -p "$folder"
  folder=$(cd "$folder" && pwd)
  cd "$(dirname "$0")/.."
  PATH=$PATH:${HOME:-/root}/.cargo/bin
  if [ -n "$(ls -A "$folder")" ] && [ ! -e "$folder/pack.json" ]; then
    fail "$folder holds something that is no pack: name another folder"
  fi
  rm -rf "${folder:?}"/*
  say "building the release binary and ${#programs[@]} test programs"
  built=$(mktemp)
  cargo build --release --locked --message-format=json >"$built"
  cargo test --package wgrad --release --locked --no-run --message-format=json "${programs[@]/#/--test=}" >>"$built"

  mkdir -p "$folder/tests"
  executables() { # KIND NAME: path of the program that cargo built
    grep '"reason":"compiler-artifact"' "$built" | grep "\"kind\":\[\"$1\"\]" | grep "\"name\":\"$2\"" |
      sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1
  }
  for name in wgrad "${programs[@]}"; do
    if [ "$name" = wgrad ]; then executable=$(executables bin wgrad); else executable=$(executables test "$name"); fi
    [ -x "$executable" ] || fail "cargo named no program for $name"
    if [ "$name" = wgrad ]; then cp "$executable" "$folder/wgrad"; else cp "$executable" "$folder/tests/$name"; fi
  done
  rm "$built"
  cp -r tests/fixtures "$folder/fixtures"
  source=$("$folder/wgrad" data info --json | sed -n 's/.*"source":"\([^"]*\)".*/\1/p')
  mkdir "$folder/data"
  for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
    cp "$source/$name-ubyte"* "$folder/data/"
  done
  mkdir "$folder/peers"
  cp scripts/peers/{run,install,table,harness,pytorch}.py "$folder/peers/"
  cp scripts/gpu.sh scripts/gpu_summary.py "$folder/"
  # shellcheck disable=SC2016 # the dollars are run.sh's
  printf '%s\n' '#!/usr/bin/env bash' 'here=$(dirname "$0")' 'exec "$here/gpu.sh" run "$here" "$@"' >"$folder/run.sh"
  chmod +x "$folder/run.sh" "$folder/gpu.sh"
  printf '{"commit":"%s","changed":%s,"built":"%s","glibc":"%s"}\n' "$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
    "$([ -z "$(git status --porcelain 2>/dev/null)" ] && echo false || echo true)" "$(date -u +%FT%TZ)" \
    "$(ldd --version 2>/dev/null | sed -n '1s/.* //p')" >"$folder/pack.json"
  tar -C "$(dirname "$folder")" -cf - "$(basename "$folder")" | gzip -9 >"$folder.tar.gz"
  say "packed $folder: $(du -sm "$folder" | cut -f1) MiB, $folder.tar.gz: $(du -m "$folder.tar.gz" | cut -f1) MiB"
}

# --- on the machine with the GPU -----------------------------------------------------------------------------------

out=${OUT:-gpu-results} adapter=gpu seconds=10 rounds=3 only='' operation=all target=0.9 epochs=30 limit=900
failed=false python=''

options() { # fills the variables above
  while [ $# -gt 0 ]; do
    case $1 in
      --out | --adapter | --seconds | --rounds | --only | --lab | --target | --epochs | --limit)
        [ $# -ge 2 ] || fail "$1 needs a value; see scripts/gpu.sh --help"
        ;;
      -h | --help) usage && exit 0 ;;
      *) fail "unknown option $1; see scripts/gpu.sh --help" ;;
    esac
    case $1 in
      --out) out=$2 ;;
      --adapter) adapter=$2 ;;
      --seconds) seconds=$2 ;;
      --rounds) rounds=$2 ;;
      --only) only=$2 ;;
      --lab) operation=$2 ;;
      --target) target=$2 ;;
      --epochs) epochs=$2 ;;
      --limit) limit=$2 ;;
    esac
    shift 2
  done
  local name
  for name in ${only//,/ }; do
    case " ${stages[*]} " in *" $name "*) ;; *) fail "--only: unknown stage $name; known: ${stages[*]}" ;; esac
  done
}

wanted() { # STAGE
  [ -z "$only" ] || case ",$only," in *",$1,"*) ;; *) return 1 ;; esac
}

limited() { # COMMAND...: ends it when its time is up, with status 124
  if command -v timeout >/dev/null; then timeout -k 10 "$limit" "$@"; else "$@"; fi
}

record() { # STAGE STATUS SECONDS
  printf '{"stage":"%s","status":%d,"seconds":%d}\n' "$1" "$2" "$3" >>"$out/stages.jsonl"
  if [ "$2" -ne 0 ]; then
    failed=true
    say "$1: FAILED with status $2"
  else
    say "$1: done in $3 s"
  fi
}

step() { # NAME COMMAND...: stdout to NAME.jsonl, stderr to NAME.log
  local name=$1 start=$SECONDS status=0
  shift
  say "$name: $*"
  limited "$@" >"$out/$name.jsonl" 2>"$out/$name.log" || status=$?
  [ "$status" -eq 0 ] || tail -n 5 "$out/$name.log" >&2
  record "$name" "$status" $((SECONDS - start))
}

stage_adapters() {
  "$pack/wgrad" adapters --adapter "$adapter" | tee "$out/adapters.txt" ||
    fail "no adapter \`$adapter\`: install the GPU's Vulkan driver and its loader (libvulkan1), or name another with --adapter"
  "$pack/wgrad" adapters --adapter "$adapter" --json >"$out/adapters.jsonl"
  if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit --format=csv >"$out/nvidia-smi.txt" || true
  fi
  if command -v vulkaninfo >/dev/null; then vulkaninfo --summary >"$out/vulkaninfo.txt" 2>&1 || true; fi
}

stage_tests() {
  local name start status words program
  : >"$out/tests.jsonl"
  for name in "${tests[@]}"; do
    say "tests: $name"
    start=$SECONDS status=0
    program=(library "$name::")
    if [ "$name" = kernels ]; then program=(kernels); fi
    # The tests write only to their working folder.
    (cd "$out" && WGRAD_TEST_ADAPTER=$adapter WGRAD_TEST_FIXTURES=$pack/fixtures \
      limited "$pack/tests/${program[0]}" "${program[@]:1}" --nocapture >"$out/test-$name.txt" 2>&1) || status=$?
    words=$(sed -n 's/^test result: .* \([0-9]* passed\); \([0-9]* failed\).*/\1, \2/p' "$out/test-$name.txt" | tail -n 1)
    printf '{"test":"%s","status":%d,"result":"%s","seconds":%d}\n' \
      "$name" "$status" "${words:-no result}" $((SECONDS - start)) >>"$out/tests.jsonl"
    record "test $name" "$status" $((SECONDS - start))
  done
}

stage_bench() { step bench "$pack/wgrad" bench --json --data "$pack/data" --adapter "$adapter" --seconds "$seconds"; }

stage_lab() {
  local tenth
  tenth=$(awk -v s="$seconds" 'BEGIN { print s / 10 }')
  step lab "$pack/wgrad" lab "$operation" --json --adapter "$adapter" --seconds "$tenth"
}

stage_tune() { # tunes, and measures the result
  local help
  if ! help=$("$pack/wgrad" tune --help 2>/dev/null); then
    say "tune: this wgrad has no such command"
    return
  fi
  local more=()
  if grep -q -e --json <<<"$help"; then more=(--json); fi
  step tune "$pack/wgrad" tune --adapter "$adapter" "${more[@]}"
  step bench-tuned "$pack/wgrad" bench --json --data "$pack/data" --adapter "$adapter" --seconds "$seconds"
}

wgrad_until() { # ROUND: trains `cnn` until an epoch ends with the target accuracy; one JSON object
  local run=$out/runs/cnn-$1 start=$EPOCHREALTIME now=0 line accuracy list='' reached=false process tries
  rm -rf "$run"
  exec 3< <(exec "$pack/wgrad" train --model cnn --data "$pack/data" --epochs "$epochs" --seed "$1" --adapter "$adapter" \
    --json --out "$run" 2>"$out/train-$1.log")
  process=$!
  while read -r -t "$limit" line <&3; do
    now=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }')
    accuracy=$(sed -n 's/.*"test_accuracy":\([0-9.e-]*\).*/\1/p' <<<"$line")
    list="$list${list:+,}{\"seconds\":$now,${line#\{}"
    if awk -v a="$accuracy" -v t="$target" 'BEGIN { exit !(a >= t) }'; then
      reached=true
      break
    fi
    if awk -v s="$now" -v l="$limit" 'BEGIN { exit !(s > l) }'; then break; fi
  done
  # On SIGTERM it finishes its step and saves, unless the device hangs.
  kill -TERM "$process" 2>/dev/null || true
  for ((tries = 0; tries < 100; tries++)); do
    kill -0 "$process" 2>/dev/null || break
    sleep 0.2
  done
  kill -KILL "$process" 2>/dev/null || true
  exec 3<&-
  wait "$process" 2>/dev/null || true
  printf '{"peer":"wgrad","round":%d,"target":%s,"reached":%s,"seconds":%s,"epochs":[%s]}\n' \
    "$1" "$target" "$reached" "$now" "$list"
  [ -n "$list" ]
}

pytorch_until() { # ROUND PEER OPTIONS...
  local round=$1 peer=$2 line
  shift 2
  line=$(PEER_STARTED=$EPOCHREALTIME limited "$python" "$pack/peers/pytorch.py" cnn --data "$pack/data" --until "$target" \
    --epochs "$epochs" --seed "$round" "$@" 2>"$out/train-$peer-$round.log") || return
  printf '{"peer":"%s","round":%d,%s\n' "$peer" "$round" "${line#\{}"
}

stage_accuracy() {
  local round start=$SECONDS status=0
  : >"$out/accuracy.jsonl"
  for ((round = 0; round < rounds; round++)); do
    say "accuracy: round $((round + 1)) of $rounds, until $target"
    wgrad_until "$round" >>"$out/accuracy.jsonl" || {
      status=1
      tail -n 5 "$out/train-$round.log" >&2
    }
    case " $beside " in
      *' pytorch-cuda '*)
        pytorch_until "$round" pytorch-cuda --device cuda >>"$out/accuracy.jsonl" || status=1
        pytorch_until "$round" pytorch-cuda-graph --device cuda --graphs >>"$out/accuracy.jsonl" || status=1
        ;;
      *' pytorch-cpu '*) pytorch_until "$round" pytorch-cpu >>"$out/accuracy.jsonl" || status=1 ;;
    esac
  done
  record accuracy "$status" $((SECONDS - start))
}

stage_peers() {
  local start=$SECONDS status=0 name more=()
  if [ -z "$beside" ]; then
    say "peers: no PyTorch in ${PYTHON:-python3}: nothing to run beside (PYTHON names another)"
    return
  fi
  for name in $beside; do more+=(--peer "$name"); done
  "$python" "$pack/peers/run.py" --here --wgrad "$pack/wgrad" --data "$pack/data" --adapter "$adapter" \
    --seconds "$seconds" --rounds "$rounds" --save "$out/peers.jsonl" "${more[@]}" \
    >"$out/peers.txt" 2> >(tee "$out/peers.log" >&2) || status=$?
  record peers "$status" $((SECONDS - start))
}

run() { # PACK OPTIONS...
  [ $# -ge 1 ] || fail "run needs a pack: the folder or archive that scripts/gpu.sh pack made"
  local given=$1 name
  shift
  options "$@"
  mkdir -p "$out"
  out=$(cd "$out" && pwd)
  if [ -f "$given" ]; then
    pack=$out/pack
    mkdir -p "$pack"
    tar -C "$pack" --strip-components=1 -xzf "$given"
  else
    [ -d "$given" ] || fail "no pack at $given"
    pack=$(cd "$given" && pwd)
  fi
  [ -x "$pack/wgrad" ] || fail "$given is no pack: it has no wgrad; make one with scripts/gpu.sh pack"
  "$pack/wgrad" --version >&2 || fail "wgrad does not start here: it was built for glibc of $(cat "$pack/pack.json")"
  cp "$pack/pack.json" "$out/"
  python=$(command -v "${PYTHON:-python3}" || true)
  beside=''
  if [ -n "$python" ] && "$python" -c 'import numpy, torch' 2>/dev/null; then
    beside=pytorch-cpu
    if "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
      beside='pytorch-cuda pytorch-cuda-graph'
    fi
  fi
  : >>"$out/stages.jsonl"
  stage_adapters # always: nothing else makes sense without the adapter
  for name in "${stages[@]:1}"; do
    if wanted "$name"; then "stage_$name"; fi
  done
  if [ -n "$python" ]; then
    "$python" "$pack/gpu_summary.py" "$out" | tee "$out/summary.md"
  else
    say "no python3 here to write summary.md: run gpu_summary.py $out on another machine"
  fi
  rm -rf "$out/pack" # the unpacked archive
  say "results: $out"
  [ "$failed" = false ] || exit 1
}

case "${1:-}" in
  pack)
    [ $# -le 2 ] || fail "pack takes one folder; see scripts/gpu.sh --help"
    pack "${2:-$(dirname "$0")/../target/gpu-pack}"
    ;;
  run) run "${@:2}" ;;
  -h | --help) usage ;;
  *) fail "expected pack or run, got: ${1:-nothing}; see scripts/gpu.sh --help" ;;
esac
