#!/usr/bin/env bash
# Compiles shaders with Tint, Chromium's WGSL compiler, to find what naga accepts and a browser would reject.
#
# usage: scripts/tint.sh [ARGUMENTS OF wgrad lab]
#   scripts/tint.sh                          every variant with every setting and activation
#   scripts/tint.sh matmul --variant tiled   the settings of one variant
#   scripts/tint.sh matmul --file my.wgsl    your own file
#   scripts/tint.sh --install                only installs what it needs, for scripts/dx12.sh too
#
# Needs node 18 or later and npm: scripts/setup.sh --tint installs them. If necessary it installs Dawn, which contains
# Tint, with npm: the package webgpu in the version of scripts/tint/package-lock.json, into target/tint.
# Exit status: 0 all are accepted, 1 some are rejected, 2 something is missing.
set -euo pipefail
start=$PWD
cd "$(dirname "$0")/.."
sources=$PWD/scripts/tint
folder=${CARGO_TARGET_DIR:-$PWD/target}/tint

say() { printf 'tint: %s\n' "$*" >&2; }

case "${1:-}" in
  -h | --help)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/tint.sh
    exit 0
    ;;
esac

for command in node npm; do
  if ! command -v "$command" >/dev/null; then
    say "$command is not installed: scripts/setup.sh --tint installs node and npm"
    exit 2
  fi
done
node=$(node --version)
major=${node#v}
if [ "${major%%.*}" -lt 18 ]; then
  say "got node $node, expected 18 or later"
  exit 2
fi

# The lock is copied last, so that an interrupted installation is repeated.
if ! cmp -s "$sources/package-lock.json" "$folder/installed.json"; then
  say "installing Dawn for node, some 130 MB: npm ci in $folder"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$sources/package.json" "$sources/package-lock.json" "$folder"
  if ! (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2); then
    say "npm could not install it; the lines above say why"
    exit 2
  fi
  cp "$sources/package-lock.json" "$folder/installed.json"
fi

if [ "${1:-}" = --install ]; then exit 0; fi
PATH=$PATH:${HOME:-/root}/.cargo/bin
if [ -z "${WGRAD:-}" ]; then
  cargo build --locked --quiet
  WGRAD=${CARGO_TARGET_DIR:-$PWD/target}/debug/wgrad
fi
wgrad=$(realpath "$WGRAD")
if [ $# = 0 ]; then set -- all; fi
cd "$start"
"$wgrad" lab "$@" --emit wgsl --json | node "$sources/compile.mjs" "$folder"
