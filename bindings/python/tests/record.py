#!/usr/bin/env python3
"""Writes keras.json: histories and predictions of Keras for the networks of networks.py, and the order of its callbacks.

    KERAS_BACKEND=jax python bindings/python/tests/record.py

Made with Keras 3.15 on the JAX backend (CPU).
"""

import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import networks  # noqa: E402
import numpy as np  # noqa: E402


class Order(keras.callbacks.Callback):
    """The names of the methods that were called, with their numbers."""

    def __init__(self):
        super().__init__()
        self.called = []

    def on_train_begin(self, logs=None):
        self.called.append("train_begin")

    def on_train_end(self, logs=None):
        self.called.append(f"train_end {sorted(logs)}")

    def on_epoch_begin(self, epoch, logs=None):
        self.called.append(f"epoch_begin {epoch}")

    def on_epoch_end(self, epoch, logs=None):
        self.called.append(f"epoch_end {epoch} {sorted(logs)}")

    def on_train_batch_begin(self, batch, logs=None):
        self.called.append(f"train_batch_begin {batch}")

    def on_train_batch_end(self, batch, logs=None):
        self.called.append(f"train_batch_end {batch} {sorted(logs)}")

    def on_test_begin(self, logs=None):
        self.called.append("test_begin")

    def on_test_end(self, logs=None):
        self.called.append(f"test_end {sorted(logs)}")

    def on_test_batch_begin(self, batch, logs=None):
        self.called.append(f"test_batch_begin {batch}")

    def on_test_batch_end(self, batch, logs=None):
        self.called.append(f"test_batch_end {batch} {sorted(logs)}")


class Losses(keras.callbacks.Callback):
    """The loss of each step, from the means of the epoch so far."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        before = 0.0 if batch == 0 else self.mean * batch
        self.mean = float(logs["loss"])
        self.losses.append(self.mean * (batch + 1) - before)


def plain(history):
    return {name: [float(value) for value in values] for name, values in history.items()}


def main():
    found = {"keras": keras.__version__, "backend": keras.backend.backend(), "cases": {}}
    for name, (network, kind, compiled, fit) in networks.cases(keras).items():
        model = networks.initial(network(keras))
        model.compile(**compiled)
        x, y = networks.data(kind)
        histories = [plain(model.fit(x, y, **networks.FIT, **fit).history) for _ in range(2)]
        outputs = networks.joined(model.predict(networks.some(x, slice(8)), verbose=0)).astype(np.float64)
        evaluated = model.evaluate(networks.some(x, slice(100)), networks.some(y, slice(100)), verbose=0, return_dict=True)
        found["cases"][name] = {
            "histories": histories,
            "outputs": outputs.tolist(),
            "evaluated": {key: float(value) for key, value in evaluated.items()},
            "iterations": int(model.optimizer.iterations),
        }
    found["stepped"] = {}
    for name, (network, kind, optimizer, loss) in networks.stepped(keras).items():
        model, losses = networks.initial(network(keras)), Losses()
        model.compile(optimizer, loss)
        x, y = networks.data(kind)
        epochs = networks.STEPS // (len(x) // networks.ROWS)
        history = model.fit(x, y, batch_size=networks.ROWS, epochs=epochs, shuffle=False, verbose=0, callbacks=[losses])
        outputs = np.asarray(model.predict(x[:8], verbose=0), np.float64)
        found["stepped"][name] = {
            "losses": [round(loss, 7) for loss in losses.losses],
            "history": plain(history.history)["loss"],
            "outputs": outputs.tolist(),
        }
    found["several"] = {}
    for name, (network, kind, compiled) in networks.several(keras).items():
        model = networks.initial(network(keras))
        model.compile(**compiled)
        x, y = networks.data(kind)
        steps = found["several"][name] = []
        for at in range(0, 5 * networks.ROWS, networks.ROWS):
            model.reset_metrics()
            rows = slice(at, at + networks.ROWS)
            logs = model.train_on_batch(networks.some(x, rows), networks.some(y, rows), return_dict=True)
            steps.append({key: float(value) for key, value in logs.items()})
    x, y = networks.data("images", rows=70)
    model = networks.initial(networks.dense(keras))
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    order = Order()
    model.fit(x, y, batch_size=20, epochs=3, initial_epoch=1, validation_data=(x[:30], y[:30]), shuffle=False, verbose=0, callbacks=[order])
    found["order"] = order.called
    text = json.dumps(found, indent=1)
    pathlib.Path(__file__).with_name("keras.json").write_text(text + "\n")
    print(f"{len(found['cases'])} networks, {len(text)} bytes")


if __name__ == "__main__":
    main()
