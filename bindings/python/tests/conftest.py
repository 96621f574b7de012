"""Tests run Keras on its NumPy backend, which cannot train, and wgrad on the processor, whose software adapter is asked for."""

import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "numpy")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import pytest  # noqa: E402


@pytest.fixture(scope="session")
def recorded():
    """Results of Keras, made by record.py."""
    return json.loads(pathlib.Path(__file__).with_name("keras.json").read_text())


@pytest.fixture
def fitted():
    """A small network of Keras, compiled, and data for it."""
    import keras
    import networks

    model = networks.initial(networks.dense(keras))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model, *networks.data("images")
