# shellcheck shell=bash
# A Debian in a folder, with drivers and compilers newer than the machine's. scripts/vendors.sh, races.sh, spirv.sh and
# dx12.sh source this file; nothing is installed outside the folder but debootstrap.
#
# shellcheck disable=SC2034 # variables that the sourcing script reads
# The sourcing script sets `script` (its own path) and `project`, and defines say and fail.
# Exit status 3: what is needed cannot be had here.
: "${script:?}" "${project:?}"

lacking() { # WORDS: ends the script where something cannot be had
  say "$*"
  exit 3
}

own_mounts() { # ARGUMENT...: starts the script again as root in a mount namespace, whose mounts end with it
  [ "$(uname -s)" = Linux ] || lacking "needs Linux, got $(uname -s): run it in a virtual machine with Debian"
  [ "$(id -u)" = 0 ] || lacking "needs root, to make a system in a folder and to enter it: sudo $script $*"
  if [ -z "${WGRAD_VENDORS:-}" ]; then
    unshare --mount true 2>/dev/null || lacking "may not make a mount namespace (unshare --mount): allow it (CAP_SYS_ADMIN)"
    WGRAD_VENDORS=1 exec unshare --mount "$script" "$@"
  fi
}

find_program() { # sets `binary` to a wgrad: the named one, that of the variable WGRAD, or one that is built now
  binary=${binary:-${WGRAD:-}}
  if [ -z "$binary" ]; then
    PATH=$PATH:${HOME:-/root}/.cargo/bin
    command -v cargo >/dev/null ||
      fail "cargo is missing: install Rust with rustup, https://rustup.rs, or name a program with --binary"
    say "building wgrad"
    (cd "$project" && cargo build --quiet --release --locked --bin wgrad) || fail "it does not build"
    binary=${CARGO_TARGET_DIR:-$project/target}/release/wgrad
  fi
  [ -x "$binary" ] || fail "there is no program $binary"
  binary=$(realpath "$binary")
}

enter() { # COMMAND...: runs it in the system
  chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin XDG_RUNTIME_DIR=/tmp \
    DEBIAN_FRONTEND=noninteractive ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} "$@"
}

last_words() { tail -n 5 "$log" | sed 's/^/    /' >&2; }

# One script at a time changes a system.
locked() {
  exec 9>>"$root/vendors.lock"
  flock 9
}
unlocked() { exec 9>&-; }

open_system() { # SUITE FOLDER: makes it where it is missing; sets `root`, `log`, `suite`, `libraries`
  suite=$1
  mkdir -p "$2"
  root=$(realpath "$2")
  log=$root/vendors.log
  locked
  if [ ! -e "$root/vendors.made" ]; then make_system; fi
  cp /etc/resolv.conf "$root/etc/resolv.conf"
  for place in proc sys dev; do mount --rbind "/$place" "$root/$place"; done
  unlocked
}

make_system() {
  local mirror
  if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap, 0.3 MB"
    apt-get -q -y install --no-install-recommends debootstrap >/dev/null || lacking "debootstrap cannot be had"
  fi
  # shellcheck disable=SC2016 # the dollars are apt's
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' |
    sed -n '/^cdrom:/d; s/ \(bookworm\|trixie\|forky\|sid\)$//p' | sed -n 1p || true)
  # What an interrupted installation left.
  if [ -e "$root/vendors.making" ]; then
    rm -rf --one-file-system "${root:?}"/{bin,boot,debootstrap,dev,etc,home,lib,lib64,media,mnt,opt,proc,root,run,sbin,srv,sys,tmp,usr,var}
  fi
  : >"$root/vendors.making"
  say "Debian $suite into $root, some 250 MB, from ${mirror:-the mirror of debootstrap}"
  debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" ${mirror:+"$mirror"} >"$log" 2>&1 || {
    last_words
    lacking "debootstrap failed"
  }
  mirror=$(sed -n 's/^deb \([^ ]*\) .*/\1/p' "$root/etc/apt/sources.list" | sed -n 1p)
  printf 'deb %s %s main\ndeb-src %s %s main\n' "$mirror" "$suite" "$mirror" "$suite" >"$root/etc/apt/sources.list"
  if [ "$suite" = trixie ]; then
    # From sid comes only what is asked for by name.
    printf 'deb %s trixie-backports main\ndeb %s sid main\n' "$mirror" "$mirror" >>"$root/etc/apt/sources.list"
    printf 'Package: *\nPin: release n=sid\nPin-Priority: 50\n' >"$root/etc/apt/preferences.d/sid"
  fi
  # Programs in it start no services, and its files need not outlive a loss of power.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  printf 'force-unsafe-io\n' >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io"
  # A mirror may be a copy of an earlier day; the signatures still count.
  printf 'Acquire::Languages "none";\nAcquire::Check-Valid-Until "false";\n' >"$root/etc/apt/apt.conf.d/made"
  # Certificates that this network needs.
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    enter update-ca-certificates >>"$log" 2>&1
  fi
  enter apt-get -q update >>"$log" 2>&1 || {
    last_words
    lacking "apt-get update failed there: $log"
  }
  # Last, so that an interrupted installation is repeated.
  mv "$root/vendors.making" "$root/vendors.made"
}

has() { # PACKAGE...: whether the system has all of them
  local package
  # shellcheck disable=SC2016 # the dollar is dpkg's
  for package in "$@"; do
    [ "$(enter dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || return 1
  done
}

install() { # WHY [-t SUITE] PACKAGE...: installs them in the system, unless all are there
  local why=$1 packages=()
  shift
  for package in "$@"; do
    case "$package" in
      -t | trixie-backports | sid) ;;
      *) packages+=("${package%%/*}") ;;
    esac
  done
  ! has "${packages[@]}" || return 0
  locked
  say "$why: apt-get install $*"
  if ! enter apt-get -q -y install --no-install-recommends "$@" >>"$log" 2>&1; then
    # The lists may be older than the mirror.
    if ! { enter apt-get -q update && enter apt-get -q -y install --no-install-recommends "$@"; } >>"$log" 2>&1; then
      last_words
      unlocked
      return 1
    fi
  fi
  unlocked
}

install_drivers() { # Mesa's drivers, and what pretends their devices
  # Every package built from Mesa's source must have one version.
  local from=()
  if [ "$suite" = trixie ]; then from=(-t trixie-backports); fi
  install "Mesa's drivers and the pretenders, some 400 MB" "${from[@]}" mesa-vulkan-drivers mesa-drm-shim libvulkan1 ||
    lacking "Mesa's drivers cannot be had: $log"
  libraries=$(dirname "$(compgen -G "$root/usr/lib/*/libamdgpu_noop_drm_shim.so" | sed -n 1p)")
  libraries=${libraries#"$root"}
}

install_validation() { # PACKAGE...: Khronos's newest validators, which need no newer libraries
  install "Khronos's validators, some 60 MB" "${@/%//sid}" || lacking "$* cannot be had: $log"
}

share() { # FOLDER...: shows them in the system at the same paths
  local place
  for place in "$@"; do
    mkdir -p "$root$place"
    mount --bind "$place" "$root$place"
  done
}

unshared() { # FOLDER: no longer shown there
  umount -l "$root$1" 2>/dev/null || true
  rmdir --ignore-fail-on-non-empty "$root$1" 2>/dev/null || true
}

driver() { # NAME: the path in the system of a Vulkan driver's manifest
  # Debian has the architecture in some of the names.
  (cd "$root" && compgen -G "usr/share/vulkan/icd.d/$1_icd*.json" | sed -n '1s|^|/|p')
}
