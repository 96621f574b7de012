#!/usr/bin/env bash
# Trains the same networks with wgrad and with its peers, in turns, and prints one table. Installs missing peers into
# target/peers (WGRAD_PEERS names another folder) and prints their names and sizes: some 7 GB, of which PyTorch 5.5.
#
# usage: scripts/peers/run.sh [--seconds S] [--rounds R] [--peer NAME]... [NETWORK..]   (--help lists all options)
set -euo pipefail

for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
  # TensorFlow and PyTorch have no packages for the oldest and for the newest Pythons: 3.11 to 3.13 have all peers.
  if command -v "$python" >/dev/null && "$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    exec "$python" "$(dirname "$0")/run.py" "$@"
  fi
done
echo "peers: this needs python3, at least 3.10, with its module venv (Debian: apt-get install python3-venv)" >&2
exit 2
