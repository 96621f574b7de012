#!/bin/sh
# Runs ONNX's own node tests on wgrad's kernels: all cases of the Python package onnx, 500 per process of wgrad. Prints
# a table. Needs python3 and PyPI (or VENV with onnx in it) and a built wgrad. Exit code 1 if a case fails.
#   scripts/onnx_backend.sh [--markdown] [--json FILE] [PATTERN]   WGRAD=path of the binary; ADAPTER=what `--adapter` takes
set -eu
cd "$(dirname "$0")/.."
export WGRAD="${WGRAD:-target/release/wgrad}"
VENV=${VENV:-target/venv-onnx}
[ -x "$WGRAD" ] || { echo "error: no $WGRAD; run \`cargo build --release\` or set WGRAD" >&2; exit 2; }
if [ ! -x "$VENV/bin/python" ]; then
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet onnx==1.22.0 onnxruntime==1.32.0 numpy
fi
exec "$VENV/bin/python" scripts/onnx_backend.py "$@"
