"""The package without Keras, its files, and its stubs."""

import subprocess
import sys

import networks
import numpy as np
import pytest
import wgrad
from wgrad import Input, Model, Sequential, callbacks, layers, losses, optimizers

CPU = {"device": "cpu"}


def stack():
    model = Sequential([Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)])
    model.compile(optimizers.Adam(0.01), losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model


def test_a_stack_learns():
    x, y = networks.data("images")
    model = stack()
    history = model.fit(x, y, epochs=6, validation_split=0.25, verbose=0, seed=1, **CPU)
    assert sorted(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.history["accuracy"][-1] > 0.9
    loss, accuracy = model.evaluate(x, y, verbose=0, **CPU)
    assert accuracy == pytest.approx((model.predict(x, **CPU).argmax(axis=1) == y).mean())
    assert loss > 0 and repr(history).startswith("History of 6 epochs: ")


def test_the_shape_of_the_input_comes_from_the_data():
    x, y = networks.data("rows")
    model = Sequential([layers.Dense(8, activation="tanh"), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae", "rmse"])
    history = model.fit(x, y, epochs=3, verbose=0, **CPU).history
    assert history["loss"][-1] < history["loss"][0]
    assert history["rmse"][-1] ** 2 == pytest.approx(history["loss"][-1], rel=1e-3)
    assert model.count_params() == 6 * 8 + 8 + 8 + 1


def test_a_graph_of_layers():
    image = Input((8, 8, 1))
    at = layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    at = layers.Add()([at, layers.Conv2D(4, 1)(at)])
    model = Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(at)))
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = networks.data("images", rows=64)
    assert len(model.fit(x, y, epochs=2, verbose=0, **CPU).history["loss"]) == 2
    assert np.allclose(model.predict(x, **CPU).sum(axis=1), 1, atol=1e-5)


def test_files_are_those_of_keras(tmp_path):
    keras = pytest.importorskip("keras")
    x, y = networks.data("series", rows=64)
    model = Sequential([Input((10, 4)), layers.Bidirectional(layers.LSTM(3)), layers.Dense(5, activation="relu"), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0, **CPU)
    model.save(tmp_path / "model.keras")
    expected = model.predict(x, **CPU)
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "model.keras").predict(x, verbose=0), expected, atol=1e-5)
    again = wgrad.load_model(tmp_path / "model.keras")
    assert np.array_equal(again.predict(x, **CPU), expected)
    # It goes on where it was compiled.
    assert len(again.fit(x, y, verbose=0, **CPU).history["loss"]) == 1


def test_weights_and_networks_of_other_formats_come_back(tmp_path):
    x, y = networks.data("images", rows=64)
    model = stack()
    model.fit(x, y, verbose=0, **CPU)
    expected = model.predict(x, **CPU)
    for name in ("model.safetensors", "model.weights.h5", "model.keras"):
        model.save_weights(tmp_path / name) if name.endswith(".h5") else model.save(tmp_path / name)
        other = stack()
        other.load_weights(tmp_path / name)
        assert np.array_equal(other.predict(x, **CPU), expected), name
    model.export(tmp_path / "model.onnx")
    again = wgrad.load(tmp_path / "model.onnx")
    np.testing.assert_allclose(again.predict(x, **CPU), expected, rtol=1e-4, atol=1e-5)
    again.compile(optimizers.Adam(0.01), losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    before = again.evaluate(x, y, verbose=0, **CPU)[0]
    assert again.fit(x, y, epochs=3, verbose=0, **CPU).history["loss"][-1] < before
    again.save(tmp_path / "again.safetensors")
    with pytest.raises(ValueError, match="has no description in Keras's terms"):
        again.save(tmp_path / "again.keras")
    with pytest.raises(OSError, match="cannot read .*none.safetensors"):
        model.load_weights(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="dense.kernel` is F32"):
        Sequential([Input((4,)), layers.Dense(3)]).load_weights(tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="does not end in .keras or .onnx"):
        wgrad.load(tmp_path / "model.safetensors")


def test_layers_that_do_not_fit_are_skipped_on_request(tmp_path):
    model = Sequential([Input((4,)), layers.Dense(5, activation="relu", name="body"), layers.Dense(3, name="head")])
    for name in ("model.safetensors", "model.weights.h5", "model.keras"):
        model.save_weights(tmp_path / name) if name.endswith(".h5") else model.save(tmp_path / name)
        other = Sequential([Input((4,)), layers.Dense(5, activation="relu", name="body"), layers.Dense(2, name="head")])
        head = other.get_weights()[2]
        with pytest.warns(UserWarning, match="layer `head` keeps its weights: .*head.kernel"):
            other.load_weights(tmp_path / name, skip_mismatch=True)
        assert np.array_equal(other.get_weights()[0], model.get_weights()[0]), name
        assert np.array_equal(other.get_weights()[2], head), name
        with pytest.raises(ValueError, match="has the weights of no layer of this network"):
            Sequential([Input((4,)), layers.Dense(3)]).load_weights(tmp_path / name, skip_mismatch=True)


def test_initial_weights_come_from_a_seed():
    first, second = stack(), stack()
    first.initialize(3)
    second.initialize(3)
    assert all(np.array_equal(p, q) for p, q in zip(first.get_weights(), second.get_weights()))
    second.initialize(4)
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])


