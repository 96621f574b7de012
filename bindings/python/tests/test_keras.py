"""Trainings of Keras models give what Keras gives: histories, weights, callbacks."""

import csv

import keras
import networks
import numpy as np
import pytest
import record
import wgrad

CPU = {"device": "cpu"}
#: Largest distance from Keras's numbers, absolute and relative: rounding of float32, which training amplifies.
NEAR = dict(rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", list(networks.cases(keras)))
def test_histories_are_those_of_keras(name, recorded):
    network, kind, compiled, fit = networks.cases(keras)[name]
    model = networks.initial(network(keras))
    model.compile(**compiled)
    x, y = networks.data(kind)
    expected = recorded["cases"][name]
    # The second fit goes on with the optimizer's state.
    for history in expected["histories"]:
        got = wgrad.fit(model, x, y, **networks.FIT, **fit, **CPU).history
        assert set(got) == set(history)
        for key, values in history.items():
            np.testing.assert_allclose(got[key], values, err_msg=f"{name} {key}", **NEAR)
    assert int(model.optimizer.iterations) == expected["iterations"]
    outputs = networks.joined(wgrad.predict(model, networks.some(x, slice(8)), **CPU))
    np.testing.assert_allclose(outputs, expected["outputs"], rtol=1e-2, atol=2e-3)
    evaluated = wgrad.evaluate(model, networks.some(x, slice(100)), networks.some(y, slice(100)), verbose=0, return_dict=True, **CPU)
    assert list(evaluated)[0] == "loss" and set(evaluated) == set(expected["evaluated"])
    for key, value in expected["evaluated"].items():
        np.testing.assert_allclose(evaluated[key], value, err_msg=f"{name} {key}", rtol=5e-3, atol=1e-3)


@pytest.mark.parametrize("name", list(networks.stepped(keras)))
def test_each_of_a_hundred_steps_has_the_loss_of_keras(name, recorded):
    network, kind, optimizer, loss = networks.stepped(keras)[name]
    model, losses = networks.initial(network(keras)), record.Losses()
    model.compile(optimizer, loss)
    x, y = networks.data(kind)
    expected = recorded["stepped"][name]
    assert len(expected["losses"]) == networks.STEPS
    epochs = len(expected["history"])
    history = wgrad.fit(model, x, y, batch_size=networks.ROWS, epochs=epochs, shuffle=False, verbose=0, callbacks=[losses], **CPU)
    np.testing.assert_allclose(losses.losses, expected["losses"], rtol=0, atol=1e-4)
    # Four digits.
    np.testing.assert_allclose(history.history["loss"], expected["history"], rtol=5e-5, atol=5e-5)
    np.testing.assert_allclose(wgrad.predict(model, x[:8], **CPU), expected["outputs"], rtol=1e-3, atol=1e-3)
    # Keras computes what it was given back; its NumPy backend has convolutions only with JAX.
    np.testing.assert_allclose(wgrad.predict(model, x[:8], **CPU), model.predict(x[:8], verbose=0), atol=1e-5)


def test_weights_that_are_written_back_give_the_same_outputs_in_keras(fitted):
    model, x, y = fitted
    before = model.get_weights()
    wgrad.fit(model, x, y, epochs=1, verbose=0, **CPU)
    assert not np.array_equal(before[0], model.get_weights()[0])
    # Keras's NumPy backend computes dense networks by itself.
    np.testing.assert_allclose(wgrad.predict(model, x[:9], **CPU), model.predict(x[:9], verbose=0), atol=1e-5)


def test_a_seed_decides_the_order(fitted):
    model, x, y = fitted
    start = model.get_weights()
    found = []
    for seed in (1, 1, 2):
        model.set_weights(start)
        model.optimizer.iterations.assign(0)
        found.append(wgrad.fit(model, x, y, epochs=2, verbose=0, seed=seed, **CPU).history["loss"])
    assert found[0] == found[1] != found[2]


def test_callbacks_are_called_in_the_order_of_keras(recorded):
    x, y = networks.data("images", rows=70)
    model = networks.initial(networks.dense(keras))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    order = record.Order()
    wgrad.fit(model, x, y, batch_size=20, epochs=3, initial_epoch=1, validation_data=(x[:30], y[:30]), shuffle=False, verbose=0, callbacks=[order], **CPU)
    assert order.called == recorded["order"]


def test_early_stopping_restores_the_best_weights(fitted):
    model, x, y = fitted
    kept = {}

    class Keep(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            # From the second epoch on, steps make everything worse.
            if epoch:
                self.model.optimizer.learning_rate = 5.0

        def on_epoch_end(self, epoch, logs=None):
            kept[epoch] = self.model.get_weights()

    stop = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    history = wgrad.fit(model, x, y, epochs=9, validation_split=0.25, shuffle=False, verbose=0, callbacks=[Keep(), stop], **CPU)
    best = int(np.argmin(history.history["val_loss"]))
    assert len(history.epoch) == best + 3 < 9
    for ours, of_best, of_last in zip(model.get_weights(), kept[best], kept[best + 2]):
        assert np.array_equal(ours, of_best) and not np.array_equal(ours, of_last)


def test_learning_rates_of_callbacks_are_used(fitted):
    model, x, y = fitted
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: [0.01, 0.0, 0.01][epoch])
    seen = []

    class See(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(self.model.get_weights()[0].copy())

    history = wgrad.fit(model, x, y, epochs=3, verbose=0, callbacks=[schedule, See()], **CPU)
    assert history.history["learning_rate"] == pytest.approx([0.01, 0.0, 0.01])
    assert np.array_equal(seen[0], seen[1]) and not np.array_equal(seen[1], seen[2])


def test_a_plateau_lowers_the_rate(fitted):
    model, x, y = fitted
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=100.0)
    history = wgrad.fit(model, x, y, epochs=4, verbose=0, callbacks=[plateau], **CPU)
    assert history.history["learning_rate"] == pytest.approx([0.01, 0.01, 0.001, 0.0001])


def test_checkpoints_and_csv_hold_each_epoch(fitted, tmp_path):
    model, x, y = fitted
    callbacks = [
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.keras")),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
    ]
    history = wgrad.fit(model, x, y, epochs=2, verbose=0, callbacks=callbacks, **CPU)
    rows = list(csv.DictReader(open(tmp_path / "log.csv")))
    assert [float(row["loss"]) for row in rows] == pytest.approx(history.history["loss"])
    first, last = (keras.models.load_model(tmp_path / f"{epoch}.keras").get_weights()[0] for epoch in (1, 2))
    assert np.array_equal(last, model.get_weights()[0]) and not np.array_equal(first, last)


def test_stop_training_ends_between_two_batches(fitted):
    model, x, y = fitted

    class Stop(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1
            self.model.stop_training = batch == 2

    stop = Stop()
    history = wgrad.fit(model, x, y, batch_size=32, epochs=5, verbose=0, callbacks=[stop], **CPU)
    assert (stop.batches, history.epoch, int(model.optimizer.iterations)) == (3, [0], 3)


def test_an_error_of_a_callback_passes_and_leaves_what_was_learned(fitted):
    model, x, y = fitted
    before = model.get_weights()[0]

    def fail(epoch):
        if epoch == 2:
            raise KeyError("mine")
        return 0.01

    with pytest.raises(KeyError, match="mine"):
        wgrad.fit(model, x, y, epochs=3, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(fail)], **CPU)
    assert not np.array_equal(before, model.get_weights()[0])


def test_what_wgrad_lacks_is_named_with_its_layer(fitted):
    _, x, y = fitted
    layers = keras.layers
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.ActivityRegularization(l2=0.1, name="turn"), layers.Flatten(), layers.Dense(3)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(wgrad.NotSupported, match="layer `turn` \\(ActivityRegularization\\): wgrad has no such layer"):
        wgrad.fit(model, x, y, verbose=0, **CPU)


@pytest.mark.parametrize(
    ("optimizer", "loss", "words"),
    [
        (keras.optimizers.Adam(clipnorm=1.0), "mse", "clipnorm = 1.0 of the optimizer Adam"),
        (keras.optimizers.Nadam(), "mse", "the optimizer Nadam.*; it has sgd, adam"),
        ("adam", "poisson", "the loss poisson, which wgrad does not have"),
    ],
)
def test_compile_arguments_that_wgrad_lacks_are_named(optimizer, loss, words):
    model = networks.regression(keras)
    model.compile(optimizer, loss)
    x, y = networks.data("rows")
    with pytest.raises(wgrad.NotSupported, match=words):
        wgrad.fit(model, x, y, verbose=0, **CPU)


def test_install_replaces_fit_and_leaves_to_keras_what_it_cannot_do(fitted):
    model, x, y = fitted
    wgrad.keras.install(**CPU)
    try:
        history = model.fit(x, y, epochs=1, verbose=0)
        assert len(history.history["loss"]) == 1
        layers = keras.layers
        other = keras.Sequential([keras.Input((8, 8, 1)), layers.ActivityRegularization(l2=0.1), layers.Flatten(), layers.Dense(3)])
        other.compile("adam", "mse")
        with pytest.warns(UserWarning, match="Keras runs this: .*ActivityRegularization"):
            assert other.predict(x[:4], verbose=0).shape == (4, 3)
    finally:
        wgrad.keras.uninstall()
    with pytest.raises(NotImplementedError):
        model.fit(x, y, verbose=0)
