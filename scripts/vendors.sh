#!/usr/bin/env bash
# What the compilers of five vendors' drivers make of wgrad's kernels, on a machine without their GPUs: Mesa's drivers for AMD,
# NVIDIA, Intel, Apple and Qualcomm compile on any processor, and Debian's mesa-drm-shim pretends the device that they look for.
#
# usage: scripts/vendors.sh [OPTION]... [ARGUMENT]...    `wgrad lab --stats ARGUMENT...` on each chip
#        scripts/vendors.sh [OPTION]... --table           writes shaders/STATISTICS.md: default kernels, the 14 chips of --on table
#        scripts/vendors.sh [OPTION]... --check           compares with it on 7 chips: exit status 1 where a variant does not
#                                                         compile or a number of a default kernel has grown
#        scripts/vendors.sh [OPTION]... --fixtures        writes the machine code that the tests read
#
#   --on CHIP,..     which chips [navi31,vega10,turing,ampere,m1,a740; the table's with --table, seven of them with --check];
#                    of the list below, or one of Mesa's as `amd:polaris10`; `table` are all that the table has
#   --sid            Debian sid in place of 13 for all chips, not only those that need it; it changes from day to day
#   --folder DIR     where the systems with the drivers go, some 0.7 GB each [vendors-SUITE in $CARGO_TARGET_DIR or target]
#   --binary FILE    a wgrad that is built already [$WGRAD; else cargo builds one]
#   --jobs N         chips at a time with --table and --check [as many as there are cores]
#   --chips          lists the chips
#
# In an ARGUMENT % stands for the chip's name (`--isa code/%`); files are those below the current folder.
#
# Nothing runs on a pretended device: no number is computed, proven or timed. The system is Debian 13 with Mesa of
# trixie-backports, kept for the next time; chips that its Mesa does not know bring a second one, of sid. Intel's pretender is
# in no package: it is built from Mesa's sources, once, when one of its chips is asked for. Needs root, Debian or a relative;
# installs debootstrap where it is missing.
# Exit status: 0 done, 1 a pipeline failed or a number has grown, 2 a wrong option, 3 what it needs cannot be had here.
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
# shellcheck source=scripts/vendors/system.sh
. "$project/scripts/vendors/system.sh"

# Name, vendor, Mesa's name of the chip, the Debian whose Mesa knows it, what has it.
chips='vega10 amd vega10 trixie Radeon RX Vega 64
navi10 amd navi10 trixie Radeon RX 5700 XT
navi21 amd navi21 trixie Radeon RX 6800 XT
vangogh amd vangogh trixie Steam Deck
navi31 amd navi31 trixie Radeon RX 7900 XTX
strix amd strix1 trixie Radeon 890M
navi48 amd gfx1201 trixie Radeon RX 9070 XT
maxwell nvidia 120 trixie GeForce GTX 900
pascal nvidia 134 trixie GeForce GTX 1000
volta nvidia 140 trixie Titan V
turing nvidia 162 trixie GeForce RTX 2000
ampere nvidia 172 trixie GeForce RTX 3000
ada nvidia 194 sid GeForce RTX 4000
blackwell nvidia 1b2 sid GeForce RTX 5000
skl intel skl trixie Skylake
tgl intel tgl trixie Tiger Lake
dg2 intel dg2 trixie Arc A770
mtl intel mtl trixie Meteor Lake
lnl intel lnl trixie Lunar Lake
bmg intel bmg trixie Arc B580
m1 apple - trixie Apple M1
a630 adreno 630 trixie Adreno 630
a660 adreno 660 trixie Adreno 660
a740 adreno 740 trixie Adreno 740
a750 adreno 750 trixie Adreno 750'
# Of each vendor what is most in use, old and new.
in_table=vega10,navi10,navi21,navi31,navi48,turing,ampere,ada,blackwell,skl,dg2,m1,a660,a740
in_check=vega10,navi31,turing,ampere,dg2,m1,a740

on='' folder='' binary='' mode=lab always=''
jobs=$(nproc)
arguments=()
given=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --on | --folder | --binary | --jobs)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case "$1" in
        --on) on=$2 ;;
        --folder) folder=$2 ;;
        --binary) binary=$2 ;;
        --jobs) jobs=$2 ;;
      esac
      shift 2
      ;;
    --table | --check | --fixtures)
      mode=${1#--}
      shift
      ;;
    --sid)
      always=sid
      shift
      ;;
    --chips)
      printf '%s\n' "$chips" | sed 's/^\([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\) /\1\t\2:\3\t\4\t/'
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
[[ "$jobs" =~ ^[1-9][0-9]?$ ]] || fail "--jobs takes a number from 1 to 99, got: $jobs"
case "$mode:$on" in
  table: | *:table) on=$in_table ;;
  check:) on=$in_check ;;
  *:) on=navi31,vega10,turing,ampere,m1,a740 ;;
esac

# Each as `name vendor chip suite`.
asked=()
IFS=, read -r -a names <<<"$on"
for name in "${names[@]}"; do
  line=$(printf '%s\n' "$chips" | grep "^$name " || true)
  case "$name" in
    amd:?* | nvidia:?* | intel:?* | adreno:?*) line="${name//:/-} ${name%%:*} ${name#*:} trixie" ;;
  esac
  [ -n "$line" ] || fail "unknown chip '$name'; $0 --chips lists them"
  read -r name vendor id its _ <<<"$line"
  asked+=("$name $vendor $id ${always:-$its}")
