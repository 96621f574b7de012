#!/usr/bin/env python3
"""The table of what drivers make of wgrad's kernels: written from the rows of `wgrad lab all --stats --json`, or compared
with the one that is kept. scripts/vendors.sh calls it.

usage: vendors_table.py write|check TABLE.md CHIP.json...

Of each operation it takes the default variant where that offers the size of its tile. A cell is registers, spills and
instructions per multiplication and addition of the hottest loop. `check` ends with 1 where one of these has grown.
"""

import json
import pathlib
import re
import sys

ABOUT = """# What drivers make of the kernels

Registers, spilled registers, and instructions per multiplication and addition in the hottest loop, of every default kernel that
works by tiles, at its largest use in the built-in networks with batch 128. Smaller is better in all three. Drivers count
registers differently (of 32 bits a lane; Adreno's hold four numbers; Intel's are as wide as a vector), so compare within a
column. `scripts/vendors.sh --table` writes this file on a machine without these GPUs; `--check` fails where a number grew.
A loop that was unrolled as a whole has no such number. Nothing ran: these numbers bound speed, they do not predict it.
"""


def cell(row):
    """Registers, spills, per FMA; `None` where a driver does not tell it."""
    return [row["registers"], row["spills"], row["per_fma"]]


def words(numbers):
    shown = ["–" if n is None else f"{n:.2f}" if isinstance(n, float) else str(n) for n in numbers]
    return ", ".join(shown)


def number(word):
    return None if word == "–" else float(word) if "." in word else int(word)


def read(files):
    """The cells by kernel and chip, and the drivers by chip."""
    cells, drivers = {}, {}
    for name in files:
        path = pathlib.Path(name)
        chip = path.stem
        for line in path.read_text().splitlines():
            row = json.loads(line)
            drivers[chip] = f"{row['adapter']}, {row['driver']}"
            tiled = any(name.startswith("TILE_") for name in row["constants"])
            if tiled and row["default"] and row["status"] == "ok":
                kernel = f"{row['op']}/{row['variant']} at {row['sizes'].replace(',', ', ')}"
                cells.setdefault(kernel, {})[chip] = cell(row)
    return cells, drivers


def text(cells, drivers):
    chips = list(drivers)
    lines = [ABOUT]
    lines += [f"* {chip}: {driver}" for chip, driver in drivers.items()]
    lines += ["", f"| kernel | {' | '.join(chips)} |", "|---" * (len(chips) + 1) + "|"]
    for kernel, of_chip in cells.items():
        row = [words(of_chip[chip]) if chip in of_chip else "" for chip in chips]
        lines.append(f"| {kernel} | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def kept(path):
    """What `text` wrote."""
    cells, drivers, chips = {}, {}, []
    for line in path.read_text().splitlines():
        if match := re.match(r"\* (\S+): (.*)", line):
            drivers[match[1]] = match[2]
        elif line.startswith("| kernel"):
            chips = [word.strip() for word in line.strip("|").split("|")][1:]
        elif line.startswith("| ") and chips:
            kernel, *row = [word.strip() for word in line.strip("|").split("|")]
            cells[kernel] = {c: [number(n) for n in w.split(", ")] for c, w in zip(chips, row) if w}
    return cells, drivers


def check(path, cells, drivers):
    old, old_drivers = kept(path)
    grown, compared = [], 0
    for chip, driver in drivers.items():
        if chip in old_drivers and old_drivers[chip] != driver:
            print(f"note: {chip} is {driver} now, the table was made with {old_drivers[chip]}")
    for kernel, of_chip in cells.items():
        for chip, now in of_chip.items():
            before = old.get(kernel, {}).get(chip)
            if before is None:
                print(f"note: not in the table: {kernel} on {chip}")
                continue
            compared += 1
            for what, was, n in zip(["registers", "spills", "instructions per FMA"], before, now):
                # The table has two decimals.
                if was is not None and n is not None and round(n, 2) > was:
                    grown.append(f"{kernel} on {chip}: {what} {was} before, {round(n, 2)} now")
    for line in grown:
        print(f"GREW: {line}")
    if not compared:
        print("nothing could be compared: write the table with scripts/vendors.sh --table")
    else:
        print(f"{compared} kernels compared, {len(grown)} numbers have grown")
    return 1 if grown or not compared else 0


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("write", "check"):
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[2])
    cells, drivers = read(sys.argv[3:])
    if not cells:
        sys.exit("no row has a default kernel with a tile")
    if sys.argv[1] == "check":
        sys.exit(check(path, cells, drivers))
    path.write_text(text(cells, drivers))
    print(f"wrote {path}: {len(cells)} kernels, {len(drivers)} chips")


main()
