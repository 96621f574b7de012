#!/usr/bin/env bash
# Trains with several processes of MPI on the adapter that is here, and checks what docs/ranks.md promises: the same bits
# twice and as threads have, resuming with another number of ranks, a killed rank, ranks with other data. Where mpirun is
# installed, scripts/python.sh tests the same of scripts in Python.
#
# usage: scripts/mpi.sh [--install] [--kills N]
#   --install   first install Open MPI with its headers, and libclang, with apt-get
#   --kills N   instead of the checks, kill a rank of a training N times at random moments and resume it each time, then
#               compare its bits with those of a training without kills
#
# Builds the program with its feature `mpi`. Exit status: 0 all is as promised, 1 something is not, 2 a wrong option, 3 MPI
# or libclang is not installed.
set -euo pipefail

say() { printf 'mpi: %s\n' "$*" >&2; }
install=false kills=0
while [ $# -gt 0 ]; do
  case "$1" in
    --install) install=true ;;
    --kills)
      kills=${2:-}
      if ! [[ $kills =~ ^[1-9][0-9]*$ ]]; then
        say "--kills: expected a number from 1, got '$kills'"
        exit 2
      fi
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"
      exit 0
      ;;
    *)
      say "unknown option '$1'; known are --install, --kills, --help"
      exit 2
      ;;
  esac
  shift
done
if [ "$install" = true ]; then
  say "installing Open MPI, for several processes of one training, and libclang, which reads its headers"
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo -n)
  "${sudo[@]}" apt-get -q -y install --no-install-recommends openmpi-bin libopenmpi-dev libclang-dev procps >/dev/null
fi
if ! command -v mpicc >/dev/null || ! command -v mpirun >/dev/null || ! command -v pgrep >/dev/null || ! ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1; then
  say "Open MPI with its headers, libclang, or pgrep (procps) is not installed: scripts/mpi.sh --install"
  exit 3
fi
cd "$(dirname "$0")/.."
cargo build --locked --workspace --features wgrad-cli/mpi
program=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/wgrad

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
failed=false
ranks() { # N ARGUMENT...: wgrad by so many processes
  local count=$1
  shift
  timeout 300 mpirun --oversubscribe -n "$count" "$program" "$@"
}
check() { # WORDS COMMAND...
  local words=$1
  shift
  if "$@"; then say "ok: $words"; else
    say "FAILED: $words"
    failed=true
  fi
}
small=(train mlp --data synthetic --limit 1000 --batch 60 --quiet)

if [ "$kills" -gt 0 ]; then
  # A rank dies at a random moment: while ranks start, in a step, while rank 0 saves. Each time the run is resumed.
  left="^$program train --resume killed"
  epochs=5000 seed=${SEED:-$RANDOM} killed=0 begun=0
  RANDOM=$seed
  say "seed $seed (SEED=$seed repeats the moments as far as the machine does)"
  ranks 3 "${small[@]}" --epochs 1 --out killed >/dev/null
  # A resume of one epoch lasts as long as ranks take to start: half of the kills come later than that.
  began=$(date +%s%N)
  ranks 3 train --resume killed --epochs 2 --quiet >/dev/null
  span=$((2 * ($(date +%s%N) - began) / 1000000))
  say "kills come within $span ms of a start"
  for _ in $(seq "$kills"); do
    before=$(wc -l <killed/metrics.jsonl)
    timeout 300 mpirun --oversubscribe -n 3 "$program" train --resume killed --epochs "$epochs" --quiet >/dev/null 2>said &
    launcher=$!
    for _ in $(seq 100); do
      pgrep -f -- "$left" >/dev/null && break
      sleep 0.1
    done
    moment=$((RANDOM * span / 32768))
    sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
    mapfile -t all < <(pgrep -f -- "$left")
    if [ "${#all[@]}" -gt 0 ]; then
      kill -KILL "${all[RANDOM % ${#all[@]}]}" && killed=$((killed + 1))
    else
      say "no rank is left to be killed after $moment ms:"
      ps -o pid,etimes,args --ppid "$launcher" >&2 || true
      cat said >&2
    fi
    status=0
    wait "$launcher" || status=$?
    [ "${#all[@]}" -gt 0 ] || say "the launcher's status is $status"
    [ "$status" -ne 0 ] || check "a training whose rank was killed fails" false
    # The launcher may end before the processes that it has killed.
    for _ in $(seq 100); do
      pgrep -f -- "$left" >/dev/null || break
      sleep 0.1
    done
    pgrep -f -- "$left" >/dev/null && check "no process is left after 10 s" false
    [ "$(wc -l <killed/metrics.jsonl)" -eq "$before" ] || begun=$((begun + 1))
  done
  say "$killed of $kills times a rank was killed; $begun trainings had ended an epoch"
  check "a rank was killed each time" [ "$killed" -eq "$kills" ]
  check "some were killed before their first epoch, some later" [ $((begun * (kills - begun))) -gt 0 ]
  epochs=$(($(wc -l <killed/metrics.jsonl) + 1))
  ranks 3 train --resume killed --epochs "$epochs" --quiet >/dev/null
  # Without kills, with the same settings: those of a resumed run.
  ranks 3 "${small[@]}" --epochs 1 --out whole >/dev/null
  ranks 3 train --resume whole --epochs "$epochs" --quiet >/dev/null
  check "after $epochs epochs it has the bits of a training without kills" cmp killed/last.safetensors whole/last.safetensors
  [ "$failed" = false ]
  exit
