# shellcheck shell=bash disable=SC2034 # the variables are used by the scripts that source this file
# Functions shared by kill_storm.sh and write_errors.sh, which source this file.
# Needs Linux, a C compiler and an adapter. WGRAD names the program; by default the debug build is made and used.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }

# Sets `wanted` to the number that ARGUMENT requests: ALL if it is empty, SHORT if it is --short.
storm_wanted() { # ARGUMENT ALL SHORT
  wanted=${1:-$2}
  [ "$wanted" != --short ] || wanted=$3
  case "$wanted" in
    '' | *[!0-9]*)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"
      exit 2
      ;;
  esac
}

epochs=4
storm_setup() {
  cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
  if [ -z "${WGRAD:-}" ]; then
    cargo build --locked --quiet
    WGRAD=${CARGO_TARGET_DIR:-target}/debug/wgrad
  fi
  WGRAD=$(realpath "$WGRAD")
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  export WGRAD_TUNED=$work/tuned LC_ALL=C
  data=$PWD/tests/fixtures/parity
  model=$PWD/tests/fixtures/run-0.1/pooled.toml
  cc -O1 -shared -fPIC -o "$work/faults.so" scripts/faults.c -ldl
  start "$work/whole" 2>"$work/said" || { cat "$work/said" >&2; exit 2; }
  # Count the calls that can be hit, from the first to the end.
  FAULT_FOLDER=$work/counted FAULT_COUNT=$work/calls LD_PRELOAD=$work/faults.so start "$work/counted" 2>/dev/null
  calls=$(cat "$work/calls")
  same counted "$work/counted"
}

# Starts a small training into FOLDER, as a user would.
start() { "$WGRAD" train --quiet --model "$model" --data "$data" --batch 128 --epochs $epochs --optimizer adam --lr 0.02 \
  --ema 0.5 --no-tuned --out "$1" >/dev/null; }
resume() { "$WGRAD" train --quiet --resume "$1" >/dev/null; }
# Continues the run in FOLDER, or starts it again, as the messages advise.
go_on() { if [ -e "$1/run.json" ]; then resume "$1"; else start "$1"; fi; }

metrics() { sed -E 's/,"(images_per_second|train_seconds|evaluation_seconds)":[^,}]*//g' "$1/metrics.jsonl"; }

# Checks that FOLDER ended like an undisturbed run: bit-identical, without leftover files.
failed=0 panicked=0
same() { # NAME FOLDER
  local name=$1 folder=$2 what=
  for file in last.safetensors best.safetensors layers.jsonl; do
    cmp -s "$work/whole/$file" "$folder/$file" || what+=" $file"
  done
  [ "$(metrics "$work/whole")" = "$(metrics "$folder")" ] || what+=" metrics.jsonl"
  [ -z "$(find "$folder" -name '.tmp*')" ] || what+=" (leftovers)"
  if [ -n "$what" ]; then
    failed=$((failed + 1))
    say "$name: differs:$what"
    ls -lA "$folder" >&2
  fi
}

# Continues the run in FOLDER to its end, and counts a failure if the result is wrong.
end_as_whole() { # NAME FOLDER
  if go_on "$2" 2>>"$work/said"; then
    same "$1" "$2"
    panicked=$((panicked + $(grep -c panicked "$work/said" || true)))
  else
    failed=$((failed + 1))
    say "$1: cannot go on: $(tail -n 2 "$work/said")"
  fi
}

# Prints the counts after WHAT was done; fails if a run ended otherwise.
storm_end() { # WHAT
  say "$1: $failed ended otherwise, $panicked panics"
  [ "$failed" -eq 0 ] && [ "$panicked" -eq 0 ]
}
