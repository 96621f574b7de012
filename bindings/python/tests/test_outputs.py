"""Networks with several outputs, each with a loss, a weight and metrics of its own."""

import keras
import networks
import numpy as np
import pytest
import wgrad
from test_inputs import batches_of
from wgrad import layers

CPU = {"device": "cpu"}
LOSSES = {"priority": "binary_crossentropy", "department": "sparse_categorical_crossentropy"}


@pytest.fixture
def tickets():
    model = networks.initial(networks.tickets(keras))
    model.compile("adam", LOSSES, loss_weights={"priority": 1.0, "department": 0.2}, metrics={"department": ["accuracy"]})
    return model, *networks.data("tickets")


def test_labels_come_as_a_dictionary_or_in_batches_and_predictions_as_keras_gives_them(tickets):
    model, x, y = tickets
    predicted, expected = wgrad.predict(model, x, **CPU), model.predict(x, verbose=0)
    assert set(predicted) == set(expected) == {"department", "priority"}
    for name, part in expected.items():
        np.testing.assert_allclose(predicted[name], part, atol=1e-5)
    start = model.get_weights()
    whole = wgrad.fit(model, x, y, batch_size=24, shuffle=False, verbose=0, validation_data=(x, y), **CPU).history
    own = {"loss", "priority_loss", "department_loss", "department_accuracy"}
    assert set(whole) == own | {f"val_{name}" for name in own}
    np.testing.assert_allclose(whole["loss"][0], whole["priority_loss"][0] + 0.2 * whole["department_loss"][0], rtol=1e-5)
    judged = wgrad.evaluate(model, x, y, verbose=0, **CPU)
    named = wgrad.evaluate(model, x, y, verbose=0, return_dict=True, **CPU)
    # In the order of the losses in compile, as in Keras.
    assert list(named) == ["loss", "priority_loss", "department_loss", "department_accuracy"]
    assert judged == list(named.values())
    model.set_weights(start)
    model.optimizer = keras.optimizers.Adam()
    batches = [(networks.some(x, slice(at, at + 24)), networks.some(y, slice(at, at + 24))) for at in range(0, 240, 24)]
    again = wgrad.fit(model, batches_of(batches), shuffle=False, verbose=0, **CPU).history
    for name in own:
        np.testing.assert_allclose(again[name], whole[name], rtol=1e-5)


