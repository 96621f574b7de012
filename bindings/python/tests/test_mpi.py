"""Scripts that mpirun starts train one network together, through mpi4py."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap
import time

import pytest

HERE = pathlib.Path(__file__).parent
LAUNCHER = ["mpirun", "--oversubscribe"]
#: What a program of a rank begins with: data whose last batch is uneven, a network, and a place for what it finds.
HEAD = """
import hashlib, json, os, pathlib, sys, time
sys.path.insert(0, {here!r})
import numpy as np
import networks
import wgrad
from wgrad import Input, Sequential, callbacks, layers, losses, optimizers

rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", 0))
x, y = networks.data("rows", rows=103)
CPU = dict(device="cpu", batch_size=25, epochs=3, seed=5)


def network(*more):
    model = Sequential([Input((6,)), layers.Dense(9, activation="tanh"), *more, layers.Dense(1)])
    model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model.initialize(1 + rank) or model  # the weights of rank 0 count


def tell(weights, **found):
    bits = hashlib.sha256(b"".join(np.asarray(one).tobytes() for one in weights)).hexdigest()
    pathlib.Path("rank%d.json" % rank).write_text(json.dumps(dict(bits=bits, imported="mpi4py" in sys.modules, **found)))

"""


def skip_without(*modules):
    missing = [name for name in ("mpirun",) if shutil.which(name) is None]
    for name in modules:
        done = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, timeout=300)
        missing += [name] if done.returncode else []
    if missing:
        pytest.skip(f"NOT TESTED: ranks of MPI, which need {', '.join(missing)}")


def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_", "PMIX_", "PMI_"))}
    return {**kept, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "KERAS_BACKEND": "numpy"}


def started(folder, program, ranks):
    """The command and the settings of a program, alone or with so many ranks."""
    file = folder / "program.py"
    file.write_text(HEAD.replace("{here!r}", repr(str(HERE))) + textwrap.dedent(program))
    launcher = [] if ranks == 1 else [*LAUNCHER, "-n", str(ranks)]
    return [*launcher, sys.executable, str(file)], dict(cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def run(folder, program, ranks, fails=False, seconds=240):
    """What each rank found, and what all printed."""
    command, settings = started(folder, program, ranks)
    done = subprocess.run(command, timeout=seconds, **settings)
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    found = [json.loads(file.read_text()) for file in sorted(folder.glob("rank*.json"))]
    for file in folder.glob("rank*.json"):
        file.unlink()
    return found, done


def near(got, expected):
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        assert got[name] == pytest.approx(values, rel=1e-5), name


def compared(folder, program, counts=(2, 3)):
    """Runs a program alone and with several ranks: the same losses, and the same bits on all ranks."""
    (alone,), _ = run(folder, program, 1)
    done = None
    for ranks in counts:
        found, done = run(folder, program, ranks)
        assert len(found) == ranks and all(one == found[0] for one in found)
        near(found[0]["history"], alone["history"])
        assert not alone["imported"] and found[0]["imported"]
    return alone, done


def test_ranks_have_the_losses_of_one_process_and_the_same_bits(tmp_path):
    skip_without("mpi4py")
    program = """
    model = network()
    history = model.fit(x, y, validation_split=0.2, sample_weight=np.linspace(0.5, 1.5, 103), **CPU)
    assert history is model.history
    tell(model.get_weights(), history=history.history, slots=[float(np.sum(one)) for one in model.optimizer.slots["m"].values()])
    """
    alone, done = compared(tmp_path, program)
    assert alone["history"]["loss"][-1] < alone["history"]["loss"][0]
    # Rank 0 alone prints: a line for each epoch.
    for epoch in (1, 2, 3):
        assert len(re.findall(rf"epoch {epoch}/3: [0-9.]+ s - loss", done.stdout)) == 1, done.stdout
    assert done.stderr.count("ranks 0, 1, 2 share") == 1


def test_keras_and_its_callbacks(tmp_path):
    skip_without("mpi4py", "keras")
    program = """
    import keras

    wgrad.keras.install(device="cpu")
    keras.utils.set_random_seed(3 + rank)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(9, activation="tanh"), keras.layers.Dropout(0.2), keras.layers.Dense(1)])
    model.set_weights([np.full_like(one, 0.1 * (n + 1) + 0.05 * rank) for n, one in enumerate(model.get_weights())])
    model.compile(keras.optimizers.SGD(0.02, momentum=0.9), "mse", metrics=["mae", keras.metrics.RootMeanSquaredError()])
    log = "rank%d.csv" % rank
    watch = [
        keras.callbacks.ModelCheckpoint("rank%d-{epoch}.keras" % rank),
        keras.callbacks.CSVLogger(log),
        keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=10.0),
    ]
    np.random.seed(7 + rank)  # the seed of rank 0 counts
    history = model.fit(x, y, batch_size=25, epochs=6, validation_data=(x[:21], y[:21]), callbacks=watch)
    tell(model.get_weights(), history=history.history, rate=float(model.optimizer.learning_rate.numpy()), steps=int(model.optimizer.iterations.numpy()))
    """
    _, done = compared(tmp_path, program, (2,))
    assert done.stdout.count("Epoch 1/6") == 1, done.stdout
    assert sorted(file.name for file in tmp_path.glob("*.csv")) == ["rank0.csv"]
    assert {file.name.partition("-")[0] for file in tmp_path.glob("*.keras")} == {"rank0"}


def test_what_wgrad_cannot_train_is_no_training_of_each_process(tmp_path):
    skip_without("mpi4py", "keras")
    program = """
    import keras

    wgrad.keras.install()  # also with a software adapter alone
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    model.compile("adam", keras.losses.Poisson())
    try:
        model.fit(x, y, verbose=0)
    except wgrad.NotSupported as error:
        tell([], words=str(error))
    """
    found, _ = run(tmp_path, program, 2)
    assert len(found) == 2 and found[0] == found[1] and "oisson" in found[0]["words"]


def test_scikit_learn(tmp_path):
    skip_without("mpi4py", "sklearn")
    program = """
    from wgrad.sklearn import Regressor

    found = Regressor((8,), epochs=3, batch_size=20, device="cpu", random_state=1).fit(x, y)
    tell(found.model_.get_weights(), history=found.history_)
    """
    compared(tmp_path, program, (2,))


def test_a_module_of_pytorch(tmp_path):
    skip_without("mpi4py", "torch", "onnx", "onnxscript")
    program = """
    import torch

    torch.manual_seed(rank)
    module = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    history = wgrad.fit(module, x, y[:, None], loss="mse_loss", optimizer=optimizer, **CPU)
    tell([one.detach().numpy() for one in module.state_dict().values()], history=history.history)
    """
    compared(tmp_path, program, (2,))


@pytest.mark.parametrize("each", [False, True])
def test_batches_that_arrive(tmp_path, each):
    """Each rank gives all batches, of any sizes; with a callback for batches, too."""
    skip_without("mpi4py")
    program = f"""
    def batches():
        for first in range(0, 103, 20):
            yield x[first : first + 20], y[first : first + 20]


    class Every(callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.01 / (1 + batch + 5 * (rank > 0))  # that of rank 0 counts

    class Source:
        __iter__ = lambda self: batches()

    model = network()
    every = [Every()] if {each} else None
    history = model.fit(Source(), epochs=2, validation_data=Source(), callbacks=every, device="cpu", seed=2)
    again = model.fit(x, y, steps_per_epoch=3, batch_size=30, epochs=2, callbacks=every, device="cpu", seed=2)
    tell(model.get_weights(), history=dict(loss=history.history["loss"], val=history.history["val_loss"], again=again.history["loss"]))
    """
    compared(tmp_path, program, (2,))


def test_a_callback_of_one_rank_counts_for_all(tmp_path):
    """Weights of rank 0, and an end that any rank wants, whichever rank has the callback."""
    skip_without("mpi4py")
    program = """
    class Zero(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.model.set_weights([0 * one for one in self.model.get_weights()])

    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations == 11:
                self.model.stop_training = True

    size = int(os.environ.get("OMPI_COMM_WORLD_SIZE", 1))
    model = network()
    given = ([Zero()] if rank == 0 else []) + ([Stop()] if rank == size - 1 else [])
    history = model.fit(x, y, callbacks=given, **CPU)
    tell(model.get_weights(), history=history.history, steps=model.optimizer.iterations)
    """
    alone, _ = compared(tmp_path, program, (2,))
    assert alone["steps"] == 11 and len(alone["history"]["loss"]) == 3


def test_normalization_over_the_whole_batch_and_gradients_of_16_bits(tmp_path):
    skip_without("mpi4py")
    program = """
    model = network(layers.BatchNormalization())
    history = model.fit(x, y, sync_batch_norm=True, **CPU)
    tell(model.get_weights(), history=history.history)
    """
    compared(tmp_path, program, (2,))
    (exact, *_), _ = run(tmp_path, program, 2)
    (own, *_), _ = run(tmp_path, program.replace("sync_batch_norm=True, ", ""), 2)
    assert own["history"]["loss"] != pytest.approx(exact["history"]["loss"], rel=1e-5)
    (rounded, other), _ = run(tmp_path, program.replace("True, ", 'True, wire="f16", '), 2)
    assert rounded == other and rounded["bits"] != exact["bits"]
    assert rounded["history"]["loss"] == pytest.approx(exact["history"]["loss"], rel=0.01)


RAISES = """
class Raises(callbacks.Callback):
    def {method}(self, *_):
        if rank == 1 and self.model.optimizer.iterations >= {after}:
            raise LookupError("a fault of mine")

model = network()
try:
    model.fit({data}, callbacks=[Raises()], {more})
except Exception as error:
    tell(model.get_weights(), words=f"{type(error).__name__}: {error}")
    raise
"""


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("on_train_begin", "validation_split=0.2, **CPU"),
        ("on_train_batch_end", "**CPU"),
        ("on_epoch_end", "validation_split=0.2, **CPU"),
        ("on_test_batch_end", "validation_split=0.2, **CPU"),
        ("on_train_end", "**CPU"),
        ("on_train_batch_begin", 'steps_per_epoch=3, device="cpu", epochs=3'),
    ],
)
def test_an_exception_of_one_rank_ends_all(tmp_path, method, more):
    skip_without("mpi4py")
    after = 0 if method == "on_train_begin" else 3
    program = textwrap.dedent(RAISES).replace("{method}", method).replace("{after}", str(after)).replace("{data}", "x, y").replace("{more}", more)
    began = time.monotonic()
    found, _ = run(tmp_path, program, 3, fails=True, seconds=120)
    assert time.monotonic() - began < 60
    assert [one["words"] for one in found] == [
        "RuntimeError: rank 1 ended the training with LookupError: a fault of mine",
        "LookupError: a fault of mine",
        "RuntimeError: rank 1 ended the training with LookupError: a fault of mine",
    ]
    # What was learned stays, on all ranks.
    assert method == "on_train_begin" or len({one["bits"] for one in found}) == 1


FIT = """
try:
    network({layer}).fit({data})
except Exception as error:
    tell([], words=f"{type(error).__name__}: {error}")
    raise
"""


@pytest.mark.parametrize(
    ("layer", "data", "words"),
    [
        ("", "x + (rank == 1), y, **CPU", "rank 1 has x, y and sample_weight"),
        ("", "x[: 103 - rank], y[: 103 - rank], **CPU", "rank 1 has x, y and sample_weight (102, 6) of float32"),
        ("", "x, y, validation_data=(x + rank, y), **CPU", "rank 1 has validation_data"),
        ("", "x, y, **{**CPU, 'batch_size': 25 + rank}", "rank 1 has batch_size 26, rank 0 has batch_size 25"),
        ("*[layers.Dropout(0.1)] * rank", "x, y, **CPU", "rank 1 has layers"),
        ("layers.Dropout(0.1 + rank / 10)", "x, y, **CPU", "rank 1 has the network"),
        ("", "((x + rank, y) for _ in range(3)), device='cpu'", "rank 1 has a batch of x (103, 6) of float32"),
        ("", "((x, y) for _ in range(3 - rank)), device='cpu'", "rank 1 has come to the last batch of epoch 1, rank 0 has come to batch 2 of epoch 1"),
        ("", "x, y, device='cpu' if rank == 0 else 'no such'", "'no such'|no such"),
    ],
)
def test_ranks_that_differ_are_refused(tmp_path, layer, data, words):
    skip_without("mpi4py")
    found, done = run(tmp_path, textwrap.dedent(FIT).replace("{layer}", layer).replace("{data}", data), 2, fails=True, seconds=120)
    assert len(found) == 2
    for one in found:
        assert any(part in one["words"] for part in words.split("|")), one
    assert "epoch 1/3" not in done.stdout


def test_an_argument_that_one_rank_refuses_ends_all(tmp_path):
    skip_without("mpi4py")
    # The program goes on, and the next training is whole.
    program = """
    try:
        network().fit(x if rank == 0 else [[]], y, **CPU)
        raise SystemExit("trained")
    except (RuntimeError, ValueError) as error:
        words = str(error)
    model = network()
    history = model.fit(x, y, **CPU)
    tell(model.get_weights(), words=words)
    """
    (first, second), _ = run(tmp_path, program, 2)
    assert first["words"].startswith("rank 1 ended the training with ValueError") and "x" in second["words"]
    assert first["bits"] == second["bits"]


def test_ctrl_c_at_one_rank_ends_all(tmp_path):
    skip_without("mpi4py")
    program = """
    import threading
    class Long(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2 and rank == 1:
                threading.Timer(0.2, os.kill, (os.getpid(), 2)).start()

    model = network()
    try:
        model.fit(x, y, callbacks=[Long()], **{**CPU, "epochs": 100000})
    except BaseException as error:
        tell([], words=f"{type(error).__name__}: {error}")
        raise
    """
    began = time.monotonic()
    found, _ = run(tmp_path, program, 2, fails=True, seconds=120)
    assert time.monotonic() - began < 60
    assert [one["words"] for one in found] == ["RuntimeError: rank 1 ended the training with KeyboardInterrupt: ", "KeyboardInterrupt: "]


@pytest.mark.parametrize("call", ["Ibarrier", "allgather"])
def test_ctrl_c_in_the_middle_of_a_meeting_ends_all(tmp_path, call):
    """It comes when a rank has told the others that it is there, and when it has heard what they say."""
    skip_without("mpi4py")
    program = """
    from wgrad import _team

    class Talk:
        def __init__(self, talk):
            self.talk, self.due = talk, True

        def __getattr__(self, name):
            def call(*given):
                found = getattr(self.talk, name)(*given)
                if name == "CALL" and self.due:
                    self.due = False
                    os.kill(os.getpid(), 2)
                    time.sleep(0.1)
                return found

            return call

    class Long(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2 and rank == 1:
                _team.known()._talk = Talk(_team.known()._talk)

    try:
        network().fit(x, y, callbacks=[Long()], **{**CPU, "epochs": 100000})
    except BaseException as error:
        tell([], words=f"{type(error).__name__}: {error}")
        raise
    """
    found, _ = run(tmp_path, program.replace("CALL", call), 2, fails=True, seconds=60)
    assert [one["words"] for one in found] == ["RuntimeError: rank 1 ended the training with KeyboardInterrupt: ", "KeyboardInterrupt: "]


def test_a_device_that_fails_at_one_rank_ends_all(tmp_path):
    """The others wait for that device: MPI ends them."""
    skip_without("mpi4py")
    program = """
    import threading
    from wgrad import _team
    _team.PATIENCE = 3.0

    class Close(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1 and rank == 1:
                wgrad.close()

    network().fit(x, y, callbacks=[Close()], **{**CPU, "epochs": 100000})
    """
    began = time.monotonic()
    _, done = run(tmp_path, program, 2, fails=True, seconds=120)
    assert time.monotonic() - began < 60
    assert "rank 1 ends the other ranks" in done.stderr and "RuntimeError" in done.stderr


def test_a_killed_rank_ends_all(tmp_path):
    skip_without("mpi4py")
    program = """
    class Dies(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if rank == 1:
                os.kill(os.getpid(), 9)

    network().fit(x, y, callbacks=[Dies()], **{**CPU, "epochs": 100000})
    """
    run(tmp_path, program, 2, fails=True, seconds=120)


def test_an_mpi_that_a_program_has_begun_is_found(tmp_path):
    """Also behind a launcher whose variables are unknown; what the program sends meanwhile is its own."""
    skip_without("mpi4py")
    program = """
    from mpi4py import MPI
    for name in [name for name in os.environ if name.startswith(("OMPI_", "PMIX_", "PMI_"))]:
        del os.environ[name]

    class Own(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            assert MPI.COMM_WORLD.allgather(epoch) == [epoch] * MPI.COMM_WORLD.Get_size()

    model = network()
    history = model.fit(x, y, callbacks=[Own()], **CPU)
    tell(model.get_weights(), history=history.history, size=MPI.COMM_WORLD.Get_size())
    """
    found, done = run(tmp_path, program, 2)
    assert [one["size"] for one in found] == [2, 2] and found[0] == found[1]
    assert done.stderr.count("ranks 0, 1 share") == 1


def test_a_launcher_without_mpi4py_is_refused(tmp_path):
    program = """
    sys.modules["mpi4py"] = None
    try:
        network().fit(x, y, **CPU)
    except ImportError as error:
        tell([], words=str(error))
    """
    command, settings = started(tmp_path, program, 1)
    settings["env"]["OMPI_COMM_WORLD_SIZE"] = "2"
    done = subprocess.run(command, timeout=240, **settings)
    words = json.loads((tmp_path / "rank0.json").read_text())["words"] if done.returncode == 0 else done.stderr
    assert "a launcher of MPI started 2 processes" in words and "pip install wgrad[mpi]" in words


def test_a_process_that_a_rank_starts_is_refused(tmp_path):
    program = """
    import multiprocessing

    def trains(_):
        try:
            network().fit(x, y, **CPU)
        except RuntimeError as error:
            return str(error)

    if __name__ == "__main__":
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            tell([], words=pool.map(trains, [0])[0])
    """
    command, settings = started(tmp_path, program, 1)
    settings["env"]["PMI_SIZE"] = "2"
    done = subprocess.run(command, timeout=240, **settings)
    assert done.returncode == 0, done.stderr
    assert "this one was started by one of them" in json.loads((tmp_path / "rank0.json").read_text())["words"]


def test_a_launcher_of_another_mpi_is_refused(tmp_path):
    """mpi4py then sees one process: as many trainings would run side by side."""
    skip_without("mpi4py")
    command, settings = started(tmp_path, "network().fit(x, y, **CPU)", 1)
    settings["env"]["PMI_SIZE"] = "2"
    done = subprocess.run(command, timeout=240, **settings)
    assert done.returncode != 0 and "mpi4py sees 1: it has another MPI" in done.stderr
