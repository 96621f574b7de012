#!/usr/bin/env python3
"""Summarises the results of `gpu.sh run` in a folder as one page of Markdown: `gpu_summary.py FOLDER`."""

import json
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "peers"))
import table  # noqa: E402


class Results:
    def __init__(self, folder):
        self.folder = folder

    def lines(self, name):
        """Returns the objects of a file, one per line; none if its stage did not run."""
        try:
            text = (self.folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        objects = []
        for line in text.splitlines():
            try:
                objects.append(json.loads(line))
            except json.JSONDecodeError:
                print(f"{self.folder / name}: not JSON: {line[:80]}", file=sys.stderr)
        return [line for line in objects if isinstance(line, dict)]


def markdown(head, rows):
    return ["| " + " | ".join(map(str, cells)) + " |" for cells in [head, ["---"] * len(head), *rows]]


def number(value, digits=0):
    return "" if value is None else f"{value:,.{digits}f}"


def device(results):
    page = ["# wgrad on this adapter", ""]
    for row in results.lines("adapters.jsonl"):
        mark = "**used**: " if row["used"] else ""
        more = f"timestamps {row['timestamps']}, f16 {row['f16']}, subgroups {row['subgroup_sizes']}"
        page.append(f"- {mark}{row['name']} ({row['backend']}, {row['driver']}): {row['class']}, {more}")
    for file in ("nvidia-smi.txt", "pack.json"):
        path = results.folder / file
        if path.exists():
            page.append("- " + " / ".join(path.read_text(encoding="utf-8").split("\n")).strip(" /"))
    return page


def stages(results):
    last = {row["stage"]: row for row in results.lines("stages.jsonl")}
    tests = {row["test"]: row for row in results.lines("tests.jsonl")}
    rows = []
    for name, row in last.items():
        test = tests.get(name.removeprefix("test ")) if name.startswith("test ") else None
        status = {0: "passed" if test else "done", 124: "TIMED OUT", 137: "KILLED"}.get(row["status"], f"FAILED ({row['status']})")
        rows.append([name, status, test["result"] if test else "", f"{row['seconds']} s"])
    return markdown(["stage", "", "", "took"], rows)


def bench(results):
    tuned = {row["network"]: row["images_per_second"] for row in results.lines("bench-tuned.jsonl")}
    rows = []
    for row in results.lines("bench.jsonl"):
        spread = f"{number(row['images_per_second_min'])} to {number(row['images_per_second_max'])}"
        rates = [number(row["images_per_second"]), spread, number(tuned.get(row["network"])), number(row["gflops_per_second"], 1)]
        first = number(row["ready_seconds"] + row["first_step_seconds"], 2)
        rows.append([row["network"], *rates, row["dispatches_per_step"], f"{first} s"])
    head = ["network", "images/s", "min to max", "after `wgrad tune`", "GFLOP/s", "dispatches a step", "first step"]
    return markdown(head, rows) if rows else []


def lab(results):
    """Compares the fastest proven variant of each operation with the default, and lists every wrong variant."""
    groups = {}
    for row in results.lines("lab.jsonl"):
        groups.setdefault((row["op"], row["sizes"], row["activation"]), []).append(row)
    rows, wrong = [], []
    for (op, sizes, _), variants in groups.items():
        wrong += [row for row in variants if row["status"] == "wrong"]
        timed = sorted((row for row in variants if row["seconds"]), key=lambda row: row["seconds"])
        if not timed:
            continue
        best = timed[0]
        default = next((row for row in timed if row["default"]), None)
        slower = f"{default['seconds'] / best['seconds']:.2f}" if default else ""
        share = "" if best["share_of_fma"] is None else f"{100 * best['share_of_fma']:.0f} %"
        name = default["variant"] if default else "(not timed)"
        rows.append([op, sizes, best["variant"], number(best["seconds"] * 1e6, 1), number(best["gflops"], 1), share,
                     number(best["gbps"], 1), name, slower])  # fmt: skip
    if not groups:
        return []
    head = ["operation", "sizes", "fastest", "µs", "GFLOP/s", "of peak", "GB/s", "default", "its time / the fastest's"]
    page = markdown(head, rows)
    peaks = [row for variants in groups.values() for row in variants if row["peak_gflops"]]
    if peaks:
        peak = peaks[-1]
        page += ["", f"Peaks: {number(peak['peak_gflops'])} GFLOP/s, {number(peak['peak_gbps'])} GB/s; clock: {peak['clock']}."]
    counts = {status: sum(row["status"] == status for v in groups.values() for row in v) for status in ("ok", "wrong", "skipped")}
    page += ["", ", ".join(f"{count} {status}" for status, count in counts.items()) + "."]
    page += [f"- WRONG: {row['op']}/{row['variant']} at {row['sizes']}: {row['reason']}" for row in wrong]
    return page


def accuracy(results):
    groups = {}
    for row in results.lines("accuracy.jsonl"):
        groups.setdefault(row["peer"], []).append(row)
    rows = []
    for peer, runs in groups.items():
        reached = [run for run in runs if run["reached"]]
        seconds = [run["seconds"] for run in reached]
        epochs = ", ".join(str(len(run["epochs"])) for run in runs)
        spread = f"{min(seconds):.1f} to {max(seconds):.1f}" if seconds else ""
        median = f"{statistics.median(seconds):.1f} s" if seconds else "not reached"
        best = max(epoch["test_accuracy"] for run in runs for epoch in run["epochs"])
        rows.append([peer, f"{len(reached)} of {len(runs)}", median, spread, epochs, f"{best:.4f}"])
    if not rows:
        return []
    target = next(iter(groups.values()))[0]["target"]
    text = f"Time until `cnn` reaches a test accuracy of {target}, from the start of the process, evaluation after each epoch included."
    return [text, "", *markdown(["", "reached", "median", "min to max", "epochs of each run", "best accuracy"], rows)]


def peers(results):
    runs = results.lines("peers.jsonl")
    return table.text(table.summary(runs)).split("\n") if runs else []


def main():
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1]).is_dir():
        raise SystemExit(__doc__)
    results = Results(pathlib.Path(sys.argv[1]))
    page = device(results)
    parts = {"What ran": stages, "Training speed": bench, "Kernels": lab, "Time to accuracy": accuracy, "Beside PyTorch": peers}
    for title, part in parts.items():
        lines = part(results)
        if lines:
            page += ["", f"## {title}", "", *lines]
    print("\n".join(page))


if __name__ == "__main__":
    main()
