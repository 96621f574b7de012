"""Installs each peer once, into a separate folder under one cache folder. Nothing outside it is changed."""

import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
# Notes for the user before an installation starts.
COST = {
    "pytorch": "5.5 GB with CUDA's libraries",
    "keras": "1.5 GB, on TensorFlow",
    "tinygrad": "0.2 GB, with Dawn",
    "burn": "some 2,000 CPU-seconds of compiling, 2 GB of build files",
}


class Failed(Exception):
    """A peer cannot be installed; the text is the reason."""


def say(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def size(path):
    """Returns the bytes of a file, or of all files under a folder."""
    path = path.resolve()
    if path.is_file():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def human(count):
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def run(command, **more):
    """Runs a command; if it fails, the end of its output is the reason. Its output goes to stderr: stdout is data."""
    try:
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    except OSError as error:
        raise Failed(f"{command[0]}: {error.strerror}") from error
    if ended.returncode != 0:
        words = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
        errors = [line for line in words if line.lower().startswith("error")] or words[-1:] or ["it said nothing"]
        raise Failed(f"{pathlib.Path(command[0]).name} failed: {errors[0][:300]}")
    return ended.stdout


def environment(cache, name):
    """Returns the Python of a virtual environment with the packages of `requirements/NAME.txt`."""
    folder, requirements = cache / name, HERE / "requirements" / f"{name}.txt"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-r", str(requirements)]
    if python.exists():
        try:
            run([*pip, "--no-index"])  # succeeds only if everything is installed
            return python
        except Failed:
            pass
    wanted = requirements.read_text().split("\n")[0]
    say(f"installing {wanted} and what it needs into {folder} ({COST[name]})")
    start = time.monotonic()
    run([sys.executable, "-m", "venv", str(folder)])
    run(pip)
    say(f"installed {name}: {human(size(folder))}, {time.monotonic() - start:.0f} s")
    return python


def burn(cache):
    """Builds the program in `burn/` into the cache."""
    folder = cache / "burn"
    binary = folder / "release" / ("burn-peer.exe" if os.name == "nt" else "burn-peer")
    start = time.monotonic()
    if not binary.exists():
        say(f"building Burn's program into {folder} ({COST['burn']})")
    manifest = ["--manifest-path", str(HERE / "burn" / "Cargo.toml")]
    run(["cargo", "build", "--release", "--locked", *manifest], env={**os.environ, "CARGO_TARGET_DIR": str(folder)})
    if time.monotonic() - start > 5:
        say(f"built burn-peer: {human(size(binary))}, {time.monotonic() - start:.0f} s")
    return binary


def wgrad():
    """Builds this project's own program in release mode."""
    say("building wgrad in release")
    run(["cargo", "build", "--release", "--locked"], cwd=PROJECT)
    metadata = json.loads(run(["cargo", "metadata", "--no-deps", "--format-version", "1", "--offline"], cwd=PROJECT))
    return pathlib.Path(metadata["target_directory"]) / "release" / ("wgrad.exe" if os.name == "nt" else "wgrad")
