"""Optimizers and learning-rate schedules under Keras's names, arguments and defaults."""

from __future__ import annotations

import math
from typing import Any, Callable

__all__ = ["Adagrad", "Adam", "AdamW", "CosineDecay", "ExponentialDecay", "Lion", "Optimizer", "PiecewiseConstantDecay", "RMSprop", "SGD"]


class ExponentialDecay:
    """initial · rate^(step / decay_steps)."""

    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False):
        self.arguments = initial_learning_rate, decay_steps, decay_rate, staircase

    def __call__(self, step: int) -> float:
        """The rate of a step, from 0."""
        initial, steps, rate, staircase = self.arguments
        power = step // steps if staircase else step / steps
        return initial * rate**power


class CosineDecay:
    """From the initial rate to alpha times it along half a cosine, over decay_steps (Loshchilov and Hutter 2017)."""

    def __init__(self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0):
        self.arguments = initial_learning_rate, decay_steps, alpha

    def __call__(self, step: int) -> float:
        """The rate of a step, from 0."""
        initial, steps, alpha = self.arguments
        cosine = 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))
        return initial * ((1 - alpha) * cosine + alpha)


class PiecewiseConstantDecay:
    """values[n] up to and including step boundaries[n]."""

    def __init__(self, boundaries: list[int], values: list[float]):
        if len(values) != len(boundaries) + 1:
            raise ValueError(f"got {len(values)} values for {len(boundaries)} boundaries, expected one more")
        self.boundaries, self.values = list(boundaries), list(values)

    def __call__(self, step: int) -> float:
        """The rate of a step, from 0."""
        return self.values[sum(step > boundary for boundary in self.boundaries)]


class Optimizer:
    """An optimizer: its class and arguments, in Keras's names, and the steps that it has done."""

    def __init__(self, learning_rate: float | Callable[[int], float], **config: Any):
        self._learning_rate: Any = learning_rate
        self.config = config
        self.iterations = 0
        #: State of each parameter, by the name of the state, from earlier calls of fit.
        self.slots: dict[str, Any] = {}

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self._learning_rate(self.iterations) if callable(self._learning_rate) else self._learning_rate)

    @learning_rate.setter
    def learning_rate(self, rate: float | Callable[[int], float]) -> None:
        self._learning_rate = rate

    def rates(self, first: int, count: int) -> list[float]:
        """The rates of `count` steps from step `first` on, or the only one."""
        if callable(self._learning_rate):
            return [float(self._learning_rate(step)) for step in range(first, first + count)]
        return [float(self._learning_rate)]

    def described(self) -> dict[str, Any]:
        """The optimizer in Keras's JSON."""
        config = {"learning_rate": self.learning_rate, **self.config}
        return {"module": "keras.optimizers", "class_name": type(self).__name__, "config": config, "registered_name": None}


class SGD(Optimizer):
    """Stochastic gradient descent."""

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False,
                 weight_decay: float | None = None, global_clipnorm: float | None = None):
        super().__init__(learning_rate, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay, global_clipnorm=global_clipnorm)


class Adam(Optimizer):
    """Adaptive moments (Kingma and Ba 2015)."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 weight_decay: float | None = None, global_clipnorm: float | None = None):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, weight_decay=weight_decay, global_clipnorm=global_clipnorm)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, **kwargs: Any):
        super().__init__(learning_rate, weight_decay=weight_decay, **kwargs)


class RMSprop(Optimizer):
    """Root of the mean square (Hinton 2012)."""

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
                 centered: bool = False, weight_decay: float | None = None, global_clipnorm: float | None = None):
        super().__init__(learning_rate, rho=rho, momentum=momentum, epsilon=epsilon, centered=centered, weight_decay=weight_decay, global_clipnorm=global_clipnorm)


class Adagrad(Optimizer):
    """Root of the sum of squares (Duchi, Hazan and Singer 2011)."""

    def __init__(self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
                 weight_decay: float | None = None, global_clipnorm: float | None = None):
        super().__init__(learning_rate, initial_accumulator_value=initial_accumulator_value, epsilon=epsilon, weight_decay=weight_decay, global_clipnorm=global_clipnorm)


class Lion(Optimizer):
    """Sign of the moving direction (Chen et al. 2023)."""

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99,
                 weight_decay: float | None = None, global_clipnorm: float | None = None):
        super().__init__(learning_rate, beta_1=beta_1, beta_2=beta_2, weight_decay=weight_decay, global_clipnorm=global_clipnorm)


#: Optimizers by the names that `compile` takes.
NAMED = {kind.__name__.lower(): kind for kind in (SGD, Adam, AdamW, RMSprop, Adagrad, Lion)}
