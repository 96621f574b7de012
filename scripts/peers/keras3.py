#!/usr/bin/env python3
"""Keras 3 on TensorFlow, on the CPU, as a peer of wgrad: `fit` as its users call it, with a callback that watches the
clock."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # this row is for the CPU

import harness
import keras
from harness import LEARNING_RATE, MOMENTUM
from keras import layers


def build(network):
    if network == "mlp":
        stack = [layers.Flatten(), layers.Dense(128, activation="relu")]
    else:
        stack = [
            layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Flatten(), layers.Dropout(0.5),
        ]  # fmt: skip
    return keras.Sequential([keras.Input((28, 28, 1)), *stack, layers.Dense(10)])


class Enough(Exception):
    """Ends `fit` at once; `stop_training` would finish the epoch."""


class Clock(keras.callbacks.Callback):
    """Counts the batches; all except an epoch's last have `batch` rows."""

    def __init__(self, meter, count, batch):
        super().__init__()
        self.meter, self.count, self.size = meter, count, batch

    def on_train_batch_end(self, batch, logs=None):
        # On the CPU, a batch that has ended has been computed.
        if not self.meter.step(min(self.size, self.count - batch * self.size)):
            self.loss = float(logs["loss"])
            raise Enough


def main():
    options = harness.arguments(__doc__)
    keras.utils.set_random_seed(0)
    images, labels = harness.images(options.data)
    model = build(options.network)
    model.compile(
        optimizer=keras.optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    meter = harness.Meter(options.seconds, lambda: None)
    clock = Clock(meter, len(labels), options.batch)
    try:
        model.fit(images[..., None], labels, batch_size=options.batch, epochs=10**6, verbose=0, callbacks=[clock])
    except Enough:
        pass
    backend = keras.backend.backend()
    versions = {"keras": keras.__version__, backend: __import__(backend).__version__}
    meter.report(options, clock.loss, f"processor, {os.cpu_count()} threads", versions)


if __name__ == "__main__":
    main()
