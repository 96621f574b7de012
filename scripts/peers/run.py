#!/usr/bin/env python3
"""Trains the same networks with wgrad and with its peers, in turns, and prints one table.

Every peer trains `mlp` (784-128-10) and `cnn` (Keras's simple convnet) on Fashion-MNIST: SGD with learning rate 0.05 and
momentum 0.9, in the loop that its users would write. In each round every peer runs once, in a separate process, so that
other load on the machine affects all of them: trust the ratios more than the absolute numbers. The kernel caches are
empty in the first round and kept for the next, so the first step is measured both ways. A peer that cannot be installed
or that fails is a row with the reason.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import install
import table
from install import HERE, PROJECT, Failed, say

PEERS = {
    "wgrad": "this project",
    "burn": "Burn on wgpu, without autotune and fusion",
    "tinygrad": "tinygrad's WEBGPU back end, on Dawn",
    "pytorch-cpu": "PyTorch eager, on the processor",
    "pytorch-cuda": "PyTorch eager, on an NVIDIA GPU",
    "pytorch-cuda-graph": "PyTorch compiled into CUDA graphs, on an NVIDIA GPU",
    "keras": "Keras 3 on TensorFlow, on the processor",
}
CUDA = ("pytorch-cuda", "pytorch-cuda-graph")


def arguments():
    known = "\n".join(f"  {name:20}{text}" for name, text in PEERS.items())
    parser = argparse.ArgumentParser(
        prog="scripts/peers/run.sh",
        description=__doc__,
        epilog=f"peers:\n{known}\n\nwithout --peer: all of them, those on CUDA where PyTorch finds a device",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="mlp, cnn [default: both]")
    parser.add_argument("--seconds", type=float, default=5.0, help="of measuring, a peer, network and round [%(default)s]")
    parser.add_argument("--rounds", type=int, default=3, help="[%(default)s]")
    parser.add_argument("--batch", type=int, default=128, help="images a step [%(default)s]")
    parser.add_argument("--peer", action="append", choices=PEERS, metavar="NAME", help="only this one beside wgrad (repeatable)")
    parser.add_argument("--adapter", default="best", help="wgrad's adapter; its peers choose theirs, the table names it")
    parser.add_argument("--data", default="fashion-mnist", help="a folder with four IDX files [%(default)s]")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, one a network and peer, instead of the table")
    parser.add_argument("--save", type=pathlib.Path, metavar="FILE", help="keep what every run reported, a JSON object a line")
    parser.add_argument("--wgrad", type=pathlib.Path, metavar="BINARY", help="do not build wgrad, take this one")
    parser.add_argument("--here", action="store_true", help="install nothing: run the peers with this Python")
    options = parser.parse_args()
    options.networks = options.networks or ["mlp", "cnn"]
    for network in options.networks:
        if network not in ("mlp", "cnn"):
            parser.error(f"unknown network `{network}`: the peers have mlp and cnn")
    if options.rounds < 1 or options.batch < 1 or not 0.01 <= options.seconds <= 3600:
        parser.error("--rounds and --batch are at least 1, --seconds is from 0.01 to 3600")
    return options


class Setup:
    """The programs to run: a command for each peer, or the reason why there is none."""

    def __init__(self, options):
        self.options = options
        self.cache = pathlib.Path(os.environ.get("WGRAD_PEERS") or PROJECT / "target" / "peers").absolute()
        self.pythons = {}
        self.wgrad = options.wgrad.absolute() if options.wgrad else install.wgrad()
        source = install.run([str(self.wgrad), "data", "info", "--data", options.data, "--json"])
        self.data = json.loads(source.splitlines()[-1])["source"]

    def python(self, name):
        """Returns the Python that has a peer's packages, and their size on the disk."""
        if self.options.here:
            return sys.executable, None
        if name not in self.pythons:
            python = install.environment(self.cache, name)
            self.pythons[name] = str(python), install.size(python.parent.parent)
        return self.pythons[name]

    def has_cuda(self):
        try:
            python, _ = self.python("pytorch")
            install.run([python, "-c", "import sys, torch; sys.exit(not torch.cuda.is_available())"])
            return True
        except Failed:
            return False

    def names(self):
        """Returns the names of the programs: wgrad first, then the requested peers."""
        peers = self.options.peer or [name for name in PEERS if name not in CUDA or self.has_cuda()]
        return ["wgrad", *[name for name in PEERS if name in peers and name != "wgrad"]]

    def command(self, peer):
        """Returns the command without network, batch and seconds, and its size on the disk."""
        if peer == "wgrad":
            return [str(self.wgrad), "bench", "--json", "--adapter", self.options.adapter], install.size(self.wgrad)
        if peer == "burn":
            if self.options.here:
                raise Failed("not built here")
            binary = install.burn(self.cache)
            return [str(binary)], install.size(binary)
        name, script, *more = {
            "tinygrad": ("tinygrad", "tinygrad_webgpu.py"),
            "pytorch-cpu": ("pytorch", "pytorch.py", "--device", "cpu"),
            "pytorch-cuda": ("pytorch", "pytorch.py", "--device", "cuda"),
            "pytorch-cuda-graph": ("pytorch", "pytorch.py", "--device", "cuda", "--graphs"),
            "keras": ("keras", "keras3.py"),
        }[peer]
        python, size = self.python(name)
        return [python, str(HERE / script), *more], size


