"""What each update leaves a layer's tensors as, under Keras's names: `layers.Dense(8, kernel_constraint=constraints.MaxNorm(3))`."""

from __future__ import annotations

from typing import Any

__all__ = ["Constraint", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"]


class Constraint:
    """A constraint: its class and arguments, in Keras's names."""

    def __init__(self, **config: Any):
        self.config = config

    def described(self) -> dict[str, Any]:
        """The constraint in Keras's JSON."""
        return {"module": "keras.constraints", "class_name": type(self).__name__, "config": self.config, "registered_name": None}


class NonNeg(Constraint):
    """No element below zero."""

    def __init__(self) -> None:
        super().__init__()


class MaxNorm(Constraint):
    """Norms over `axis` of at most `max_value`."""

    def __init__(self, max_value: float = 2, axis: Any = 0):
        super().__init__(max_value=max_value, axis=axis)


class UnitNorm(Constraint):
    """Norms over `axis` of 1."""

    def __init__(self, axis: Any = 0):
        super().__init__(axis=axis)


class MinMaxNorm(Constraint):
    """Norms over `axis` from `min_value` to `max_value`; others come closer by the share `rate` of their distance."""

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        super().__init__(min_value=min_value, max_value=max_value, rate=rate, axis=axis)
