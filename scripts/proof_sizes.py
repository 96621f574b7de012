#!/usr/bin/env python3
"""Variants of a kind and a small size at which to prove each, from the rows of `wgrad lab all --emit wgsl --json`, for
scripts/races.sh and scripts/lanes.sh: a line of operation, variant and size for each.

usage: proof_sizes.py workgroup|subgroups [--settings] [OP...]
  workgroup    variants that share workgroup memory
  subgroups    variants that use subgroups
  --settings   also every value that they offer for their constants
  OP           only of these operations
"""

import json
import math
import sys

KINDS = {
    "workgroup": lambda row: "var<workgroup>" in row["text"],
    "subgroups": lambda row: "subgroups" in row["features"],
}


def size_of(pipelines):
    """Of the sizes at which a variant is proven the middle one by volume: the smallest are within one tile, the largest take
    minutes where every access is recorded."""
    ordered = sorted(pipelines, key=lambda sizes: math.prod(sizes.values()))
    middle = ordered[len(ordered) // 2]
    return ",".join(f"{name}={value:g}" for name, value in middle.items())


def found(lines, kind, settings, ops):
    """Yields operation, variant and size."""
    for line in lines:
        row = json.loads(line)
        if not KINDS[kind](row) or (ops and row["op"] not in ops):
            continue
        if (":" in row["variant"] and not settings) or not row["pipelines"]:
            continue
        yield row["op"], row["variant"], size_of(row["pipelines"])


def main(arguments):
    if not arguments or arguments[0] not in KINDS:
        sys.exit(__doc__)
    ops = [name for name in arguments[1:] if name != "--settings"]
    for work in found(sys.stdin, arguments[0], "--settings" in arguments, ops):
        print(*work)


if __name__ == "__main__":
    main(sys.argv[1:])
