#!/usr/bin/env bash
# From a fresh clone to a trained network: sets up, builds, trains the default network on Fashion-MNIST.
#
# usage: scripts/quickstart.sh [options of `wgrad train`]
#   scripts/quickstart.sh
#   scripts/quickstart.sh --model cnn --epochs 3
#
# If Fashion-MNIST is available neither in a folder nor over the network, it prints a note and trains on synthetic
# images.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'quickstart: %s\n' "$*" >&2; }

own_data=false # whether the arguments already decide which data to use
for argument in "$@"; do
  case "$argument" in
    --data | --data=* | --resume | --resume=*) own_data=true ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/quickstart.sh
      exit 0
      ;;
  esac
done

if [ "$own_data" = true ]; then scripts/setup.sh --no-data; else scripts/setup.sh; fi

PATH=$PATH:${HOME:-/root}/.cargo/bin
say "building (some minutes the first time)"
cargo build --release --locked
wgrad=${CARGO_TARGET_DIR:-target}/release/wgrad

if [ "$own_data" = false ] && ! "$wgrad" data info --data fashion-mnist >/dev/null 2>&1; then
  say "Fashion-MNIST is not on this machine; downloading it"
  if ! "$wgrad" data fetch; then
    say "Fashion-MNIST cannot be had here: training on synthetic images instead (--data synthetic)."
    say "Their accuracy says nothing about Fashion-MNIST."
    set -- "$@" --data synthetic
  fi
fi

exec "$wgrad" train "$@"
