"""Batches that a source gives one after the other: trained, validated and evaluated as the same rows of arrays are."""

import keras
import networks
import numpy as np
import pytest
import wgrad

CPU = {"device": "cpu"}
#: Rows of a batch; the last batch of an epoch has fewer.
ROWS = 32


def batches(x, y, weights=None, rows=ROWS):
    for at in range(0, len(x), rows):
        part = slice(at, at + rows)
        yield (x[part], y[part]) if weights is None else (x[part], y[part], weights[part])


def endless(x, y):
    while True:
        yield from batches(x, y)


class Indexed(keras.utils.PyDataset):
    """Batches by index, and how often each was taken."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y, self.taken, self.ends = x, y, [], 0

    def __len__(self):
        return -(-len(self.x) // ROWS)

    def __getitem__(self, at):
        self.taken.append(at)
        part = slice(at * ROWS, (at + 1) * ROWS)
        return self.x[part], self.y[part]

    def on_epoch_end(self):
        self.ends += 1


class Again:
    """An iterable without a length, as a tf.data.Dataset; its batches are lists."""

    def __init__(self, x, y, weights=None):
        self.parts = x, y, weights

    def __iter__(self):
        return (list(batch) for batch in batches(*self.parts))


def new():
    model = networks.initial(networks.dense(keras))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def expected():
    """Weights and history after three epochs on arrays, in order."""
    x, y = networks.data("images", rows=200)
    model = new()
    history = wgrad.fit(model, x, y, batch_size=ROWS, epochs=3, shuffle=False, validation_data=(x[:70], y[:70]), verbose=0, **CPU)
    return x, y, model.get_weights(), history.history


@pytest.mark.parametrize("kind", ["generator", "again", "indexed", "validated"])
def test_batches_give_what_arrays_give(expected, kind):
    x, y, weights, history = expected
    arguments = {"validation_data": (x[:70], y[:70])}
    if kind == "generator":
        source, arguments["steps_per_epoch"] = endless(x, y), 7
    elif kind == "indexed":
        source, arguments["shuffle"] = Indexed(x, y), False
    else:
        source = Again(x, y)
    if kind == "validated":
        # Its batches are larger than those of the training.
        arguments["validation_data"], arguments["validation_steps"] = batches_again(x[:70], y[:70]), 2
    model = new()
    found = wgrad.fit(model, source, epochs=3, verbose=0, **arguments, **CPU)
    for got, wanted in zip(model.get_weights(), weights):
        assert np.array_equal(got, wanted)
    assert int(model.optimizer.iterations) == 21
    for name, values in history.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-6, err_msg=name)


def batches_again(x, y):
    return Indexed50(x, y)


class Indexed50(Indexed):
    def __len__(self):
        return 2

    def __getitem__(self, at):
        return self.x[at * 50 : at * 50 + 50], self.y[at * 50 : at * 50 + 50]


def test_batches_of_a_data_set_are_shuffled_and_told_of_the_end_of_an_epoch():
    x, y = networks.data("images", rows=200)
    orders = []
    for seed in (1, 1, 2):
        data = Indexed(x, y)
        wgrad.fit(new(), data, epochs=2, seed=seed, verbose=0, **CPU)
        # The first is taken once more, for the shapes.
        assert data.ends == 2 and sorted(data.taken[1:]) == sorted([*range(7), *range(7)])
        orders.append(data.taken)
    assert orders[0] == orders[1] != orders[2] and orders[0][1:8] != orders[0][8:]


def test_an_epoch_of_some_steps_goes_on_where_the_one_before_ended():
    x, y = networks.data("images", rows=192)
    parts, whole = new(), new()
    wgrad.fit(parts, Again(x, y), epochs=3, steps_per_epoch=2, verbose=0, **CPU)
    wgrad.fit(whole, Again(x, y), epochs=1, verbose=0, **CPU)
    assert all(np.array_equal(p, q) for p, q in zip(parts.get_weights(), whole.get_weights()))
    arrays = new()
    history = wgrad.fit(arrays, x, y, batch_size=ROWS, epochs=3, steps_per_epoch=2, shuffle=False, verbose=0, **CPU)
    assert all(np.array_equal(p, q) for p, q in zip(arrays.get_weights(), whole.get_weights()))
    assert int(arrays.optimizer.iterations) == 6 and len(history.epoch) == 3


def test_a_source_that_ends_too_early_ends_the_training_with_a_warning():
    x, y = networks.data("images", rows=200)
    model = new()
    with pytest.warns(UserWarning, match="x ran out of data after 3 batches, expected 4; give more data, or fewer steps"):
        history = wgrad.fit(model, batches(x, y), epochs=5, steps_per_epoch=4, verbose=0, **CPU)
    assert (history.epoch, int(model.optimizer.iterations)) == ([0, 1], 7)
    with pytest.warns(UserWarning, match="x ran out of data after 0 batches, expected those of another epoch"):
        assert wgrad.fit(new(), batches(x, y), epochs=3, verbose=0, **CPU).epoch == [0]


def test_weights_of_rows_come_with_their_batches():
    x, y = networks.data("images", rows=200)
    weights = np.random.RandomState(1).uniform(0, 2, 200).astype(np.float32)
    ours, arrays = new(), new()
    wgrad.fit(ours, Again(x, y, weights), epochs=2, verbose=0, **CPU)
    wgrad.fit(arrays, x, y, sample_weight=weights, batch_size=ROWS, epochs=2, shuffle=False, verbose=0, **CPU)
    assert all(np.array_equal(p, q) for p, q in zip(ours.get_weights(), arrays.get_weights()))


def test_evaluations_and_predictions_take_batches_and_weights():
    x, y = networks.data("images", rows=200)
    model = new()
    weights = np.random.RandomState(1).uniform(0, 2, 200).astype(np.float32)
    outputs = wgrad.predict(model, x, **CPU)
    assert np.array_equal(wgrad.predict(model, batches(x, y), **CPU), outputs)
    assert np.array_equal(wgrad.predict(model, Again(x, y), steps=2, **CPU), outputs[:64])
    whole = wgrad.evaluate(model, x, y, verbose=0, **CPU)
    np.testing.assert_allclose(wgrad.evaluate(model, Indexed(x, y), verbose=0, **CPU), whole, rtol=1e-6)
    np.testing.assert_allclose(wgrad.evaluate(model, endless(x, y), steps=7, verbose=0, **CPU), whole, rtol=1e-6)
    logs = outputs.astype(np.float64)
    losses = np.log(np.exp(logs).sum(axis=1)) - logs[np.arange(200), y]
    for source in ((x, y, weights), (Again(x, y, weights), None, None)):
        loss, accuracy = wgrad.evaluate(model, source[0], source[1], sample_weight=source[2], verbose=0, **CPU)
        assert loss == pytest.approx((losses * weights).mean(), rel=1e-5)
        assert accuracy == pytest.approx((outputs.argmax(axis=1) == y).mean())


def test_metrics_of_keras_are_computed_from_batches():
    x, y = networks.data("rows")
    found = []
    for source in (None, "batches"):
        model = networks.initial(networks.regression(keras))
        model.compile("sgd", "mse", metrics=["mae", keras.metrics.RootMeanSquaredError(name="rmse")])
        data = (x, y) if source is None else (Again(x, y), None)
        history = wgrad.fit(model, *data, epochs=2, shuffle=False, validation_data=Again(x, y), verbose=0, **CPU)
        found.append(history.history)
        scores = wgrad.evaluate(model, *data, return_dict=True, verbose=0, **CPU)
        assert scores["rmse"] ** 2 == pytest.approx(scores["loss"], rel=1e-5)
    assert set(found[0]) == {"loss", "mae", "rmse", "val_loss", "val_mae", "val_rmse"}
    for name, values in found[0].items():
        np.testing.assert_allclose(found[1][name], values, rtol=1e-5, err_msg=name)


def test_validation_happens_in_the_epochs_that_were_asked_for(fitted):
    model, x, y = fitted
    for frequency, epochs in ((2, 2), ([1, 4], 2), (5, 0)):
        history = wgrad.fit(model, x, y, epochs=4, validation_data=(x, y), validation_freq=frequency, verbose=0, **CPU).history
        assert len(history.get("val_loss", [])) == epochs, frequency


def test_a_callback_acts_between_two_batches_that_arrive():
    x, y = networks.data("images", rows=200)
    seen = []

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append((batch, self.model.get_weights()[0].copy()))
            self.model.stop_training = batch == 2

    model = new()
    history = wgrad.fit(model, endless(x, y), steps_per_epoch=7, epochs=2, callbacks=[Stop()], verbose=0, **CPU)
    assert ([batch for batch, _ in seen], history.epoch, int(model.optimizer.iterations)) == ([0, 1, 2], [0], 3)
    assert not np.array_equal(seen[0][1], seen[1][1]) and np.array_equal(seen[2][1], model.get_weights()[0])


def test_an_error_of_a_source_passes_and_leaves_what_was_learned():
    x, y = networks.data("images", rows=200)

    def broken():
        yield from batches(x[:96], y[:96])
        raise KeyError("mine")

    model = new()
    before = model.get_weights()[0]
    with pytest.raises(KeyError, match="mine"):
        wgrad.fit(model, broken(), verbose=0, **CPU)
    assert int(model.optimizer.iterations) == 3 and not np.array_equal(before, model.get_weights()[0])


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda x, y: iter([]), ValueError, "x gives no batches, expected at least one"),
        (lambda x, y: iter([(x[:9], y[:9]), (x[:10], y[:10])]), ValueError, "batch 1 of x has 10 rows and the first had 9"),
        (lambda x, y: iter([(x[:9],)]), ValueError, "batch 0 of x has no labels"),
        (lambda x, y: iter([x[:9]]), ValueError, "batch 0 of x has no labels"),
        (lambda x, y: iter([(x, y, y, y)]), ValueError, "a batch of x has 4 parts"),
        (lambda x, y: iter([(x[:9], y[:9]), (x[:9], y[:9] + 7)]), ValueError, r"batch 1 of x: y has the label \d+ in row 0"),
        (lambda x, y: iter([(x[:9], y[:8])]), ValueError, "x has 9 rows and batch 0 of x: y has 8"),
        (lambda x, y: iter([(x[:9, :7], y[:9])]), ValueError, r"batch 0 of x: x has shape \(9, 7, 8, 1\)"),
        (lambda x, y: iter([(x[:9], y[:9]), (x[:9] * np.nan, y[:9])]), ValueError, "got NaN in image 0"),
        (lambda x, y: iter([(x[:9], y[:9]), (x[:9], y[:9], y[:9])]), ValueError, "the first had none; give weights with all"),
        (lambda x, y: iter([(x[:9], y[:9], -x[:9, 0, 0, 0] - 1)]), ValueError, "batch 0 of x: sample_weight has -"),
    ],
)
def test_wrong_batches_are_named(change, kind, words):
    x, y = networks.data("images", rows=40)
    with pytest.raises(kind, match=words):
        wgrad.fit(new(), change(x, y), verbose=0, **CPU)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (dict(y=np.zeros(9)), "x is a generator, which gives \\(x, y\\); got y as well"),
        (dict(sample_weight=np.ones(9)), "got sample_weight as well, expected none"),
        (dict(validation_split=0.5), "validation_split is 0.5 of a generator, expected arrays; give validation_data"),
        (dict(validation_data=iter([])), "validation_data is a list_iterator, which can be read once; give validation_steps"),
        (dict(validation_data=3), "validation_data is no tuple"),
        (dict(steps_per_epoch=0), "steps_per_epoch is 0, expected a whole number of at least 1"),
    ],
)
def test_arguments_that_do_not_go_with_batches_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        wgrad.fit(new(), endless(*networks.data("images", rows=40)), **{"verbose": 0, **CPU, **arguments})
