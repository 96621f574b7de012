#!/usr/bin/env python3
"""Trains networks of JSON files with Keras and with wgrad, from the same weights and in the same order, and compares the
loss of each step, the outputs of the trained network, and the history.

    KERAS_BACKEND=jax python scripts/keras_parity.py [--steps N] [--batch N] [--seconds S] FILE.json...

Keras trains on JAX or PyTorch, wgrad on `--device`. Random layers are taken out, since both draw other numbers: dropout
has the rate 0, augmentation does nothing. A network that would take more than `--seconds` gets fewer steps, no fewer than
3. Prints a line for each network: what wgrad does not train, with its reason, or the largest differences.
"""

import argparse
import json
import os
import pathlib
import sys
import time
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import wgrad  # noqa: E402


def plain(value):
    """The description of a network without what is random."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    found = {key: plain(part) for key, part in value.items()}
    kind = str(found.get("class_name", ""))
    if "Dropout" in kind and "rate" in found.get("config", {}):
        found["config"]["rate"] = 0.0
    for share in ("dropout", "recurrent_dropout"):
        if share in found:
            found[share] = 0.0
    if kind.startswith("Random") and "name" in found.get("config", {}):  # no initializer
        found["class_name"], found["registered_name"] = "Activation", None
        found["config"] = {"name": found["config"]["name"], "activation": "linear"}
    return found


def initial(model, seed=5):
    """Weights that do not depend on Keras's version."""
    random = np.random.RandomState(seed)
    values = []
    for variable in model.weights:
        name, shape = variable.path.rsplit("/", 1)[-1], tuple(variable.shape)
        fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 20
        spread = random.uniform(0.8, 1.2, shape) if name in ("gamma", "moving_variance", "variance") else random.normal(0, 1 / np.sqrt(fan), shape)
        values.append(np.asarray(spread, dtype=str(variable.dtype)))
    model.set_weights(values)
    return model


def task(model, rows):
    """Rows and labels, the loss and the optimizer."""
    random = np.random.RandomState(3)
    shape = tuple(model.input_shape[1:])
    words = [layer.input_dim for layer in model.layers if type(layer).__name__ == "Embedding"]
    if words:
        x = random.randint(0, min(words), (rows, *shape)).astype("float32")
    else:
        x = random.uniform(0, 1, (rows, *shape)).astype("float32")
    places, outputs = tuple(model.output_shape[1:-1]), model.output_shape[-1]
    last = getattr(model.layers[-1], "activation", None)
    ends = getattr(last, "__name__", "linear")
    if places and ends == "sigmoid":  # images from images
        return x, random.uniform(0, 1, (rows, *places, outputs)).astype("float32"), "binary_crossentropy"
    if places and ends == "softmax":  # a class at each place
        return x, random.randint(0, outputs, (rows, *places)), "sparse_categorical_crossentropy"
    if outputs == 1 and ends == "sigmoid":
        return x, random.randint(0, 2, rows), "binary_crossentropy"
    if outputs == 1:
        return x, random.normal(0, 1, rows).astype("float32"), "mse"
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=ends != "softmax")
    return x, random.randint(0, outputs, rows), loss


class Losses(keras.callbacks.Callback):
    """The loss of each step, from the means so far."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        before = 0.0 if batch == 0 else self.mean * batch
        self.mean = float(logs["loss"])
        self.losses.append(self.mean * (batch + 1) - before)


def compared(path, options):
    """What to say of a network."""
    text = json.dumps(plain(json.loads(path.read_text())))
    try:
        models = [initial(keras.models.model_from_json(text)) for _ in range(2)]
    except Exception as error:  # whatever Keras raises
        return f"Keras does not read it: {str(error).splitlines()[0]}"
    x, y, loss = task(models[0], options.batch)
    for model in models:
        model.compile(keras.optimizers.SGD(options.rate, momentum=0.9), loss)
    try:
        wgrad.fit(initial(models[0]), x, y, batch_size=options.batch, epochs=1, verbose=0, shuffle=False, device=options.device)
    except wgrad.NotSupported as error:
        return f"not trained: {str(error)[:160]}"
    # How many steps the time allows.
    began = time.perf_counter()
    wgrad.fit(models[0], x, y, batch_size=options.batch, epochs=2, verbose=0, shuffle=False, device=options.device)
    each = (time.perf_counter() - began) / 2
    steps = max(3, min(options.steps, int(options.seconds / each)))
    models = [initial(keras.models.model_from_json(text)) for _ in range(2)]
    x, y, loss = task(models[0], options.batch * steps)
    seen = [Losses(), Losses()]
    for model, losses in zip(models, seen):
        model.compile(keras.optimizers.SGD(options.rate, momentum=0.9), loss)
        fit = dict(batch_size=options.batch, epochs=1, shuffle=False, verbose=0, callbacks=[losses])
        if losses is seen[0]:
            history = [model.fit(x, y, **fit).history["loss"][-1]]
        else:
            history.append(wgrad.fit(model, x, y, device=options.device, **fit).history["loss"][-1])
    theirs, ours = (np.array(losses.losses) for losses in seen)
    apart = np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))
    own = np.asarray(wgrad.predict(models[1], x[:16], device=options.device))
    back = np.abs(own - np.asarray(models[1].predict(x[:16], verbose=0)).reshape(own.shape)).max()
    return (f"{steps} steps, loss {theirs[0]:.4f} to {theirs[-1]:.4f}: apart at most {apart.max():.1e}, history {abs(history[0] - history[1]):.1e}, "
            f"Keras's predict of wgrad's weights {back:.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=0.001)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"Keras {keras.__version__} on {keras.backend.backend()}, wgrad on {options.device}, batch {options.batch}, SGD {options.rate}")
    for path in options.files:
        keras.utils.clear_session()
        print(f"{path.name}: {compared(path, options)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
