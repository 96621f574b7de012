#!/usr/bin/env bash
# Sets up the machine and runs all tests: everything on the default adapter, the Python package where there is a Python,
# then the kernel tests on the other software adapters.
#
# usage: scripts/test.sh [--all-adapters] [--browser] [--mpi]
#   --all-adapters   install SwiftShader and llvmpipe through GL if need be, and run all the tests on them too
#   --mpi            install Open MPI if need be, and also run the tests of several processes (scripts/mpi.sh)
#   --browser        install Chromium if need be, and run only the tests of the pages in it
#
# Ends with a list of the adapters covered and of those not installed. Exit status 1 if any test failed anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'test: %s\n' "$*" >&2; }

setup=(scripts/setup.sh)
other=(cargo test --locked --workspace --no-fail-fast --test kernels) # what runs on the adapters other than the default
browser=false mpi=false
for option in "$@"; do
  case "$option" in
    --all-adapters)
      setup+=(--all-adapters)
      other=(cargo test --locked --workspace --no-fail-fast)
      ;;
    --browser)
      setup+=(--browser)
      browser=true
      ;;
    --mpi) mpi=true ;;
    -h | --help)
      sed -n '2,/^set -/{/^#/!d; s/^# \{0,1\}//; p}' scripts/test.sh
      exit 0
      ;;
    *)
      say "expected nothing, --all-adapters, --mpi or --browser, got: $*"
      exit 2
      ;;
  esac
done

"${setup[@]}"
PATH=$PATH:${HOME:-/root}/.cargo/bin

if [ "$browser" = true ]; then
  exec cargo test --locked --workspace --test browser -- --ignored --nocapture
fi

summary=() failed=false
said=$(mktemp)
trap 'rm -f "$said"' EXIT
run() { # NAME COMMAND...
  local name=$1 start=$SECONDS test
  shift
  say "$name: $*"
  if "$@" 2>&1 | tee "$said"; then
    summary+=("passed          $name ($((SECONDS - start)) s)")
  else
    summary+=("FAILED          $name ($((SECONDS - start)) s)")
    while read -r test; do summary+=("                  $test"); done < <(sed -n 's/^test \(.*\) \.\.\. FAILED$/\1/p' "$said")
    failed=true
  fi
}

has_library() { PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null | grep -F "$1" >/dev/null; }

# Many tests wait for programs that they start: on two cores, two of them would leave a third of the time unused.
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 4)
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((cores < 4 ? 4 : cores))}

# One failure hides no other.
run 'default adapter' cargo test --locked --workspace --no-fail-fast

if [ "$mpi" = true ]; then
  run 'several processes (MPI)' scripts/mpi.sh --install
fi

start=$SECONDS code=0
say 'Python package: scripts/python.sh'
scripts/python.sh || code=$?
case $code in
  0) summary+=("passed          Python package ($((SECONDS - start)) s)") ;;
  77) summary+=('NOT RUN         Python package: it needs Python 3.10 or newer with venv, and PyPI') ;;
  *)
    summary+=("FAILED          Python package ($((SECONDS - start)) s): scripts/python.sh")
    failed=true
    ;;
esac

swiftshader=/usr/lib/chromium/vk_swiftshader_icd.json
if [ -e "$swiftshader" ] && [ -e /usr/lib/chromium/libvk_swiftshader.so ]; then
  # Both names of the variable: older loaders know only the second.
  run 'SwiftShader (Vulkan)' env VK_DRIVER_FILES="$swiftshader" VK_ICD_FILENAMES="$swiftshader" \
    WGRAD_TEST_ADAPTER=vulkan "${other[@]}"
else
  summary+=('not installed   SwiftShader (Vulkan)')
fi

mesa_egl=/usr/share/glvnd/egl_vendor.d/50_mesa.json
if has_library libEGL.so.1 && [ -e "$mesa_egl" ]; then
  # Vulkan is hidden, so that a test that ignores WGRAD_TEST_ADAPTER fails instead of passing on lavapipe. The last two
  # variables exclude a GPU's own GL driver.
  run 'llvmpipe (GL)' env VK_DRIVER_FILES=/nonexistent VK_ICD_FILENAMES=/nonexistent WGRAD_TEST_ADAPTER=gl \
    __EGL_VENDOR_LIBRARY_FILENAMES="$mesa_egl" LIBGL_ALWAYS_SOFTWARE=1 "${other[@]}"
else
  summary+=('not installed   llvmpipe (GL)')
fi

say 'adapters:'
printf '    %s\n' "${summary[@]}" >&2
[ "$failed" = false ]
