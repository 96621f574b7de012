#!/usr/bin/env python3
"""Makes one table of the reports of wgrad and its peers: `table.py [--json] FILE`, FILE from `--save`."""

import json
import os
import platform
import statistics
import sys
import time

HEAD = ["network", "peer", "images/s (min to max)", "of wgrad's (min to max)", "first step: cold, warm", "memory", "installed"]


def spread(numbers, text):
    """Formats the median, and the extremes if there are several numbers."""
    middle = text(statistics.median(numbers))
    return middle if len(numbers) == 1 else f"{middle} ({text(min(numbers))} to {text(max(numbers))})"


def size(count):
    if count is None:
        return ""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def summary(results):
    """Returns one object per network and peer, in the order of their first run. Ratios compare runs of one round."""
    groups, wgrad = {}, {}
    for result in results:
        groups.setdefault((result["network"], result["peer"]), []).append(result)
        if result["peer"] == "wgrad" and "error" not in result:
            wgrad[result["network"], result["round"]] = result["images_per_second"]
    lines = []
    for (network, peer), runs in groups.items():
        line = {"network": network, "peer": peer}
        good = [run for run in runs if "error" not in run]
        if good:
            rates = [run["images_per_second"] for run in good]
            own = [(run, wgrad.get((network, run["round"]))) for run in good]
            ratios = [run["images_per_second"] / reference for run, reference in own if reference]
            steps = [run["first_step_seconds"] for run in good]
            peaks = [run["peak_bytes"] for run in good if run.get("peak_bytes")]
            line |= {
                "images_per_second": statistics.median(rates),
                "images_per_second_rounds": rates,
                "of_wgrad": statistics.median(ratios) if ratios else None,
                "of_wgrad_rounds": ratios,
                "first_step_seconds_cold": steps[0] if good[0]["round"] == 1 else None,
                "first_step_seconds_warm": statistics.median(steps[1:]) if steps[1:] else None,
                "peak_bytes": max(peaks, default=None),
                "install_bytes": good[0]["install_bytes"],
                "load": [run["load"] for run in good if run.get("load") is not None],
                "device": good[0]["device"],
                "versions": good[0]["versions"],
            }
        errors = [run["error"] for run in runs if "error" in run]
        if errors:
            line["error"] = errors[0]
        lines.append(line)
    return lines


def row(line):
    if "images_per_second" not in line:
        return [line["network"], line["peer"], f"failed: {line['error']}"]
    seconds = [line["first_step_seconds_cold"], line["first_step_seconds_warm"]]
    error = f"; then failed: {line['error']}" if "error" in line else ""
    return [
        line["network"],
        line["peer"],
        spread(line["images_per_second_rounds"], lambda rate: f"{rate:,.0f}") + error,
        spread(line["of_wgrad_rounds"], lambda ratio: f"{ratio:.2f}") if line["of_wgrad_rounds"] else "",
        ", ".join("-" if step is None else f"{step:.1f} s" for step in seconds),
        size(line["peak_bytes"]),
        size(line["install_bytes"]),
    ]


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def text(lines):
    """Returns the table in Markdown, for pasting, and the device of each peer."""
    rows = [HEAD, *[row(line) for line in lines]]
    rows = [cells + [""] * (len(HEAD) - len(cells)) for cells in rows]
    # A long error does not widen its column.
    widths = [max(len(cells[n]) for cells in rows if "failed: " not in cells[2]) for n in range(len(HEAD))]
    rows.insert(1, ["-" * width for width in widths])
    printed = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |" for cells in rows]
    printed.append("")
    for peer, line in {line["peer"]: line for line in lines if "device" in line}.items():
        versions = ", ".join(f"{name} {version}" for name, version in line["versions"].items())
        printed.append(f"{peer}: {versions}; on {line['device']}")
    loads = [load for line in lines for load in line.get("load", [])]
    # The load average still includes a peer's own threads when the next one starts.
    words = f"; load before each run {min(loads):.1f} to {max(loads):.1f}" if loads else ""
    printed.append(f"{time.strftime('%d %B %Y')}, {processor()}, {os.cpu_count()} threads{words}")
    return "\n".join(printed)


def show(results, as_json):
    lines = summary(results)
    print("\n".join(map(json.dumps, lines)) if as_json else text(lines))


def main():
    files = [name for name in sys.argv[1:] if name != "--json"]
    if len(files) != 1:
        raise SystemExit(__doc__)
    with open(files[0], encoding="utf-8") as file:
        show([json.loads(line) for line in file], "--json" in sys.argv)


if __name__ == "__main__":
    main()
