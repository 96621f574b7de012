#!/usr/bin/env bash
# Converts weights of PyTorch and Keras to wgrad and back, and checks that the outputs agree to 1e-5. Builds wgrad, and
# makes a virtual environment with PyTorch (CPU only) and Keras in FOLDER (default: target/weights), about 1 GB.
#
#     scripts/test_weights.sh [FOLDER]
#
# WGRAD names an existing wgrad, PYTHON a Python that has torch, keras and safetensors, to be used instead.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-target/weights}

if [ -z "${PYTHON:-}" ]; then
  [ -x "$folder/bin/python" ] || python3 -m venv "$folder"
  PYTHON=$folder/bin/python
  "$PYTHON" -m pip install --quiet torch --index-url https://download.pytorch.org/whl/cpu
  "$PYTHON" -m pip install --quiet 'keras>=3.5' safetensors h5py numpy
fi
if [ -z "${WGRAD:-}" ]; then
  cargo build --locked --release
  WGRAD=${CARGO_TARGET_DIR:-target}/release/wgrad
fi
python3 -m unittest discover -s scripts -p 'test_*.py'
export WGRAD
exec "$PYTHON" scripts/weights_round_trip.py
