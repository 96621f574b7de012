#!/usr/bin/env bash
# What the compilers of five vendors' drivers make of wgrad's kernels, on a machine without their GPUs: Mesa's drivers for AMD,
# NVIDIA, Intel, Apple and Qualcomm compile on any processor, and Debian's mesa-drm-shim pretends the device that they look for.
#
# usage: scripts/vendors.sh [OPTION]... [ARGUMENT]...    `wgrad lab --stats ARGUMENT...` on each chip
#        scripts/vendors.sh [OPTION]... --table           writes shaders/STATISTICS.md
#        scripts/vendors.sh [OPTION]... --check           compares with it; exit status 1 where a number has grown
#        scripts/vendors.sh [OPTION]... --fixtures        writes the machine code that the tests read
#
#   --on CHIP,..     which chips [navi31,vega10,turing,ampere,m1,a740]; of the list below, or one of Mesa's as `amd:polaris10`
#   --sid            Debian sid in place of 13: its Mesa knows Ada and Blackwell, and changes from day to day
#   --folder DIR     where the system with the drivers goes, some 0.7 GB [vendors-SUITE in $CARGO_TARGET_DIR or target]
#   --binary FILE    a wgrad that is built already [cargo builds one]
#   --chips          lists the chips
#
# In an ARGUMENT % stands for the chip's name (`--isa code/%`); files are those below the current folder.
#
# Nothing runs on a pretended device: no number is computed, proven or timed. The system is Debian 13 with Mesa of
# trixie-backports, kept for the next time. Intel's pretender is in no package: it is built from Mesa's sources, once,
# when one of its chips is asked for. Needs root, Debian or a relative; installs debootstrap where it is missing.
# Exit status: 0 done, 1 a pipeline failed or a number has grown, 2 it could not start.
set -euo pipefail

say() { printf 'vendors: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 2
}
usage() { sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$script"; }

script=$(realpath "$0")
project=$(dirname "$(dirname "$script")")
kept=$project/shaders/STATISTICS.md
fixtures=$project/crates/lab/tests/fixtures/isa

# Name, vendor, Mesa's name of the chip, what has it.
chips='vega10 amd vega10 Radeon RX Vega 64
navi10 amd navi10 Radeon RX 5700 XT
navi21 amd navi21 Radeon RX 6800 XT
vangogh amd vangogh Steam Deck
navi31 amd navi31 Radeon RX 7900 XTX
strix amd strix1 Radeon 890M
navi48 amd gfx1201 Radeon RX 9070 XT
maxwell nvidia 120 GeForce GTX 900
pascal nvidia 134 GeForce GTX 1000
volta nvidia 140 Titan V
turing nvidia 162 GeForce RTX 2000
ampere nvidia 172 GeForce RTX 3000
ada nvidia 194 GeForce RTX 4000, with --sid
blackwell nvidia 1b2 GeForce RTX 5000, with --sid
skl intel skl Skylake
tgl intel tgl Tiger Lake
dg2 intel dg2 Arc A770
mtl intel mtl Meteor Lake
lnl intel lnl Lunar Lake
bmg intel bmg Arc B580
m1 apple - Apple M1
a630 adreno 630 Adreno 630
a660 adreno 660 Adreno 660
a740 adreno 740 Adreno 740
a750 adreno 750 Adreno 750'

on=navi31,vega10,turing,ampere,m1,a740 folder='' binary='' mode=lab suite=trixie
arguments=()
given=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --on | --folder | --binary)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --on) on=$2 ;;
        --folder) folder=$2 ;;
        --binary) binary=$2 ;;
      esac
      shift 2
      ;;
    --table | --check | --fixtures)
      mode=${1#--}
      shift
      ;;
    --sid)
      suite=sid
      shift
      ;;
    --chips)
      printf '%s\n' "$chips" | sed 's/^\([^ ]*\) \([^ ]*\) \([^ ]*\) /\1\t\2:\3\t/'
      exit 0
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      arguments+=("$1")
      shift
      ;;
  esac
