"""The command `wgrad`."""

from __future__ import annotations

import signal
import sys

from . import _wgrad


def main() -> int:
    """Runs the program with the arguments of this process; returns its exit code."""
    # Python's handler would only note a Ctrl-C, until the program has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _wgrad.main(sys.executable or "", len(sys.orig_argv) - len(sys.argv) + 1)
