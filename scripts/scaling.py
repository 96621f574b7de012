#!/usr/bin/env python3
"""Predicts how data-parallel training scales, from profiles, and compares the prediction with other profiles.

usage: scripts/scaling.py [--check FILE]... [--cores N] [--flops FLOPS] FILE...

FILE        the output of `wgrad profile NETWORK --json` of one rank: its step time and its gradients. Two files of a
            network with different batches also say how much of a step does not depend on the batch
--check     the output of a profile of several ranks: the model's parameters are fitted to its sums, and its step time is
            compared with the prediction
--cores     cores that the ranks of --check share, each with one thread
--flops     also predict for a GPU that computes so many operations per second, by the operations of the step

Prints tables in Markdown. The model (Thakur, Rabenseifner and Gropp 2005): a message of S bytes takes alpha + S / beta
seconds. A sum over n ranks takes
    ring                 2 (n - 1) alpha   + 2 (n - 1) / n · S / beta
    recursive doubling   log2(n) (alpha + S / beta)
    halving, doubling    2 log2(n) alpha   + 2 (n - 1) / n · S / beta
and the library of MPI chooses the fastest. Gradients also pass from the device to the host and back. The exchange begins
while the backward pass, two thirds of the step, still computes; the last bucket, and the way back, are not hidden.
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass

BUCKET = 4 << 20  # bytes that are summed at once, as in src/team.rs
HOST = 12e9  # bytes per second between device and host: PCIe 3.0 with 16 lanes
BACKWARD = 2 / 3  # share of a step in which gradients are computed
LINKS = {  # latency in seconds, bytes per second of a rank in each direction
    "10 GbE": (30e-6, 1.25e9),
    "100 GbE": (10e-6, 12.5e9),
    "NVLink": (5e-6, 300e9),
}
RANKS = (2, 8, 64, 256, 1024)


def ring(n, size, alpha, beta):
    return 2 * (n - 1) * alpha + 2 * (n - 1) / n * size / beta


def doubling(n, size, alpha, beta):
    return math.ceil(math.log2(n)) * (alpha + size / beta)


def halving(n, size, alpha, beta):
    return 2 * math.ceil(math.log2(n)) * alpha + 2 * (n - 1) / n * size / beta


def all_reduce(n, size, alpha, beta):
    """Seconds of a sum of `size` bytes over `n` ranks, by the fastest of the three."""
    if n == 1:
        return 0.0
    return min(way(n, size, alpha, beta) for way in (ring, doubling, halving))


def step(n, compute, gradients, alpha, beta, host=HOST):
    """Seconds of a step of `n` ranks, each computing for `compute` seconds, with so many bytes of gradients."""
    if n == 1:
        return compute
    last = min(gradients, BUCKET)
    early = all_reduce(n, gradients - last, alpha, beta) if gradients > last else 0.0
    hidden = min(early, BACKWARD * compute)
    return compute + early - hidden + all_reduce(n, last, alpha, beta) + (gradients + last) / host


def fit(rows):
    """alpha and beta of sums over n ranks: least squares of relative errors of a + b S."""
    ranks = rows[0]["ranks"]
    points = [(row["bytes"], row["seconds"]) for row in rows]
    weights = [1 / seconds**2 for _, seconds in points]
    w = sum(weights)
    x = sum(weight * size for weight, (size, _) in zip(weights, points))
    y = sum(weight * seconds for weight, (_, seconds) in zip(weights, points))
    xx = sum(weight * size * size for weight, (size, _) in zip(weights, points))
    xy = sum(weight * size * seconds for weight, (size, seconds) in zip(weights, points))
    b = (w * xy - x * y) / (w * xx - x * x)
    a = (y - b * x) / w
    return a / (2 * (ranks - 1)), 2 * (ranks - 1) / ranks / b


@dataclass
class Profile:
    """What a file of profile lines says."""

    network: str
    batch: int
    compute: float  # seconds of a step
    flops: float  # operations of a step
    gradients: int  # bytes
    ranks: int
    sums: list

    @classmethod
    def read(cls, path):
        with open(path) as file:
            rows = [json.loads(line) for line in file]
        of = lambda kind: [row for row in rows if row["kind"] == kind]
        host = of("host")[0]
        sums = of("sum")
        return cls(
            network=host["network"],
            batch=host["batch"],
            compute=host["seconds"] / host["steps"],
            flops=sum(row.get("gflops") and 1e9 * row["gflops"] * row["seconds"] or 0.0 for row in of("dispatch")),
            gradients=of("step")[0]["step"]["gradient_bytes"],
            ranks=sums[0]["ranks"] if sums else 1,
            sums=sums,
        )


def computed(profiles, images):
    """Seconds of a step of one rank with so many images, by its profiles of one or more batches: a line through them,
    or proportional to the batch where there is one batch. A step with no images takes no less than none."""
    batches = {profile.batch for profile in profiles}
    if len(batches) == 1:
        return sum(profile.compute for profile in profiles) / len(profiles) * images / batches.pop()
    mean_x = sum(profile.batch for profile in profiles) / len(profiles)
    mean_y = sum(profile.compute for profile in profiles) / len(profiles)
    slope = sum((profile.batch - mean_x) * (profile.compute - mean_y) for profile in profiles)
    slope /= sum((profile.batch - mean_x) ** 2 for profile in profiles)
    if mean_y < slope * mean_x:  # Small batches took less than their share: noise, or caches.
        return images * sum(profile.compute for profile in profiles) / sum(profile.batch for profile in profiles)
    return mean_y + slope * (images - mean_x)


def time(seconds):
    for scale, unit in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e6:.2g} µs"


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(profiles, flops):
    """Efficiency of weak scaling (a full batch for each rank) by link and number of ranks."""
    yield row("Network", "Step of one rank", "Gradients", "Link", *(f"{n} ranks" for n in RANKS))
    yield row("---", "---:", "---:", "---", *("---:" for _ in RANKS))
    for profile in profiles:
        ways = [("here", profile.compute)]
        if flops:
            ways.append((f"at {flops:.0e} FLOP/s", profile.flops / flops))
        for words, compute in ways:
            for link, (alpha, beta) in LINKS.items():
                shares = [compute / step(n, compute, profile.gradients, alpha, beta) for n in RANKS]
                cells = (f"{100 * share:.0f} %" for share in shares)
                name = f"`{profile.network}` {words}"
                yield row(name, time(compute), f"{profile.gradients / 1e6:.2f} MB", link, *cells)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--check", action="append", default=[], metavar="FILE")
    parser.add_argument("--cores", type=int)
    parser.add_argument("--flops", type=float)
    options = parser.parse_args(arguments)
    profiles = [Profile.read(path) for path in options.files]
    alone = {}
    for profile in profiles:
        alone.setdefault(profile.network, []).append(profile)
    if options.check:
        print(row("Network", "Batch", "Ranks", "alpha", "beta", "Step, predicted", "Step, measured"))
        print(row("---", "---:", "---:", "---:", "---:", "---:", "---:"))
    for path in options.check:
        profile = Profile.read(path)
        if profile.network not in alone or not profile.sums:
            sys.exit(f"{path}: expected a profile of several ranks of a network among FILE, got {profile.network}")
        alpha, beta = fit(profile.sums)
        whole = alone[profile.network]
        share = computed(whole, profile.batch / profile.ranks)
        if options.cores:
            share *= max(1, profile.ranks / options.cores)
        expected = step(profile.ranks, share, whole[0].gradients, alpha, beta, host=math.inf)
        print(row(f"`{profile.network}`", profile.batch, profile.ranks, time(alpha), f"{beta / 1e9:.2f} GB/s", time(expected), time(profile.compute)))
    if options.check:
        print()
    largest = [max(of, key=lambda profile: profile.batch) for of in alone.values()]
    print("\n".join(table(largest, options.flops)))


if __name__ == "__main__":
    main()