def caches(folder):
    """Returns the environment that puts all kernel caches into a folder of this run, which is empty at first."""
    names = {
        "MESA_SHADER_CACHE_DIR": "mesa",
        "__GL_SHADER_DISK_CACHE_PATH": "nvidia",
        "CUDA_CACHE_PATH": "cuda",
        "TORCHINDUCTOR_CACHE_DIR": "inductor",
        "TRITON_CACHE_DIR": "triton",
        "CACHEDB": "tinygrad.db",
    }
    os.makedirs(folder, exist_ok=True)
    for name in ("mesa", "nvidia", "cuda"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    return {variable: os.path.join(folder, name) for variable, name in names.items()}


def end(process):
    """Ends a peer and its child processes."""
    if os.name == "nt":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def measure(command, environment, limit):
    """Runs a peer; returns its report with its peak memory, or `error`."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        started = time.time()
        environment = {**os.environ, **environment, "PEER_STARTED": repr(started)}
        # A separate process group, so that all of it can be ended, but not a separate session: Linux may share the
        # cores by session (autogroup), and then `nice` would not count between a peer and other programs.
        group = {} if os.name == "nt" else {"preexec_fn": os.setpgrp}
        process = subprocess.Popen(command, stdout=out, stderr=errors, env=environment, **group)
        late = threading.Event()
        timer = threading.Timer(limit, lambda: (late.set(), end(process)))
        timer.start()
        try:
            peak = None
            if hasattr(os, "wait4"):
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            else:
                process.wait()
        except KeyboardInterrupt:
            end(process)
            raise
        finally:
            timer.cancel()
        out.seek(0)
        errors.seek(0)
        lines = [line for line in out.read().splitlines() if line.startswith("{")]
        words = [line.strip() for line in errors.read().splitlines() if line.strip()]
    seconds = time.time() - started
    if late.is_set():
        return {"error": f"not done after {limit:.0f} s"}
    if process.returncode != 0 or not lines:
        reasons = [line for line in words if "rror" in line or "panicked" in line] or words or ["no words"]
        return {"error": f"exit code {process.returncode}: {reasons[-1][:200]}", "stderr": words[-20:]}
    return {**json.loads(lines[-1]), "peak_bytes": peak, "process_seconds": round(seconds, 2)}


def told(report):
    """Converts wgrad's report to the peers' format: its own clock starts at its first line, theirs with the process."""
    if "ready_seconds" in report:
        report["first_step_seconds"] += report["ready_seconds"]
        report["device"] = f"{report['adapter']} ({report['backend']}, {report['driver']})"
        report["versions"] = {"wgrad": report["version"]}
    return report


def load():
    """Returns the load average of the last minute; None if the system does not report it."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def rounds(options, setup, keep):
    """Does all the runs, in turns; `keep` receives each result."""
    commands, failed = {}, {}
    for peer in setup.names():
        try:
            commands[peer] = setup.command(peer)
        except Failed as reason:
            failed[peer] = str(reason)
            say(f"{peer}: {reason}")
    folder = tempfile.mkdtemp(prefix="wgrad-peers-")
    try:
        for network in options.networks:
            left = list(commands)
            for number in range(1, options.rounds + 1):
                turn = (number - 1) % len(left)
                for peer in left[turn:] + left[:turn]:
                    command, size = commands[peer]
                    command = [*command, network, "--batch", str(options.batch), "--seconds", str(options.seconds)]
                    command += ["--data", setup.data]
                    before = load()
                    where = caches(os.path.join(folder, network, peer))
                    report = told(measure(command, where, 900 + 20 * options.seconds))
                    result = {**report, "network": network, "peer": peer, "round": number, "install_bytes": size, "load": before}
                    keep(result)
                    speed = result.get("error") or f"{result['images_per_second']:,.0f} images/s"
                    say(f"{network}, round {number} of {options.rounds}, {peer}: {speed}")
                    if "error" in result:
                        left.remove(peer)
            for peer, reason in failed.items():
                keep({"network": network, "peer": peer, "round": 1, "error": reason})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    options = arguments()
    results = []

    def keep(result):
        results.append(result)
        if options.save:
            with open(options.save, "a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")

    if options.save:
        options.save.write_text("")
    try:
        setup = Setup(options)
        if (load() or 0) > 0.5 * (os.cpu_count() or 1):
            say(f"warning: other programs run here (load {load():.1f} on {os.cpu_count()} threads): even ratios are bent by that")
        rounds(options, setup, keep)
    except Failed as reason:
        say(f"error: {reason}")
        return 2
    except KeyboardInterrupt:
        say("interrupted")
        if not results:
            return 130
    table.show(results, options.json)
    ran = {result["network"] for result in results if result["peer"] == "wgrad" and "error" not in result}
    return 0 if ran == set(options.networks) else 1


if __name__ == "__main__":
    sys.exit(main())
