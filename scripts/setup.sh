#!/usr/bin/env bash
# Installs what wgrad needs and this machine lacks: a Vulkan driver, its loader, and the Fashion-MNIST data.
#
# usage: scripts/setup.sh [--backports | --own-mesa] [--all-adapters] [--browser] [--tint] [--no-data]
#   On Debian 12 the Vulkan driver is that of Mesa 25, from bookworm-backports: twice as fast on a CPU, an eighth of the
#   compiling. A Vulkan driver that is installed already stays, and so does a Mesa for OpenGL.
#   --backports      Mesa 25 also in place of what is installed, for Vulkan and OpenGL
#   --own-mesa       Debian 12's own Mesa 22 instead
#   --all-adapters   also the other software adapters for tests: SwiftShader (in chromium) and llvmpipe through GL
#   --browser        also Chromium, for the tests of the pages
#   --tint           also node and npm, for scripts/tint.sh, which compiles the shaders with Chromium's compiler
#   --no-data        leave the data out
#
# Installs with apt-get, as root or through sudo; says what and why, and nothing where all is there. Without apt-get it
# says what is needed and goes on. It builds nothing and installs no Rust: that is rustup's.
# Exit status: 0 ready (missing data is no error: wgrad can download or synthesise them), 1 something is missing,
# 2 a wrong option.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }

backports=auto all_adapters=false browser=false tint=false data=true
for option in "$@"; do
  case "$option" in
    --backports) backports=true ;;
    --own-mesa) backports=false ;;
    --all-adapters) all_adapters=true ;;
    --browser) browser=true ;;
    --tint) tint=true ;;
    --no-data) data=false ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' "$0"
      exit 0
      ;;
    *)
      say "unknown option '$option'; known are --backports, --own-mesa, --all-adapters, --browser, --tint, --no-data, --help"
      exit 2
      ;;
  esac
done

missing=false # something wgrad cannot do without

# --- Rust and a linker ---------------------------------------------------------------------------------------------

PATH=$PATH:${HOME:-/root}/.cargo/bin
if ! command -v cargo >/dev/null; then
  say "cargo is missing: install Rust with rustup, https://rustup.rs, then run this again"
  missing=true
fi

if [ "$(uname -s)" != Linux ]; then
  # Metal and DX12 are part of the system; wgrad downloads the data itself.
  say "nothing to install on $(uname -s): cargo run --release -- train"
  [ "$missing" = false ]
  exit
fi

if ! command -v cc >/dev/null; then
  say "a C compiler is missing (cc; Rust links with it): apt-get install gcc libc6-dev, or your system's equivalent"
  missing=true
fi

# --- apt -----------------------------------------------------------------------------------------------------------

as_root=()      # what to put before a command that needs root
can_root=true   # whether that works here
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    can_root=false
  elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  elif [ -t 0 ]; then
    as_root=(sudo) # asks for the password
  else
    can_root=false
  fi
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { # apt-get without questions, its talk in the log
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1
}

lists_fresh=false
update_lists() {
  [ "$lists_fresh" = true ] && return
  lists_fresh=true
  # A broken third-party source must not stop what the others can give; a real lack shows in the install.
  if ! apt -o APT::Update::Error-Mode=any update; then
    say "apt-get update failed, at least in part; going on with what is there. Its first complaint:"
    { grep -m 1 '^[EW]:' "$log" || tail -n 1 "$log"; } | sed 's/^/    /' >&2
  fi
}

installed_version() { dpkg-query -W -f '${db:Status-Status} ${Version}' "$1" 2>/dev/null | sed -n 's/^installed //p'; }

install_packages() { # WHY [-t SUITE] PACKAGE...: false, with a message, where they cannot be had
  local why=$1
  shift
  if [ "$can_root" = false ]; then
    say "$why. This needs root: apt-get update && apt-get install --no-install-recommends $*"
    return 1
  fi
  say "$why: apt-get install --no-install-recommends $*"
  update_lists
  if ! apt install --no-install-recommends "$@"; then
    say "this failed; the last lines of apt-get:"
    tail -n 5 "$log" | sed 's/^/    /' >&2
    return 1
  fi
}

