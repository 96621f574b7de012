"""Data sets of wgrad as arrays."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import _wgrad

__all__ = ["Data", "load_data"]

Part = tuple[np.ndarray, np.ndarray]


class Data(NamedTuple):
    """A data set: its parts as (x, y), and the names of its classes; none if y are numbers."""

    train: Part
    test: Part
    classes: list[str]


def load_data(name: Any = "fashion-mnist", *, maxlen: int | None = None, num_words: int | None = None) -> Data:
    """Reads a data set: "synthetic", a published one, which is downloaded if it is not here, or your own from a path.

    Published are "fashion-mnist", "mnist", "kmnist", "emnist-letters" and its like, "cifar10", "cifar100", "cats-vs-dogs" and
    "imdb". Texts are rows of `maxlen` numbers of words; words from `num_words` on become 2, as in Keras.

    A path leads to a folder of pictures, MNIST and its successors, CIFAR, `.npz` or CSV; docs/data.md describes them. Images
    are (rows, height, width, channels) of uint8; the rows of a table are (rows, columns) of float32.
    """
    *parts, classes = _wgrad.load_data(str(name), maxlen, num_words)
    train, test = ((x.reshape(len(x), -1) if x.shape[1:3] == (1, 1) else x, y) for x, y in parts)
    return Data(train, test, classes)
