"""Models of Keras 3, on any of its backends, numpy's included: `install` lets `model.fit` train on the GPU."""

from __future__ import annotations

import functools
import sys
import warnings
from typing import Any

import numpy as np

from . import _arrays, _live, _loop, _pages, _team
from ._device import adapters
from ._loop import NotSupported
from ._wgrad import Network

__all__ = ["evaluate", "fit", "install", "predict", "uninstall"]

#: Metrics that count what the device counts, with the loss that they need.
_COUNTED = {
    "sparse_categorical_accuracy": "softmax_cross_entropy",
    "categorical_accuracy": "softmax_cross_entropy",
    "binary_accuracy": "binary_cross_entropy",
}
#: For each slot of an optimizer, the list of Keras's optimizer that holds it.
_SLOTS = {
    "adam": {"m": "_momentums", "v": "_velocities"},
    "adamw": {"m": "_momentums", "v": "_velocities"},
    "rmsprop": {"mean_square": "_velocities", "mean": "_average_gradients", "momentum": "_momentums"},
    "adagrad": {"accumulator": "_accumulators"},
    "lion": {"m": "_momentums"},
}


def _numpy(value: Any) -> np.ndarray:
    """A tensor of any backend as an array."""
    import keras

    return np.asarray(keras.ops.convert_to_numpy(value))


def _is_model(layer: Any) -> bool:
    return type(layer).__name__ in ("Sequential", "Functional", "Model") and hasattr(layer, "layers")


def _named(model: Any, names: dict[str, Any], taken: dict[str, int]) -> None:
    """Layers by the names that the network has: its own, behind that of its model where another layer has it."""
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        if _is_model(layer):
            _named(layer, names, taken)
            continue
        name = layer.name
        if name == "input" or name in names:
            other = f"{model.name}_{name}"
            while name == "input" or name in names:
                taken[other] = taken.get(other, 0) + 1
                name = other if taken[other] == 1 else f"{other}_{taken[other]}"
        names[name] = layer


