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
import scipy.sparse
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
        (dict(x=iter([])), ValueError, "x is a list_iterator, which gives \\(x, y\\); got y as well"),
        (dict(x={"a": np.zeros((240, 8))}), ValueError, "x is a dict of arrays, expected one array"),
        (dict(x=[np.zeros((240, 8)), np.zeros((240, 8))]), ValueError, "x is a list of arrays, expected one array"),
        (dict(x=None), TypeError, "x is a NoneType, expected an array"),
        (dict(x="pictures"), TypeError, "x is a str, expected an array"),
        (dict(x={1, 2}), TypeError, "x is a set, expected an array"),
        (dict(x=np.float32(3)), ValueError, "x is one number, expected an array"),
        (dict(x=np.full((240, 8, 8, 1), None)), TypeError, "x has dtype object, expected numbers"),
        (dict(x=np.zeros((240, 8, 8, 1), complex)), TypeError, "x has dtype complex128, expected numbers"),
        (dict(x=np.zeros((240, 8, 8, 1), "datetime64[s]")), TypeError, "x has dtype datetime64"),
        (dict(x=np.full((240, 8, 8, 1), np.inf)), ValueError, "got inf in image 0"),
        (dict(x=np.full((240, 8, 8, 1), 1e300)), ValueError, "got inf in image 0"),
        (dict(x=scipy.sparse.eye(240, 64, format="csr")), TypeError, r"x is a sparse csr_matrix, .*x.toarray\(\)"),
        (dict(y=None), TypeError, "y is a NoneType, expected an array"),
        (dict(y=["a"] * 240), TypeError, "y has dtype <U1, expected numbers"),
        (dict(y=[[0], [1, 2]]), ValueError, "y is ragged"),
        (dict(y=np.full(240, np.nan)), ValueError, "y has the label nan in row 0"),
        (dict(y=np.full(240, 2**63, np.uint64)), ValueError, "y has the label 9223372036854775808 in row 0"),
        (dict(y=np.zeros(5)), ValueError, "x has 240 rows and y has 5"),
        (dict(y=np.full(240, 7)), ValueError, "y has the label 7 in row 0, expected a class: 0, 1, ..., 2"),
        (dict(y=np.full(240, -1)), ValueError, "y has the label -1 in row 0"),
        (dict(y=np.full(240, 0.5)), ValueError, "y has the label 0.5 in row 0"),
        (dict(y=np.eye(3)[np.zeros(240, int)]), ValueError, "for rows with a 1 at their class use categorical_crossentropy"),
        (dict(batch_size=2.5), ValueError, "batch_size is 2.5, expected a whole number"),
        (dict(batch_size=2**40), ValueError, "batch_size is 1099511627776, expected at most 1048576"),
        (dict(epochs=True), ValueError, "epochs is True"),
        (dict(epochs=10**10), ValueError, "epochs is 10000000000, expected at most 1000000000"),
        (dict(validation_data=(1, 2, 3, 4)), ValueError, "validation_data is no tuple"),
        (dict(validation_data=(np.zeros((3, 8, 8)), np.full(3, 9))), ValueError, "validation_data's y has the label 9 in row 0"),
        (dict(validation_data=(np.zeros((3, 9)), np.zeros(3))), ValueError, "validation_data's x has shape"),
        (dict(steps_per_epoch=0), ValueError, "steps_per_epoch is 0"),
        (dict(class_weight={0: -1.0}), ValueError, "class_weight is -1"),
        (dict(class_weight={0: 1.0}, sample_weight=np.ones(240)), ValueError, "got class_weight and sample_weight"),
        (dict(callbacks=[3]), (TypeError, AttributeError), "int"),
        (dict(batch_size=0), ValueError, "batch_size is 0, expected a whole number of at least 1"),
        (dict(epochs=-1), ValueError, "epochs is -1"),
        (dict(validation_split=1.5), ValueError, "validation_split is 1.5, expected a share above 0 and below 1"),
        (dict(class_weight={9: 1.0}), ValueError, r"class_weight has the classes \[9\]"),
        (dict(sample_weight=np.full(240, -1.0)), ValueError, "sample_weight has -1.0 in row 0, expected numbers from 0"),
        (dict(sample_weight=np.full(240, np.nan)), ValueError, "sample_weight has nan in row 0"),
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


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (dict(y=np.full(240, np.nan, np.float32)), ValueError, "got NaN as label 0"),
        (dict(y=np.zeros((240, 2))), ValueError, r"y has shape \(240, 2\), expected one number for each of 240 rows"),
        (dict(class_weight={0: 1.0}), ValueError, "class_weight is for classes, and this network predicts a number"),
    ],
)
def test_wrong_numbers_are_named(change, kind, words):
    model = networks.regression(keras)
    model.compile("sgd", "mse")
    x, y = networks.data("rows")
    with pytest.raises(kind, match=words):
        wgrad.fit(model, **{"x": x, "y": y, **CPU, **change})


@pytest.mark.parametrize("call", [wgrad.predict, wgrad.evaluate])
@pytest.mark.parametrize(
    ("x", "kind", "words"),
    [
        (np.zeros((5, 3)), ValueError, "x has shape"),
        ([[1.0], [1.0, 2.0]], ValueError, "x is ragged"),
        (np.full((5, 8, 8, 1), None), TypeError, "x has dtype object"),
        (np.zeros((0, 8, 8, 1)), ValueError, "x has no rows"),
        (iter([]), ValueError, "x gives no batches"),
    ],
)
def test_wrong_inputs_of_predictions_and_evaluations_are_named(fitted, call, x, kind, words):
    labels = {} if call is wgrad.predict or not hasattr(x, "__len__") else {"y": np.zeros(len(x))}
    with pytest.raises(kind, match=words):
        call(fitted[0], x, **labels, **CPU)


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
# A shell's background jobs ignore it, and so do their children.
signal.signal(signal.SIGINT, signal.default_int_handler)
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
