#!/usr/bin/env bash
# Reduces DejaVu Sans (Debian's fonts-dejavu-core) to the characters of PNG charts:
# crates/report/assets/font/DejaVuSans-subset.ttf.
# Needs pyftsubset, from Python's fonttools.
#
# usage: scripts/make_font.sh [FONT]
set -euo pipefail
cd "$(dirname "$0")/.."
pyftsubset "${1:-/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf}" --no-hinting --layout-features=kern \
  --output-file=crates/report/assets/font/DejaVuSans-subset.ttf \
  --unicodes="U+0020-007E,U+00A0-017F,U+0370-03FF,U+2010-2026,U+2030,U+2032,U+20AC,U+2190-2193,U+2202,U+2211,U+2212,U+221A,U+221E,U+2248,U+2260-2265,U+22C5,U+FFFD"
