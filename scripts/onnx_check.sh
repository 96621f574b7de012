#!/bin/sh
# Trains every built-in network and two files with every layer for a moment, adds noise to all weights, exports each, and holds the files against
# ONNX's own checker and ONNX Runtime. Needs python3 and PyPI (or VENV with onnx and onnxruntime in it) and a built wgrad.
#   scripts/onnx_check.sh        WGRAD=path of the binary, OUT=folder for runs and files
set -eu
cd "$(dirname "$0")/.."
WGRAD=${WGRAD:-target/release/wgrad}
VENV=${VENV:-target/venv-onnx}
OUT=${OUT:-target/onnx-check}
[ -x "$WGRAD" ] || { echo "error: no $WGRAD; run \`cargo build --release\` or set WGRAD" >&2; exit 2; }
if [ ! -x "$VENV/bin/python" ]; then
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet onnx==1.22.0 onnxruntime==1.32.0 numpy
fi
mkdir -p "$OUT"
for model in linear mlp cnn rnn lstm gru cnn-bn vgg resnet \
    tests/fixtures/onnx/layers.toml tests/fixtures/onnx/recurrent.toml; do
    name=$(basename "$model" .toml)
    if [ ! -e "$OUT/$name/run/best.safetensors" ]; then
        rm -rf "${OUT:?}/$name"
        "$WGRAD" train --model "$model" --data tests/fixtures/parity --limit 60 --batch 20 --epochs 1 \
            --lr 0.01 --out "$OUT/$name/run" >/dev/null
        "$VENV/bin/python" scripts/onnx_check.py --shake "$OUT/$name/run/best.safetensors"
    fi
    "$WGRAD" export "$OUT/$name/run" --onnx "$OUT/$name/model.onnx" --test-data "$OUT/$name" >/dev/null
    mkdir -p "$OUT/$name-bytes"
    "$WGRAD" export "$OUT/$name/run" --onnx "$OUT/$name-bytes/model.onnx" --test-data "$OUT/$name-bytes" \
        --raw-pixels --layout nchw >/dev/null
done
exec "$VENV/bin/python" scripts/onnx_check.py "$OUT"
