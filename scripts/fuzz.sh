#!/usr/bin/env bash
# Fuzzes the readers of files: feeds each with mutated files for a while. A target ends at its first file that panics,
# hangs for ten seconds or takes more than 2 GiB; the others continue.
#
# usage: scripts/fuzz.sh [SECONDS [TARGET...]]     60 seconds each and all targets by default
#
# Needs Rust's nightly toolchain and a C++ compiler; installs cargo-fuzz if it is missing. Starts from the fixtures of
# the tests; new inputs stay in fuzz/corpus, which git ignores. Failing files are in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:${HOME:-/root}/.cargo/bin

say() { printf 'fuzz: %s\n' "$*" >&2; }

seconds=60
if [ $# -gt 0 ]; then
  seconds=$1
  shift
fi
case "$seconds" in
  '' | *[!0-9]*)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/fuzz.sh
    exit 2
    ;;
esac

if ! cargo +nightly --version >/dev/null 2>&1; then
  say 'needs the nightly toolchain: rustup toolchain install nightly --profile minimal'
  exit 2
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
  say 'installing cargo-fuzz'
  cargo install --locked cargo-fuzz
fi

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  mapfile -t targets < <(cargo +nightly fuzz list)
fi

# Prints the fixtures that a target starts from; other targets have files in fuzz/seeds.
seeds() {
  case "$1" in
    keras_archive) find tests/fixtures/keras -name '*.keras' ;;
    keras_json) find tests/fixtures/keras -name '*.json' ;;
    model_file) find tests/fixtures/onnx -name '*.toml' ;;
    npz) find tests/fixtures -name '*.npz' ;;
    onnx_model) find tests/fixtures/onnx -name '*.onnx' -size -64k ;;
    picture | picture_network) find assets docs tests/fixtures \( -name '*.png' -o -name '*.jpg' \) -size -8k ;;
    shader) find shaders/matmul -name '*.wgsl' ! -name interface.wgsl ;;
  esac
}

failed=()
for target in "${targets[@]}"; do
  corpus=fuzz/corpus/$target
  mkdir -p "$corpus"
  while read -r file; do
    cp "$file" "$corpus/seed-$(printf '%s' "$file" | tr '/' '-')"
  done < <(seeds "$target")
  if [ -d "fuzz/seeds/$target" ]; then
    cp "fuzz/seeds/$target"/* "$corpus"
  fi
  say "$target: $seconds s"
  # Without the address sanitizer: there is no unsafe code to check, and it halves the speed.
  cargo +nightly fuzz run --sanitizer none "$target" "$corpus" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
    || failed+=("$target")
done
if [ ${#failed[@]} -gt 0 ]; then
  say "failed: ${failed[*]}"
  exit 1
fi
say "no failure in ${#targets[@]} targets"
