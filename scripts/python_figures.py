#!/usr/bin/env python3
"""Measures the Python package against its bounds: the figures of docs/python.md.

    python scripts/python_figures.py overhead [--model mlp] [--rounds N] [--epochs N]
    python scripts/python_figures.py import
    python scripts/python_figures.py memory
    python scripts/python_figures.py fits [--count N]

Run by a Python that has the wheel, the program `wgrad` beside it included, as `scripts/python.sh --wheel` installs it.
Fashion-MNIST must be on the machine. `--device` names the adapter.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

BATCH = 128


def network(name):
    """The program's networks `mlp` and `cnn`."""
    from wgrad import Input, Sequential, layers, losses, optimizers

    hidden = {
        "mlp": [layers.Flatten(), layers.Dense(128, activation="relu")],
        "cnn": [
            layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2), layers.Flatten(), layers.Dropout(0.5),
        ],
    }[name]  # fmt: skip
    model = Sequential([Input((28, 28, 1)), layers.Rescaling(1 / 255), *hidden, layers.Dense(10)], name=name)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.SGD(0.05, momentum=0.9), loss, metrics=["accuracy"])
    return model


def program_epochs(options):
    """Images per second of each epoch of `wgrad train`, by its own clock, and the peak of its memory in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        run = os.path.join(folder, "run")
        command = [options.program, "train", "--model", options.model, "--epochs", str(options.epochs), "--batch", str(BATCH),
                   "--adapter", options.device, "--no-tune", "--quiet", "--out", run]  # fmt: skip
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        if status:
            sys.exit(f"figures: {' '.join(command)} failed")
        lines = [json.loads(line) for line in pathlib.Path(run, "metrics.jsonl").read_text().splitlines()]
    return [line["images_per_second"] for line in lines], used.ru_maxrss * 1024


PACKAGE = """
import resource, sys, time
sys.path.insert(0, {here!r})
import python_figures, wgrad
(x, y), _, _ = wgrad.load_data("fashion-mnist")
times = []
class Clock(wgrad.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None): self.began = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None): times.append(len(x) / (time.perf_counter() - self.began))
clock = Clock()
model = python_figures.network({model!r})
model.fit(x, y, batch_size={batch}, epochs={epochs}, verbose=0, seed=0, device={device!r}, callbacks=[clock])
print(*times)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, x.nbytes + y.nbytes)
"""


def package_epochs(options):
    """The same of `fit`, and the bytes of its arrays."""
    text = PACKAGE.format(here=str(pathlib.Path(__file__).parent), model=options.model, batch=BATCH, epochs=options.epochs, device=options.device)
    said = subprocess.run([sys.executable, "-c", text], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    peak, held = map(int, said[1].split())
    return [float(rate) for rate in said[0].split()], peak, held


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def overhead(options):
    """The program and the package in turns. A ratio belongs to a round, since the speed of a machine drifts."""
    programs, packages = [], []
    for number in range(options.rounds):
        # The first epoch has the compilation of kernels.
        programs.append(median(program_epochs(options)[0][1:]))
        packages.append(median(package_epochs(options)[0][1:]))
        print(f"round {number + 1}: program {programs[-1]:,.0f} images/s, package {packages[-1]:,.0f} images/s", flush=True)
    more = sorted(100 * (program / package - 1) for program, package in zip(programs, packages))
    print(f"{options.model}, batch {BATCH}: program {median(programs):,.0f} images/s, package {median(packages):,.0f}: "
          f"overhead {median(more):+.1f} % (of {len(more)} rounds {more[0]:+.1f} to {more[-1]:+.1f} %)")


def imports(options):
    """`import wgrad` without NumPy, which is imported with the first name that needs it: the time of the processor."""
    text = "import time; t = time.process_time(); import wgrad{more}; print(1000 * (time.process_time() - t))"
    for what, first, more in (("import wgrad", "", ""), ("and wgrad.Sequential, after NumPy", "import numpy; ", "; wgrad.Sequential")):
        times = sorted(float(subprocess.run([sys.executable, "-c", first + text.format(more=more)], check=True, stdout=subprocess.PIPE, text=True).stdout) for _ in range(11))
        print(f"{what}: {times[5]:.1f} ms ({times[0]:.1f} to {times[-1]:.1f} ms of eleven)")


def memory(options):
    options.epochs = 1
    native = program_epochs(options)[1]
    _, peak, held = package_epochs(options)
    bound = native + 2 * held
    print(f"{options.model}, 60,000 images: program {native / 1e6:.0f} MB, package {peak / 1e6:.0f} MB; the arrays are {held / 1e6:.0f} MB, so the bound is {bound / 1e6:.0f} MB")
    if peak > bound:
        sys.exit("figures: the package needs more than the program and two copies of the data")


def resident():
    """Bytes of memory of this process."""
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def fits(options):
    import numpy as np
    from wgrad import Input, Sequential, layers

    x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
    model = Sequential([Input((8,)), layers.Dense(16, activation="relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    began, seen = time.perf_counter(), {}
    for number in range(1, options.count + 1):
        model.fit(x, x.sum(axis=1), epochs=1, verbose=0, device=options.device)
        if number in (options.count // 10, options.count // 2, options.count):
            seen[number] = resident()
    took = time.perf_counter() - began
    print(f"{options.count} fits in {took:.0f} s: " + ", ".join(f"{size / 1e6:.1f} MB after {number}" for number, size in seen.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["overhead", "import", "memory", "fits"])
    parser.add_argument("--model", default="mlp", choices=["mlp", "cnn"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--device", default="cpu")
    beside = str(pathlib.Path(sys.executable).with_name("wgrad"))
    parser.add_argument("--program", default=beside, help="the program to compare with, built as the package [beside Python]")
    options = parser.parse_args()
    {"overhead": overhead, "import": imports, "memory": memory, "fits": fits}[options.what](options)


if __name__ == "__main__":
    main()