class _Metrics:
    """Metrics of a Keras model."""

    def __init__(self, model: Any, network: Network):
        self.model = model
        config = model.get_compile_config() if getattr(model, "compiled", False) else {}
        config = config or {}
        self.counted: Any = []
        self.losses: list[str] = []
        self.has_others = bool(config.get("weighted_metrics"))
        given = config.get("metrics") or []
        self._network = network
        if network.several:
            self._of_outputs(given, config.get("loss"))
            return
        while isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
            given = given[0]
        if not isinstance(given, list):
            self.has_others, given = True, []
        for metric in given:
            name = self._counts(metric, network)
            if name is None:
                self.has_others = True
            else:
                self.counted.append(name)
        if self.has_others:
            # Keras computes all of them, each with its own rules.
            self.counted = []
        self._names = list(self.counted)

    def _of_outputs(self, given: Any, loss: Any) -> None:
        """The metrics of several outputs."""
        names = [one.name for one in self._network.several]
        keyed = self._network.keyed and isinstance(loss, dict) and "class_name" not in loss
        self.losses = [f"{name}_loss" for name in (loss if keyed else names)]
        each = [given.get(name) for name in names] if isinstance(given, dict) else list(given)
        self.counted = {}
        if isinstance(given, dict) and set(given) - set(names):
            self.has_others, each = True, []
        for n, (one, own) in enumerate(zip(self._network.several, each)):
            for metric in own if isinstance(own, list) else [own]:
                name = None if metric is None else self._counts(metric, one)
                if name is not None:
                    self.counted[f"{one.name}_{name}"] = n
                elif metric is not None:
                    self.has_others = True
        if self.has_others:
            self.counted = {}
        self._names = sorted(self.counted)

    def _structured(self, y: np.ndarray) -> Any:
        """Rows of the labels of several outputs as Keras has them."""
        parts, first = [], 0
        for one in self._network.several:
            part = y[:, first : first + one.labels]
            first += one.labels
            if one.classes and one.one_hot:
                part = np.eye(one.classes, dtype=np.float32)[part.astype(np.int64)]
            by_place = one.loss == "softmax_cross_entropy" and not one.one_hot
            parts.append(part.reshape(len(y), *(one.output[:-1] if by_place else one.output)))
        return {one.name: part for one, part in zip(self._network.several, parts)} if self._network.keyed else parts

    @staticmethod
    def _counts(metric: Any, network: Any) -> str | None:
        """The key of a metric that equals what the device counts; None for another."""
        if isinstance(metric, str):
            key, kind = metric, metric
        elif isinstance(metric, dict) and str(metric.get("module", "")).startswith("keras"):
            key = metric.get("config", {}).get("name", "")
            kind = _snake(metric["class_name"])
            if metric.get("config", {}).get("threshold", 0.5) != 0.5:
                return None
        else:
            return None
        if kind in ("accuracy", "acc") and isinstance(metric, str):
            if network.loss == "binary_cross_entropy" and network.labels > 1:
                return None  # Keras compares the largest of several outputs.
            kind = "binary_accuracy" if network.loss == "binary_cross_entropy" else "sparse_categorical_accuracy"
            if network.loss == "softmax_cross_entropy" and network.one_hot:
                kind = "categorical_accuracy"
        needs = _COUNTED.get(kind)
        if needs is None or needs != network.loss:
            return None
        if kind != "binary_accuracy":
            return key if (kind == "categorical_accuracy") == network.one_hot else None
        # Of logits Keras asks whether they are above 0.5.
        return None if network.gives_logits else key

    def reset(self) -> None:
        self.model.reset_metrics()

    def update(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> None:
        if self._network.several:
            y, outputs = self._structured(y), _arrays.outputs(outputs, self._network)
        self._last = self.model.compute_metrics(None, y, outputs, sample_weight)

    def results(self) -> dict[str, float]:
        others = ("loss", *self.losses)
        found = {name: float(_numpy(value)) for name, value in self._last.items() if name not in others}
        self._names = sorted(found) if self.losses else list(found)
        return found

    def names(self) -> list[str]:
        return self._names


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() and n else c.lower() for n, c in enumerate(name))


