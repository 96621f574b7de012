#!/bin/sh
# Briefly trains every built-in network, model files with every layer, and a Keras network on pictures. Adds noise
# to the weights of all but the Keras network, exports each, and compares the files with ONNX's own checker and ONNX
# Runtime. Needs python3 and PyPI (or VENV with onnx and onnxruntime in it), cargo and a built wgrad.
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
    tests/fixtures/onnx/layers.toml tests/fixtures/onnx/recurrent.toml tests/fixtures/onnx/normalizations.toml \
    tests/fixtures/onnx/steps.toml tests/fixtures/onnx/distributed.toml tests/fixtures/onnx/shapes.toml \
    tests/fixtures/onnx/products.toml tests/fixtures/onnx/attention.toml; do
    name=$(basename "$model" .toml)
    if [ ! -e "$OUT/$name/run/best.safetensors" ]; then
        rm -rf "${OUT:?}/$name"
        "$WGRAD" train --model "$model" --data tests/fixtures/parity --limit 60 --batch 20 --epochs 1 \
            --lr 0.01 --out "$OUT/$name/run" >/dev/null
        "$VENV/bin/python" scripts/onnx_check.py --shake "$OUT/$name/run/best.safetensors"
        # The changed weights have no position, which a run with a last checkpoint has.
        rm -f "$OUT/$name/run/last.safetensors"
    fi
    "$WGRAD" export "$OUT/$name/run" --onnx "$OUT/$name/model.onnx" --test-data "$OUT/$name" >/dev/null
    mkdir -p "$OUT/$name-bytes"
    "$WGRAD" export "$OUT/$name/run" --onnx "$OUT/$name-bytes/model.onnx" --test-data "$OUT/$name-bytes" \
        --raw-pixels --layout nchw >/dev/null
done
# A user's full workflow: Keras's JSON and a folder of pictures, trained and exported.
if [ ! -e "$OUT/pictures/run/best.safetensors" ]; then
    rm -rf "${OUT:?}/pictures"
    mkdir -p "$OUT/pictures"
    cargo run --locked --quiet --example make_image_folder -- "$OUT/images" 60
    "$VENV/bin/python" - tests/fixtures/keras/residual.json "$OUT/residual.json" <<'END'
import json, sys
model = json.load(open(sys.argv[1]))
model["config"]["layers"][-1]["config"]["units"] = 2
json.dump(model, open(sys.argv[2], "w"))
END
    "$WGRAD" train --model "$OUT/residual.json" --data "$OUT/images" --size 10 --channels 1 --normalize --batch 8 \
        --epochs 3 --lr 0.02 --out "$OUT/pictures/run" >/dev/null
fi
"$WGRAD" export "$OUT/pictures/run" --onnx "$OUT/pictures/model.onnx" --test-data "$OUT/pictures" >/dev/null
exec "$VENV/bin/python" scripts/onnx_check.py "$OUT"
