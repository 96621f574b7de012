#!/usr/bin/env bash
# Makes calls that write into the folder of a training fail (no space left, input/output error; once, or from then on).
# Checks that the training reports it with exit code 2 and, once resumed, ends like an undisturbed one: bit-identical
# `last`, `best` and `layers.jsonl`, `metrics.jsonl` identical except for the times, no leftover files, no panic.
#
# usage: scripts/write_errors.sh [--short | ERRORS]     100 errors by default; --short: 20
#
# Prints the counts at the end. Exit status 1 if a run ended otherwise.
set -euo pipefail
# shellcheck source=scripts/storm.sh
source "$(dirname "$0")/storm.sh"

storm_wanted "${1:-}" 100 20
storm_setup
say "$calls calls can be hit; $wanted errors"

for ((n = 1; n <= wanted; n++)); do
  run=$work/run code=0
  rm -rf "$run"
  # Spread evenly over all calls, several per call if there are more errors than calls; 28: no space left, 5:
  # input/output.
  point=$((wanted <= calls ? (n - 1) * calls / wanted + 1 : (n - 1) % calls + 1))
  how=$((n % 2 == 0 ? 28 : 5)) stay=$((n / 2 % 2))
  FAULT_FOLDER=$run FAULT_HOW=$how FAULT_N=$point FAULT_STAY=$stay LD_PRELOAD=$work/faults.so start "$run" \
    2>"$work/said" || code=$?
  what="error $how at call $point$([ $stay = 0 ] || echo ' and after it')"
  if [ $code -ne 2 ] || ! grep -q '^error: ' "$work/said"; then
    failed=$((failed + 1))
    say "$what: exit code $code, expected 2: $(tail -n 2 "$work/said")"
  fi
  end_as_whole "$what" "$run"
done
storm_end "$wanted errors"
