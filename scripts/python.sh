#!/usr/bin/env bash
# Builds the Python package of bindings/python, installs it into a Python environment of its own, and runs its tests.
# It installs maturin, NumPy, Keras, JAX, which the NumPy backend of Keras imports, scikit-learn, pandas, mpi4py, mypy and
# pytest with pytest-xdist from PyPI, some 900 MB. Tests of several ranks need mpirun too: scripts/mpi.sh --install.
#
# usage: scripts/python.sh [--torch] [--wheel] [PYTEST ARGUMENTS]
#   --torch   install PyTorch too, with its exporter for ONNX, and test modules of PyTorch. It is large: on Linux with an
#             x86-64 processor 5.5 GB, since PyPI has it with the libraries of CUDA, which are not used. Once it is there,
#             its tests run without the option as well
#   --wheel   build the wheel as it is released, with the program wgrad, in target/wheels; look at it with auditwheel;
#             install it beside NumPy alone, where the program and a training run; then test that. By default the
#             package is built with the tests of the workspace, which share what they compile
#
# PYTHON names another Python than python3. Python 3.10 or newer with the module venv is needed. Exit status 77,
# as of a skipped test, if it is not there, or if PyPI cannot be reached.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'python: %s\n' "$*" >&2; }

wheel=false torch=false
while true; do
  case "${1:-}" in
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/python.sh
      exit 0
      ;;
    --wheel) wheel=true ;;
    --torch) torch=true ;;
    *) break ;;
  esac
  shift
done

PATH=$PATH:${HOME:-/root}/.cargo/bin
target=${CARGO_TARGET_DIR:-$PWD/target}
environment=$target/python
python=$environment/bin/python
packages=(maturin numpy keras jax scikit-learn pandas mpi4py mypy pytest pytest-xdist)
modules='maturin, numpy, keras, jax, sklearn, pandas, mpi4py, mypy, pytest, xdist'
if [ "$wheel" = true ]; then
  packages+=(auditwheel)
  modules+=', auditwheel'
fi
if [ "$torch" = true ]; then
  packages+=(torch onnx onnxscript)
  modules+=', torch, onnx, onnxscript'
fi

# An environment with a Python that is new enough.
fresh() { # FOLDER
  if ! "${PYTHON:-python3}" -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' || ! "${PYTHON:-python3}" -m venv "$1"; then
    say "this needs Python 3.10 or newer with its module venv (Debian: apt-get install python3-venv)"
    exit 77
  fi
}

if ! KERAS_BACKEND=numpy "$python" -c "import $modules" 2>/dev/null; then
  say "installing ${packages[*]} into $environment"
  fresh "$environment"
  if ! "$python" -m pip install --quiet "${packages[@]}"; then
    say "the packages could not be installed from PyPI"
    exit 77
  fi
fi
"$python" -m pip list --format=freeze 2>/dev/null | grep -iE '^(maturin|numpy|keras|jax|scikit-learn|torch|mypy|pytest)=' >&2

export VIRTUAL_ENV=$environment CARGO_TARGET_DIR=$target KERAS_BACKEND=numpy
if [ "$wheel" = true ]; then
  rm -rf "$target/wheels"
  "$environment/bin/maturin" build --release --locked --manifest-path bindings/python/Cargo.toml --out "$target/wheels"
  file=$(echo "$target"/wheels/wgrad-*.whl)
  "$environment/bin/auditwheel" show "$file" >&2
  # An environment that has nothing but the wheel and what it names.
  clean=$target/python-clean
  rm -rf "$clean"
  fresh "$clean"
  "$clean/bin/pip" install --quiet "$file"
  "$clean/bin/wgrad" --version
  "$clean/bin/python" scripts/wheel.py "$file" "$clean/bin/wgrad"
  "$python" -m pip install --quiet --force-reinstall --no-deps "$file"
else
  # All targets of the workspace: `maturin develop` would compile them again, with features of its own. PyO3 asks Python
  # for nothing but its version; the module is not linked to it.
  PYO3_BUILD_EXTENSION_MODULE=1 PYO3_PYTHON=$python cargo build --locked --workspace --all-targets
  case $(uname -s) in
    Darwin) built=lib_wgrad.dylib module=_wgrad.abi3.so ;;
    MINGW* | MSYS* | CYGWIN*) built=_wgrad.dll module=_wgrad.pyd ;;
    *) built=lib_wgrad.so module=_wgrad.abi3.so ;;
  esac
  cp "$target/debug/$built" "bindings/python/python/wgrad/$module"
  site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  "$python" -m pip uninstall --quiet --yes wgrad 2>/dev/null || true
  printf '%s\n' "$PWD/bindings/python/python" >"$site/wgrad.pth"
fi
cd bindings/python/tests
# A process a core; more than four need much memory and gain little.
cores=$("$python" -c 'import os; print(min(os.cpu_count() or 1, 4))')
exec "$python" -m pytest -q -n "$cores" "$@"