done

own_mounts "${given[@]}"
find_program

# --- the systems with the drivers ----------------------------------------------------------------------------------

work=$PWD
results=$(mktemp -d)
declare -A roots=() # of each suite
# shellcheck disable=SC2317,SC2329 # called by the trap
tidy() {
  for root in "${roots[@]}"; do unshared "$results"; done
  rm -rf "$results"
}
trap tidy EXIT
cp "$binary" "$results/wgrad"
intel=/opt/libintel_noop_drm_shim.so

prepare() { # SUITE: enters its system, made where it is missing
  if [ -n "${roots[$1]:-}" ]; then
    suite=$1 root=${roots[$1]} log=${roots[$1]}/vendors.log
    return
  fi
  local place=${folder:-${CARGO_TARGET_DIR:-$project/target}/vendors-$1}
  # A named folder has the system of one suite.
  if [ -n "$folder" ] && [ ${#roots[@]} -gt 0 ]; then place=$folder-$1; fi
  open_system "$1" "$place"
  install_drivers
  # Files that arguments name, and those that are written.
  share "$work" "$project" "$results"
  roots[$1]=$root
}

intel_pretender() { # builds it, unless it is there
  [ ! -e "$root$intel" ] || return 0
  if [ "$suite" != trixie ]; then
    # The one of Debian 13 serves newer drivers too.
    local here=$suite
    prepare trixie
    intel_pretender || return 1
    local made=$root$intel
    prepare "$here"
    cp "$made" "$root$intel"
    return
  fi
  say "Intel's pretender is in no package: building it from Mesa's sources, some minutes"
  # libelf came from backports, and what is built with it must too.
  install "what that needs, some 500 MB" gcc g++ libc6-dev meson ninja-build pkg-config bison flex python3-mako python3-yaml \
    python3-packaging libdrm-dev libexpat1-dev libelf-dev/trixie-backports zlib1g-dev xz-utils dpkg-dev || return 1
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

wgrad() { # VENDOR CHIP ARGUMENT...: runs wgrad on that chip
  local driver shim environment=()
  case "$1" in
    amd) driver=radeon shim=$libraries/libamdgpu_noop_drm_shim.so environment=("AMDGPU_GPU_ID=$2") ;;
    nvidia) driver=nouveau shim=$libraries/libnouveau_noop_drm_shim.so environment=("NOUVEAU_CHIPSET=$2") ;;
    intel) driver=intel shim=$intel environment=("INTEL_STUB_GPU_PLATFORM=$2") ;;
    apple) driver=asahi shim=$libraries/libasahi_noop_drm_shim.so ;;
    adreno) driver=freedreno shim=$libraries/libfreedreno_noop_drm_shim.so environment=("FD_GPU_ID=$2") ;;
  esac
  # shellcheck disable=SC2016 # the dollars are the inner shell's
  enter MESA_SHADER_CACHE_DISABLE=1 VK_DRIVER_FILES="$(driver "$driver")" "${environment[@]}" \
    sh -c 'cd "$1" && LD_PRELOAD=$2 && export LD_PRELOAD && shift 2 && exec "$0" "$@"' \
    "$results/wgrad" "$work" "$shim" "${@:3}" </dev/null
}

statistics() { # NAME VENDOR CHIP: the rows of all variants, in a file of their own; what is said comes in one piece
  local seconds=$SECONDS
  if ! wgrad "$2" "$3" lab all --stats --json >"$results/$1.json" 2>"$results/$1.said"; then
    # A variant that failed has a row, which is reported; anything else says why here.
    if ! grep -q '"status":"wrong"' "$results/$1.json"; then sed 's/^/    /' "$results/$1.said" >&2; fi
    : >"$results/$1.failed"
  fi
  say "$1: $(wc -l <"$results/$1.json") variants in $((SECONDS - seconds)) s"
}

# --- what was asked for --------------------------------------------------------------------------------------------

status=0 done=()
for chip in "${asked[@]}"; do
  read -r name vendor id its <<<"$chip"
  prepare "$its"
  if [ "$vendor" = intel ] && ! intel_pretender; then
    say "SKIPPED $name: Intel's pretender could not be built; the end of $log:"
    last_words
    continue
  fi
  case "$mode" in
    lab)
      say "$name"
      wgrad "$vendor" "$id" lab --stats "${arguments[@]//%/$name}" || status=1
      ;;
    table | check)
      while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
      statistics "$name" "$vendor" "$id" &
      done+=("$results/$name.json")
      ;;
    fixtures)
      say "$name"
      wgrad "$vendor" "$id" lab matmul --stats --size M=512,N=512,K=512 --file "$fixtures/small.wgsl" --variant naive \
        --isa "$results/$name" || status=1
      cp "$results/$name"/matmul.*small.wgsl.txt "$fixtures/$name.txt"
      ;;
  esac
done
wait

if compgen -G "$results/*.failed" >/dev/null; then status=1; fi
case "$mode" in
  table) python3 "$project/scripts/vendors_table.py" write "$kept" "${done[@]}" || status=1 ;;
  check) python3 "$project/scripts/vendors_table.py" check "$kept" "${done[@]}" || status=1 ;;
esac
exit "$status"
