"""The loop over epochs, in Keras's order of callbacks. Steps run in the extension; Python acts between them."""

from __future__ import annotations

import contextlib
import math
import warnings
from typing import Any, Protocol

import numpy as np

from . import _arrays
from ._wgrad import Network, Training, adapters
from ._wgrad import evaluate as _evaluate
from ._wgrad import predict as _predict

#: Images of a batch where none is given, as in Keras.
BATCH_SIZE = 32


class NotSupported(ValueError):
    """A network, or its compile arguments, that wgrad cannot train; the message says why."""


class Metrics(Protocol):
    """Metrics of a model: those that the device counts, and others that are computed from its outputs."""

    #: Keys of the logs that have the accuracy that the device counts.
    counted: list[str]
    #: True if there are others.
    has_others: bool

    def reset(self) -> None: ...
    def update(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> None: ...
    def results(self) -> dict[str, float]: ...
    def names(self) -> list[str]: ...


class Subject(Protocol):
    """A model that is trained: of Keras, or of this package."""

    #: What callbacks see as their model.
    model: Any
    network: Network
    metrics: Metrics

    def weights(self) -> dict[str, np.ndarray]: ...
    def state(self) -> tuple[dict[str, dict[str, np.ndarray]], int]: ...
    def assign(self, weights: dict[str, np.ndarray], slots: dict[str, dict[str, np.ndarray]], steps: int) -> None: ...
    def rates(self, first: int, count: int) -> list[float]: ...
    def callbacks(self, callbacks: Any, verbose: int, epochs: int, steps: int) -> Any: ...
    def needs(self, callback: Any) -> set[str]: ...
    def history(self, calls: Any) -> Any: ...


def named_device(device: Any) -> str:
    """The name of a device for the extension; warns if only a software adapter is there and nobody asked for it."""
    if isinstance(device, bool) or not isinstance(device, (str, int)):
        raise TypeError(f"device is {device!r}, expected \"gpu\", \"cpu\", a part of an adapter's name, or its index in wgrad.adapters()")
    name = str(device)
    if name == "best" and not _told:
        _told.append(True)
        if all(kind == "cpu" for _, _, kind in adapters()):
            warnings.warn(
                "only a software adapter is here: wgrad runs on the processor, where Keras's own kernels are faster; "
                "device=\"cpu\" asks for it",
                stacklevel=4,
            )
    return name


#: Whether the warning of `named_device` has been considered.
_told: list[bool] = []


def checked(network: Network, left_out: bool = True) -> None:
    """Raises NotSupported where the network cannot be trained as it was compiled; warns about what was left out."""
    if network.obstacles:
        raise NotSupported("; ".join(f"the model {why}" for why in network.obstacles))
    if left_out:
        for note in network.left_out:
            warnings.warn(note, stacklevel=4)


def _count(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}")
    return int(value)


def _tail(x: np.ndarray, y: np.ndarray, weights: Any, share: float) -> tuple:
    """Rows before and after the place where the last `share` begins, as in Keras."""
    if not 0 < share < 1:
        raise ValueError(f"validation_split is {share}, expected a share above 0 and below 1")
    at = int(math.floor(len(x) * (1.0 - share)))
    if at in (0, len(x)):
        raise ValueError(f"validation_split is {share} of {len(x)} rows, which leaves none on one side; give more rows")
    head = (x[:at], y[:at], None if weights is None else weights[:at])
    return head, (x[at:], y[at:], None if weights is None else weights[at:])


def _validated(epoch: int, frequency: Any) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


class _Watched:
    """Collects the metrics of a pass from the outputs that arrive."""

    def __init__(self, metrics: Metrics, y: np.ndarray, weights: np.ndarray | None):
        self.metrics, self.y, self.weights = metrics, y, weights

    def __call__(self, rows: np.ndarray, outputs: np.ndarray, loss: float, accuracy: float) -> None:
        weights = None if self.weights is None else self.weights[rows]
        self.metrics.update(self.y[rows], outputs, weights)


def fit(
    subject: Subject,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    epochs: int,
    verbose: Any,
    callbacks: Any,
    validation_split: float,
    validation_data: Any,
    shuffle: bool,
    class_weight: Any,
    sample_weight: Any,
    initial_epoch: int,
    validation_freq: Any,
    device: Any,
    seed: int | None,
) -> Any:
    """Trains `subject` and returns its history."""
    network, model, metrics = subject.network, subject.model, subject.metrics
    checked(network)
    batch_size = _count(BATCH_SIZE if batch_size is None else batch_size, "batch_size", 1)
    epochs, initial_epoch = _count(epochs, "epochs", 0), _count(initial_epoch, "initial_epoch", 0)
    x = _arrays.inputs(x, network)
    y = _arrays.array(y, "y")
    weights = _arrays.sample_weights(sample_weight, len(x))
    own = _arrays.weights_of_classes(class_weight, network)
    if own and weights is not None:
        raise ValueError("got class_weight and sample_weight, expected one of them")
    validation = None
    if validation_data is not None:
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ValueError("validation_data is no tuple (x, y) or (x, y, sample_weight) of arrays")
        vx, vy, vw = (*validation_data, None)[:3]
        vx = _arrays.inputs(vx, network, "validation_data's x")
        validation = (vx, _arrays.array(vy, "validation_data's y"), _arrays.sample_weights(vw, len(vx)))
    elif validation_split:
        _arrays.labels(y, network, len(x))
        (x, y, weights), validation = _tail(x, y, weights, validation_split)
    targets = _arrays.labels(y, network, len(x))
    if validation is not None and validation[0].dtype != x.dtype:
        x, validation = np.asarray(x, np.float32), (np.asarray(validation[0], np.float32), *validation[1:])
    if seed is None:
        # As Keras does, from the seed that keras.utils.set_random_seed or numpy.random.seed gave.
        seed = int(np.random.randint(0, 2**31 - 1))
    steps = -(-len(x) // batch_size)
    verbose = 1 if verbose == "auto" else int(verbose)
    calls = subject.callbacks(callbacks, verbose, epochs, steps)
    kinds = set().union(*(subject.needs(callback) for callback in calls.callbacks))
    slots, done = subject.state()
    judged = None
    if validation is not None:
        judged = (validation[0], _arrays.labels(validation[1], network, len(validation[0]), "validation_data's y"))
    training = Training(
        network,
        x,
        targets,
        judged,
        batch_size=batch_size,
        epochs=max(epochs - initial_epoch, 1),
        seed=seed,
        shuffle=bool(shuffle),
        device=named_device(device),
        weights=subject.weights(),
        slots=slots,
        steps_before=done,
        class_weight=own,
        sample_weight=weights,
        validation_weight=None if validation is None else validation[2],
        in_turn="steps" in kinds,
    )
    last_rates: list[float] = []

    def rate(first: int, count: int) -> None:
        nonlocal last_rates
        rates = subject.rates(first, count)
        if rates != last_rates:
            training.set_learning_rates(rates)
            last_rates = rates if len(set(rates)) == 1 else []

    def logs(loss: float, accuracy: float) -> dict[str, float]:
        found = dict.fromkeys(metrics.counted, accuracy)
        if metrics.has_others:
            found.update(metrics.results())
        found["loss"] = loss
        return dict(sorted(found.items()))

    seen: dict[str, np.ndarray] = {}

    def synchronize() -> None:
        nonlocal seen
        seen, kept = training.state()
        subject.assign(seen, kept, done)

    def take_back() -> None:
        """Weights that a callback has set."""
        now = subject.weights()
        if seen and any(not np.array_equal(now[name], seen[name]) for name in seen):
            training.set_weights(now)

    finished = False
    model.stop_training = False
    training_logs: dict[str, float] = {}
    counted_by = np.asarray(own, np.float32)[targets] if own else weights
    watch = _Watched(metrics, y, counted_by) if metrics.has_others else None
    try:
        calls.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            metrics.reset()
            calls.on_epoch_begin(epoch)
            if "weights" in kinds or "steps" in kinds:
                take_back()
            began = done
            if "steps" in kinds:
                for step in range(steps):
                    calls.on_train_batch_begin(step)
                    take_back()
                    rate(done, 1)
                    _, loss, accuracy = training.train(1, None, watch)
                    done += 1
                    synchronize()
                    calls.on_train_batch_end(step, logs(loss, accuracy))
                    if model.stop_training:
                        break
            else:
                rate(done, steps)

                def on_batch(step: int, loss: float, accuracy: float) -> bool:
                    nonlocal done
                    done = began + step + 1
                    if "progress" in kinds:
                        calls.on_train_batch_begin(step)
                        calls.on_train_batch_end(step, logs(loss, accuracy))
                    return bool(model.stop_training)

                _, loss, accuracy = training.train(None, on_batch, watch)
            epoch_logs = logs(loss, accuracy)
            if validation is not None and _validated(epoch, validation_freq):
                metrics.reset()
                calls.on_test_begin()
                judge = None
                if metrics.has_others or "tests" in kinds:
                    batch = -1

                    def judge(rows: np.ndarray, outputs: np.ndarray, loss: float, accuracy: float) -> None:
                        nonlocal batch
                        batch += 1
                        calls.on_test_batch_begin(batch)
                        weighted = None if validation[2] is None else validation[2][rows]
                        if metrics.has_others:
                            metrics.update(validation[1][rows], outputs, weighted)
                        calls.on_test_batch_end(batch, logs(loss, accuracy))

                found = logs(*training.evaluate(judge))
                calls.on_test_end(found)
                epoch_logs.update({f"val_{name}": value for name, value in found.items()})
            if kinds & {"weights", "steps"}:
                synchronize()
            calls.on_epoch_end(epoch, epoch_logs)
            training_logs = epoch_logs
            if model.stop_training:
                break
        if epochs > initial_epoch and not kinds & {"weights", "steps"}:
            synchronize()
        finished = True
        calls.on_train_end(training_logs)
    except BaseException:
        if not finished:
            # What was learned stays, unless the device is gone.
            with contextlib.suppress(RuntimeError):
                synchronize()
        raise
    finally:
        # An exception that somebody keeps must not keep the thread of the device.
        training = None
    return subject.history(calls)


def evaluate(
    subject: Subject,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    verbose: Any,
    sample_weight: Any,
    callbacks: Any,
    return_dict: bool,
    device: Any,
) -> Any:
    """Loss and metrics of `subject` on `x` and `y`."""
    network, metrics = subject.network, subject.metrics
    checked(network, left_out=False)
    x = _arrays.inputs(x, network)
    y = _arrays.array(y, "y")
    weights = _arrays.sample_weights(sample_weight, len(x))
    if weights is not None:
        raise ValueError("evaluate takes no sample_weight; fit's validation_data=(x, y, sample_weight) does")
    targets = _arrays.labels(y, network, len(x))
    batch_size = _count(BATCH_SIZE if batch_size is None else batch_size, "batch_size", 1)
    steps = -(-len(x) // batch_size)
    calls = subject.callbacks(callbacks, 0, 1, steps)
    calls.on_test_begin()
    metrics.reset()
    named, tensors = named_device(device), subject.weights()
    loss, accuracy = _evaluate(network, tensors, x, targets, batch_size=batch_size, device=named)
    found = dict.fromkeys(metrics.counted, accuracy)
    if metrics.has_others:
        outputs = _predict(network, tensors, x, batch_size=batch_size, device=named)
        for at in range(0, len(x), batch_size):
            metrics.update(y[at : at + batch_size], outputs[at : at + batch_size], None)
        found.update(metrics.results())
    found["loss"] = loss
    calls.on_test_end(found)
    names = ["loss", *metrics.names()]
    if verbose not in (0, "0"):
        shown = " - ".join(f"{name}: {found[name]:.4f}" for name in names)
        print(f"{steps}/{steps} - {shown}", flush=True)
    if return_dict:
        return {name: found[name] for name in names}
    values = [found[name] for name in names]
    return values[0] if len(values) == 1 else values


def predict(subject: Subject, x: Any, *, batch_size: int | None, callbacks: Any, device: Any) -> np.ndarray:
    """The outputs of `subject` for `x`, (rows, outputs)."""
    x = _arrays.inputs(x, subject.network)
    batch_size = _count(BATCH_SIZE if batch_size is None else batch_size, "batch_size", 1)
    calls = subject.callbacks(callbacks, 0, 1, -(-len(x) // batch_size))
    calls.on_predict_begin()
    found = _predict(subject.network, subject.weights(), x, batch_size=batch_size, device=named_device(device))
    calls.on_predict_end()
    return found
