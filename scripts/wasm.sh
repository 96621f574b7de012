#!/usr/bin/env bash
# Checks that the engine compiles for a browser: crate wgrad for wasm32-unknown-unknown. Runs nothing.
#
# usage: scripts/wasm.sh [--debian]
#   --debian   use Debian 12's rustc-web instead of rustup's target (rustup target add wasm32-unknown-unknown); it
#              compiles its own std; some 130 MB are unpacked into target/wasm-toolchain, nothing is installed
#
# Exit status 0 only if it compiles.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:${HOME:-/root}/.cargo/bin

say() { printf 'wasm: %s\n' "$*" >&2; }
target=wasm32-unknown-unknown
check=(cargo check --locked -p wgrad --lib --target "$target")

case "$*" in
  '')
    if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
      say "this Rust has no $target: rustup target add $target, or $0 --debian"
      exit 2
    fi
    exec "${check[@]}"
    ;;
  --debian) ;;
  -h | --help)
    sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/wasm.sh
    exit 0
    ;;
  *)
    say "expected nothing or --debian, got: $*"
    exit 2
    ;;
esac

toolchain=${CARGO_TARGET_DIR:-$PWD/target}/wasm-toolchain
if [ ! -e "$toolchain/usr/bin/rustc" ]; then
  say "unpacking Debian's rustc-web into $toolchain"
  fetched=$(mktemp -d)
  trap 'rm -rf "$fetched"' EXIT
  std=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9].*\)/\1/p')
  llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: \(libllvm.*\)/\1/p')
  # Download as root, as apt's own user cannot write to this script's folder.
  (cd "$fetched" && apt-get -q -o APT::Sandbox::User=root download rustc-web libstd-rust-web-dev "$std" "$llvm" rust-web-src libedit2 libz3-4 >/dev/null)
  for package in "$fetched"/*.deb; do dpkg-deb -x "$package" "$toolchain.part"; done
  mv "$toolchain.part" "$toolchain"
fi
usr=$toolchain/usr
# This compiler is not that of rustup's cargo, so std must be built with the unstable option `-Zbuild-std`.
export LD_LIBRARY_PATH=$usr/lib/x86_64-linux-gnu:$usr/lib RUSTC=$usr/bin/rustc RUSTC_BOOTSTRAP=1
exec "${check[@]}" -Zbuild-std=std,panic_abort
