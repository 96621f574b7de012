"""Estimators for scikit-learn: `Classifier` and `Regressor` work in pipelines and searches."""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data
except ImportError as error:
    raise ImportError(f"wgrad.sklearn needs scikit-learn 1.6 or newer: pip install scikit-learn ({error})") from error

from . import layers as _layers
from . import optimizers as _optimizers
from .models import Sequential

__all__ = ["Classifier", "Regressor"]


class _Network(BaseEstimator):
    """What both estimators share.

    Args:
        layers: The hidden layers: layers of `wgrad.layers`, and numbers for dense layers of so many units with relu.
        input_shape: The shape of an example, if it is not a row: (28, 28, 1) for images. X has rows all the same.
        optimizer: A name, as for `compile`.
        learning_rate: The learning rate.
        batch_size: Rows of a step.
        epochs: Epochs of a fit.
        validation_fraction: The share of the rows, the last ones, that early stopping is judged by.
        patience: Epochs without a better loss on them after which the training ends; None trains all epochs.
        callbacks: Callbacks of `wgrad.callbacks`, called in each fit.
        device: As for `wgrad.fit`.
        random_state: Decides initial weights and the order of the rows.
        verbose: As for `Model.fit`.
    """

    def __init__(
        self, layers: Any = (64,), *, input_shape: Any = None, optimizer: str = "adam", learning_rate: float = 0.005,
        batch_size: int = 32, epochs: int = 60, validation_fraction: float = 0.1, patience: int | None = None,
        callbacks: Any = None, device: Any = "best", random_state: Any = None, verbose: int = 0,
    ):  # fmt: skip
        self.layers = layers
        self.input_shape = input_shape
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.epochs = epochs
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.callbacks = callbacks
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def _shaped(self, rows: np.ndarray) -> np.ndarray:
        return rows if self.input_shape is None else rows.reshape(len(rows), *self.input_shape)

    def _train(self, X: np.ndarray, y: np.ndarray, last: Any, loss: str, weights: Any) -> None:
        random = check_random_state(self.random_state)
        kind = _optimizers.NAMED.get(str(self.optimizer).lower())
        if kind is None:
            raise ValueError(f"unknown optimizer {self.optimizer!r}; known: {', '.join(_optimizers.NAMED)}")
        x = self._shaped(X)
        network = Sequential([_layers.Input(x.shape[1:])], name=type(self).__name__.lower())
        for layer in self.layers:
            network.add(_layers.Dense(int(layer), activation="relu") if isinstance(layer, (int, np.integer)) else _copy(layer))
        for layer in last:
            network.add(layer)
        network.compile(kind(self.learning_rate), loss)
        network.initialize(int(random.randint(2**31 - 1)))
        given = [] if self.callbacks is None else list(self.callbacks)
        share = 0.0
        if self.patience is not None:
            from .callbacks import EarlyStopping

            share = self.validation_fraction
            given.append(EarlyStopping("val_loss", patience=self.patience, restore_best_weights=True))
        history = network.fit(
            x, y, batch_size=self.batch_size, epochs=self.epochs, verbose=self.verbose, callbacks=given, validation_split=share,
            sample_weight=weights, device=self.device, seed=int(random.randint(2**31 - 1)),
        )  # fmt: skip
        self.model_ = network
        self.history_ = history.history
        self.n_iter_ = len(history.epoch)
        self.loss_ = history.history["loss"][-1] if history.epoch else None

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=np.float32)
        return self.model_.predict(self._shaped(rows), batch_size=min(max(len(rows), 1), 1024), device=self.device)


def _copy(layer: _layers.Layer) -> _layers.Layer:
    """A layer with the same arguments, which a network may name."""
    if not isinstance(layer, _layers.Layer):
        raise TypeError(f"layers has a {type(layer).__name__}, expected a number of units or one of wgrad.layers")
    new = type(layer).__new__(type(layer))
    new.__dict__.update(layer.__dict__)
    new.config = dict(layer.config)
    return new


class Classifier(ClassifierMixin, _Network):
    __doc__ = f"""A network for classes, trained with cross-entropy; its last layer gives a probability for each class.

    {_Network.__doc__.partition(chr(10))[2].strip()}

    Attributes:
        classes_: The classes.
        model_: The network, a `wgrad.Sequential`.
        history_: Loss of each epoch.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Classifier:
        """Trains a new network on rows (rows, features) of numbers and their classes."""
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float32)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}, expected at least two classes to distinguish")
        last = [_layers.Dense(len(self.classes_), activation="softmax")]
        if self.input_shape is not None:
            last.insert(0, _layers.Flatten())
        self._train(X, places.astype(np.int64), last, "sparse_categorical_crossentropy", sample_weight)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """A probability for each row and class, in the order of `classes_`."""
        outputs = self._outputs(X).astype(np.float64)
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        outputs = self._outputs(X)
        return self.classes_[outputs.argmax(axis=1)]


class Regressor(RegressorMixin, _Network):
    __doc__ = f"""A network for one number, trained with the mean squared error. Labels are standardised for the training.

    {_Network.__doc__.partition(chr(10))[2].strip()}

    Attributes:
        model_: The network, a `wgrad.Sequential`; it predicts standardised numbers.
        history_: Loss of each epoch, of standardised numbers.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Regressor:
        """Trains a new network on rows (rows, features) of numbers and their labels."""
        X, y = validate_data(self, X, y, dtype=np.float32, y_numeric=True)
        if type_of_target(y).endswith("multioutput") and np.shape(y)[1] > 1:
            raise ValueError(f"y has shape {np.shape(y)}, expected one number for each row")
        y = column_or_1d(y, warn=True).astype(np.float64)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float32)
        self.mean_, self.scale_ = float(y.mean()), float(y.std()) or 1.0
        last = [_layers.Dense(1)]
        if self.input_shape is not None:
            last.insert(0, _layers.Flatten())
        self._train(X, ((y - self.mean_) / self.scale_).astype(np.float32), last, "mse", sample_weight)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The number of each row."""
        return self._outputs(X)[:, 0].astype(np.float64) * self.scale_ + self.mean_
