#!/usr/bin/env bash
# Runs examples/fashion_mnist.ipynb from its first cell to its last, and fails if a cell fails. Installs Jupyter,
# Matplotlib, anywidget and the Python package of this repository into a separate Python environment, target/notebook.
#
# usage: scripts/notebook.sh [--in-place]
#   --in-place   write the output of the cells into the committed notebook; by default the result is
#                target/notebook/fashion_mnist.ipynb
#
# PYTHON names another Python than python3.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'notebook: %s\n' "$*" >&2; }

in_place=false
case "$#:${1:-}" in
  0:) ;;
  1:--in-place) in_place=true ;;
  1:-h | 1:--help)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/notebook.sh
    exit 0
    ;;
  *)
    say "expected nothing or --in-place, got: $*"
    exit 2
    ;;
esac

PATH=$PATH:${HOME:-/root}/.cargo/bin
target=${CARGO_TARGET_DIR:-$PWD/target}
environment=$target/notebook/environment
python=$environment/bin/python
if ! "$python" -c 'import anywidget, ipykernel, matplotlib, maturin, nbconvert, numpy' 2>/dev/null; then
  say "installing Jupyter, Matplotlib, NumPy, anywidget and maturin into $environment (some 400 MB)"
  if ! "${PYTHON:-python3}" -m venv "$environment"; then
    say "this needs python3 with its module venv (Debian: apt-get install python3-venv)"
    exit 2
  fi
  "$python" -m pip install --quiet anywidget ipykernel matplotlib maturin nbconvert numpy
fi
VIRTUAL_ENV=$environment CARGO_TARGET_DIR=$target "$environment/bin/maturin" develop --locked --no-default-features --features charts \
  --manifest-path bindings/python/Cargo.toml

say "running examples/fashion_mnist.ipynb"
"$python" -m nbconvert --to notebook --execute --ExecutePreprocessor.timeout=1800 \
  --ExecutePreprocessor.record_timing=False --output-dir "$target/notebook" examples/fashion_mnist.ipynb
result=$target/notebook/fashion_mnist.ipynb

# Remove metadata that differs between machines and tells readers nothing.
"$python" - "$result" <<'PYTHON'
import json, sys
path = sys.argv[1]
with open(path) as file:
    notebook = json.load(file)
notebook["metadata"]["language_info"] = {"name": "python"}
notebook["metadata"].pop("widgets", None)
with open(path, "w") as file:
    json.dump(notebook, file, indent=1, ensure_ascii=False)
    file.write("\n")
PYTHON

if [ "$in_place" = true ]; then
  cp "$result" examples/fashion_mnist.ipynb
  result=examples/fashion_mnist.ipynb
fi
say "all cells ran: $result ($(($(wc -c <"$result") / 1024)) KB)"