done
if [ "$mode" != lab ] && [ ${#arguments[@]} -gt 0 ]; then fail "--$mode takes no further arguments, got: ${arguments[*]}"; fi

# Each as `name vendor chip`.
asked=()
IFS=, read -r -a names <<<"$on"
for name in "${names[@]}"; do
  line=$(printf '%s\n' "$chips" | grep "^$name " || true)
  case "$name" in
    amd:?* | nvidia:?* | intel:?* | adreno:?*) line="${name//:/-} ${name%%:*} ${name#*:}" ;;
  esac
  [ -n "$line" ] || fail "unknown chip '$name'; $0 --chips lists them"
  asked+=("$(printf '%s\n' "$line" | cut -d ' ' -f 1-3)")
done

[ "$(id -u)" = 0 ] || fail "needs root, to make a system in a folder and to enter it: sudo $0 ${given[*]}"
# In a mount namespace of its own: what is bound into the folder is bound nowhere else, and gone with this process.
if [ -z "${WGRAD_VENDORS:-}" ]; then
  WGRAD_VENDORS=1 exec unshare --mount "$script" "${given[@]}"
fi

# --- the program ---------------------------------------------------------------------------------------------------

target=${CARGO_TARGET_DIR:-$project/target}
if [ -z "$binary" ]; then
  PATH=$PATH:${HOME:-/root}/.cargo/bin
  command -v cargo >/dev/null || fail "cargo is missing: install Rust with rustup, https://rustup.rs, or name a program with --binary"
  say "building wgrad"
  (cd "$project" && cargo build --quiet --release --locked --bin wgrad) || fail "it does not build"
  binary=$target/release/wgrad
fi
[ -x "$binary" ] || fail "there is no program $binary"

# --- the system with the drivers -----------------------------------------------------------------------------------

root=${folder:-$target/vendors-$suite}
mkdir -p "$root"
root=$(realpath "$root")
log=$root/vendors.log

enter() { # runs a command in the system
  chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
}
install() { # WHY PACKAGE...
  say "$1: apt-get install ${*:2}"
  enter apt-get -q -y install --no-install-recommends "${@:2}" >>"$log" 2>&1
}

if [ ! -e "$root/etc/debian_version" ]; then
  if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap"
    apt-get -q -y install --no-install-recommends debootstrap >/dev/null || fail "debootstrap cannot be had"
  fi
  # shellcheck disable=SC2016 # the dollars are apt's
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    sed -n '/^cdrom:/d; s/ \(bookworm\|trixie\|forky\|sid\)$//p' | sed -n 1p || true)
  mirror=${mirror:-http://deb.debian.org/debian}
  say "Debian $suite into $root, from $mirror"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" >"$log" 2>&1 || {
    tail -n 5 "$log" | sed 's/^/    /' >&2
    rm -f "$root/etc/debian_version"
    fail "debootstrap failed"
  }
  printf 'deb %s %s main\ndeb-src %s %s main\n' "$mirror" "$suite" "$mirror" "$suite" >"$root/etc/apt/sources.list"
  if [ "$suite" = trixie ]; then printf 'deb %s trixie-backports main\n' "$mirror" >>"$root/etc/apt/sources.list"; fi
  # Certificates that this network needs.
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    enter update-ca-certificates >>"$log" 2>&1
  fi
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
for place in proc sys dev; do mount --rbind "/$place" "$root/$place"; done

if ! compgen -G "$root/usr/lib/*/libamdgpu_noop_drm_shim.so" >/dev/null; then
  enter apt-get -q update >>"$log" 2>&1 || fail "apt-get update failed there: $log"
  # Every package built from Mesa's source must have one version.
  from=()
  if [ "$suite" = trixie ]; then from=(-t trixie-backports); fi
  install "Mesa's drivers and the pretenders" "${from[@]}" mesa-vulkan-drivers mesa-drm-shim libvulkan1 ||
    fail "this failed: $log"
