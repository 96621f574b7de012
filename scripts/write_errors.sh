#!/usr/bin/env bash
# Lets calls that write into the folder of a training fail (no space left, input/output error; once, or from there on),
# and looks whether it then says so with exit code 2 and, once resumed, ends as one that nothing happened to: `last`,
# `best`, `layers.jsonl` to the bit, `metrics.jsonl` but for the times, nothing left over, no panic.
#
# usage: scripts/write_errors.sh [--short | ERRORS]     100 errors unless told; --short: 20
#
# Ends with the counts. Exit status 1 if one run ended otherwise.
set -euo pipefail
# shellcheck source=scripts/storm.sh
source "$(dirname "$0")/storm.sh"

wanted=${1:-100}
[ "$wanted" != --short ] || wanted=20
case "$wanted" in
  '' | *[!0-9]*)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/write_errors.sh
    exit 2
    ;;
esac
storm_setup
say "$calls calls can be hit; $wanted errors"

panicked=0
for ((n = 1; n <= wanted; n++)); do
  run=$work/run code=0
  rm -rf "$run"
  # Evenly over all calls, more than once where there are more errors than calls; 28: no space left, 5: input/output.
  point=$((wanted <= calls ? (n - 1) * calls / wanted + 1 : (n - 1) % calls + 1))
  how=$((n % 2 == 0 ? 28 : 5)) stay=$((n / 2 % 2))
  FAULT_FOLDER=$run FAULT_HOW=$how FAULT_N=$point FAULT_STAY=$stay LD_PRELOAD=$work/faults.so start "$run" \
    2>"$work/said" || code=$?
  what="error $how at call $point$([ $stay = 0 ] || echo ' and after it')"
  if [ $code -ne 2 ] || ! grep -q '^error: ' "$work/said"; then
    failed=$((failed + 1))
    say "$what: exit code $code, expected 2: $(tail -n 2 "$work/said")"
  fi
  if ! go_on "$run" 2>>"$work/said"; then
    failed=$((failed + 1))
    say "$what: cannot go on: $(tail -n 2 "$work/said")"
    continue
  fi
  same "$what" "$run"
  panicked=$((panicked + $(panics)))
done
say "$wanted errors: $failed ended otherwise, $panicked panics"
[ $failed -eq 0 ] && [ $panicked -eq 0 ]
