"""Data that gives its batches one after the other: generators, data sets of Keras, tf.data and PyTorch, any iterable."""

from __future__ import annotations

import itertools
import warnings
from typing import Any, Iterator, NamedTuple

import numpy as np

from . import _arrays


class Batch(NamedTuple):
    """Rows as they were given, as the extension takes them, and their weights."""

    x: np.ndarray
    y: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None


def is_stream(data: Any) -> bool:
    """Whether `data` gives batches, and is no array, nor anything that becomes one."""
    if data is None or isinstance(data, (str, bytes, bytearray, memoryview, dict, list, tuple, set, frozenset, range)):
        return False
    if any(hasattr(data, method) for method in ("__array__", "detach", "toarray")):
        return False
    return _is_indexed(data) or hasattr(data, "__iter__") or hasattr(data, "__next__")


def _is_indexed(data: Any) -> bool:
    """Whether batches are taken by index, as those of Keras's PyDataset."""
    return hasattr(data, "__getitem__") and (hasattr(data, "num_batches") or hasattr(data, "__len__"))


def parts(batch: Any, name: str) -> tuple[Any, Any, Any]:
    """Inputs, labels and weights of a batch."""
    if not isinstance(batch, (tuple, list)):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ValueError(f"a batch of {name} has {len(batch)} parts, expected (x, y) or (x, y, sample_weight)")
    x, y, weights = (*batch, None, None)[:3]
    return x, y, weights


class Stream:
    """Batches of a source, epoch after epoch.

    `steps` is the number of batches of an epoch; without it, an epoch ends where the source does. An iterable that can be
    read again is read from its start in every epoch, unless `goes_on`: then an epoch of `steps` batches begins where the
    one before ended.
    """

    def __init__(self, source: Any, network: Any, name: str, steps: int | None = None, order: Any = None, goes_on: bool = True):
        self.source, self.network, self.name, self.steps, self.order = source, network, name, steps, order
        self.indexed, self.once = _is_indexed(source), hasattr(source, "__next__")
        self.goes_on = goes_on
        #: Whether the source ended before an epoch did.
        self.ran_out = False
        self._at: Iterator[Any] | None = None
        self._began = False

    def length(self) -> int | None:
        """Number of batches of an epoch, if it is known."""
        if self.steps is not None:
            return self.steps
        try:
            known = getattr(self.source, "num_batches", None)
            return int(len(self.source) if known is None else known)
        except TypeError:  # a source without a length, or without an end
            return None

    def first(self) -> Batch:
        """The first batch; it is not used up."""
        if self.indexed:
            if self.length() == 0:
                raise ValueError(f"{self.name} has no batches, expected at least one")
            return self.read(self.source[0], 0)
        at = self._started()
        for batch in at:
            self._at = itertools.chain([batch], at)
            return self.read(batch, 0)
        raise ValueError(f"{self.name} gives no batches, expected at least one")

    def read(self, batch: Any, number: int) -> Batch:
        """A batch with its labels, checked."""
        name = f"batch {number} of {self.name}"
        x, y, weights = parts(batch, self.name)
        if y is None:
            raise ValueError(f"{name} has no labels, expected (x, y) or (x, y, sample_weight)")
        x = _arrays.inputs(x, self.network, f"{name}: x")
        y = _arrays.given(y, self.network, len(x), f"{name}: y")
        targets = _arrays.labels(y, self.network, len(x), f"{name}: y")
        return Batch(x, y, targets, _arrays.sample_weights(weights, len(x), f"{name}: sample_weight"))

    def _started(self) -> Iterator[Any]:
        """The batches from where the epoch begins."""
        if self._at is None or (self._began and not self.once and (self.steps is None or not self.goes_on)):
            self._at = iter(self._by_index() if self.indexed else self.source)
        return self._at

    def _by_index(self) -> Iterator[Any]:
        known = getattr(self.source, "num_batches", None)
        count = len(self.source) if known is None and hasattr(self.source, "__len__") else known
        for pass_ in itertools.count():
            if pass_ and (self.steps is None or not self.goes_on):
                return
            self._call("on_epoch_begin")
            places = itertools.count() if count is None else range(count)
            if self.order is not None and count is not None:
                places = self.order.permutation(count)
            for at in places:
                yield self.source[int(at)]
            self._call("on_epoch_end")

    def _call(self, method: str) -> None:
        getattr(self.source, method, lambda: None)()

    def raw(self) -> Iterator[Any]:
        """The batches of one epoch as the source gives them."""
        at, number = self._started(), 0
        self._began = True
        while number != self.steps:
            try:
                batch = next(at)
            except StopIteration:
                self.ran_out = self.steps is not None or (self.once and number == 0)
                break
            yield batch
            number += 1
        if self.ran_out:
            wanted = str(self.steps) if self.steps is not None else "those of another epoch"
            warnings.warn(f"{self.name} ran out of data after {number} batches, expected {wanted}; give more data, or fewer steps", stacklevel=2)

    def epoch(self) -> Iterator[Batch]:
        """The batches of one epoch."""
        for number, batch in enumerate(self.raw()):
            yield self.read(batch, number)


def repeated(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, rows: int, order: Any) -> Iterator[tuple]:
    """Batches of arrays without an end: pass after pass, each in a new order if there is an `order`."""
    while True:
        places = np.arange(len(x)) if order is None else order.permutation(len(x))
        for at in range(0, len(x), rows):
            which = places[at : at + rows]
            yield x[which], y[which], None if weights is None else weights[which]


def cut(batch: Batch, rows: int) -> Iterator[Batch]:
    """A batch in parts of at most `rows` rows."""
    for at in range(0, len(batch.x), rows):
        part = slice(at, at + rows)
        weights = None if batch.weights is None else batch.weights[part]
        yield Batch(batch.x[part], batch.y[part], batch.targets[part], weights)
