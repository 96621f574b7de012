#!/usr/bin/env bash
# Runs wgrad for Windows on DX12, without Windows and without a GPU: Wine, its Direct3D 12 (vkd3d), Microsoft's FXC, and
# lavapipe. Proves every variant, checks whole training steps, and trains.
#
# usage: scripts/dx12_proof.sh [OPTION]...
#   --folder DIR    where the system with Wine goes, that of scripts/vendors.sh [vendors-trixie in $CARGO_TARGET_DIR or target]
#   --binary FILE   a wgrad of this system that is built already [$WGRAD; else cargo builds one]
#   --exe FILE      a wgrad.exe that is built already [else cargo builds one, in windows in $CARGO_TARGET_DIR or target]
#   --only A,B      only these steps, in this order [wrong,variants,mlp,cnn,resnet,times,train]
#   --cases N       proves at no more than N sizes of an operation's page [all]
#   --images N      trains on the first N images [20000]
#   --seconds N     how long a step may take [1800]
#   --keep DIR      keeps what the steps print there
#
# The steps:
#   wrong      a kernel that leaves out a term; it must be refused, else the rest says nothing
#   variants   wgrad lab all --seconds 0: every variant that shader model 5.1 allows; Wine's Direct3D has no other
#   mlp, cnn, resnet   wgrad check: each dispatch of real steps, next to the f64 references
#   times      wgrad lab sum_metrics: proof and times
#   train      an epoch of mlp, twice, which must give the same bits, and once on this system's Vulkan, to the same accuracy
#
# Needs root, Debian or a relative, python3 and npm (scripts/setup.sh --tint). Installs debootstrap where it is missing; some
# 2 GB go into the folder (Wine, Xvfb, Mesa, a C compiler and Rust for Windows). FXC is Microsoft's and stays out of the
# repository.
# Exit status: 0 nothing is wrong, 1 something is, 2 a wrong option, 3 what it needs cannot be had here.
set -euo pipefail

say() { printf 'dx12_proof: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}

script=$(realpath "$0")
project=$(dirname "$(dirname "$script")")
# shellcheck source=scripts/vendors/system.sh
. "$project/scripts/vendors/system.sh"

folder='' binary='' exe='' only=wrong,variants,mlp,cnn,resnet,times,train cases='' images=20000 seconds=1800 keep=''
given=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --folder | --binary | --exe | --only | --cases | --images | --seconds | --keep)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --folder) folder=$2 ;;
        --binary) binary=$2 ;;
        --exe) exe=$2 ;;
        --only) only=$2 ;;
        --cases) cases=$2 ;;
        --images) images=$2 ;;
        --seconds) seconds=$2 ;;
        --keep) keep=$2 ;;
      esac
      shift
      ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$script"
      exit 0
      ;;
    *) fail "unknown option '$1'; known are --folder, --binary, --exe, --only, --cases, --images, --seconds, --keep, --help" ;;
  esac
  shift
done
IFS=, read -r -a steps <<<"$only"
for step in "${steps[@]}"; do
  case "$step" in
    wrong | variants | mlp | cnn | resnet | times | train) ;;
    *) fail "unknown step '$step'; known are wrong, variants, mlp, cnn, resnet, times, train" ;;
  esac
done
for number in "$images" "$seconds" "${cases:-1}"; do
  [[ "$number" =~ ^[1-9][0-9]{0,5}$ ]] || fail "--images, --seconds and --cases take a number from 1 to 999999, got: $number"
done
[ -z "$exe" ] || [ -r "$exe" ] || fail "there is no file $exe"

own_mounts "${given[@]}"
find_program
target=$(realpath -m "${CARGO_TARGET_DIR:-$project/target}")
results=$(mktemp -d)
shown=("$results") # folders that the system sees
# shellcheck disable=SC2317,SC2329 # called by the trap
tidy() {
  if [ -n "${root:-}" ]; then
    enter WINEPREFIX="$prefix" wineserver -k >>"$log" 2>&1 || true
    if [ -s "$results/display.process" ]; then kill "$(cat "$results/display.process")" 2>/dev/null || true; fi
    for place in "${shown[@]}"; do unshared "$place"; done
  fi
  rm -rf "$results"
}
# Of its own, as scripts/dx12.sh ends the Wine of another.
prefix=/opt/wine-proof
trap tidy EXIT

