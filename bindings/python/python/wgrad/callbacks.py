"""Callbacks under Keras's names, called with Keras's timing."""

from __future__ import annotations

import csv
import math
import sys
import time
from typing import Any, Callable

import numpy as np

from . import _pages

__all__ = [
    "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History", "LambdaCallback", "LearningRateScheduler",
    "ModelCheckpoint", "ProgbarLogger", "ReduceLROnPlateau", "TerminateOnNaN",
]  # fmt: skip

Logs = dict[str, float]


class Callback:
    """Methods that a training calls. `model` is the model, whose `stop_training` ends the training."""

    model: Any = None
    params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Called before the training."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before the training, with verbose, epochs and steps."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of the training."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of the training, with the means of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of a prediction, where Keras calls it."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of a prediction, where Keras calls it."""


class CallbackList(Callback):
    """Calls several callbacks, each in its turn."""

    def __init__(self, callbacks: Any, model: Any, verbose: int, epochs: int, steps: int | None):
        given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
        for callback in given:
            if not hasattr(callback, "on_epoch_end"):
                raise TypeError(f"callbacks has a {type(callback).__name__}, expected wgrad.callbacks.Callback")
        self.history = History()
        self.callbacks = [*given, *([ProgbarLogger()] if verbose else []), self.history]
        for callback in self.callbacks:
            callback.set_params({"verbose": verbose, "epochs": epochs, "steps": steps})
            callback.set_model(model)


def _called(name: str) -> Callable[..., None]:
    count = 2 if "epoch" in name or "batch" in name else 1

    def method(self: CallbackList, *arguments: Any) -> None:
        # As Keras does, also without logs, for functions that have no default for them.
        given = (*arguments, None)[:count]
        for callback in self.callbacks:
            getattr(callback, name)(*given)

    return method


for _name in [name for name in vars(Callback) if name.startswith("on_")]:
    setattr(CallbackList, _name, _called(_name))


class History(_pages.Curves, Callback):
    """The logs of all epochs, by name, in `history`; their numbers in `epoch`. A notebook shows their curves."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4f}" for name, values in self.history.items())
        return f"History of {len(self.epoch)} epochs: {last}"


class ProgbarLogger(Callback):
    """A line for each epoch; with verbose=1, in a terminal, it follows the batches."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._began = self._shown = time.monotonic()
        self._label = f"epoch {epoch + 1}/{self.params['epochs']}"

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        now = time.monotonic()
        if self.params["verbose"] == 1 and sys.stdout.isatty() and now - self._shown > 0.1:
            self._shown = now
            print(f"\r{self._label}: {batch + 1}/{self.params['steps'] or '?'} - {_shown(logs)} ", end="", flush=True)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        start = "\r" if self.params["verbose"] == 1 and sys.stdout.isatty() else ""
        print(f"{start}{self._label}: {time.monotonic() - self._began:.1f} s - {_shown(logs)}", flush=True)


def _shown(logs: Logs | None) -> str:
    return " - ".join(f"{name}: {value:.4g}" for name, value in (logs or {}).items())


class LambdaCallback(Callback):
    """A callback of functions, each under the name of a method."""

    def __init__(self, **functions: Callable[..., None]):
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise ValueError(f"unknown method {name}, expected one of wgrad.callbacks.Callback, such as on_epoch_end")
            setattr(self, name, function)


class TerminateOnNaN(Callback):
    """Accepted for the sake of Keras's programs: a loss that is not finite always ends the training, with an error."""


class _Monitor(Callback):
    """A callback that watches one of the logs."""

    def __init__(self, monitor: str, mode: str):
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode is {mode!r}, expected \"auto\", \"min\" or \"max\"")
        self.monitor = monitor
        rises = mode == "max" or (mode == "auto" and any(part in monitor for part in ("acc", "auc", "precision", "recall")))
        self.sign = 1.0 if rises else -1.0

    def value(self, logs: Logs | None) -> float | None:
        found = (logs or {}).get(self.monitor)
        if found is None:
            print(f"{type(self).__name__} watches {self.monitor}, which is not among {', '.join(logs or {})}", file=sys.stderr)
        return found


class EarlyStopping(_Monitor):
    """Ends the training when a log no longer improves."""

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0.0, patience: int = 0, verbose: int = 0,
                 mode: str = "auto", baseline: float | None = None, restore_best_weights: bool = False,
                 start_from_epoch: int = 0):
        super().__init__(monitor, mode)
        self.min_delta, self.patience, self.verbose = abs(min_delta), patience, verbose
        self.baseline, self.restore_best_weights, self.start_from_epoch = baseline, restore_best_weights, start_from_epoch

    def _better(self, value: float, than: float) -> bool:
        return self.sign * value - self.min_delta > self.sign * than

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[np.ndarray] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self.value(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.best is None or self._better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch > 0 and self.verbose:
            print(f"epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(_Monitor):
    """Saves the model after each epoch, or only the best so far. `filepath` may name logs: {epoch:02d}-{val_loss:.2f}."""

    def __init__(self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
                 save_weights_only: bool = False, mode: str = "auto"):
        super().__init__(monitor, mode)
        self.filepath, self.verbose = str(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.best: float | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_best_only:
            value = self.value(logs)
            if value is None or (self.best is not None and self.sign * value <= self.sign * self.best):
                return
            self.best = value
        path = self.filepath.format(epoch=epoch + 1, **(logs or {}))
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        if self.verbose:
            print(f"epoch {epoch + 1}: saved {path}")


class ReduceLROnPlateau(_Monitor):
    """Lowers the learning rate when a log no longer improves."""

    def __init__(self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0,
                 mode: str = "auto", min_delta: float = 0.0001, cooldown: int = 0, min_lr: float = 0.0):
        super().__init__(monitor, mode)
        if not 0 < factor < 1:
            raise ValueError(f"factor is {factor}, expected a number above 0 and below 1")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.min_delta, self.cooldown, self.min_lr = min_delta, cooldown, min_lr

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.cooldown_counter = 0
        self.best = -math.inf

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = optimizer.learning_rate
        value = self.value(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.sign * value > self.best + self.min_delta:
            self.best, self.wait = self.sign * value, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                old = optimizer.learning_rate
                if old > self.min_lr:
                    optimizer.learning_rate = max(old * self.factor, self.min_lr)
                    self.cooldown_counter, self.wait = self.cooldown, 0
                    if self.verbose:
                        print(f"epoch {epoch + 1}: learning rate {optimizer.learning_rate:.4g}")


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch: schedule(epoch, rate)."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0):
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, optimizer.learning_rate)
        except TypeError:
            rate = self.schedule(epoch)
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"epoch {epoch + 1}: learning rate {optimizer.learning_rate:.4g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class CSVLogger(Callback):
    """Writes the logs of each epoch as a line of a CSV file."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False):
        self.filename, self.separator, self.append = filename, separator, append

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._file = open(self.filename, "a" if self.append else "w", newline="")
        self._writer: Any = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        row = {"epoch": epoch, **dict(sorted((logs or {}).items()))}
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, fieldnames=list(row), delimiter=self.separator)
            if self._file.tell() == 0:
                self._writer.writeheader()
        self._writer.writerow(row)
        self._file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._file.close()
