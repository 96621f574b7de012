"""Penalties of a layer's tensors under Keras's names: `layers.Dense(8, kernel_regularizer=regularizers.L2(1e-4))`."""

from __future__ import annotations

from typing import Any

__all__ = ["L1", "L1L2", "L2", "Regularizer"]


class Regularizer:
    """A penalty: its class and arguments, in Keras's names."""

    def __init__(self, **config: float):
        self.config = config

    def described(self) -> dict[str, Any]:
        """The penalty in Keras's JSON."""
        return {"module": "keras.regularizers", "class_name": type(self).__name__, "config": self.config, "registered_name": None}


class L1(Regularizer):
    """l1 · Σ |w|, added to the loss."""

    def __init__(self, l1: float = 0.01):
        super().__init__(l1=l1)


class L2(Regularizer):
    """l2 · Σ w², added to the loss."""

    def __init__(self, l2: float = 0.01):
        super().__init__(l2=l2)


class L1L2(Regularizer):
    """l1 · Σ |w| + l2 · Σ w², added to the loss."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        super().__init__(l1=l1, l2=l2)
