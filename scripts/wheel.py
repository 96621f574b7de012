#!/usr/bin/env python3
"""Checks the installed wheel of the Python package: its size, what it needs, a training, and the program beside it.

    python scripts/wheel.py WHEEL PROGRAM

Run by the Python of an environment that has the wheel and NumPy alone; `scripts/python.sh --wheel` does. Prints the
size of the wheel and the time of `import wgrad`. Exit status 1 if something is wrong.
"""

import importlib.metadata
import os
import subprocess
import sys
import tempfile

#: Most bytes of a wheel.
MOST = 12_000_000

IMPORT = "import time; t = time.perf_counter(); import wgrad; print(1000 * (time.perf_counter() - t))"
FIT = """
import numpy as np, wgrad
from wgrad import Sequential, layers
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
model = Sequential([layers.Dense(8, activation="relu"), layers.Dense(1)])
model.compile("adam", "mse")
history = model.fit(x, x.sum(axis=1), epochs=3, verbose=0, device="cpu")
assert len(history.history["loss"]) == 3, history
"""


def output(*command):
    """What a command prints; its failure ends this program."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    wheel, program = sys.argv[1:]
    others = {found.name.lower() for found in importlib.metadata.distributions()} - {"pip", "setuptools", "wgrad"}
    if others != {"numpy"}:
        sys.exit(f"wheel: the environment has {sorted(others)}, expected numpy alone")
    size = os.path.getsize(wheel)
    times = sorted(float(output(sys.executable, "-c", IMPORT)) for _ in range(9))
    print(f"wheel: {size:,} bytes; import wgrad: {times[4]:.1f} ms (of nine, {times[0]:.1f} to {times[-1]:.1f} ms)")
    output(sys.executable, "-c", FIT)
    adapters = output(program, "adapters", "--json")
    if not adapters.strip():
        sys.exit("wheel: `wgrad adapters` lists none")
    with tempfile.TemporaryDirectory() as folder:
        shader = os.path.join(folder, "mine.wgsl")
        with open(shader, "w") as file:
            file.write(output(program, "lab", "matmul", "--template"))
        # The program starts itself again for the proof of a file.
        output(program, "lab", "matmul", "--file", shader, "--size", "M=8,N=8,K=8", "--seconds", "0", "--adapter", "cpu")
    if output(sys.executable, "-m", "wgrad", "--version") != output(program, "--version"):
        sys.exit("wheel: `python -m wgrad` is another program than `wgrad`")
    if size > MOST:
        sys.exit(f"wheel: {size:,} bytes, expected at most {MOST:,}")


if __name__ == "__main__":
    main()
