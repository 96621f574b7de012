#!/usr/bin/env bash
# Trains with several processes of MPI on the adapter that is here, and checks what docs/ranks.md promises: the same bits
# twice and as threads have, resuming with another number of ranks, a killed rank, ranks with other data.
#
# usage: scripts/mpi.sh [--install]
#   --install   first install Open MPI with its headers, and libclang, with apt-get
#
# Builds the program with its feature `mpi`. Exit status: 0 all is as promised, 1 something is not, 2 a wrong option, 3 MPI
# or libclang is not installed.
set -euo pipefail

say() { printf 'mpi: %s\n' "$*" >&2; }
case "${1:-}" in
  '') ;;
  --install)
    say "installing Open MPI, for several processes of one training, and libclang, which reads its headers"
    sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo -n)
    "${sudo[@]}" apt-get -q -y install --no-install-recommends openmpi-bin libopenmpi-dev libclang-dev >/dev/null
    ;;
  -h | --help)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"
    exit 0
    ;;
  *)
    say "unknown option '$1'; known are --install, --help"
    exit 2
    ;;
esac
if ! command -v mpicc >/dev/null || ! command -v mpirun >/dev/null || ! ls /usr/lib/llvm-*/lib/libclang*.so* >/dev/null 2>&1; then
  say "Open MPI with its headers, or libclang, is not installed: scripts/mpi.sh --install"
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
