#!/usr/bin/env bash
# Checks that wgrad compiles for Windows and macOS: the whole program for x86_64-pc-windows-gnu and aarch64-apple-darwin, with
# warnings as errors. Links and runs nothing.
#
# usage: scripts/platforms.sh [--short] [TARGET...]
#   --short   without what downloads and serves (--no-default-features), which has no code of these systems of its own
#   TARGET    only these targets
#
# rustup has no std for them where it reaches no network of its own, so the compiler is Debian's rustc-web with its sources,
# some 250 MB, unpacked into platforms-toolchain in $CARGO_TARGET_DIR or target; nothing is installed. It compiles std first.
# C code of crates is not compiled: an empty object stands in for it, since nothing is linked.
# Exit status: 0 it compiles, 1 it does not, 2 a wrong option, 3 what it needs cannot be had here.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PATH:${HOME:-/root}/.cargo/bin

say() { printf 'platforms: %s\n' "$*" >&2; }

features=() targets=()
for option in "$@"; do
  case "$option" in
    --short) features=(--no-default-features) ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/platforms.sh
      exit 0
      ;;
    -*)
      say "unknown option '$option'; known are --short, --help"
      exit 2
      ;;
    *) targets+=("$option") ;;
  esac
done
if [ ${#targets[@]} = 0 ]; then targets=(x86_64-pc-windows-gnu aarch64-apple-darwin); fi

folder=${CARGO_TARGET_DIR:-$PWD/target}
toolchain=$folder/platforms-toolchain
if [ ! -e "$toolchain/usr/bin/rustc" ]; then
  command -v apt-get >/dev/null || { say "needs Debian's packages of rustc-web: there is no apt-get here" && exit 3; }
  say "unpacking Debian's rustc-web, its std and sources into $toolchain"
  fetched=$(mktemp -d)
  trap 'rm -rf "$fetched"' EXIT
  names() {
    local std llvm
    std=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9].*\)/\1/p')
    llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: \(libllvm.*\)/\1/p')
    echo "rustc-web libstd-rust-web-dev $std $llvm rust-web-src libedit2 libz3-4 binutils-mingw-w64-x86-64"
  }
  read -r -a packages <<<"$(names)"
  # Download as root, as apt's own user cannot write to this script's folder.
  if ! (cd "$fetched" && apt-get -q -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null 2>&1); then
    # The lists may be older than the mirror.
    apt-get -q update >/dev/null 2>&1 || true
    read -r -a packages <<<"$(names)"
    (cd "$fetched" && apt-get -q -o APT::Sandbox::User=root download "${packages[@]}" >/dev/null) ||
      { say "Debian's rustc-web cannot be had" && exit 3; }
  fi
  for package in "$fetched"/*.deb; do dpkg-deb -x "$package" "$toolchain.part"; done
  mv "$toolchain.part" "$toolchain"
fi

# In the place of C compilers and archivers: writes an empty file where an object or an archive is wanted.
instead=$folder/platforms-cc
mkdir -p "$instead"
cat >"$instead/cc" <<'CC'
#!/bin/sh
before= out=
for word in "$@"; do
  case "$word" in --version) echo 'clang version 19.0.0' && exit 0 ;; -E) exit 0 ;; esac
  [ "$before" != -o ] || out=$word
  before=$word
done
[ -z "$out" ] || : >"$out"
CC
cat >"$instead/ar" <<'AR'
#!/bin/sh
for word in "$@"; do case "$word" in *.a) : >"$word" ;; esac; done
AR
chmod +x "$instead/cc" "$instead/ar"
given=()
for target in "${targets[@]}"; do
  given+=(--target "$target")
  name=${target//-/_}
  export "CC_$name=$instead/cc" "AR_$name=$instead/ar"
done

usr=$toolchain/usr
# std for Windows has import libraries, which dlltool of binutils makes.
PATH=$PATH:$usr/bin
# This compiler is not that of rustup's cargo, so std must be built with the unstable option `-Zbuild-std`. Nothing is
# optimized: it is only checked, and what runs at build time is small.
export LD_LIBRARY_PATH=$usr/lib/x86_64-linux-gnu:$usr/lib RUSTC=$usr/bin/rustc RUSTC_BOOTSTRAP=1 SDKROOT=$instead
export CARGO_TARGET_DIR=$folder/platforms CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_PROFILE_DEV_BUILD_OVERRIDE_OPT_LEVEL=0 CARGO_PROFILE_DEV_DEBUG=0
if cargo check --locked --bin wgrad "${features[@]}" "${given[@]}" -Z build-std=std,panic_unwind,proc_macro --message-format short \
  --config 'build.warnings="deny"' -Z warnings; then
  echo "platforms: compiles for ${targets[*]}"
else
  exit 1
fi