fi

for count in 2 3; do
  ranks "$count" "${small[@]}" --epochs 2 --out "a$count" >/dev/null
  ranks "$count" "${small[@]}" --epochs 2 --out "b$count" >/dev/null
  check "$count ranks have the same bits twice" cmp "a$count/last.safetensors" "b$count/last.safetensors"
done
"$program" "${small[@]}" --epochs 2 --out threads --adapters best,best >/dev/null
check "threads have the bits of processes" cmp a2/last.safetensors threads/last.safetensors

ranks 2 "${small[@]}" --epochs 1 --out c --schedule constant >/dev/null
ranks 2 train --resume c --epochs 2 --quiet >/dev/null
check "2 ranks resume to the same bits" cmp a2/last.safetensors c/last.safetensors
ranks 3 train --resume c --epochs 3 >/dev/null 2>said
check "another number of ranks goes on, and says so" grep -q 'trained by 2 ranks, now by 3 ranks' said

ranks 2 profile mlp --batch 64 --seconds 1 >said 2>/dev/null
check "a profile says what the exchange of a step costs" grep -q 'exchange with other ranks.* per step' said
check "and a sum over the ranks, by size" grep -q 'sum over 2 ranks' said

# A rank dies: the others end within seconds, with an exit status that is not 0, and the run can be resumed.
ranks 2 "${small[@]}" --epochs 500 --out d >/dev/null 2>&1 &
launcher=$!
for _ in $(seq 500); do
  [ -s d/metrics.jsonl ] && break
  sleep 0.2
done
pkill -KILL -n -f -- '--epochs 500 --out d' || true
status=0
wait "$launcher" || status=$?
check "a killed rank ends all, with status $status" [ "$status" -ne 0 ]
check "a run with a killed rank resumes" ranks 2 train --resume d --epochs "$(($(wc -l <d/metrics.jsonl) + 1))" --quiet --json >resumed
check "no process is left" bash -c "! pgrep -f -- '[-]-out d'"

# A rank with other data, as on a machine with another file of that name, is refused before the first step.
rows() { # LAST: a table whose last row has this number
  echo 'x,y,label'
  for n in $(seq 60); do echo "$n,$((n % 7)),$((n % 2))"; done
  echo "61,$1,1"
}
rows 1 >rows.csv
rows 2 >other.csv
if unshare --mount true 2>/dev/null; then
  status=0
  timeout 60 mpirun --oversubscribe -n 1 "$program" train linear --data rows.csv --label label --out e : \
    -n 1 unshare --mount bash -c 'mount --bind other.csv rows.csv && exec "$@"' - \
    "$program" train linear --data rows.csv --label label --out e >/dev/null 2>said || status=$?
  check "a rank with other data is refused, with status $status" [ "$status" -ne 0 ]
  check "its message names the rank" grep -q 'rank 1 has data' said
  check "nothing was trained" bash -c '! [ -s e/metrics.jsonl ]'
else
  say "SKIPPED: a rank with other data, which needs root"
fi

[ "$failed" = false ]