class _KerasModel:
    """A Keras model as the subject of a training."""

    def __init__(self, model: Any, compiled: bool = True):
        import keras

        if not isinstance(model, keras.Model):
            raise TypeError(f"model is a {type(model).__name__}, expected a Keras 3 model or a torch.nn.Module")
        if compiled and not getattr(model, "compiled", False):
            raise ValueError("the model is not compiled; call model.compile(optimizer, loss) first")
        self.model = model
        try:
            text = model.to_json()
        except Exception as error:  # whatever the code of a layer of the user's raises
            raise NotSupported(f"the model has no JSON form, by which wgrad reads it: {error}") from error
        try:
            self.network = Network(text, model.name)
        except ValueError as error:
            raise NotSupported(str(error)) from error
        names: dict[str, Any] = {}
        _named(model, names, {})
        self.variables: list[tuple[str, Any]] = []
        by_layer: dict[str, list[str]] = {}
        self.shapes = {}
        for name, shape, _ in self.network.tensors:
            by_layer.setdefault(name.rsplit(".", 1)[0], []).append(name)
            self.shapes[name] = tuple(shape)
        for layer, tensors in by_layer.items():
            # The number of batches that `adapt` of a Normalization saw is none of its tensors.
            variables = [variable for variable in names[layer].weights if variable.name != "count"]
            if len(variables) != len(tensors):
                raise NotSupported(f"layer {layer} has {len(variables)} weights in Keras and {len(tensors)} in wgrad")
            self.variables.extend(zip(tensors, variables))
        self.metrics = _Metrics(model, self.network)

    def weights(self) -> dict[str, np.ndarray]:
        return {
            name: np.ascontiguousarray(_numpy(variable), dtype=np.float32).reshape(self.shapes[name])
            for name, variable in self.variables
        }

    def _lists(self) -> list[tuple[str, str, float]]:
        """Slots, the lists of Keras's optimizer that hold them, and Keras's multiple of each."""
        optimizer, method = self.model.optimizer, self.network.optimizer
        if method == "sgd":
            # Keras's momentum includes the learning rate.
            heavy = float(optimizer.momentum) > 0
            return [("velocity", "momentums", -self._rate())] if heavy and hasattr(optimizer, "momentums") else []
        found = _SLOTS.get(method or "", {})
        return [(slot, name, 1.0) for slot, name in found.items() if getattr(optimizer, name, None)]

    def _rate(self) -> float:
        return float(_numpy(self.model.optimizer.learning_rate))

    def _trained(self) -> dict[int, int]:
        """The place of each trained variable in the lists of Keras's optimizer."""
        return {id(variable): place for place, variable in enumerate(self.model.trainable_variables)}

    def state(self) -> tuple[dict[str, dict[str, np.ndarray]], int]:
        optimizer = self.model.optimizer
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        steps = int(_numpy(optimizer.iterations))
        slots: dict[str, dict[str, np.ndarray]] = {}
        places = self._trained()
        if not steps:
            return slots, 0
        for slot, name, factor in self._lists():
            held = getattr(optimizer, name)
            if not factor:
                continue
            slots[slot] = {
                tensor: (
                    np.ascontiguousarray(_numpy(held[places[id(variable)]]) / factor, dtype=np.float32).reshape(self.shapes[tensor])
                    if id(variable) in places
                    else np.zeros(self.shapes[tensor], np.float32)
                )
                for tensor, variable in self.variables
            }
        return slots, steps

    def assign(self, weights: dict[str, np.ndarray], slots: dict[str, dict[str, np.ndarray]], steps: int) -> None:
        optimizer = self.model.optimizer
        for name, variable in self.variables:
            variable.assign(weights[name].reshape(variable.shape))
        places = self._trained()
        for slot, list_name, factor in self._lists():
            held = getattr(optimizer, list_name)
            for tensor, variable in self.variables:
                if slot in slots and id(variable) in places:
                    value = slots[slot][tensor] * np.float32(factor)
                    held[places[id(variable)]].assign(value.reshape(variable.shape))
        optimizer.iterations.assign(steps)

    def rates(self, first: int, count: int) -> list[float]:
        import keras

        schedule = getattr(self.model.optimizer, "_learning_rate", None)
        if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
            return [float(_numpy(schedule(step))) for step in range(first, first + count)]
        return [self._rate()]

    def callbacks(self, callbacks: Any, verbose: int, epochs: int, steps: int | None) -> Any:
        import keras

        if isinstance(callbacks, keras.callbacks.CallbackList):
            return callbacks
        return keras.callbacks.CallbackList(
            callbacks, add_history=True, add_progbar=verbose != 0, verbose=verbose, epochs=epochs, steps=steps, model=self.model
        )

    def needs(self, callback: Any) -> set[str]:
        """What a callback needs besides logs: "progress" of batches, the "weights" after an epoch, "steps" one by one, "tests"."""
        import keras

        known = keras.callbacks
        if type(callback) in (known.ProgbarLogger, _live.Live):
            return {"progress"}
        if type(callback) in (known.History, known.CSVLogger, known.ReduceLROnPlateau, known.LearningRateScheduler, known.TerminateOnNaN):
            return set()
        if type(callback) is known.EarlyStopping:
            return {"weights"} if callback.restore_best_weights else set()
        if type(callback) is known.ModelCheckpoint:
            return {"weights"} if callback.save_freq == "epoch" else {"steps"}
        hooks = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
        needs = {"steps"} if any(_overrides(callback, hook) for hook in hooks) else {"weights"}
        if any(_overrides(callback, hook) for hook in ("on_test_batch_begin", "on_test_batch_end")):
            needs.add("tests")
        return needs

    def writes(self, callback: Any) -> bool:
        """Whether a callback writes files, or shows the training."""
        import keras

        known = keras.callbacks
        names = ("BackupAndRestore", "CSVLogger", "ModelCheckpoint", "ProgbarLogger", "RemoteMonitor", "TensorBoard")
        return isinstance(callback, (_live.Live, *(getattr(known, name) for name in names if hasattr(known, name))))

    def history(self, calls: Any) -> Any:
        import keras

        history = getattr(self.model, "history", None) or calls._history
        if type(history) is keras.callbacks.History:
            # Still Keras's history, and a notebook shows its curves.
            history.__class__ = _shown(keras.callbacks.History)
        return history


