#!/usr/bin/env python3
"""The variants that use workgroup memory, from the rows of `wgrad lab all --emit wgsl --json`: operation, variant and its
smallest sizes with more than one workgroup's work, for scripts/races.sh.

usage: shared.py [--settings] [OP...]
"""

import json
import math
import sys


def size_of(pipelines):
    """Of the sizes at which the variant is proven, the middle one by volume: the smallest are within one tile, the largest
    take minutes where every access is recorded."""
    ordered = sorted(pipelines, key=lambda sizes: math.prod(sizes.values()))
    middle = ordered[len(ordered) // 2]
    return ",".join(f"{name}={value:g}" for name, value in middle.items())


def shared(lines, settings, ops):
    """Yields operation, variant and size."""
    for line in lines:
        row = json.loads(line)
        if "var<workgroup>" not in row["text"] or (ops and row["op"] not in ops):
            continue
        if (":" in row["variant"] and not settings) or not row["pipelines"]:
            continue
        yield row["op"], row["variant"], size_of(row["pipelines"])


if __name__ == "__main__":
    given = sys.argv[1:]
    names = [name for name in given if name != "--settings"]
    for found in shared(sys.stdin, "--settings" in given, names):
        print(*found)
