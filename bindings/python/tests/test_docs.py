"""Every program of docs/python.md runs."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

PAGE = pathlib.Path(__file__).parents[3] / "docs/python.md"
#: What a program needs besides the packages of scripts/python.sh, and its text.
PROGRAMS = re.findall(r"(?:<!-- needs ([\w, ]+) -->\n)?```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_of_the_page_runs(number, tmp_path):
    needs, text = PROGRAMS[number]
    missing = [name for name in needs.split(", ") if name and importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"NOT TESTED: program {number} of the page, which needs {', '.join(missing)}")
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr


def test_the_page_has_programs():
    assert len(PROGRAMS) == 8