@functools.cache
def _shown(kind: type) -> type:
    """Keras's class of histories with this package's curves."""
    return type("History", (_pages.Curves, kind), {"__doc__": kind.__doc__})


def _overrides(callback: Any, hook: str) -> bool:
    """Whether a callback has its own method, of its class or of the object itself."""
    import keras

    own = getattr(callback, hook, None)
    return getattr(own, "__func__", own) is not getattr(keras.callbacks.Callback, hook)


def _for_module(model: Any, loss: Any, optimizer: Any, metrics: Any) -> Any:
    """The functions for modules if `model` is one of PyTorch, else None. Keras's models on PyTorch are modules too."""
    pytorch = sys.modules.get("torch")
    own = sys.modules.get("keras")
    is_module = pytorch is not None and isinstance(model, pytorch.nn.Module) and not (own is not None and isinstance(model, own.Model))
    if is_module:
        if loss is None:
            raise TypeError("loss is missing: a module of PyTorch has none; give an object of torch.nn, such as torch.nn.CrossEntropyLoss()")
        from . import torch as ours

        return ours
    given = [name for name, value in (("loss", loss), ("optimizer", optimizer), ("metrics", metrics)) if value not in (None, "")]
    if given:
        raise TypeError(f"got {given[0]}, which a {type(model).__name__} has from model.compile; only modules of PyTorch take it here")
    return None


@_team.together
def fit(
    model: Any,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: Any = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: Any = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: Any = 1,
    *,
    loss: Any = None,
    optimizer: Any = None,
    metrics: Any = None,
    device: Any = "best",
    seed: int | None = None,
    sync_batch_norm: bool = False,
    wire: str = "f32",
) -> Any:
    """Trains a Keras model as `model.fit` does, on a GPU, and writes the weights back.

    `x` is an array, with labels in `y`, or gives batches (x, y) or (x, y, sample_weight): a generator, a PyDataset, a
    `tf.data.Dataset`, a DataLoader, any iterable. `device` is "gpu", "cpu", a part of an adapter's name, or its index in
    `wgrad.adapters()`. `seed` decides the order of the rows and dropout; without it, it is drawn from numpy's random
    numbers, which `keras.utils.set_random_seed` seeds. Returns Keras's History.

    Where MPI started several processes, they train together, each with a part of every batch: `batch_size` is that of all
    processes, and each passes all the data (docs/ranks.md). With `sync_batch_norm`, batch normalization then uses the whole
    batch; with `wire="f16"`, gradients travel with 16 bits.

    `model` may be a `torch.nn.Module`, too: then `loss`, `optimizer` and `metrics` say what Keras's `compile` says, and
    `wgrad.torch.fit` describes them.

    Raises:
        NotSupported: for a network, or a compile argument, that wgrad lacks.
        ValueError, TypeError: for arguments that do not fit.
        RuntimeError: if the device fails.
        FloatingPointError: if the loss is no longer finite.
    """
    ours = _for_module(model, loss, optimizer, metrics)
    if ours is not None:
        return ours.fit(
            model, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight, sample_weight,
            initial_epoch, steps_per_epoch, validation_steps, validation_batch_size, validation_freq, loss=loss,
            optimizer="adam" if optimizer is None else optimizer, metrics=metrics, device=device, seed=seed,
            sync_batch_norm=sync_batch_norm, wire=wire,
        )  # fmt: skip
    verbose, callbacks = _live.shown(verbose, callbacks)
    return _loop.fit(
        _KerasModel(model),
        x,
        y,
        batch_size=batch_size,
        epochs=epochs,
        verbose=verbose,
        callbacks=callbacks,
        validation_split=validation_split,
        validation_data=validation_data,
        shuffle=shuffle,
        class_weight=class_weight,
        sample_weight=sample_weight,
        initial_epoch=initial_epoch,
        steps_per_epoch=steps_per_epoch,
        validation_steps=validation_steps,
        validation_batch_size=validation_batch_size,
        validation_freq=validation_freq,
        device=device,
        seed=seed,
        sync_batch_norm=sync_batch_norm,
        wire=wire,
    )


