#!/usr/bin/env python3
"""What scripts/dx12_proof.sh found out about wgrad on DX12, as a table and a last line.

usage: dx12_results.py FOLDER STEP...

FOLDER has of each command NAME.jsonl, what it printed; NAME.said, its messages; NAME.ended, its exit status and seconds.
Exit status 1: something is wrong, is missing, or was not compared.
"""

import json
import pathlib
import sys

# Two trainings from the same weights on the same images differ by rounding, which grows from step to step; kernels that
# compute something else differ by more. Shares of the loss, and of all test images.
ALLOWED_LOSS = 0.01
ALLOWED_ACCURACY = 0.01

CHECKS = ("mlp", "cnn", "resnet")
COMMANDS = {"train": ("train", "again", "vulkan")}


class Missing(Exception):
    """A command did not get to what is asked of it."""


class Results:
    """Rows and exit statuses of the commands."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def rows(self, name):
        """The objects that a command printed."""
        path = self.folder / f"{name}.jsonl"
        text = path.read_text(errors="replace") if path.exists() else ""
        rows = []
        for line in text.splitlines():
            if line.startswith("{"):
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError as error:
                    raise Missing(f"its output breaks off: {error}") from error
        if not rows:
            raise Missing(f"it printed nothing; its last message: {self.last_message(name)}")
        return rows

    def last_message(self, name):
        """The last line that a command wrote to stderr."""
        path = self.folder / f"{name}.said"
        lines = path.read_text(errors="replace").split("\n") if path.exists() else []
        return next((line.strip() for line in reversed(lines) if line.strip()), "none")

    def ended(self, name):
        """Exit status and seconds of a command."""
        path = self.folder / f"{name}.ended"
        if not path.exists():
            raise Missing("it did not run")
        status, seconds = path.read_text().split()
        return int(status), int(seconds)

    def succeeded(self, name):
        """Its seconds, where its exit status is 0."""
        status, seconds = self.ended(name)
        if status == 124:
            raise Missing(f"it was not done after {seconds} s")
        if status:
            raise Missing(f"exit status {status}; its last message: {self.last_message(name)}")
        return seconds

    def adapter(self):
        """The DX12 adapter."""
        for row in self.rows("adapters"):
            if row["backend"] == "dx12":
                return row
        raise Missing("there is no DX12 adapter")

    def wrong(self):
        """The kernel without its last term is refused."""
        status, seconds = self.ended("wrong")
        row = next((row for row in self.rows("wrong") if row["variant"].endswith("left_out.wgsl")), None)
        if row is None or on_dx12([row]) and (status != 1 or row["status"] != "wrong"):
            got = "no row" if row is None else f"status {row['status']}, exit status {status}"
            raise Missing(f"a kernel that leaves out a term was not refused: {got}")
        return f"refused: {row['reason']}", seconds

    def variants(self):
        """Every variant that shader model 5.1 allows is proven."""
        asked, skipped, seconds = set(), [], self.ended("variants")[1]
        for row in self.rows("translated"):
            name = f"{row['op']}/{row['variant']}"
            if ":" in name:
                continue
            if row["language"] == "hlsl" and "shader-f16" not in row["features"]:
                asked.add(name)
            else:
                skipped.append(name)
        rows = on_dx12(self.rows("variants"))
        wrong = [f"{row['op']}/{row['variant']}: {row['reason']}" for row in rows if row["status"] == "wrong"]
        if wrong:
            raise Missing(f"{len(wrong)} wrong: {'; '.join(wrong)}")
        proven = {f"{row['op']}/{row['variant']}": row for row in rows if row["status"] == "ok" and row["proofs"]}
        reasons = {f"{row['op']}/{row['variant']}": row["reason"] for row in rows}
        lost = [f"{name} ({reasons.get(name, 'no row')})" for name in sorted(asked - set(proven))]
        if lost:
            raise Missing(f"{len(lost)} not proven though shader model 5.1 allows them: {', '.join(lost)}")
        self.succeeded("variants")
        proofs = sum(row["proofs"] for row in proven.values())
        regimes = max(row["regimes"] for row in proven.values())
        share = max(row["error_share"] or 0 for row in proven.values())
        beyond = len([name for name in skipped if name not in proven])
        return (
            f"{len(proven)} proven at {proofs} sizes with up to {regimes} kinds of inputs, 0 wrong; largest error {share:.0%} of "
            f"the allowed; {beyond} need shader model 6"
        ), seconds

    def check(self, name):
        """Nothing differs in the steps of a network."""
        rows, seconds = self.rows(name), self.ended(name)[1]
        different = [row for row in rows if not row["ok"]]
        if different:
            first = different[0]
            where = f"{first['label']} ({first['kernel'] or first['check']}): {(first['difference'] or {}).get('what')}"
            raise Missing(f"{len(different)} of {len(rows)} comparisons differ; the first: {where}")
        self.succeeded(name)
        dispatches = sum(row["check"] == "dispatch" for row in rows)
        if not dispatches:
            raise Missing("no dispatch was compared")
        share = max(row["share"] for row in rows)
        return f"{len(rows)} comparisons, {dispatches} of them of dispatches: nothing differs; largest error {share:.0%} of the allowed", seconds

    def times(self):
        """The lab proves and times."""
        seconds, rows = self.succeeded("times"), on_dx12(self.rows("times"))
        timed = [row for row in rows if row["status"] == "ok" and row["seconds"] and row["seconds"] > 0]
        if not timed:
            raise Missing("no variant was timed")
        return f"{len(timed)} of {len(rows)} timed, by the clock of the {timed[0]['clock']}", seconds

    def train(self):
        """A training repeats its bits, and reaches what Vulkan reaches."""
        seconds = sum(self.succeeded(name) for name in COMMANDS["train"])
        first, again, vulkan = (self.rows(name)[-1] for name in COMMANDS["train"])
        # `cmp` says nothing of equal files, and does not start without them.
        same = self.folder / "same.said"
        if not same.exists() or same.read_text():
            raise Missing(f"the same command gave other weights: {same.read_text().strip() if same.exists() else 'not compared'}")
        if first["train_loss"] != again["train_loss"]:
            raise Missing(f"the same command gave a loss of {first['train_loss']} and of {again['train_loss']}")
        loss = abs(first["train_loss"] - vulkan["train_loss"]) / vulkan["train_loss"]
        accuracy = abs(first["test_accuracy"] - vulkan["test_accuracy"])
        numbers = (
            f"loss {first['train_loss']:.5f}, Vulkan {vulkan['train_loss']:.5f}; "
            f"test accuracy {first['test_accuracy']:.4f}, Vulkan {vulkan['test_accuracy']:.4f}"
        )
        if not (loss <= ALLOWED_LOSS and accuracy <= ALLOWED_ACCURACY):
            raise Missing(f"it does not reach what Vulkan reaches: {numbers}")
        return f"{first['step']} steps of mlp, the same bits twice; {numbers}", seconds

    def of(self, step):
        """The words and seconds of a step."""
        if step in CHECKS:
            return self.check(step)
        return {"wrong": self.wrong, "variants": self.variants, "times": self.times, "train": self.train}[step]()


def on_dx12(rows):
    """The rows, which must be of DX12."""
    others = {row["backend"] for row in rows} - {"dx12"}
    if others:
        raise Missing(f"it ran on {', '.join(sorted(others))} instead of DX12")
    return rows


NAMES = {
    "wrong": "a wrong kernel",
    "variants": "all variants",
    "mlp": "check mlp",
    "cnn": "check cnn",
    "resnet": "check resnet",
    "times": "lab with times",
    "train": "train mlp",
}


def main(arguments):
    if len(arguments) < 2:
        sys.exit(__doc__)
    results, steps, failed = Results(arguments[0]), arguments[1:], []
    try:
        adapter = results.adapter()
        print(f"adapter    {adapter['name']}, {adapter['kind']}, driver {adapter['driver'] or 'unknown'}")
    except Missing as missing:
        print(f"adapter    WRONG: {missing}")
        failed.append("adapter")
    for step in steps:
        try:
            words, seconds = results.of(step)
            print(f"{NAMES[step]:<15} ok {seconds:>5} s  {words}")
        except (Missing, KeyError, TypeError) as missing:
            fault = missing if isinstance(missing, Missing) else f"its rows lack {missing!r}"
            print(f"{NAMES[step]:<15} WRONG      {fault}")
            failed.append(step)
    print(f"dx12_proof: {len(steps)} steps, {len(failed)} wrong{': ' if failed else ''}{', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
