"""Networks that predict several labels of a row, and networks of words, without Keras."""

import networks
import numpy as np
import pytest
import wgrad
from wgrad import Input, Model, Sequential, constraints, layers, losses, regularizers

CPU = {"device": "cpu", "verbose": 0}


def segments():
    model = Sequential([Input((8, 8, 1)), layers.Conv2D(4, 3, padding="same", activation="relu"), layers.Conv2D(3, 1, activation="softmax")])
    model.compile(wgrad.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def sentiment():
    model = Sequential([Input((12,)), layers.Embedding(30, 6), layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid")])
    model.compile(wgrad.optimizers.Adam(0.05), "binary_crossentropy", metrics=["accuracy"])
    return model


def test_each_pixel_has_a_class(tmp_path):
    x, y = networks.data("pixels")
    model = segments()
    history = model.fit(x, y, epochs=8, **CPU).history
    assert history["loss"][-1] < 0.8 * history["loss"][0] and history["accuracy"][-1] > 0.7
    shares = model.predict(x[:5], device="cpu")
    assert shares.shape == (5, 8, 8, 3) and np.allclose(shares.sum(axis=-1), 1, atol=1e-5)
    loss, accuracy = model.evaluate(x, y, **CPU)
    found = model.predict(x, device="cpu")
    chosen = np.take_along_axis(found, y[..., None], axis=-1)
    assert loss == pytest.approx(-np.log(chosen).mean(), rel=1e-4) and accuracy == pytest.approx((found.argmax(-1) == y).mean(), abs=1e-6)
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "model.onnx")
    for file in ("model.keras", "model.onnx"):
        again = wgrad.load(tmp_path / file)
        again.compile("adam", "sparse_categorical_crossentropy")
        assert np.allclose(again.predict(x[:5], device="cpu"), shares, atol=1e-5), file


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros((240, 8)), r"y has shape \(240, 8\), expected \(240, 8, 8\)"),
        (np.zeros((240,)), r"expected \(240, 8, 8\)"),
        (np.full((240, 8, 8), 3), "y has the label 3 in row 0, expected a class: 0, 1, ..., 2"),
        (np.full((240, 8, 8), 0.5), "y has the label 0.5 in row 0"),
    ],
)
def test_labels_of_pixels_are_checked(y, words):
    with pytest.raises(ValueError, match=words):
        segments().fit(networks.data("pixels")[0], y, **CPU)


def test_weights_of_classes_are_refused_and_those_of_rows_count():
    x, y = networks.data("pixels")
    with pytest.raises(ValueError, match="class_weight is for one class of each row"):
        segments().fit(x, y, class_weight={0: 1.0, 1: 2.0}, **CPU)
    model = segments()
    model.initialize(1)
    weights = np.repeat([2.0, 0.0], 120)
    found = model.predict(x[:120], device="cpu")
    expected = -np.log(np.take_along_axis(found, y[:120, ..., None], axis=-1)).mean()
    assert model.evaluate(x, y, sample_weight=weights, **CPU)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("loss", ["mse", "mae", losses.Huber(0.5), losses.CosineSimilarity()])
def test_vectors_are_learned(loss):
    x, y = networks.data("vectors")
    model = Sequential([Input((6,)), layers.Dense(24, activation="tanh"), layers.Dense(3)])
    model.compile(wgrad.optimizers.Adam(0.02), loss, metrics=["mae"])
    model.initialize(2)
    history = model.fit(x, y, epochs=20, validation_split=0.25, **CPU).history
    assert history["val_loss"][-1] < history["val_loss"][0] - 0.02 and model.predict(x[:4], device="cpu").shape == (4, 3)


def test_words_are_learned_and_checked(tmp_path):
    x, y = networks.data("words")
    model = sentiment()
    history = model.fit(x.astype("int64"), y, epochs=12, validation_split=0.2, **CPU).history
    assert history["val_accuracy"][-1] > 0.9
    shares = model.predict(x.astype("uint8"), device="cpu")
    model.save(tmp_path / "model.keras")
    model.export(tmp_path / "model.onnx")
    assert np.allclose(wgrad.load(tmp_path / "model.keras").predict(x, device="cpu"), shares, atol=1e-6)
    assert np.allclose(wgrad.load(tmp_path / "model.onnx").predict(x, device="cpu"), shares, atol=1e-6)
    for wrong, words in ((30, "got 30 in row 1"), (-1, "got -1 in row 1"), (2.5, "got 2.5 in row 1"), (np.nan, "NaN|nan")):
        other = x.copy()
        other[1, 3] = wrong
        with pytest.raises(ValueError, match=words):
            model.fit(other, y, **CPU)
    with pytest.raises(ValueError, match="expected a whole number from 0 to 29"):
        model.predict(x + 0.5, device="cpu")
    with pytest.raises(ValueError, match="expected a whole number from 0 to 29"):
        model.evaluate(x + 20, y, **CPU)


def test_attention_is_saved_and_loaded(tmp_path):
    words = Input((12,))
    x = layers.Embedding(30, 8)(words)
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)]))
    model = Model(words, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x)))
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = networks.data("words")
    model.fit(x, y, epochs=1, **CPU)
    expected = model.predict(x, device="cpu")
    model.save(tmp_path / "model.keras")
    assert np.allclose(wgrad.load(tmp_path / "model.keras").predict(x, device="cpu"), expected, atol=1e-6)
    keras = pytest.importorskip("keras")
    assert np.allclose(keras.saving.load_model(tmp_path / "model.keras").predict(x, verbose=0), expected, atol=1e-5)
    model.export(tmp_path / "model.onnx")
    assert np.allclose(wgrad.load(tmp_path / "model.onnx").predict(x, device="cpu"), expected, atol=1e-6)


def test_penalties_and_constraints_are_keras_s():
    dense = layers.Dense(4, kernel_regularizer=regularizers.L1L2(0.01, 0.02), bias_regularizer="l2", kernel_constraint=constraints.MaxNorm(0.5))
    model = Sequential([Input((6,)), dense, layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = networks.data("rows")
    model.initialize(3)
    plain = float(((model.predict(x, device="cpu")[:, 0] - y) ** 2).mean())
    kernel, bias = model.get_weights()[:2]
    penalty = 0.01 * np.abs(kernel).sum() + 0.02 * (kernel**2).sum() + 0.01 * (bias**2).sum()
    assert model.evaluate(x, y, **CPU) == pytest.approx(plain + penalty, rel=1e-5)
    model.fit(x, y, epochs=2, **CPU)
    norms = np.linalg.norm(model.get_weights()[0], axis=0)
    assert np.all(norms < 0.5 + 1e-6)
    with pytest.raises(ValueError, match="kernel_regularizer"):
        Sequential([Input((6,)), layers.Dense(1, kernel_regularizer="l3")]).summary()