def test_callbacks_without_keras(tmp_path):
    x, y = networks.data("images")
    model = stack()
    seen, began = [], []
    given = [
        callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 if epoch < 2 else 0.0),
        callbacks.EarlyStopping("loss", patience=1, min_delta=1e-9, restore_best_weights=True),
        callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras", save_best_only=True, monitor="loss"),
        callbacks.CSVLogger(tmp_path / "log.csv"),
        callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, sorted(logs)))),
        callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: began.append(epoch), on_train_begin=lambda logs: began.append(logs)),
    ]
    history = model.fit(x, y, epochs=9, batch_size=64, shuffle=False, verbose=0, callbacks=given, **CPU)
    assert 3 <= len(history.epoch) < 9 and began == [None, *history.epoch]
    assert seen[:4] == [(batch, ["accuracy", "loss"]) for batch in range(4)]
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 1 + len(history.epoch)
    assert (tmp_path / "1.keras").exists()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sequential([Input((4,)), layers.Dense(0)])._build(), "units"),
        (lambda: Sequential([Input((4,)), layers.Dense(2, activation="no")])._build(), "unknown activation `no`"),
        (lambda: stack().compile("adamm"), "unknown optimizer 'adamm'; known: sgd, adam"),
        (lambda: Sequential([Input((4,)), layers.Dense(2)]).fit(np.zeros((2, 4)), np.zeros(2)), "not compiled"),
        (lambda: stack().save("model.h5"), "does not end in .keras or .safetensors"),
        (lambda: stack().export("model.h5"), "does not end in .onnx"),
        (lambda: stack().save_weights("weights.txt"), "does not end in .weights.h5 or .safetensors"),
    ],
)
def test_wrong_models_are_refused_in_words(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_keras_is_not_needed():
    program = (
        "import sys; sys.modules['keras'] = None\n"
        "import wgrad, numpy\n"
        "model = wgrad.Sequential([wgrad.layers.Dense(2)])\n"
        "print(model.predict(numpy.zeros((3, 4)), device='cpu').shape)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert done.stdout.strip() == "(3, 2)", done.stderr


def test_data_sets_are_arrays(tmp_path):
    data = wgrad.load_data("synthetic")
    (x, y), (test, _) = data.train, data.test
    assert (x.shape[1:], x.dtype, y.dtype) == ((28, 28, 1), np.uint8, np.int64) and len(data.classes) == 10
    assert len(x) == len(y) and len(test) > 0 and set(y) == set(range(10))
    table = tmp_path / "table.csv"
    table.write_text("a,b,label\n" + "".join(f"{n},{-n},{n * 0.5}\n" for n in range(40)))
    (x, y), _, classes = wgrad.load_data(table)
    assert (x.shape[1:], x.dtype, y.dtype, classes) == ((2,), np.float32, np.float32, [])
    with pytest.raises(ValueError, match="mnits"):
        wgrad.load_data("mnits")


def test_texts_are_rows_of_words_as_keras_pads_them(tmp_path):
    keras = pytest.importorskip("keras")
    random = np.random.default_rng(3)
    texts = np.empty(40, dtype=object)
    texts[:] = [random.integers(1, 50, random.integers(0, 9)).tolist() for _ in range(40)]
    labels = np.arange(40) % 2
    np.savez(tmp_path / "texts.npz", x_train=texts, y_train=labels, x_test=texts[:7], y_test=labels[:7])
    (x, y), (test, _), _ = wgrad.load_data(tmp_path / "texts.npz", maxlen=5, num_words=30)
    rare = [[2 if word >= 30 else word for word in text] for text in texts]
    expected = keras.utils.pad_sequences(rare, maxlen=5)
    assert np.array_equal(x, expected) and np.array_equal(test, expected[:7]) and np.array_equal(y, labels)
    with pytest.raises(ValueError, match="maxlen"):
        wgrad.load_data(tmp_path / "texts.npz")


def test_adapters_are_listed():
    found = wgrad.adapters()
    assert [index for index, _, _ in found] == list(range(len(found))) and found
    assert all(kind in ("cpu", "gpu") for _, _, kind in found)


def test_stubs_are_those_of_the_extension():
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy.stubtest", "wgrad._wgrad", "--concise"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_of_the_package_are_there_when_they_are_used():
    program = "import sys, wgrad; print('numpy' in sys.modules, wgrad.Sequential.__name__, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600)
    assert done.stdout.split() == ["False", "Sequential", "True"], done.stderr
    for name in set(wgrad.__all__) - {"sklearn", "torch"}:
        assert getattr(wgrad, name) is not None and name in dir(wgrad)
    with pytest.raises(AttributeError, match="no attribute 'fits'"):
        wgrad.fits
