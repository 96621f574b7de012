"""Losses under Keras's names."""

from __future__ import annotations

from typing import Any

__all__ = [
    "BinaryCrossentropy", "CategoricalCrossentropy", "CosineSimilarity", "Huber", "KLDivergence", "Loss", "MeanAbsoluteError", "MeanSquaredError",
    "SparseCategoricalCrossentropy",
]  # fmt: skip


class Loss:
    """A loss: its class and arguments, in Keras's names."""

    def __init__(self, **config: Any):
        self.config = config

    def described(self) -> dict[str, Any]:
        """The loss in Keras's JSON."""
        return {"module": "keras.losses", "class_name": type(self).__name__, "config": self.config, "registered_name": None}


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy of classes, with the index of the class as the label."""

    def __init__(self, from_logits: bool = False):
        super().__init__(from_logits=from_logits)


class CategoricalCrossentropy(Loss):
    """Cross-entropy of classes, with rows that have a 1 at the class as labels."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0):
        super().__init__(from_logits=from_logits, label_smoothing=label_smoothing)


class BinaryCrossentropy(Loss):
    """Cross-entropy of two classes, 0 and 1, with one output."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0):
        super().__init__(from_logits=from_logits, label_smoothing=label_smoothing)


class MeanSquaredError(Loss):
    """(output - label)²."""

    def __init__(self) -> None:
        super().__init__()


class MeanAbsoluteError(Loss):
    """|output - label|."""

    def __init__(self) -> None:
        super().__init__()


class Huber(Loss):
    """d² / 2 for distances up to delta, delta · (d - delta / 2) beyond (Huber 1964)."""

    def __init__(self, delta: float = 1.0):
        super().__init__(delta=delta)


class KLDivergence(Loss):
    """Σ t · log(t / p) of probabilities along the last axis."""

    def __init__(self) -> None:
        super().__init__()


class CosineSimilarity(Loss):
    """Minus the cosine of the angle between vectors along the last axis."""

    def __init__(self) -> None:
        super().__init__()
