"""Runs the node tests of the Python package onnx through `wgrad onnx-node`, and prints a table by operator."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys

import onnx

parser = argparse.ArgumentParser()
parser.add_argument("pattern", nargs="?", default="", help="only cases whose name contains this")
parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
parser.add_argument("--json", metavar="FILE", help="write every case with its outcome")
arguments = parser.parse_args()

folder = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
cases = sorted(path for path in folder.iterdir() if arguments.pattern in path.name and (path / "model.onnx").exists())
command = [os.environ["WGRAD"], "onnx-node"]
if os.environ.get("ADAPTER"):
    command += ["--adapter", os.environ["ADAPTER"]]
lines = []
# In parts, to limit the length of a command line.
for start in range(0, len(cases), 500):
    ended = subprocess.run(command + cases[start:start + 500], stdout=subprocess.PIPE, text=True)
    if ended.returncode not in (0, 1):
        sys.exit(ended.returncode)
    lines += [json.loads(line) for line in ended.stdout.splitlines()]
assert len(lines) == len(cases) > 0, f"{len(lines)} outcomes of {len(cases)} cases"

groups = collections.defaultdict(list)
for path, line in zip(cases, lines):
    operators = {node.op_type for node in onnx.load(path / "model.onnx").graph.node}
    line["operator"] = operators.pop() if len(operators) == 1 else "several operators"
    groups[line["operator"]].append(line)
if arguments.json:
    pathlib.Path(arguments.json).write_text("".join(json.dumps(line) + "\n" for line in lines))


def tell(row):
    if arguments.markdown:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    else:
        print(str(row[0]).ljust(28) + "".join(str(cell).rjust(15) for cell in row[1:]))


print(f"onnx {onnx.__version__}, {len(cases)} cases", file=sys.stderr)
tell(("operator", "computed", "moved", "not supported", "failed"))
if arguments.markdown:
    tell(("---", "---:", "---:", "---:", "---:"))
total = [0, 0, 0, 0]
silent = []
for operator, found in sorted(groups.items()):
    counts = [
        sum(line["outcome"] == "passed" and line["dispatches"] > 0 for line in found),
        sum(line["outcome"] == "passed" and line["dispatches"] == 0 for line in found),
        sum(line["outcome"] == "not_supported" for line in found),
        sum(line["outcome"] == "failed" for line in found),
    ]
    total = [a + b for a, b in zip(total, counts)]
    if counts[0] + counts[1] + counts[3]:
        tell((operator, *counts))
    else:
        silent.append(f"{operator} ({len(found)})")
tell(("all", *total))
if silent:
    print(f"\nNothing of these: {', '.join(silent)}.")
for line in lines:
    if line["outcome"] == "failed":
        print(f"FAILED {line['case']}: {line['reason']}")
sys.exit(1 if total[3] else 0)
