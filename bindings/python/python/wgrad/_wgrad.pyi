"""The extension: networks, trainings and predictions of the engine."""

from typing import Any, Callable, final

import numpy as np

__all__ = [
    "Evaluation", "Network", "Prediction", "Several", "Team", "Training", "adapters", "close", "curves", "dark_style", "device_of", "drawing",
    "explain", "finish", "keras_weights", "lab", "launched", "load_data", "main", "onnx_file", "onnx_origins", "profile", "read_fitting",
    "read_weights", "report", "safetensors", "tune",
]  # fmt: skip

_Tensors = dict[str, np.ndarray]

def adapters() -> list[tuple[int, str, str]]:
    """The adapters of this machine that can train: index, description, and class (gpu, or cpu for a software adapter)."""

def finish() -> None:
    """Waits until all threads have ended: a driver must not be unloaded under them."""

def launched() -> int:
    """The number of processes that a launcher of MPI started together with this one, itself included."""

def device_of(local_rank: int) -> str:
    """The adapter of a process by its rank among those of this machine: the GPUs in turn."""

def load_data(name: str, maxlen: int | None = None, num_words: int | None = None) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray], list[str]]:
    """A data set by its name or from a path: training part, test part, names of the classes."""

def main(python: str, words: int) -> int:
    """Runs the program wgrad with the arguments that follow the first words of this process's command line."""

def keras_weights(network: Network, text: str, weights: _Tensors) -> bytes:
    """Tensors by name as the bytes of Keras's .weights.h5 for the network that the JSON text describes."""

def safetensors(network: Network, weights: _Tensors) -> bytes:
    """Tensors by name as the bytes of a safetensors file."""

def read_weights(network: Network, path: str) -> _Tensors:
    """The tensors of a network in a file, by name: safetensors, .weights.h5 or .keras."""

def read_fitting(network: Network, weights: _Tensors, path: str) -> tuple[_Tensors, list[tuple[str, str]]]:
    """Weights of which the layers that fit are from a file; and each other layer with the reason."""

def onnx_file(network: Network, weights: _Tensors) -> bytes:
    """The network with its tensors as the bytes of an ONNX file."""