def evaluate(
    model: Any,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    verbose: Any = "auto",
    sample_weight: Any = None,
    steps: int | None = None,
    callbacks: Any = None,
    return_dict: bool = False,
    *,
    loss: Any = None,
    metrics: Any = None,
    device: Any = "best",
) -> Any:
    """Loss and metrics of a Keras model, as `model.evaluate` gives them; of a `torch.nn.Module` with `loss` and `metrics`."""
    ours = _for_module(model, loss, None, metrics)
    if ours is not None:
        return ours.evaluate(
            model, x, y, batch_size, verbose, sample_weight, steps, callbacks, return_dict, loss=loss, metrics=metrics, device=device
        )
    return _loop.evaluate(
        _KerasModel(model),
        x,
        y,
        batch_size=batch_size,
        verbose=verbose,
        sample_weight=sample_weight,
        steps=steps,
        callbacks=callbacks,
        return_dict=return_dict,
        device=device,
    )


def predict(
    model: Any, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None, *,
    device: Any = "best",
) -> Any:  # fmt: skip
    """The outputs of a Keras model or a `torch.nn.Module` for `x`, (rows, outputs) of float32; of several outputs, a list or a
    dictionary."""
    ours = _for_module(model, "", None, None)
    if ours is not None:
        return ours.predict(model, x, batch_size, verbose, steps, callbacks, device=device)
    return _loop.predict(
        _KerasModel(model, compiled=False), x, batch_size=batch_size, steps=steps, callbacks=callbacks, device=device
    )


#: Keras's own methods while wgrad's are installed.
_own: dict[str, Any] = {}


def install(device: Any = "best") -> None:
    """Lets `fit`, `evaluate` and `predict` of all Keras models run on the GPU, until `uninstall`.

    What wgrad cannot run, Keras runs, after a warning with the reason. Where only a software adapter is there, Keras runs
    everything, since its own kernels are faster on a processor, unless `device="cpu"` asks for wgrad. Processes that MPI started
    train with wgrad alone: Keras would train as many networks.
    """
    import keras

    if device == "best" and not _team.several() and all(adapter.kind == "cpu" for adapter in adapters()):
        warnings.warn("only a software adapter is here, where Keras's own kernels are faster: Keras runs everything; "
                      "wgrad.keras.install(device=\"cpu\") uses wgrad", stacklevel=2)
        return
    uninstall()
    for name, ours in (("fit", fit), ("evaluate", evaluate), ("predict", predict)):
        theirs = getattr(keras.Model, name)
        _own[name] = keras.Model.__dict__.get(name)

        def method(self: Any, *args: Any, _ours: Any = ours, _theirs: Any = theirs, **kwargs: Any) -> Any:
            try:
                return _ours(self, *args, device=device, **kwargs)
            except NotSupported as error:
                if _ours is fit and _team.several():
                    raise
                warnings.warn(f"Keras runs this: {error}", stacklevel=2)
            return _theirs(self, *args, **kwargs)

        setattr(keras.Model, name, functools.wraps(theirs)(method))


def uninstall() -> None:
    """Gives Keras its own `fit`, `evaluate` and `predict` back."""
    import keras

    for name, own in _own.items():
        if own is None:
            delattr(keras.Model, name)
        else:
            setattr(keras.Model, name, own)
    _own.clear()