have_apt=false
if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then have_apt=true; fi

# --- Mesa 25 from backports ----------------------------------------------------------------------------------------

vulkan_loader() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep 'libvulkan\.so\.1' >/dev/null; }

vulkan_driver() { # whether a driver's manifest exists where the loader looks
  local named=${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}} file
  local -a named_files
  if [ -n "$named" ]; then
    IFS=: read -ra named_files <<<"$named"
    for file in "${named_files[@]}"; do [ -e "$file" ] && return; done
    say "VK_DRIVER_FILES / VK_ICD_FILENAMES hides every driver but '$named', which does not exist: unset it"
  fi
  for file in {/usr/share,/usr/local/share,/etc,"${XDG_DATA_HOME:-${HOME:-/root}/.local/share}"}/vulkan/icd.d/*.json; do
    [ -e "$file" ] && return
  done
  return 1
}

# The packages of Mesa for OpenGL must have the same version; libegl1 dispatches to them.
mesa_packages=(mesa-vulkan-drivers libgl1-mesa-dri libegl-mesa0)
from_backports() { # PACKAGE...: whether all of them are already from backports
  local package
  for package in "$@"; do
    case "$(installed_version "$package")" in *~bpo12+*) ;; *) return 1 ;; esac
  done
}

add_backports_suite() {
  local configured mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  # apt itself says what it is configured for, whichever the format of its sources: "URI CODENAME" a line. It knows the
  # code names only after an update, and a fresh container image has had none.
  if [ "$can_root" = true ]; then update_lists; fi
  # shellcheck disable=SC2016 # the dollars are apt's
  configured=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages')
  if grep -q ' bookworm-backports$' <<<"$configured"; then return; fi
  mirror=$(sed -n 's/ bookworm$//p' <<<"$configured" | grep -v '^cdrom:' | sed -n 1p || true)
  if [ -z "$mirror" ]; then
    say "--backports: apt knows no mirror of bookworm (after apt-get update); add the suite bookworm-backports by hand"
    return 1
  fi
  if [ "$can_root" = false ]; then
    say "--backports: adding the suite bookworm-backports from $mirror needs root; run scripts/setup.sh as root"
    return 1
  fi
  say "adding Debian's suite bookworm-backports from $mirror: /etc/apt/sources.list.d/wgrad-backports.sources"
  printf '%s\n' 'Types: deb' "URIs: $mirror" 'Suites: bookworm-backports' 'Components: main' "Signed-By: $keyring" |
    "${as_root[@]}" tee /etc/apt/sources.list.d/wgrad-backports.sources >/dev/null
  lists_fresh=false
}

is_bookworm() {
  # shellcheck source=/dev/null
  [ -r /etc/os-release ] && [ "$(. /etc/os-release && echo "${ID:-} ${VERSION_CODENAME:-}")" = 'debian bookworm' ]
}

install_backports() { # PACKAGE...
  add_backports_suite &&
    install_packages "Mesa 25, about twice as fast as Debian 12's own on a CPU" -t bookworm-backports libvulkan1 "$@"
}

if [ "$backports" = true ]; then
  if [ "$have_apt" = false ] || ! is_bookworm; then
    say "--backports is for Debian 12 (bookworm), which this is not: using its own Mesa"
  elif ! from_backports "${mesa_packages[@]}" && ! install_backports "${mesa_packages[@]}" libegl1; then
    missing=true # an explicit request must not be skipped
  fi
elif [ "$backports" = auto ] && [ "$have_apt" = true ] && [ "$can_root" = true ] && is_bookworm && ! vulkan_driver; then
  install_backports mesa-vulkan-drivers || say "going on with Debian 12's own Mesa"
fi

# --- a Vulkan driver and the loader --------------------------------------------------------------------------------

wanted=()
vulkan_driver || wanted+=(mesa-vulkan-drivers)
vulkan_loader || wanted+=(libvulkan1)
if [ ${#wanted[@]} -gt 0 ]; then
  if [ "$have_apt" = false ]; then
    say "no Vulkan driver or loader found. Install your GPU's driver, or Mesa with its CPU driver lavapipe:"
    say "    Fedora: vulkan-loader mesa-vulkan-drivers; Arch: vulkan-icd-loader vulkan-swrast; Alpine: vulkan-loader mesa-vulkan-swrast"
  elif ! install_packages "no Vulkan driver or loader; Mesa brings the drivers for GPUs and lavapipe for the CPU" "${wanted[@]}"; then
    say "without a Vulkan driver wgrad can only use OpenGL, if this machine has it: wgrad adapters shows what there is"
    missing=true
  fi
fi

# --- a browser -----------------------------------------------------------------------------------------------------

if [ "$browser" = true ] && ! command -v chromium >/dev/null; then
  if [ "$have_apt" = false ]; then
    say "--browser needs Chromium, as the command chromium; install it, or name another with WGRAD_CHROMIUM"
    missing=true
  elif ! install_packages "Chromium, for the tests of the pages" chromium; then
    missing=true
  fi
fi

# --- node ----------------------------------------------------------------------------------------------------------

if [ "$tint" = true ]; then
  wanted=()
  command -v node >/dev/null || wanted+=(nodejs)
  command -v npm >/dev/null || wanted+=(npm)
  if [ ${#wanted[@]} -gt 0 ]; then
    if [ "$have_apt" = false ]; then
      say "--tint needs node 18 or later and npm, as the commands node and npm: https://nodejs.org"
      missing=true
    elif ! install_packages "node and npm, for scripts/tint.sh" "${wanted[@]}"; then
      missing=true
    fi
  fi
fi

# --- the other software adapters -----------------------------------------------------------------------------------

swiftshader() { [ -e /usr/lib/chromium/libvk_swiftshader.so ] && [ -e /usr/lib/chromium/vk_swiftshader_icd.json ]; }

if [ "$all_adapters" = true ]; then
  if [ "$have_apt" = false ]; then
    say "--all-adapters needs Debian's packages chromium, libegl1, libgl1-mesa-dri, libegl-mesa0, libgles2: not without apt-get"
    missing=true
  else
    wanted=()
    for package in libegl1 libgl1-mesa-dri libegl-mesa0 libgles2; do
      [ -n "$(installed_version "$package")" ] || wanted+=("$package")
    done
    suite=()
    if from_backports mesa-vulkan-drivers; then suite=(-t bookworm-backports); fi
    if [ ${#wanted[@]} -gt 0 ]; then
      install_packages "llvmpipe through GL, a second software adapter" "${suite[@]}" "${wanted[@]}" || missing=true
    fi
    if ! swiftshader; then
      if ! install_packages "SwiftShader, a third software adapter (some 400 MB on disk)" chromium; then
        missing=true
      elif ! swiftshader; then
        say "SwiftShader is not in /usr/lib/chromium: only Debian's chromium brings it there"
        missing=true
      fi
    fi
  fi
fi

# --- data ----------------------------------------------------------------------------------------------------------

if [ "$data" = true ] && [ -z "${WGRAD_DATA:-}" ] && [ ! -d /usr/share/datasets/fashion-mnist ]; then
  if [ "$have_apt" = false ]; then
    say "Fashion-MNIST is not installed: wgrad downloads it when it is first needed"
  elif ! install_packages "the data set Fashion-MNIST (30 MB)" dataset-fashion-mnist; then
    say "going on without it: wgrad downloads it when it is first needed, or use --data synthetic"
  fi
fi

[ "$missing" = false ]