# --- what it needs -------------------------------------------------------------------------------------------------

"$project/scripts/tint.sh" --install || lacking "Dawn, which has FXC, cannot be had"
open_system trixie "${folder:-$target/vendors-trixie}"
install_drivers
install "Wine, some 600 MB" wine wine64 || lacking "Wine cannot be had: $log"
# Its libraries of OpenGL are Mesa's, whose packages must have one version.
install "a display in memory, some 30 MB" -t trixie-backports xvfb || lacking "Xvfb cannot be had: $log"
share "$results"

build_exe() { # sets `exe`
  local cargo=${CARGO_HOME:-${HOME:-/root}/.cargo} place=$target/windows triple=x86_64-pc-windows-gnu object made
  local rustlib=/usr/lib/rustlib/$triple/lib options=()
  install "a C compiler for Windows, some 600 MB" gcc-mingw-w64-x86-64-win32 || lacking "mingw cannot be had: $log"
  install "Rust with the sources of std, some 700 MB" cargo-web rustc-web rust-web-src || lacking "Debian's Rust cannot be had: $log"
  # No package has std for Windows, so cargo builds it (-Z build-std), but for two objects that a program is linked with.
  enter mkdir -p "$rustlib"
  for object in rsbegin rsend; do
    made=$rustlib/$object.o
    # shellcheck disable=SC2016 # the dollars are the inner shell's
    [ -e "$root$made" ] || enter RUSTC_BOOTSTRAP=1 sh -c 'rustc --target "$0" --emit obj -o "$1.part" "$2" && mv "$1.part" "$1"' \
      "$triple" "$made" "/usr/lib/rustlib/src/rust/library/rtstartup/$object.rs" >>"$log" 2>&1 ||
      lacking "Debian's Rust does not compile $object.rs: $log"
  done
  mkdir -p "$cargo" "$place"
  share "$project" "$cargo" "$place"
  shown+=("$project" "$cargo" "$place")
  # As a release, so that wgpu asks FXC for what a user gets. What computes is optimized; the rest compiles faster than it runs.
  for crate in wgrad wgrad-data wgrad-lab; do options+=(--config "profile.release.package.$crate.opt-level=1"); done
  for crate in image png fdeflate zune-jpeg; do options+=(--config "profile.release.package.$crate.opt-level=0"); done
  say "building wgrad.exe, some 10 minutes of processor time the first time"
  # shellcheck disable=SC2016 # the dollars are the inner shell's
  enter CARGO_HOME="$cargo" CARGO_TARGET_DIR="$place" RUSTC_BOOTSTRAP=1 \
    CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 sh -c 'cd "$0" && exec "$@"' "$project" \
    nice -n 10 cargo build --quiet --release --locked --package wgrad-cli --bin wgrad --no-default-features --target "$triple" \
    -Z build-std=std,panic_unwind,proc_macro "${options[@]}" >&2 || {
    say "wgrad does not build for Windows; the lines above say why"
    exit 1
  }
  exe=$place/$triple/release/wgrad.exe
}
if [ -z "$exe" ]; then build_exe; fi
cp "$exe" "$results/wgrad.exe"
cp "$binary" "$results/wgrad"
cp "$target/tint/node_modules/webgpu/dist/win32-x64/d3dcompiler_47.dll" "$results"
cp "$project/scripts/dx12/left_out.wgsl" "$results"

# Wine opens no DXGI factory without a display.
# shellcheck disable=SC2016 # the dollars are the inner shell's
enter sh -c 'echo $$ >"$0/display.process" && exec Xvfb -displayfd 3 -screen 0 640x480x24 -nolisten tcp 3>"$0/display"' \
  "$results" >>"$log" 2>&1 &
for ((n = 0; n < 300; n++)); do
  [ ! -s "$results/display" ] || break
  sleep 0.1
