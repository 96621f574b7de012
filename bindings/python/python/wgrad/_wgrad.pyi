"""The extension: networks, trainings and predictions of the engine."""

from typing import Any, Callable

import numpy as np

_Tensors = dict[str, np.ndarray]

def adapters() -> list[tuple[int, str, str]]:
    """The adapters of this machine that can train: index, description, and class (gpu, or cpu for a software adapter)."""

def finish() -> None:
    """Waits until all threads have ended: a driver must not be unloaded under them."""

def keras_weights(network: Network, text: str, weights: _Tensors) -> bytes:
    """Tensors by name as the bytes of Keras's .weights.h5 for the network that the JSON text describes."""

def predict(network: Network, weights: _Tensors, x: np.ndarray, *, batch_size: int, device: str) -> np.ndarray:
    """The outputs of the network for each row of x, (rows, outputs)."""

def evaluate(
    network: Network, weights: _Tensors, x: np.ndarray, y: np.ndarray, *, batch_size: int, device: str
) -> tuple[float, float]:
    """Mean loss and accuracy of the network on the rows of x and the labels y."""

class Network:
    """A network read from the JSON of model.to_json()."""

    def __new__(cls, text: str, name: str) -> Network: ...
    @staticmethod
    def load(path: str) -> tuple[Network, _Tensors]: ...
    @property
    def input(self) -> list[int]: ...
    @property
    def values(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def classes(self) -> int: ...
    @property
    def loss(self) -> str: ...
    @property
    def gives_logits(self) -> bool: ...
    @property
    def one_hot(self) -> bool: ...
    @property
    def takes_bytes(self) -> bool: ...
    @property
    def optimizer(self) -> str | None: ...
    @property
    def learning_rate(self) -> float | None: ...
    @property
    def obstacles(self) -> list[str]: ...
    @property
    def left_out(self) -> list[str]: ...
    @property
    def missing_initializers(self) -> list[str]: ...
    @property
    def tensors(self) -> list[tuple[str, list[int], bool]]: ...
    def initial_weights(self, seed: int) -> _Tensors: ...
    def summary(self) -> list[tuple[str, str, list[int], int, int]]: ...

class Training:
    """A training of a network on arrays."""

    def __new__(
        cls,
        network: Network,
        x: np.ndarray,
        y: np.ndarray,
        validation: tuple[np.ndarray, np.ndarray] | None,
        *,
        batch_size: int,
        epochs: int,
        seed: int,
        shuffle: bool,
        device: str,
        weights: _Tensors,
        slots: dict[str, _Tensors],
        steps_before: int,
        class_weight: list[float],
        sample_weight: np.ndarray | None,
        validation_weight: np.ndarray | None,
        in_turn: bool,
    ) -> Training: ...
    @property
    def steps_per_epoch(self) -> int: ...
    def train(
        self,
        steps: int | None = None,
        on_batch: Callable[[int, float, float], Any] | None = None,
        on_outputs: Callable[[np.ndarray, np.ndarray, float, float], Any] | None = None,
    ) -> tuple[bool, float, float]: ...
    def evaluate(
        self, on_outputs: Callable[[np.ndarray, np.ndarray, float, float], Any] | None = None
    ) -> tuple[float, float]: ...
    def state(self) -> tuple[_Tensors, dict[str, _Tensors]]: ...
    def set_weights(self, weights: _Tensors) -> None: ...
    def set_learning_rates(self, rates: list[float]) -> None: ...