@pytest.mark.parametrize("name", list(networks.several(keras)))
def test_each_of_five_steps_has_the_losses_of_keras(name, recorded):
    network, kind, compiled = networks.several(keras)[name]
    model = networks.initial(network(keras))
    model.compile(**compiled)
    x, y = networks.data(kind)
    for n, expected in enumerate(recorded["several"][name]):
        rows = slice(n * networks.ROWS, (n + 1) * networks.ROWS)
        got = wgrad.fit(model, networks.some(x, rows), networks.some(y, rows), **{**networks.FIT, "epochs": 1}, **CPU).history
        assert set(got) == set(expected) and len(got) == 3
        for key, value in expected.items():
            np.testing.assert_allclose(got[key], [value], rtol=1e-4, err_msg=f"step {n}: {key}")


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda y: y["priority"], "a ndarray, expected a dictionary of arrays for the outputs department, priority"),
        (lambda y: list(y.values()), "a list, expected a dictionary"),
        (lambda y: {"priority": y["priority"]}, "has the outputs priority, expected department, priority"),
        (lambda y: {**y, "more": y["priority"]}, "more, expected department, priority"),
        (lambda y: {**y, "department": y["department"] + 1}, "y's department has the label 4"),
        (lambda y: {**y, "priority": y["priority"][:9]}, "y's priority has 9, expected as many"),
        (lambda y: {**y, "department": np.eye(4)[y["department"]]}, "y's department has shape (240, 4)"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_their_name(tickets, change, words):
    model, x, y = tickets
    with pytest.raises(ValueError) as raised:
        wgrad.fit(model, x, change(y), verbose=0, **CPU)
    assert words in str(raised.value)


def test_what_one_output_alone_has_is_refused(tickets):
    model, x, y = tickets
    with pytest.raises(ValueError, match="class_weight is for one class of each row"):
        wgrad.fit(model, x, y, class_weight={0: 2.0}, verbose=0, **CPU)
    with pytest.raises(ValueError, match="one weight for each row, which weighs all outputs"):
        wgrad.fit(model, x, y, sample_weight={"priority": np.ones(240)}, verbose=0, **CPU)
    with pytest.raises(ValueError, match="the outputs department, priority, and one output is explained"):
        wgrad.explain(model, x, **CPU)
    for loss, words in (
        ({"priority": "binary_crossentropy"}, "None for its output `department`"),
        ({**LOSSES, "priority": keras.losses.BinaryCrossentropy(label_smoothing=0.1)}, "label_smoothing = 0.1"),
        ({**LOSSES, "priority": keras.losses.BinaryCrossentropy(from_logits=True)}, "of logits .* for its output `priority`, which ends in sigmoid"),
    ):
        model.compile("adam", loss)
        with pytest.raises(wgrad.NotSupported, match=words):
            wgrad.fit(model, x, y, verbose=0, **CPU)


def own_tickets(keyed):
    title, body, tags = layers.Input((6,), name="title"), layers.Input((10,), name="body"), layers.Input((5,), name="tags")
    texts = [layers.Flatten()(layers.Embedding(20, 8)(one)) for one in (title, body)]
    at = layers.Dense(16, activation="relu")(layers.Concatenate()([*texts, tags]))
    outputs = {"urgent": layers.Dense(1, activation="sigmoid", name="priority")(at), "team": layers.Dense(4, name="department")(at)}
    return wgrad.Model([title, body, tags], outputs if keyed else list(outputs.values()), name="tickets")


@pytest.mark.parametrize("keyed", [True, False])
def test_a_model_of_two_outputs_learns_and_keras_loads_it(tmp_path, keyed):
    model = own_tickets(keyed)
    names = ["urgent", "team"] if keyed else ["priority", "department"]
    losses = [wgrad.losses.BinaryCrossentropy(), wgrad.losses.SparseCategoricalCrossentropy(from_logits=True)]
    metrics = [["accuracy"], ["sparse_categorical_accuracy"]]
    named = (lambda values: dict(zip(names, values))) if keyed else list
    model.compile(wgrad.optimizers.Adam(0.02), named(losses), metrics=named(metrics), loss_weights=named([1.0, 0.2]))
    model.initialize(3)
    x, y = networks.data("tickets")
    y = dict(zip(names, [y["priority"], y["department"]]))
    history = model.fit(x, y, epochs=25, verbose=0, seed=1, **CPU).history
    keys = [f"{names[0]}_accuracy", f"{names[1]}_sparse_categorical_accuracy"]
    assert set(history) == {"loss", *(f"{name}_loss" for name in names), *keys}
    assert all(history[key][-1] > 0.95 for key in keys)
    predicted = model.predict(x, **CPU)
    parts = list(predicted[name] for name in names) if keyed else predicted
    assert [part.shape for part in parts] == [(240, 1), (240, 4)]
    model.save(tmp_path / "tickets.keras")
    theirs = keras.models.load_model(tmp_path / "tickets.keras")
    np.testing.assert_allclose(networks.joined(theirs.predict(x, verbose=0)), networks.joined(predicted), atol=1e-5)
    loaded = wgrad.load_model(tmp_path / "tickets.keras")
    np.testing.assert_array_equal(networks.joined(loaded.predict(x, **CPU)), networks.joined(predicted))
    # It was compiled.
    judged = loaded.evaluate(x, y, verbose=0, return_dict=True, **CPU)
    assert set(judged) == set(history)
    expected = theirs.evaluate(x, y, verbose=0, return_dict=True)
    for name, value in expected.items():
        np.testing.assert_allclose(judged[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    model.export(tmp_path / "tickets.onnx")
    assert b"department" in (tmp_path / "tickets.onnx").read_bytes()
    # A network is called with the outputs of others.
    again = model([layers.Input((6,)), layers.Input((10,)), layers.Input((5,))])
    assert (list(again) == names) if keyed else len(again) == 2


def test_metrics_of_outputs_are_refused_where_they_do_not_fit():
    x, y = networks.data("tickets")
    for keyed, metrics, words in (
        (True, ["accuracy", "accuracy"], "expected a dictionary of the outputs"),
        (False, ["accuracy"], "expected a list or a dictionary, one entry for each of the outputs"),
        (False, {"other": ["accuracy"]}, "are of other, expected some of the outputs priority, department"),
        (False, [["mae"], None], "metrics has mae, which is of numbers"),
    ):
        model = own_tickets(keyed)
        names = ["urgent", "team"] if keyed else ["priority", "department"]
        losses = dict(zip(names, ["binary_crossentropy", wgrad.losses.SparseCategoricalCrossentropy(from_logits=True)]))
        model.compile("adam", losses, metrics=metrics)
        with pytest.raises(ValueError, match=words):
            model.fit(x, dict(zip(names, [y["priority"], y["department"]])), verbose=0, **CPU)


def test_branches_of_different_lengths_are_saved_in_the_order_of_keras(tmp_path):
    at = layers.Input((5,))
    short = layers.Dense(5, name="short")(at)
    shared = layers.Dense(5, name="shared", activation="tanh")
    long = shared(layers.Dense(5, name="long")(layers.Activation("relu")(shared(at))))
    model = wgrad.Model(at, layers.Dense(5, name="last")(layers.Add()([short, long, at])))
    model.compile("sgd", "mse")
    model.initialize(2)
    x = np.random.RandomState(0).uniform(-1, 1, (6, 5)).astype(np.float32)
    model.save(tmp_path / "branches.keras")
    theirs = keras.models.load_model(tmp_path / "branches.keras")
    assert [layer.name for layer in theirs.layers[1:]] == [layer.name for layer in model.layers]
    np.testing.assert_allclose(theirs.predict(x, verbose=0), model.predict(x, **CPU), atol=1e-6)
