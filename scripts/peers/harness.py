"""Helpers shared by the Python peers: arguments, images, the clock, the report.

A peer is a program `NETWORK --batch N --seconds S --data DIR` that trains and prints one JSON object on stdout. Like
`wgrad bench`, it reports the first step separately (from the start of the process, with imports, data and compiling),
warms up for a fifth of the seconds, then measures five fifths and reports their median. It waits for the device only at
the end of each part and to read the loss, as often as a progress bar would show it.
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import statistics
import sys
import time

import numpy as np

# Counted parts, after an uncounted one.
ROUNDS = 5
LEARNING_RATE = 0.05
MOMENTUM = 0.9


def arguments(description, **more):
    """Parses the protocol's arguments, and those of one peer: `name=keywords of add_argument`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("network", choices=["mlp", "cnn"])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with the four IDX files")
    for name, keywords in more.items():
        parser.add_argument(f"--{name}", **keywords)
    return parser.parse_args()


def read_idx(folder, name):
    """Reads the array of an IDX file of unsigned bytes, gzipped or plain."""
    path = folder / f"{name}.gz"
    raw = gzip.decompress(path.read_bytes()) if path.exists() else (folder / name).read_bytes()
    if raw[:3] != b"\0\0\x08":
        raise SystemExit(f"{folder / name}: not an IDX file of unsigned bytes: it starts with {raw[:4].hex()}")
    shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def images(folder, split="train"):
    """Loads images (N, 28, 28) f32 in [0, 1] and labels (N,) u8."""
    pixels = read_idx(folder, f"{split}-images-idx3-ubyte").astype(np.float32) / 255.0
    return pixels, read_idx(folder, f"{split}-labels-idx1-ubyte").copy()


def since_start():
    """Returns the seconds since the parent process began to start this one."""
    return time.time() - float(os.environ.get("PEER_STARTED", BEGAN))


BEGAN = time.time()


class Meter:
    """Measures parts of a training. `wait` returns when the device has done all its work."""

    def __init__(self, seconds, wait):
        self.part = seconds / ROUNDS
        self.wait = wait
        self.first_step = None
        self.rates = []
        self.images = 0
        self.start = 0.0

    def step(self, rows):
        """Counts a step of `rows` images; returns false when all parts are measured."""
        if self.first_step is None:
            self.wait()
            self.first_step = since_start()
        else:
            self.images += rows
            if time.perf_counter() - self.start < self.part:
                return True
            self.wait()
            self.rates.append(self.images / (time.perf_counter() - self.start))
        self.images = 0
        self.start = time.perf_counter()
        return len(self.rates) <= ROUNDS

    def report(self, options, loss, device, versions):
        """Prints the JSON object; a diverged training is an error, not a speed."""
        if not math.isfinite(loss):
            raise SystemExit(f"the loss is {loss}")
        rates = self.rates[1:]  # the first warmed up
        report = {
            "network": options.network,
            "batch": options.batch,
            "images_per_second": statistics.median(rates),
            "images_per_second_min": min(rates),
            "images_per_second_max": max(rates),
            "first_step_seconds": self.first_step,
            "loss": loss,
            "device": device,
            "versions": {**versions, "python": sys.version.split()[0]},
        }
        print(json.dumps(report))


class Reading:
    """Decides when to read the loss: ten to twenty times a second. This bounds the steps queued on the device."""

    def __init__(self):
        self.every = 1
        self.steps = 0
        self.last = time.perf_counter()

    def due(self):
        """Returns true if the loss of the last step is to be read."""
        self.steps += 1
        return self.steps >= self.every

    def done(self):
        """Records that the loss was read."""
        now = time.perf_counter()
        if now - self.last < 0.05:
            self.every *= 2
        elif now - self.last > 0.1:
            self.every = max(1, self.every // 2)
        self.steps, self.last = 0, now


def train(options, batches, step, read, wait):
    """Runs the loop of a peer that writes its own. `batches()` gives the batches of an epoch in a new order, `step`
    takes one and returns its row count and its loss, `read` converts a loss to a number. Returns the meter and the
    last loss."""
    meter, reading = Meter(options.seconds, wait), Reading()
    while True:
        for batch in batches():
            rows, loss = step(batch)
            if reading.due():
                number = read(loss)
                reading.done()
            if not meter.step(rows):
                return meter, number