def onnx_origins(what: str, bytes: bytes, module: list[int], tensors: list[tuple[str, int]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each tensor of the network of an ONNX file, the places of its elements among those of tensors."""

def curves(title: str, label: str, curves: list[tuple[str, list[tuple[float, float]]]]) -> str:
    """Curves over epochs as SVG."""

def drawing(network: Network) -> str:
    """A drawing of the network as SVG."""

def dark_style() -> str:
    """Rules of CSS that turn these charts dark."""

def explain(
    network: Network, weights: _Tensors, x: np.ndarray, outputs: list[int], floats: bool, device: str
) -> tuple[np.ndarray, np.ndarray, list[tuple[str, np.ndarray]], str | None]:
    """Outputs before softmax, the gradients of the asked outputs, the outputs of all layers, and a picture of the first row."""

def lab(
    op: str,
    *,
    size: str | None,
    variants: list[str],
    files: list[str],
    activation: str | None,
    seconds: float,
    cases: int | None,
    seed: int,
    device: str,
    told: Callable[[str], Any] | None,
) -> tuple[str, str]:
    """Proves, then times, variants of an operation: rows as JSON, and a page."""

def tune(
    network: Network,
    *,
    floats: bool,
    batch_size: int,
    seconds: float,
    again: bool,
    device: str,
    told: Callable[[str], Any] | None,
) -> str:
    """Chooses the fastest correct variant for each operation of a network: rows as JSON."""

def profile(
    network: Network,
    weights: _Tensors,
    x: np.ndarray,
    y: np.ndarray,
    *,
    floats: bool,
    batch_size: int,
    seconds: float,
    device: str,
    told: Callable[[str], Any] | None,
) -> tuple[str, str, str]:
    """Measures where a step of a training spends its time: rows as JSON, a page, and a trace."""

def report(
    runs: list[str],
    *,
    image: int,
    last: bool,
    curves: bool,
    seconds: float | None,
    device: str,
    told: Callable[[str], Any] | None,
) -> str:
    """The page of wgrad report about runs."""

def close() -> None:
    """Closes all devices, which frees their memory; the next call opens one again."""

@final
class Prediction:
    """A network on a device, for the outputs of arrays."""

    def __new__(
        cls, network: Network, weights: _Tensors, *, floats: bool, batch_size: int, device: str
    ) -> Prediction: ...
    def outputs(self, x: np.ndarray) -> np.ndarray: ...

@final
class Evaluation:
    """A network on a device, for its loss and metrics on arrays."""

    def __new__(
        cls,
        network: Network,
        weights: _Tensors,
        *,
        floats: bool,
        rows: int,
        weighted: bool,
        batch_size: int,
        device: str,
    ) -> Evaluation: ...
    def evaluate(
        self,
        x: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        on_outputs: Callable[[np.ndarray, np.ndarray, float, Any], Any] | None = None,
    ) -> tuple[float, Any]: ...

@final
class Network:
    """A network read from the JSON of model.to_json()."""

    def __new__(cls, text: str, name: str) -> Network: ...
    @staticmethod
    def load(path: str) -> tuple[Network, _Tensors]: ...
    @staticmethod
    def onnx(what: str, bytes: bytes, text: str, module: list[int] | None = None) -> tuple[Network, _Tensors]: ...
    @property
    def input(self) -> list[int]: ...
    @property
    def inputs(self) -> list[tuple[str, list[int]]]: ...
    @property
    def values(self) -> int: ...
    @property
    def outputs(self) -> int: ...
    @property
    def output(self) -> list[int]: ...
    @property
    def several(self) -> list[Several]: ...
    @property
    def keyed(self) -> bool: ...
    @property
    def labels(self) -> int: ...
    @property
    def classes(self) -> int: ...
    @property
    def masked(self) -> bool: ...
    @property
    def loss(self) -> str: ...
    @property
    def gives_logits(self) -> bool: ...
    @property
    def one_hot(self) -> bool: ...
    @property
    def channels_first(self) -> bool: ...
    @property
    def log_softmax(self) -> bool: ...
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

@final
class Several:
    """One of several outputs of a network."""

    name: str
    output: list[int]
    outputs: int
    labels: int
    classes: int
    loss: str
    one_hot: bool
    gives_logits: bool

@final
class Team:
    """A rank's handle to its team, through a communicator of mpi4py that nobody else uses."""

    def __new__(cls, communicator: Any, *, sync_batch_norm: bool, wire: str) -> Team: ...

@final
class Training:
    """A training of a network on arrays."""

    def __new__(
        cls,
        network: Network,
        x: np.ndarray | None,
        y: np.ndarray | None,
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
        floats: bool,
        weighted: bool,
        team: Team | None = None,
    ) -> Training: ...
    @property
    def prepared(self) -> tuple[int, dict[str, str], str] | None: ...
    @property
    def failed(self) -> bool: ...
    def compile(self, fitting: int, tuned: dict[str, str]) -> None: ...
    @property
    def steps_per_epoch(self) -> int: ...
    def train(
        self,
        steps: int | None = None,
        on_batch: Callable[[int, float, Any], Any] | None = None,
        on_outputs: Callable[[np.ndarray, np.ndarray, float, Any], Any] | None = None,
    ) -> tuple[bool, float, Any]: ...
    def evaluate(
        self, on_outputs: Callable[[np.ndarray, np.ndarray, float, Any], Any] | None = None
    ) -> tuple[float, Any] | None: ...
    def begin(self, epoch: int) -> None: ...
    def step(
        self,
        x: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        learning_rate: float | None = None,
        outputs: bool = False,
    ) -> None: ...
    def done(
        self, on_outputs: Callable[[np.ndarray, np.ndarray, float, Any], Any] | None = None
    ) -> tuple[float, Any]: ...
    def judge(
        self,
        x: np.ndarray,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        on_outputs: Callable[[np.ndarray, np.ndarray, float, Any], Any] | None = None,
    ) -> tuple[float, Any] | None: ...
    def state(self) -> tuple[_Tensors, dict[str, _Tensors]]: ...
    def set_weights(self, weights: _Tensors) -> None: ...
    def set_learning_rates(self, rates: list[float]) -> None: ...