fi
libraries=$(dirname "$(compgen -G "$root/usr/lib/*/libamdgpu_noop_drm_shim.so" | sed -n 1p)")
libraries=${libraries#"$root"}
intel=/opt/libintel_noop_drm_shim.so

intel_pretender() { # builds it, unless it is there
  [ ! -e "$root$intel" ] || return 0
  if [ "$suite" != trixie ]; then
    say "Intel's pretender builds in Debian 13 alone, whose sources of Mesa are to be had: leave --sid out"
    return 1
  fi
  say "Intel's pretender is in no package: building it from Mesa's sources, some minutes"
  # libelf came from backports, and what is built with it must too.
  install "what that needs" gcc g++ libc6-dev meson ninja-build pkg-config bison flex python3-mako python3-yaml python3-packaging \
    libdrm-dev libexpat1-dev libelf-dev/trixie-backports zlib1g-dev xz-utils dpkg-dev || return 1
  rm -rf "$root/opt/mesa"
  mkdir -p "$root/opt/mesa"
  enter sh -ec 'cd /opt/mesa
    apt-get -q source --download-only mesa/trixie
    mkdir source && tar -C source --strip-components=1 -xf mesa_*.orig.tar.xz
    meson setup build source -Dtools=drm-shim,intel -Dvulkan-drivers= -Dgallium-drivers= -Dplatforms= -Dglx=disabled -Degl=disabled \
      -Dgbm=disabled -Dopengl=false -Dgles1=disabled -Dgles2=disabled -Dllvm=disabled -Dvideo-codecs= -Dvalgrind=disabled \
      -Dlibunwind=disabled -Dshader-cache=disabled -Dbuildtype=release
    ninja -C build src/intel/tools/libintel_noop_drm_shim.so
    cp build/src/intel/tools/libintel_noop_drm_shim.so /opt/' >>"$log" 2>&1 || return 1
  rm -rf "$root/opt/mesa"
}

cp "$binary" "$root/opt/wgrad"
# Files that arguments name, and those that are written.
work=$PWD
results=$(mktemp -d)
for place in "$work" "$project" "$results"; do
  mkdir -p "$root$place"
  mount --bind "$place" "$root$place"
done
trap 'umount -l "$root$results"; rm -rf "$results" "${root:?}$results"' EXIT

wgrad() { # VENDOR CHIP ARGUMENT...: runs wgrad on that chip
  local driver shim environment=()
  case "$1" in
    amd) driver=radeon shim=$libraries/libamdgpu_noop_drm_shim.so environment=("AMDGPU_GPU_ID=$2") ;;
    nvidia) driver=nouveau shim=$libraries/libnouveau_noop_drm_shim.so environment=("NOUVEAU_CHIPSET=$2") ;;
    intel) driver=intel shim=$intel environment=("INTEL_STUB_GPU_PLATFORM=$2") ;;
    apple) driver=asahi shim=$libraries/libasahi_noop_drm_shim.so ;;
    adreno) driver=freedreno shim=$libraries/libfreedreno_noop_drm_shim.so environment=("FD_GPU_ID=$2") ;;
  esac
  # Debian has the architecture in some of the names.
  driver=$(cd "$root" && compgen -G "usr/share/vulkan/icd.d/${driver}_icd*.json" | sed -n 1p)
  # shellcheck disable=SC2016 # the dollars are the inner shell's
  enter MESA_SHADER_CACHE_DISABLE=1 VK_DRIVER_FILES="/$driver" "${environment[@]}" \
    sh -c 'cd "$1" && LD_PRELOAD=$2 && export LD_PRELOAD && shift 2 && exec /opt/wgrad "$@"' sh "$work" "$shim" "${@:3}" </dev/null
}

# --- what was asked for --------------------------------------------------------------------------------------------

status=0 done=()
for chip in "${asked[@]}"; do
  read -r name vendor id <<<"$chip"
  if [ "$vendor" = intel ] && ! intel_pretender; then
    say "SKIPPED $name: Intel's pretender could not be built; the end of $log:"
    tail -n 5 "$log" | sed 's/^/    /' >&2
    continue
  fi
  say "$name"
  case "$mode" in
    lab) wgrad "$vendor" "$id" lab --stats "${arguments[@]//%/$name}" || status=1 ;;
    table | check)
      wgrad "$vendor" "$id" lab all --stats --json >"$results/$name.json" || status=1
      done+=("$results/$name.json")
      ;;
    fixtures)
      wgrad "$vendor" "$id" lab matmul --stats --size M=512,N=512,K=512 --file "$fixtures/small.wgsl" --variant naive \
        --isa "$results/$name" || status=1
      cp "$results/$name"/matmul.*small.wgsl.txt "$fixtures/$name.txt"
      ;;
  esac
done

case "$mode" in
  table) python3 "$project/scripts/vendors_table.py" write "$kept" "${done[@]}" ;;
  check) python3 "$project/scripts/vendors_table.py" check "$kept" "${done[@]}" || status=1 ;;
esac
exit "$status"
