#!/usr/bin/env bash
# Makes tests/fixtures/run-0.1: a run of two epochs as wgrad wrote it before files carried a checksum (commit 1fd01bb),
# together with the best weights of its first epoch. crates/cli/tests/tool/state_command.rs continues it. The bits
# depend on the adapter.
#
# usage: WGRAD=/path/to/wgrad-of-that-commit scripts/make_run_fixture.sh
set -euo pipefail
cd "$(dirname "$0")/../tests/fixtures"
: "${WGRAD:?names the program of that commit}"
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$WGRAD" train --quiet --model run-0.1/pooled.toml --data ./parity --epochs 1 --batch 128 --optimizer adam --lr 0.02 --ema 0.5 \
  --no-tuned --out "$made/run"
cp "$made/run/best.safetensors" run-0.1/best-of-1.safetensors
"$WGRAD" train --quiet --resume "$made/run" --epochs 2
cp "$made"/run/*.{json,jsonl,safetensors} run-0.1/
# The tests fill in the folder of the data.
sed -i 's#"spec": ".*"#"spec": "PARITY"#' run-0.1/run.json
