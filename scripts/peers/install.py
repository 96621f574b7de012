"""Installs the peers, each into a folder of its own under one cache folder, once. Nothing outside it is changed."""

import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
# What a user should know before it starts.
COST = {
    "pytorch": "5.5 GB with CUDA's libraries",
    "keras": "1.5 GB, on TensorFlow",
    "tinygrad": "0.2 GB, with Dawn",
    "burn": "some 2,000 CPU-seconds of compiling, 2 GB of build files",
}


class Failed(Exception):
    """A peer cannot be installed; the text says why."""


def say(text):
    print(f"peers: {text}", file=sys.stderr, flush=True)


def size(path):
    """Bytes of a file, or of all files under a folder."""
    path = path.resolve()
    if path.is_file():
        return path.stat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def human(count):
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def run(command, **more):
    """Runs a command; its last words are the reason if it fails. Its output goes to stderr, as stdout is data."""
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
    """The Python of a virtual environment that has what `requirements/NAME.txt` asks for."""
    folder, requirements = cache / name, HERE / "requirements" / f"{name}.txt"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "-r", str(requirements)]
    if python.exists():
        try:
            run([*pip, "--no-index"])  # succeeds only if all of it is there
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
    """The program in `burn/`, built into the cache."""
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
    """This project's own program, built in release."""
    say("building wgrad in release")
    run(["cargo", "build", "--release", "--locked"], cwd=PROJECT)
    metadata = json.loads(run(["cargo", "metadata", "--no-deps", "--format-version", "1", "--offline"], cwd=PROJECT))
    return pathlib.Path(metadata["target_directory"]) / "release" / ("wgrad.exe" if os.name == "nt" else "wgrad")
