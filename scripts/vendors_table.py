#!/usr/bin/env python3
"""The table of what drivers make of wgrad's kernels: written from the rows of `wgrad lab all --stats --json`, or compared
with the one that is kept. scripts/vendors.sh calls it.

usage: vendors_table.py write|check TABLE.md CHIP.json...

Of each operation it takes the default variant. A cell is registers, spills and instructions per multiplication and addition
of the hottest loop. `check` ends with 1 where a variant did not compile, or one of these numbers has grown. Where another
version of a driver made the table, registers and instructions may be a tenth more than in it.
"""

import json
import pathlib
import re
import sys

ABOUT = """# What drivers make of the kernels

Registers, spilled registers, and instructions per multiplication and addition in the hottest loop, of every default kernel at
its largest use in the built-in networks with batch 128. Smaller is better in all three. Drivers count registers differently
(of 32 bits a lane; Adreno's hold four numbers; Intel's are as wide as a vector), so compare within a column.
`scripts/vendors.sh --table` writes this file on a machine without these GPUs; `--check` fails where a number grew. A loop
that was unrolled as a whole has no number, nor has one without multiplications. Nothing ran: these numbers bound speed, they
do not predict it.
"""

NAMES = ["registers", "spills", "instructions per FMA"]

# By how much another version of a driver may differ.
OTHER_DRIVER = 1.1


def cell(row):
    """Registers, spills, per FMA; `None` where a driver does not tell it."""
    return [row["registers"], row["spills"], row["per_fma"]]


def words(numbers):
    """A cell of the table."""
    shown = ["–" if n is None else f"{n:.2f}" if isinstance(n, float) else str(n) for n in numbers]
    return ", ".join(shown)


def number(word):
    """One number of a cell."""
    return None if word == "–" else float(word) if "." in word else int(word)


class Rows:
    """What the drivers said: `cells` by kernel and chip, `drivers` by chip, `counts` of compiled variants by chip, and what
    is `wrong`, in words."""

    def __init__(self):
        self.cells, self.drivers, self.counts, self.wrong = {}, {}, {}, []

    def read(self, path):
        """Reads the rows of one chip, which names the file."""
        chip = path.stem
        self.counts[chip] = 0
        for line in path.read_text().splitlines():
            row = json.loads(line)
            self.drivers[chip] = f"{row['adapter']}, {row['driver']}"
            if row["status"] == "wrong":
                self.wrong.append(f"{row['op']}/{row['variant']} on {chip}: {row['reason']}")
            if row["status"] != "ok":
                continue
            self.counts[chip] += 1
            if row["default"]:
                kernel = f"{row['op']}/{row['variant']} at {row['sizes'].replace(',', ', ')}"
                self.cells.setdefault(kernel, {})[chip] = cell(row)
        if not self.counts[chip]:
            self.wrong.append(f"nothing compiled on {chip}")


def text(rows):
    """The table."""
    chips = list(rows.drivers)
    lines = [ABOUT]
    lines += [f"* {chip}: {driver}" for chip, driver in rows.drivers.items()]
    lines += ["", f"| kernel | {' | '.join(chips)} |", "|---" * (len(chips) + 1) + "|"]
    for kernel, of_chip in rows.cells.items():
        row = [words(of_chip[chip]) if chip in of_chip else "" for chip in chips]
        lines.append(f"| {kernel} | {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def kept(table):
    """The cells and drivers of what `text` wrote."""
    cells, drivers, chips = {}, {}, []
    for line in table.splitlines():
        if match := re.match(r"\* (\S+): (.*)", line):
            drivers[match[1]] = match[2]
        elif line.startswith("| kernel"):
            chips = [word.strip() for word in line.strip("|").split("|")][1:]
        elif line.startswith("| ") and chips:
            kernel, *row = [word.strip() for word in line.strip("|").split("|")]
            cells[kernel] = {c: [number(n) for n in w.split(", ")] for c, w in zip(chips, row) if w}
    return cells, drivers


def compare(table, rows):
    """What has grown, what is to be noted, and how many cells were compared."""
    old, old_drivers = kept(table)
    grown, notes, compared = [], [], 0
    for chip, driver in rows.drivers.items():
        if chip in old_drivers and old_drivers[chip] != driver:
            notes.append(f"{chip} is {driver} now, the table was made with {old_drivers[chip]}: a tenth more is no growth")
    absent = {}
    for kernel, of_chip in rows.cells.items():
        for chip, now in of_chip.items():
            before = old.get(kernel, {}).get(chip)
            if before is None:
                absent.setdefault(chip, []).append(kernel)
                continue
            compared += 1
            allowed = 1.0 if old_drivers.get(chip) == rows.drivers[chip] else OTHER_DRIVER
            for name, was, n in zip(NAMES, before, now):
                # The table has two decimals. Nothing is allowed to start spilling.
                if was is not None and n is not None and round(n, 2) > round(was * allowed, 2):
                    grown.append(f"{kernel} on {chip}: {name} {was} before, {round(n, 2)} now")
    for chip, kernels in absent.items():
        first = kernels[0].split(" at ")[0]
        notes.append(f"{len(kernels)} kernels on {chip} are not in the table, {first} the first of them")
    gone = [kernel for kernel in old if kernel not in rows.cells]
    if gone:
        notes.append(f"{len(gone)} kernels of the table are no default any more: {', '.join(gone)}")
    return grown, notes, compared


def check(table, rows):
    """Prints the comparison; whether all is well."""
    grown, notes, compared = compare(table, rows)
    for line in notes:
        print(f"note: {line}")
    for line in rows.wrong:
        print(f"DOES NOT COMPILE: {line}")
    for line in grown:
        print(f"GREW: {line}")
    counts = ", ".join(f"{chip} {count}" for chip, count in rows.counts.items())
    print(f"{sum(rows.counts.values())} pipelines compiled ({counts}), {len(rows.wrong)} failed")
    if compared:
        print(f"{compared} cells of the table compared, {len(grown)} numbers have grown")
    else:
        print("nothing could be compared: write the table with scripts/vendors.sh --table")
    return not grown and not rows.wrong and compared > 0


def main(arguments):
    if len(arguments) < 3 or arguments[0] not in ("write", "check"):
        sys.exit(__doc__)
    path = pathlib.Path(arguments[1])
    rows = Rows()
    for name in arguments[2:]:
        rows.read(pathlib.Path(name))
    if not rows.cells:
        sys.exit("\n".join(rows.wrong + ["there is no row of a default kernel"]))
    if arguments[0] == "check":
        return 0 if check(path.read_text(), rows) else 1
    for line in rows.wrong:
        print(f"DOES NOT COMPILE: {line}")
    path.write_text(text(rows))
    print(f"wrote {path}: {len(rows.cells)} kernels, {len(rows.drivers)} chips")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
