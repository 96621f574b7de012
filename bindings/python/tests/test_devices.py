"""Devices: their names, closing, forks, and the memory of many trainings."""

import os
import pathlib
import subprocess
import sys
import threading
import time

import networks
import numpy as np
import pytest
import wgrad
from wgrad import Input, Sequential, layers

#: Trainings of the test of memory.
FITS = int(os.environ.get("WGRAD_TEST_FITS", "150"))


def small():
    model = Sequential([Input((6,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def test_a_device_has_several_names():
    x, _ = networks.data("rows", rows=8)
    found = wgrad.adapters()
    software = next(adapter for adapter in found if adapter.kind == "cpu")
    model = small()
    wanted = model.predict(x, device="cpu")
    for name in (software.index, np.int64(software.index), str(software.index), software.name.split(" ")[0].upper()):
        assert np.array_equal(model.predict(x, device=name), wanted), name
    with pytest.raises(RuntimeError, match="no adapter matches `99`; .*0: "):
        model.predict(x, device=99)
    if all(adapter.kind == "cpu" for adapter in found):
        with pytest.raises(RuntimeError, match="no adapter matches `gpu`"):
            model.predict(x, device="gpu")
    for wrong in (None, True, 1.5, [0]):
        with pytest.raises(TypeError, match="expected \"gpu\", \"cpu\""):
            model.predict(x, device=wrong)


def test_a_device_that_is_closed_ends_a_training_in_words_and_opens_again():
    x, y = networks.data("rows")
    model, ended = small(), []

    def train():
        try:
            model.fit(x, y, epochs=1_000_000, verbose=0, device="cpu")
        except RuntimeError as error:
            ended.append(str(error))

    model.fit(x, y, verbose=0, device="cpu")
    thread = threading.Thread(target=train)
    thread.start()
    time.sleep(1)
    wgrad.close()
    thread.join(60)
    assert not thread.is_alive() and len(ended) == 1
    assert "it was closed while it was in use" in ended[0]
    assert len(model.fit(x, y, verbose=0, device="cpu").history["loss"]) == 1
    wgrad.close()
    wgrad.close()


def resident():
    """MiB of this process in memory."""
    text = pathlib.Path("/proc/self/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="this system has no /proc")
def test_many_trainings_do_not_grow_memory():
    x, y = networks.data("rows", rows=32)
    model = small()
    for _ in range(40):
        model.fit(x, y, verbose=0, device="cpu")
    before = resident()
    for _ in range(FITS):
        model.fit(x, y, verbose=0, device="cpu")
    grown = resident() - before
    print(f"{FITS} trainings: {before:.1f} MiB and {grown:+.1f} MiB")
    # A leak of one training's buffers is larger.
    assert grown < 4 + FITS / 100


FORKED = """
import multiprocessing, networks, sys, wgrad
from wgrad import Input, Sequential, layers
model = Sequential([Input((6,)), layers.Dense(1)])
x, _ = networks.data("rows", rows=4)

def work():
    try:
        model.predict(x, device="cpu")
    except RuntimeError as error:
        print(error, flush=True)
        sys.exit(7)

work()
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join(60)
print("ended with", child.exitcode)
model.predict(x, device="cpu")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_says_so_and_ends():
    folder = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], cwd=folder, capture_output=True, text=True, timeout=300)
    assert "this process was forked" in done.stdout and "ended with 7" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
