"""Networks with several inputs, and layers that are called several times."""

import keras
import networks
import numpy as np
import pytest
import wgrad
from wgrad import layers

CPU = {"device": "cpu"}


@pytest.fixture
def columns():
    model = networks.initial(networks.columns(keras))
    model.compile("adam", "binary_crossentropy")
    return model, *networks.data("columns")


def test_inputs_come_as_a_dictionary_a_list_or_in_batches(columns):
    model, x, y = columns
    expected = wgrad.predict(model, x, **CPU)
    # The order of the dictionary does not matter.
    turned = dict(reversed(x.items()))
    np.testing.assert_array_equal(wgrad.predict(model, turned, **CPU), expected)
    np.testing.assert_array_equal(wgrad.predict(model, [x["numbers"], x["series"], x["words"]], **CPU), expected)
    np.testing.assert_allclose(expected, model.predict(x, verbose=0), atol=1e-5)
    start = model.get_weights()
    whole = wgrad.fit(model, x, y, batch_size=24, shuffle=False, verbose=0, **CPU).history["loss"]
    model.set_weights(start)
    model.optimizer = keras.optimizers.Adam()
    batches = [(networks.some(x, slice(at, at + 24)), y[at : at + 24]) for at in range(0, 240, 24)]
    np.testing.assert_allclose(wgrad.fit(model, batches_of(batches), shuffle=False, verbose=0, **CPU).history["loss"], whole, rtol=1e-5)
    judged = (x, y)
    history = wgrad.fit(model, x, y, validation_data=judged, validation_steps=2, verbose=0, **CPU).history
    assert set(history) == {"loss", "val_loss"}


class batches_of(keras.utils.PyDataset):
    """A list as a data set."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, at):
        return self.batches[at]


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda x: x["numbers"], "a ndarray, expected a list or a dictionary of arrays for the inputs numbers, series, words"),
        (lambda x: {"numbers": x["numbers"]}, "has the inputs numbers, expected numbers, series, words"),
        (lambda x: {**x, "more": x["numbers"]}, "more, expected numbers"),
        (lambda x: list(x.values())[:2], "has 2 arrays, expected 3"),
        (lambda x: {**x, "series": x["series"][:, :4]}, "series has shape (240, 4, 2), expected (rows, 5, 2)"),
        (lambda x: {**x, "series": x["series"][:9]}, "series has 9 rows and numbers has 240"),
        (lambda x: {**x, "words": x["words"] + 8}, "expected a whole number from 0 to 7"),
        (lambda x: {**x, "words": x["words"] - 0.5}, "expected a whole number from 0 to 7"),
        (lambda x: {name: part[:0] for name, part in x.items()}, "no rows"),
        (lambda x: {**x, "words": np.array(["a"] * 240)}, "words has dtype"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(columns, change, words):
    model, x, y = columns
    for run in (lambda x: wgrad.fit(model, x, y, verbose=0, **CPU), lambda x: wgrad.predict(model, x, **CPU)):
        with pytest.raises((ValueError, TypeError)) as raised:
            run(change(x))
        assert words in str(raised.value)


def own_twins():
    encoder = wgrad.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(6, activation="relu", name="code")])
    first, second = layers.Input((8, 8, 1), name="first"), layers.Input((8, 8, 1), name="second")
    bend = layers.Dense(4, activation="tanh", name="bend")
    apart = layers.Subtract()([bend(encoder(first)), bend(encoder(second))])
    return encoder, wgrad.Model([first, second], layers.Dense(1, activation="sigmoid")(layers.Multiply()([apart, apart])))


def test_a_model_of_two_inputs_and_one_encoder_learns_and_keras_loads_it(tmp_path):
    encoder, model = own_twins()
    encoder.initialize(4)
    model.compile(wgrad.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.initialize(3)
    # It begins with the weights of the model that was called.
    np.testing.assert_array_equal(model.get_weights()[0], encoder.get_weights()[0])
    x, y = networks.data("pairs")
    history = model.fit(x, y, epochs=30, verbose=0, seed=1, **CPU).history
    assert history["accuracy"][-1] > 0.9 > history["accuracy"][0]
    assert model.count_params() == 64 * 6 + 6 + 6 * 4 + 4 + 4 + 1
    expected = model.predict({"first": x[0], "second": x[1]}, **CPU)
    # Alike whichever comes first, since both are encoded by the same weights.
    np.testing.assert_allclose(model.predict([x[1], x[0]], **CPU), expected, atol=1e-6)
    model.save(tmp_path / "twins.keras")
    np.testing.assert_allclose(keras.models.load_model(tmp_path / "twins.keras").predict(x, verbose=0), expected, atol=1e-5)
    np.testing.assert_array_equal(wgrad.load_model(tmp_path / "twins.keras").predict(x, **CPU), expected)
    model.export(tmp_path / "twins.onnx")


def test_models_that_do_not_hang_together_are_refused():
    first, second = layers.Input((4,)), layers.Input((4,))
    with pytest.raises(ValueError, match="follows from 1 inputs and inputs has 2"):
        wgrad.Model([first, second], layers.Dense(2)(first))
    with pytest.raises(ValueError, match="follows from 2 inputs and inputs has 1"):
        wgrad.Model(first, layers.Add()([first, second]))
    with pytest.raises(TypeError, match="no outputs of layers"):
        wgrad.Model(first, [layers.Dense(2)(first), 3])
    encoder, _ = own_twins()
    with pytest.raises(TypeError, match="outputs of layers"):
        encoder(3)
