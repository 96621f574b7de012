#!/usr/bin/env bash
# Follows a new user's steps in a clean Debian 12: clones this repository as committed, then runs the README's two
# commands. Unlike a developer's machine, it reveals what the set-up lacks.
#
# usage: scripts/clean_system.sh [--own-mesa [--again]] [--keep] [FOLDER]
#   --own-mesa    use Debian's own Mesa 22: run scripts/setup.sh --own-mesa before the two commands
#   --again       after that, install Mesa 25 in its place and run the two commands again, in the same system
#   --keep        keep FOLDER at the end: the next run with it continues from there
#   FOLDER        folder of the system [default: a new folder in $TMPDIR or /tmp], some 6 GB with the build in it
#
# Needs root, Debian or a derivative, and Rust; installs debootstrap if it is missing. Rust is bound in read-only, and
# the downloaded sources of crates are copied; nothing else of this machine is visible there. Exit status 0 only if both
# commands pass.
set -euo pipefail

say() { printf 'clean system: %s\n' "$*" >&2; }
usage() { sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$script"; }

script=$(realpath "$0")
own_mesa=false again=false keep=false root=''
for option in "$@"; do
  case "$option" in
    --own-mesa) own_mesa=true ;;
    --again) again=true ;;
    --keep) keep=true ;;
    -h | --help)
      usage
      exit 0
      ;;
    -*)
      say "unknown option '$option'"
      usage >&2
      exit 2
      ;;
    *) root=$option ;;
  esac
done
if [ "$(id -u)" != 0 ]; then
  say "needs root, to make a system in a folder and to enter it: sudo $0 $*"
  exit 2
fi
# In a mount namespace of its own: what is bound into the folder is bound nowhere else, and gone with this process.
if [ -z "${WGRAD_CLEAN_SYSTEM:-}" ]; then
  WGRAD_CLEAN_SYSTEM=1 exec unshare --mount "$script" "$@"
fi

cd "$(dirname "$script")/.."
repository=$PWD
PATH=$PATH:${HOME:-/root}/.cargo/bin
sysroot=$(rustc --print sysroot)
if ! command -v debootstrap >/dev/null; then
  say "installing debootstrap"
  apt-get -q -y install --no-install-recommends debootstrap >/dev/null
fi

[ -n "$root" ] || root=$(mktemp -d "${TMPDIR:-/tmp}/wgrad-clean-XXXXXX")
mkdir -p "$root"
root=$(realpath "$root")
# shellcheck disable=SC2016 # the dollars are apt's
mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | sed -n 's/ bookworm$//p' |
  grep -v '^cdrom:' | sed -n 1p || true)
mirror=${mirror:-http://deb.debian.org/debian}

if [ ! -e "$root/etc/debian_version" ]; then
  say "Debian 12 into $root, with git and a C compiler"
  debootstrap --variant=minbase --include=ca-certificates,git,gcc,libc6-dev bookworm "$root" "$mirror" >/dev/null
  # As Debian's installer leaves it: updates and their suites too.
  printf 'deb %s bookworm main\ndeb %s bookworm-updates main\n' "$mirror" "$mirror" >"$root/etc/apt/sources.list"
  # Certificates that this network needs.
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
  fi
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/opt/rust" "$root/root/.cargo/registry"
mount --bind "$sysroot" "$root/opt/rust"
mount -o remount,bind,ro "$root/opt/rust"
for place in proc sys dev; do mount --rbind "/$place" "$root/$place"; done
# Sources only: what was downloaded once need not be again. Everything is compiled anew.
registry=${CARGO_HOME:-${HOME:-/root}/.cargo}/registry
for part in index cache; do
  if [ -d "$registry/$part" ]; then cp -ru "$registry/$part" "$root/root/.cargo/registry/"; fi
done

inside() { # runs a command in the clone, as a new user's shell would
  chroot "$root" env -i HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/opt/rust/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
    RUST_BACKTRACE=0 ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    sh -c 'cd /root/wgrad && exec "$@"' sh "$@"
}

# Through a bundle: the clone gets what is committed, and nothing of this folder.
git -C "$repository" bundle create --quiet "$root/root/wgrad.bundle" HEAD
if [ ! -d "$root/root/wgrad/.git" ]; then
  chroot "$root" git -c advice.detachedHead=false clone --quiet /root/wgrad.bundle /root/wgrad
else
  chroot "$root" git -C /root/wgrad fetch --quiet /root/wgrad.bundle HEAD
  chroot "$root" git -C /root/wgrad checkout --quiet --force --detach FETCH_HEAD
fi
say "wgrad at $(git -C "$repository" rev-parse --short HEAD)"

summary=() failed=false
step() { # NAME COMMAND...
  local name=$1 start=$SECONDS verdict=passed
  shift
  say "$name: $*"
  inside "$@" </dev/null || verdict=FAILED
  [ "$verdict" = passed ] || failed=true
  summary+=("$(printf '%-7s %5d s  %s' "$verdict" "$((SECONDS - start))" "$name")")
}
both() { # WITH
  step "$1: quickstart" scripts/quickstart.sh
  step "$1: test" scripts/test.sh
}

if [ "$own_mesa" = true ]; then
  step "set-up with Debian's own Mesa" scripts/setup.sh --own-mesa
  both "Debian's own Mesa"
  if [ "$again" = true ]; then
    step 'set-up with backports' scripts/setup.sh --backports
    both 'Mesa of backports'
  fi
else
  both 'as it stands'
fi

say 'summary:'
printf '    %s\n' "${summary[@]}" >&2
if [ "$keep" = true ]; then
  say "kept: $root"
else
  for place in opt/rust proc sys dev; do umount -R -l "$root/$place"; done
  rm -rf --one-file-system "$root"
fi
[ "$failed" = false ]
