#!/usr/bin/env bash
# Builds the Python package of bindings/python, installs it into a Python environment of its own, and runs its tests.
# It installs maturin, NumPy, Keras, JAX, which the NumPy backend of Keras imports, and pytest from PyPI, some 700 MB.
#
# usage: scripts/python.sh [--wheel] [PYTEST ARGUMENTS]
#   --wheel   build the wheel as it is released, in target/wheels, and install that; by default the package is built
#             like the tests of the workspace, which takes less time
#
# PYTHON names another Python than python3. Python 3.10 or newer with the module venv is needed.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'python: %s\n' "$*" >&2; }

wheel=false
case "${1:-}" in
  -h | --help)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/python.sh
    exit 0
    ;;
  --wheel)
    wheel=true
    shift
    ;;
esac

PATH=$PATH:${HOME:-/root}/.cargo/bin
target=${CARGO_TARGET_DIR:-$PWD/target}
environment=$target/python
python=$environment/bin/python
packages=(maturin numpy keras jax pytest)
if ! "$python" -c 'import maturin, numpy, keras, jax, pytest' 2>/dev/null; then
  say "installing ${packages[*]} into $environment"
  if ! "${PYTHON:-python3}" -m venv "$environment"; then
    say "this needs Python 3.10 or newer with its module venv (Debian: apt-get install python3-venv)"
    exit 2
  fi
  "$python" -m pip install --quiet "${packages[@]}"
fi
"$python" -m pip list --format=freeze 2>/dev/null | grep -iE '^(maturin|numpy|keras|jax|pytest)=' >&2

export VIRTUAL_ENV=$environment CARGO_TARGET_DIR=$target KERAS_BACKEND=numpy
if [ "$wheel" = true ]; then
  "$environment/bin/maturin" build --release --locked --manifest-path bindings/python/Cargo.toml --out "$target/wheels"
  # An environment that has nothing but the wheel and what it names.
  rm -rf "$target/python-clean"
  "${PYTHON:-python3}" -m venv "$target/python-clean"
  "$target/python-clean/bin/pip" install --quiet "$target"/wheels/wgrad-*.whl
  "$target/python-clean/bin/python" -c 'import wgrad; print(wgrad.adapters())'
  "$python" -m pip install --quiet --force-reinstall --no-deps "$target"/wheels/wgrad-*.whl
  say "$(du -b "$target"/wheels/wgrad-*.whl)"
else
  "$environment/bin/maturin" develop --locked --manifest-path bindings/python/Cargo.toml
fi
cd bindings/python/tests
exec "$python" -m pytest -q "$@"
