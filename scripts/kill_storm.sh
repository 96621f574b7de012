#!/usr/bin/env bash
# Kills trainings (SIGKILL) at every call that writes into their folder and at random times, repeatedly while they are
# resumed. Checks that each ends like an undisturbed training: bit-identical `last`, `best` and `layers.jsonl`,
# `metrics.jsonl` identical except for the times, no leftover files, no panic.
#
# usage: scripts/kill_storm.sh [--short | KILLS]     1000 kills by default; --short: 40
#
# Prints the counts at the end. Exit status 1 if a run ended otherwise. RANDOM_SEED repeats a storm's choice of calls.
set -euo pipefail
# shellcheck source=scripts/storm.sh
source "$(dirname "$0")/storm.sh"

storm_wanted "${1:-}" 1000 40
RANDOM=${RANDOM_SEED:-1}
storm_setup
say "$calls calls can be hit; $wanted kills"

kills=0 runs=0
# Kills COMMAND FOLDER at call N, if it gets that far.
at_call() {
  local code=0
  FAULT_FOLDER=$2 FAULT_HOW=kill FAULT_N=$3 LD_PRELOAD=$work/faults.so "$1" "$2" 2>>"$work/said" || code=$?
  [ $code -ne 137 ] || kills=$((kills + 1))
}
# Kills COMMAND FOLDER after MILLISECONDS.
at_time() {
  local code=0 process
  "$WGRAD" train --quiet "${@:3}" >/dev/null 2>>"$work/said" &
  process=$!
  sleep "$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))"
  kill -KILL $process 2>/dev/null || true
  { wait $process; } 2>/dev/null || code=$?
  [ $code -ne 137 ] || kills=$((kills + 1))
}

begun=$(date +%s%N)
resume "$work/counted" 2>/dev/null
# The time of a start and of a training.
span=$((($(date +%s%N) - begun) / 1000000 + 150))
point=0
while [ $kills -lt "$wanted" ]; do
  runs=$((runs + 1))
  run=$work/run
  rm -rf "$run"
  : >"$work/said"
  # The first kill is at the next point in turn, so that every point gets one; then it is resumed and killed three
  # times.
  stride=$((wanted < 2 * calls ? calls * 4 / wanted + 1 : 1))
  point=$((point % calls + stride))
  at_call start "$run" $point
  for again in 1 2; do
    at_call go_on "$run" $((1 + RANDOM % (calls / again)))
  done
  if [ -e "$run/run.json" ]; then
    at_time go_on $((RANDOM % span)) --resume "$run"
  fi
  end_as_whole "run $runs, point $point" "$run"
  [ $((runs % 50)) -ne 0 ] || say "$kills kills so far"
done
storm_end "$kills kills in $runs runs"
