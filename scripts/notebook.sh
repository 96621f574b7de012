#!/usr/bin/env bash
# Runs the notebooks of examples from their first cells to their last, and fails if a cell fails. Installs Jupyter,
# Matplotlib, anywidget and the Python package of this repository into a separate Python environment, target/notebook.
#
# usage: scripts/notebook.sh [--in-place] [NAME...]
#   NAME         a notebook: fashion_mnist or tutorial; both by default
#   --in-place   write the output of the cells into the committed notebook; by default the result is
#                target/notebook/NAME.ipynb
#
# PYTHON names another Python than python3.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'notebook: %s\n' "$*" >&2; }

in_place=false names=()
for argument in "$@"; do
  case "$argument" in
    --in-place) in_place=true ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/notebook.sh
      exit 0
      ;;
    *)
      if [ ! -e "examples/$argument.ipynb" ]; then
        say "expected --in-place, fashion_mnist or tutorial, got: $argument"
        exit 2
      fi
      names+=("$argument")
      ;;
  esac
done
[ "${#names[@]}" -gt 0 ] || names=(fashion_mnist tutorial)

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
VIRTUAL_ENV=$environment CARGO_TARGET_DIR=$target "$environment/bin/maturin" develop --locked --no-default-features --features measuring \
  --manifest-path bindings/python/Cargo.toml

for name in "${names[@]}"; do
  say "running examples/$name.ipynb"
  "$python" -m nbconvert --to notebook --execute --ExecutePreprocessor.timeout=1800 \
    --ExecutePreprocessor.record_timing=False --output-dir "$target/notebook" "examples/$name.ipynb"
  result=$target/notebook/$name.ipynb

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
    cp "$result" "examples/$name.ipynb"
    result=examples/$name.ipynb
  fi
  say "all cells ran: $result ($(($(wc -c <"$result") / 1024)) KB)"
done