done
[ -s "$results/display" ] || lacking "Xvfb does not start: $log"
icd=$(driver lvp)

wine() { # ARGUMENT...
  # shellcheck disable=SC2016 # the dollars are the inner shell's
  enter WINEPREFIX="$prefix" WINEDEBUG="${WINEDEBUG:--all}" DISPLAY=":$(cat "$results/display")" VK_DRIVER_FILES="$icd" \
    WINE_D3D_CONFIG=renderer=vulkan 'WINEDLLOVERRIDES=d3dcompiler_47=n;mscoree=;mshtml=;winemenubuilder.exe=' \
    RUST_BACKTRACE=1 ${data:+WGRAD_DATA="$data"} \
    sh -c 'cd "$0" && exec timeout --kill-after 5 "$@"' "$results" "$seconds" wine "$@" </dev/null
}

step() { # NAME COMMAND...: prints into NAME.jsonl and NAME.said; its exit status and seconds into NAME.ended
  local name=$1 start=$SECONDS status=0
  shift
  "$@" >"$results/$name.jsonl" 2>"$results/$name.said" || status=$?
  printf '%d %d\n' "$status" "$((SECONDS - start))" >"$results/$name.ended"
  say "$name: $(tr -d '\r' <"$results/$name.said" | tail -n 1), exit status $status, $((SECONDS - start)) s"
}

# The first start makes its folders.
wine cmd /c ver >>"$log" 2>&1 || lacking "Wine does not start: $log"
wine wgrad.exe adapters --json >"$results/adapters.jsonl" 2>>"$log" ||
  lacking "wgrad.exe lists no adapter under Wine: $log"

# --- the steps -----------------------------------------------------------------------------------------------------

on=(--adapter dx12 --json)
data=/usr/share/datasets/fashion-mnist
training=(train --model mlp --epochs 1 --limit "$images" --seed 7 --no-tuned --no-tune --json)
if [ -e "$data/train-images-idx3-ubyte.gz" ]; then
  share "$data"
  shown+=("$data")
else
  say "there is no Fashion-MNIST in $data (scripts/setup.sh installs it): trains on synthetic images"
  data=
  training+=(--data synthetic)
fi
for name in "${steps[@]}"; do
  case "$name" in
    wrong) step wrong wine wgrad.exe lab matmul "${on[@]}" --file left_out.wgsl --variant naive --seconds 0 --cases 3 ;;
    variants)
      "$binary" lab all --emit hlsl --json --activation linear >"$results/translated.jsonl"
      step variants wine wgrad.exe lab all "${on[@]}" --seconds 0 ${cases:+--cases "$cases"}
      ;;
    mlp | cnn | resnet) step "$name" wine wgrad.exe check "$name" "${on[@]}" --no-tuned ;;
    times) step times wine wgrad.exe lab sum_metrics "${on[@]}" --seconds 0.2 --cases 1 ;;
    train)
      step train wine wgrad.exe "${training[@]}" --adapter dx12 --out first
      step again wine wgrad.exe "${training[@]}" --adapter dx12 --out again
      # shellcheck disable=SC2016 # the dollars are the inner shell's
      step vulkan enter VK_DRIVER_FILES="$icd" ${data:+WGRAD_DATA="$data"} sh -c 'cd "$0" && exec "$@"' "$results" \
        timeout "$seconds" ./wgrad "${training[@]}" --adapter vulkan --out vulkan
      cmp "$results/first/best.safetensors" "$results/again/best.safetensors" >"$results/same.said" 2>&1 || true
      ;;
  esac
done
if [ -n "$keep" ]; then
  mkdir -p "$keep"
  cp "$results"/*.jsonl "$results"/*.said "$results"/*.ended "$keep"
fi
# shellcheck disable=SC2016 # the dollars are dpkg's
say "$(enter dpkg-query -W -f '${Package} ${Version}, ' wine mesa-vulkan-drivers) $(enter wine --version)"
python3 "$project/scripts/dx12_results.py" "$results" "${steps[@]}"
