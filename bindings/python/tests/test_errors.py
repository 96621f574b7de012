"""Wrong input raises an exception that says what was wrong, in Python's words; nothing ends the interpreter."""

import os
import signal
import subprocess
import sys
import threading

import keras
import networks
import numpy as np
import pytest
import wgrad

CPU = {"device": "cpu", "verbose": 0}


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (dict(x=np.zeros((240, 7, 8), np.float32)), ValueError, r"x has shape \(240, 7, 8\), expected \(rows, 8, 8, 1\)"),
        (dict(x=np.zeros((0, 8, 8, 1), np.float32), y=np.zeros(0)), ValueError, "x has no rows"),
        (dict(x=np.array([["a"] * 64] * 240)), TypeError, "x has dtype <U1, expected numbers"),
        (dict(x=[[1.0], [1.0, 2.0]]), ValueError, "x is ragged"),
        (dict(x=np.full((240, 8, 8, 1), np.nan, np.float32)), ValueError, "got NaN in image 0"),
        (dict(x=iter([])), TypeError, "x is a list_iterator, expected an array"),
        (dict(x={"a": np.zeros((240, 8))}), ValueError, "x is a dict of arrays, expected one array"),
        (dict(y=np.zeros(5)), ValueError, "x has 240 rows and y has 5"),
        (dict(y=np.full(240, 7)), ValueError, "y has the label 7 in row 0, expected a class: 0, 1, ..., 2"),
        (dict(y=np.full(240, -1)), ValueError, "y has the label -1 in row 0"),
        (dict(y=np.full(240, 0.5)), ValueError, "y has the label 0.5 in row 0"),
        (dict(y=np.eye(3)[np.zeros(240, int)]), ValueError, "for rows with a 1 at their class use categorical_crossentropy"),
        (dict(batch_size=0), ValueError, "batch_size is 0, expected a whole number of at least 1"),
        (dict(epochs=-1), ValueError, "epochs is -1"),
        (dict(validation_split=1.5), ValueError, "validation_split is 1.5, expected a share above 0 and below 1"),
        (dict(class_weight={9: 1.0}), ValueError, r"class_weight has the classes \[9\]"),
        (dict(sample_weight=np.full(240, -1.0)), ValueError, "sample_weight has -1.0 in row 0, expected numbers from 0"),
        (dict(sample_weight=np.ones(3)), ValueError, "sample_weight has shape"),
        (dict(device="no such adapter"), RuntimeError, "no adapter matches `no such adapter`"),
        (dict(device=1.5), TypeError, "device is 1.5, expected"),
    ],
)
def test_wrong_arguments_are_named(fitted, change, kind, words):
    model, x, y = fitted
    arguments = {"x": x, "y": y, **CPU, **change}
    with pytest.raises(kind, match=words):
        wgrad.fit(model, **arguments)


def test_a_negative_learning_rate_is_named_as_python_names_it(fitted):
    model, x, y = fitted
    model.optimizer.learning_rate = -1.0
    with pytest.raises(ValueError, match="learning_rate is -1, expected"):
        wgrad.fit(model, x, y, **CPU)


def test_a_loss_that_is_not_finite_raises(fitted):
    model, x, y = fitted
    model.compile(keras.optimizers.SGD(1e30), model.loss)
    with pytest.raises(FloatingPointError, match="the loss became .*; try a lower learning_rate"):
        wgrad.fit(model, x, y, epochs=20, **CPU)


def test_a_model_that_is_none_or_not_compiled_is_refused(fitted):
    _, x, y = fitted
    with pytest.raises(TypeError, match="model is a str, expected a Keras 3 model"):
        wgrad.fit("model", x, y, **CPU)
    with pytest.raises(ValueError, match="not compiled; call model.compile"):
        wgrad.fit(networks.dense(keras), x, y, **CPU)


INTERRUPTED = """
import os, signal, threading
import keras, networks, numpy as np, wgrad
model = networks.initial(networks.dense(keras))
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
x, y = networks.data("images")
before = model.get_weights()[0].copy()

def rate(epoch):
    if epoch == 3:
        os.kill(os.getpid(), signal.SIGINT)
    return 0.01

# A scheduler needs no weights, so that nothing was written back before.
interrupt = keras.callbacks.LearningRateScheduler(rate)
try:
    wgrad.fit(model, x, y, epochs=1000000, verbose=0, device="cpu", callbacks=[interrupt])
except KeyboardInterrupt:
    print("interrupted", not np.array_equal(before, model.get_weights()[0]), int(model.optimizer.iterations) >= 24)
"""


def test_ctrl_c_stops_the_training_and_keeps_what_was_learned():
    folder = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.stdout.strip() == "interrupted True True", done.stderr
    assert done.returncode == 0


KEPT = """
import keras, networks, wgrad
model = networks.dense(keras)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))

def fail(epoch):
    raise KeyError("mine")

try:
    wgrad.fit(model, *networks.data("images"), verbose=0, device="cpu", callbacks=[keras.callbacks.LearningRateScheduler(fail)])
except KeyError as error:
    kept = error
print("the end")
"""


def test_an_exception_that_is_kept_does_not_keep_the_interpreter():
    folder = os.path.dirname(__file__)
    done = subprocess.run([sys.executable, "-c", KEPT], cwd=folder, capture_output=True, text=True, timeout=600)
    assert (done.stdout.strip(), done.returncode) == ("the end", 0), done.stderr


def test_other_threads_run_meanwhile_and_two_trainings_give_the_same():
    x, y = networks.data("images")
    found, errors = {}, []

    def train(name):
        try:
            model = networks.initial(networks.dense(keras))
            model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            wgrad.fit(model, x, y, epochs=3, seed=1, **CPU)
            found[name] = model.get_weights()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=train, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert all(np.array_equal(p, q) for p, q in zip(found["a"], found["b"]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_is_refused_in_words(fitted):
    model, x, y = fitted
    wgrad.predict(model, x[:2], device="cpu")
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            wgrad.predict(model, x[:2], device="cpu")
        except RuntimeError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    assert b"this process was forked" in os.read(read, 1000)
    os.close(read)
