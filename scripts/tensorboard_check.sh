#!/usr/bin/env bash
# Trains a small network with --tensorboard, resumes it, and reads every value back with TensorBoard's own package.
#   scripts/tensorboard_check.sh [WGRAD]      WGRAD: the binary [default: target/release/wgrad]
set -euo pipefail
cd "$(dirname "$0")/.."
wgrad=$(realpath "${1:-target/release/wgrad}")
venv=${TENSORBOARD_VENV:-target/tensorboard-venv}
if [ ! -x "$venv/bin/tensorboard" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet tensorboard
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
train() { "$wgrad" train --quiet "$@" > "$work/out" 2>&1 || { cat "$work/out"; exit 1; }; }
train --data synthetic --limit 1024 --validation 0.25 --model cnn --epochs 2 --schedule one-cycle --out "$work/run" --tensorboard
train --resume "$work/run" --epochs 3 --tensorboard
"$venv/bin/python" scripts/tensorboard_check.py "$work/run"
