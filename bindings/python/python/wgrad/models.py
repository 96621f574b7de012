"""Models without Keras: a stack of layers, or a graph of them, that NumPy's arrays train."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from . import _batches, _live, _loop, _pages, _team, _wgrad, callbacks, layers, losses, optimizers
from ._wgrad import Network, keras_weights

__all__ = ["Model", "Sequential", "load", "load_model"]

#: Metrics that count what the device counts, with the loss that they need.
_COUNTED = {"sparse_categorical_accuracy": "softmax_cross_entropy", "categorical_accuracy": "softmax_cross_entropy",
            "binary_accuracy": "binary_cross_entropy"}  # fmt: skip
_COMPUTED = {
    "mse": lambda y, p: (p - y) ** 2, "mean_squared_error": lambda y, p: (p - y) ** 2,
    "mae": lambda y, p: np.abs(p - y), "mean_absolute_error": lambda y, p: np.abs(p - y),
    "rmse": lambda y, p: (p - y) ** 2, "root_mean_squared_error": lambda y, p: (p - y) ** 2,
}  # fmt: skip
#: Layers that are called with a list.
_JOINING = (
    layers.Add, layers.Attention, layers.Average, layers.Concatenate, layers.Dot, layers.Maximum, layers.Minimum,
    layers.Multiply, layers.Subtract,
)  # fmt: skip


class _Metrics:
    """Metrics by name: accuracy, which the device counts, and means of errors."""

    def __init__(self, network: Network, wanted: list[str]):
        self.counted: list[str] = []
        self._computed: list[str] = []
        self.losses: list[str] = []
        self._order = list(wanted)
        for name in wanted:
            if name in ("accuracy", "acc"):
                fits = bool(network.classes)
            elif name in _COUNTED:
                fits = _COUNTED[name] == network.loss and (name == "binary_accuracy" or (name == "categorical_accuracy") == network.one_hot)
            elif name in _COMPUTED:
                if network.classes:
                    raise ValueError(f"metrics has {name}, which is of numbers, and the loss {network.loss} is of classes; use accuracy")
                self._computed.append(name)
                continue
            else:
                raise ValueError(f"unknown metric {name!r}; known: accuracy, {', '.join([*_COUNTED, *_COMPUTED])}")
            if not fits:
                raise ValueError(f"metrics has {name}, which does not belong to the loss {network.loss}; use mae or rmse for numbers")
            self.counted.append(name)
        self.has_others = bool(self._computed)
        self.reset()

    def reset(self) -> None:
        self._sums = dict.fromkeys(self._computed, 0.0)
        self._rows = 0

    def update(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> None:
        labels, numbers = y.reshape(outputs.shape).astype(np.float64), outputs.astype(np.float64)
        self._rows += outputs.size
        for name in self._computed:
            self._sums[name] += float(_COMPUTED[name](labels, numbers).sum())

    def results(self) -> dict[str, float]:
        means = {name: total / max(self._rows, 1) for name, total in self._sums.items()}
        return {name: value**0.5 if name in ("rmse", "root_mean_squared_error") else value for name, value in means.items()}

    def names(self) -> list[str]:
        return self._order


class _MetricsOfOutputs:
    """Metrics of several outputs, each with its own."""

    def __init__(self, network: Network, wanted: Any, loss: Any):
        names = [one.name for one in network.several]
        if isinstance(wanted, dict):
            unknown = [str(key) for key in wanted if key not in names]
            if unknown:
                raise ValueError(f"metrics are of {', '.join(unknown)}, expected some of the outputs {', '.join(names)}")
            each = [wanted.get(name) for name in names]
        elif wanted and (network.keyed or len(wanted) != len(names)):
            expected = "a dictionary" if network.keyed else "a list or a dictionary, one entry for each"
            raise ValueError(f"metrics is {wanted}, expected {expected} of the outputs {', '.join(names)}")
        else:
            each = list(wanted) or [None] * len(names)
        lists = [[own] if isinstance(own, str) else list(own or []) for own in each]
        self._parts: list[tuple[str, _Metrics, slice, slice]] = []
        self.counted: dict[str, int] = {}
        value = label = 0
        for n, (one, own) in enumerate(zip(network.several, lists)):
            metrics = _Metrics(one, own)
            self.counted.update({f"{one.name}_{key}": n for key in metrics.counted})
            self._parts.append((one.name, metrics, slice(label, label + one.labels), slice(value, value + one.outputs)))
            value, label = value + one.outputs, label + one.labels
        self.has_others = any(metrics.has_others for _, metrics, _, _ in self._parts)
        keyed = network.keyed and isinstance(loss, dict) and "class_name" not in loss
        self.losses = [f"{name}_loss" for name in (loss if keyed else names)]
        self._order = sorted(f"{name}_{key}" for name, metrics, _, _ in self._parts for key in metrics.names())

    def reset(self) -> None:
        for _, metrics, _, _ in self._parts:
            metrics.reset()

    def update(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> None:
        for _, metrics, labels, values in self._parts:
            if metrics.has_others:
                metrics.update(y[:, labels], outputs[:, values], sample_weight)

    def results(self) -> dict[str, float]:
        return {f"{name}_{key}": value for name, metrics, _, _ in self._parts for key, value in metrics.results().items()}

    def names(self) -> list[str]:
        return self._order


class Model:
    """A network of layers: `Model(inputs, outputs)`, as in Keras's functional models."""

    _module, _class = "keras.src.models.functional", "Functional"

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None):
        self.name = name or type(self).__name__.lower()
        self.optimizer: Any = None
        self.stop_training = False
        self.history: Any = None
        self._loss: Any = None
        self._loss_weights: Any = None
        self._metrics: Any = []
        self._network: Network | None = None
        self._weights: dict[str, np.ndarray] = {}
        self._layers: list[layers.Layer] = []
        #: The outputs as they were given: a tensor, a list or a dictionary.
        self._output: Any = None
        self._tensors: list[layers.Tensor] = []
        #: Shapes of outputs by layer, with the batch.
        self._shapes: dict[Any, list[Any]] = {}
        if inputs is not None or outputs is not None:
            given = _each(inputs)
            if not given or not all(isinstance(one, layers.Tensor) and isinstance(one.layer, layers.InputLayer) for one in given):
                raise TypeError("inputs are no inputs: begin with layers.Input(shape), and give one, a list or a dictionary of them")
            wanted = _each(outputs)
            if len(wanted) == 1:
                outputs = wanted[0]
            if not wanted or not all(isinstance(one, layers.Tensor) for one in wanted):
                raise TypeError("outputs are no outputs of layers; give one, a list or a dictionary of them")
            self._inputs, self._output = inputs, outputs
            self._collect([outputs[key] for key in sorted(outputs)] if isinstance(outputs, dict) else wanted)
            taken = [tensor for tensor in self._tensors if isinstance(tensor.layer, layers.InputLayer)]
            if any(one not in taken for one in given) or len(taken) != len(given):
                raise ValueError(f"the output follows from {len(taken)} inputs and inputs has {len(given)}, expected the same ones")

    def _collect(self, outputs: list[layers.Tensor]) -> None:
        """The tensors that lead to `outputs`, each behind those that it follows from, and their layers in Keras's order, by
        which its files number them: those with the most layers behind them first, else as a walk from the outputs meets
        them (`map_graph` in keras/src/ops/function.py)."""
        met: dict[layers.Layer, int] = {}
        seen: set[int] = set()
        stack = [(tensor, False) for tensor in reversed(outputs)]
        while stack:
            at, done = stack.pop()
            if done:
                self._tensors.append(at)
            elif id(at) not in seen:
                seen.add(id(at))
                met.setdefault(at.layer, len(met))
                stack.append((at, True))
                stack.extend((source, False) for source in reversed(at.sources))
        behind: dict[layers.Tensor, int] = {}
        depths: dict[layers.Layer, int] = {}
        for tensor in reversed(self._tensors):
            depth = depths[tensor.layer] = max(behind.get(tensor, 0), depths.get(tensor.layer, 0))
            for source in tensor.sources:
                behind[source] = max(behind.get(source, 0), depth + 1)
        self._layers = sorted(met, key=lambda layer: (-depths[layer], met[layer]))

    @property
    def layers(self) -> list[layers.Layer]:
        """The layers, first to last."""
        return [layer for layer in self._layers if not isinstance(layer, layers.InputLayer)]

    def _named(self) -> None:
        """Gives each layer without a name Keras's: its class, and a number from the second on."""
        taken = {layer.name for layer in self._layers if layer.name}
        for layer in self._layers:
            if layer.name is None:
                word = "input_layer" if isinstance(layer, layers.InputLayer) else _snake(type(layer).__name__)
                name, n = word, 0
                while name in taken:
                    n += 1
                    name = f"{word}_{n}"
                layer.name = name
                taken.add(name)

    def __call__(self, inputs: Any) -> Any:
        """The output for the outputs of other layers. Several calls share the weights, which begin as this model's."""
        if self._output is None:
            raise ValueError("the model has no layers, expected at least one")
        given = _each(inputs)
        own = self._inputs_in_order()
        if len(given) != len(own):
            raise ValueError(f"{self.name} is called with {len(given)} inputs, expected {len(own)}")
        made = dict(zip(own, given))
        for tensor in self._tensors:
            if tensor not in made:
                tensor.layer.origin = self
                made[tensor] = tensor.layer._called([made[source] for source in tensor.sources], tensor.arguments)
        if isinstance(self._output, dict):
            return {key: made[tensor] for key, tensor in self._output.items()}
        return [made[tensor] for tensor in self._output] if isinstance(self._output, (list, tuple)) else made[self._output]

    def _inputs_in_order(self) -> list[layers.Tensor]:
        return _each(self._inputs)

    def _layers_config(self) -> list[dict[str, Any]]:
        described, numbers = {}, self._calls()
        for tensor in self._tensors:
            layer = tensor.layer
            if layer not in described:
                described[layer] = _input(layer) if isinstance(layer, layers.InputLayer) else layer.described()
                described[layer].update(name=layer.name, inbound_nodes=[])
            if tensor.sources:
                sources = [self._source(source, numbers) for source in tensor.sources]
                joined = isinstance(layer, _JOINING)
                described[layer]["inbound_nodes"].append({"args": [sources] if joined else sources, "kwargs": tensor.arguments})
        return [described[layer] for layer in self._layers]

    def _calls(self) -> dict[layers.Tensor, int]:
        """For each output of a layer, the number of the call that gave it."""
        counts: dict[layers.Layer, int] = {}
        numbers = {}
        for tensor in self._tensors:
            numbers[tensor] = counts.get(tensor.layer, 0)
            counts[tensor.layer] = numbers[tensor] + 1
        return numbers

    def _source(self, tensor: layers.Tensor, numbers: dict[layers.Tensor, int]) -> dict[str, Any]:
        """The output of a layer in Keras's JSON, with its shape once the network is built."""
        layer = tensor.layer
        own = [None, *layer.config["shape"]] if isinstance(layer, layers.InputLayer) else self._shapes.get(layer.name)
        config = {"shape": own, "dtype": "float32", "keras_history": [layer.name, numbers[tensor], 0]}
        return {"class_name": "__keras_tensor__", "config": config}

    def get_config(self) -> dict[str, Any]:
        """The layers with their arguments, as Keras has them."""
        self._named()
        numbers = self._calls()
        return {
            "name": self.name,
            "trainable": True,
            "layers": self._layers_config(),
            "input_layers": (
                {key: [tensor.layer.name, 0, 0] for key, tensor in self._inputs.items()}
                if isinstance(self._inputs, dict)
                else [[tensor.layer.name, 0, 0] for tensor in self._inputs_in_order()]
            ),
            "output_layers": (
                {key: [tensor.layer.name, numbers[tensor], 0] for key, tensor in self._output.items()}
                if isinstance(self._output, dict)
                else [[tensor.layer.name, numbers[tensor], 0] for tensor in _each(self._output)]
            ),
        }

    def to_json(self) -> str:
        """The model as Keras 3 describes it; `keras.models.model_from_json` reads it."""
        described: dict[str, Any] = {"module": self._module, "class_name": self._class, "config": self.get_config(), "registered_name": None}
        return json.dumps({**described, **self._compile_config()})

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all but the extension's object, which follows from the rest."""
        return {**self.__dict__, "_network": None}

    def _read(self) -> Network:
        """The network as the extension reads it."""
        if self._network is None:
            self._network = Network(self.to_json(), self.name)
            self._shapes = {name: [None, *output] for name, _, output, _, _ in self._network.summary()}
        return self._network

    def _build(self) -> Network:
        """The network, with weights."""
        network = self._read()
        if not self._weights:
            self.initialize(int(np.random.randint(0, 2**31 - 1)))
        return network

    def initialize(self, seed: int) -> None:
        """Draws initial weights. Without it, they are drawn when they are needed first, with a seed from NumPy's random numbers."""
        network = self._read()
        if network.missing_initializers:
            raise ValueError("; ".join(network.missing_initializers))
        self._weights = network.initial_weights(seed)
        for layer in self._layers:
            known = getattr(layer.origin, "_weights", {})
            self._weights.update({name: value.copy() for name, value in known.items() if name.rsplit(".", 1)[0] == layer.name})

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, *, loss_weights: Any = None) -> None:
        """Chooses optimizer, loss and metrics: by name, or as objects of `optimizers` and `losses`.

        Of several outputs, `loss`, `loss_weights` and `metrics` are lists or dictionaries, as in Keras.
        """
        if isinstance(optimizer, str):
            kind = optimizers.NAMED.get(optimizer.lower())
            if kind is None:
                raise ValueError(f"unknown optimizer {optimizer!r}; known: {', '.join(optimizers.NAMED)}")
            optimizer = kind()
        if not isinstance(optimizer, optimizers.Optimizer):
            raise TypeError(f"optimizer is a {type(optimizer).__name__}, expected a name or one of wgrad.optimizers")
        for one in _each(loss):
            if one is not None and not isinstance(one, (str, losses.Loss)):
                raise TypeError(f"loss is a {type(one).__name__}, expected a name or one of wgrad.losses")
        self._metrics = dict(metrics) if isinstance(metrics, dict) else list(metrics or [])
        self.optimizer, self._loss, self._loss_weights, self._network = optimizer, loss, loss_weights, None

    def _subject(self, compiled: bool = True) -> _Own:
        if compiled and (self.optimizer is None or self._loss is None):
            raise ValueError("the model is not compiled; call compile(optimizer, loss) first")
        return _Own(self, self._build())

    @_team.together
    def fit(self, x: Any, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto", callbacks: Any = None,
            validation_split: float = 0.0, validation_data: Any = None, shuffle: bool = True, class_weight: Any = None,
            sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
            validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: Any = 1, *,
            device: Any = "best", seed: int | None = None, sync_batch_norm: bool = False, wire: str = "f32") -> callbacks.History:
        """Trains on arrays, or on batches that `x` gives, with Keras's arguments; returns the history.

        Where MPI started several processes, they train together, as `wgrad.fit` says.
        """
        # Rates that have changed since are those of the optimizer object.
        self._network = None
        verbose, callbacks = _live.shown(verbose, callbacks)
        return _loop.fit(
            self._subject(), x, y, batch_size=batch_size, epochs=epochs, verbose=verbose, callbacks=callbacks,
            validation_split=validation_split, validation_data=validation_data, shuffle=shuffle, class_weight=class_weight,
            sample_weight=sample_weight, initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps, validation_batch_size=validation_batch_size, validation_freq=validation_freq,
            device=device, seed=seed, sync_batch_norm=sync_batch_norm, wire=wire,
        )  # fmt: skip

    def evaluate(self, x: Any, y: Any = None, batch_size: int | None = None, verbose: Any = "auto", sample_weight: Any = None,
                 steps: int | None = None, callbacks: Any = None, return_dict: bool = False, *, device: Any = "best") -> Any:
        """Loss and metrics on arrays."""
        return _loop.evaluate(
            self._subject(), x, y, batch_size=batch_size, verbose=verbose, sample_weight=sample_weight, steps=steps, callbacks=callbacks,
            return_dict=return_dict, device=device,
        )  # fmt: skip

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
                callbacks: Any = None, *, device: Any = "best") -> Any:
        """The outputs for arrays: (rows, ...), in the shape of the network's output; a list or a dictionary of several outputs."""
        return _loop.predict(self._subject(compiled=False), x, batch_size=batch_size, steps=steps, callbacks=callbacks, device=device)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all tensors, layer by layer."""
        network = self._build()
        return [self._weights[name].copy() for name, _, _ in network.tensors]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Replaces all tensors, in the order of `get_weights`."""
        tensors = self._build().tensors
        if len(weights) != len(tensors):
            raise ValueError(f"got {len(weights)} tensors, expected {len(tensors)}")
        for (name, shape, _), value in zip(tensors, weights):
            if np.shape(value) != tuple(shape):
                raise ValueError(f"{name}: got shape {np.shape(value)}, expected {tuple(shape)}")
        self._weights = {name: np.array(value, np.float32) for (name, _, _), value in zip(tensors, weights)}

    def count_params(self) -> int:
        """Number of weights."""
        return sum(value.size for value in (self._build(), self._weights)[1].values())

    def summary(self, print_fn: Any = print) -> None:
        """Prints a line for each layer."""
        rows = self._build().summary()
        lines = [("layer", "class", "output", "parameters")]
        lines += [(name, kind, str((None, *output)), f"{count:,}") for name, kind, output, count, _ in rows]
        widths = [max(len(line[n]) for line in lines) for n in range(4)]
        print_fn(f"{self.name}: {self.count_params():,} parameters")
        for line in lines:
            print_fn("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())

    def save(self, filepath: Any) -> None:
        """Writes a `.keras` file, which Keras 3 loads too; or the weights alone, as `.safetensors`."""
        path = Path(filepath)
        if path.suffix == ".safetensors":
            self.save_weights(path)
            return
        if path.suffix != ".keras":
            raise ValueError(f"{path} does not end in .keras or .safetensors; `export` writes .onnx")
        tensors = keras_weights(self._build(), self.to_json(), self._weights)
        config = json.loads(self.to_json())
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": "3.5.0", "date_saved": ""}))
            archive.writestr("config.json", json.dumps(config))
            archive.writestr("model.weights.h5", tensors)

    def save_weights(self, filepath: Any) -> None:
        """Writes a `.weights.h5` file, which Keras 3 loads too, or a `.safetensors` file."""
        path = Path(filepath)
        if path.suffix == ".safetensors":
            path.write_bytes(_wgrad.safetensors(self._build(), self._weights))
            return
        if not path.name.endswith(".weights.h5"):
            raise ValueError(f"{path} does not end in .weights.h5 or .safetensors")
        path.write_bytes(keras_weights(self._build(), self.to_json(), self._weights))

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Reads the tensors of this network from a `.weights.h5`, `.safetensors` or `.keras` file.

        With `skip_mismatch`, layers that the file lacks or has in other shapes keep their weights; a warning names them.
        """
        if skip_mismatch:
            network = self._build()
            weights, skipped = _wgrad.read_fitting(network, self._weights, str(filepath))
            self._weights = dict(weights)
            for layer, reason in skipped:
                warnings.warn(f"layer `{layer}` keeps its weights: {reason}", stacklevel=2)
            return
        self._weights = dict(_wgrad.read_weights(self._build(), str(filepath)))

    def export(self, filepath: Any) -> None:
        """Writes an `.onnx` file; docs/onnx.md describes it."""
        path = Path(filepath)
        if path.suffix != ".onnx":
            raise ValueError(f"{path} does not end in .onnx, the only format of an export; `save` writes .keras")
        path.write_bytes(_wgrad.onnx_file(self._build(), self._weights))

    def _compile_config(self) -> dict[str, Any]:
        """The compile arguments in Keras's JSON; empty before `compile`."""
        if self.optimizer is None:
            return {}
        config = {"optimizer": self.optimizer.described(), "loss": _described(self._loss), "metrics": self._metrics or None}
        if self._loss_weights is not None:
            config["loss_weights"] = self._loss_weights
        return {"compile_config": config}

    def _repr_html_(self) -> str:
        return _pages.of_model(self)


class Sequential(Model):
    """A stack of layers, each on the output of the one before."""

    _module, _class = "keras", "Sequential"

    def __init__(self, layers: list[Any] | None = None, name: str | None = None):  # noqa: A002
        super().__init__(name=name)
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Appends a layer."""
        if isinstance(layer, layers.Tensor) and isinstance(layer.layer, layers.InputLayer):
            layer = layer.layer
        if not isinstance(layer, layers.Layer):
            raise TypeError(f"got a {type(layer).__name__}, expected one of wgrad.layers")
        if not self._layers and layer.input_shape is not None:
            self._layers.append(layers.InputLayer(shape=tuple(layer.input_shape)))
        self._layers.append(layer)
        self._network, self._weights = None, {}

    def __call__(self, inputs: Any) -> layers.Tensor:
        """The output for the output of another layer. Several calls share the weights, which begin as this model's."""
        found = inputs
        for layer in self.layers:
            layer.origin = self
            found = layer._called(found)
        if found is inputs:
            raise ValueError("the model has no layers, expected at least one")
        return found

    def _layers_config(self) -> list[dict[str, Any]]:
        return [_input(layer) if isinstance(layer, layers.InputLayer) else layer.described() for layer in self._layers]

    def get_config(self) -> dict[str, Any]:
        self._named()
        return {"name": self.name, "trainable": True, "layers": self._layers_config()}

    def _shaped(self, x: Any) -> None:
        """Takes the shape of the input from data where the layers do not say it, as Keras does."""
        if _batches.is_stream(x):
            return
        if self._layers and not isinstance(self._layers[0], layers.InputLayer):
            self._layers.insert(0, layers.InputLayer(shape=tuple(np.shape(x)[1:])))

    def fit(self, x: Any, *arguments: Any, **named: Any) -> callbacks.History:
        self._shaped(x)
        return super().fit(x, *arguments, **named)

    def predict(self, x: Any, *arguments: Any, **named: Any) -> np.ndarray:
        self._shaped(x)
        return super().predict(x, *arguments, **named)


class _Own:
    """A model of this package as the subject of a training."""

    def __init__(self, model: Model, network: Network):
        self.model, self.network = model, network
        self.metrics: Any = (
            _MetricsOfOutputs(network, model._metrics, model._loss) if network.several else _Metrics(network, model._metrics)
        )

    def weights(self) -> dict[str, np.ndarray]:
        return self.model._weights

    def state(self) -> tuple[dict[str, dict[str, np.ndarray]], int]:
        return self.model.optimizer.slots, self.model.optimizer.iterations

    def assign(self, weights: dict[str, np.ndarray], slots: dict[str, dict[str, np.ndarray]], steps: int) -> None:
        self.model._weights = dict(weights)
        self.model.optimizer.slots, self.model.optimizer.iterations = slots, steps

    def rates(self, first: int, count: int) -> list[float]:
        return self.model.optimizer.rates(first, count)

    def callbacks(self, given: Any, verbose: int, epochs: int, steps: int | None) -> callbacks.CallbackList:
        return callbacks.CallbackList(given, self.model, verbose, epochs, steps)

    def needs(self, callback: Any) -> set[str]:
        """What a callback needs besides logs: "progress" of batches, the "weights" after an epoch, "steps" one by one, "tests"."""
        if type(callback) is _live.Live:
            return {"progress"}
        if type(callback) is callbacks.ProgbarLogger:
            return {"progress"} if callback.params["verbose"] == 1 else set()
        logs_only = (callbacks.History, callbacks.CSVLogger, callbacks.ReduceLROnPlateau, callbacks.LearningRateScheduler, callbacks.TerminateOnNaN)
        if type(callback) in logs_only:
            return set()
        if type(callback) is callbacks.EarlyStopping:
            return {"weights"} if callback.restore_best_weights else set()

        def own(name: str) -> bool:
            method = getattr(callback, name, None)
            return getattr(method, "__func__", method) is not getattr(callbacks.Callback, name)

        batches = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
        needs = {"steps"} if any(own(name) for name in batches) else {"weights"}
        if own("on_test_batch_begin") or own("on_test_batch_end"):
            needs.add("tests")
        return needs

    def writes(self, callback: Any) -> bool:
        """Whether a callback writes files, or shows the training."""
        return isinstance(callback, (_live.Live, callbacks.CSVLogger, callbacks.ModelCheckpoint, callbacks.ProgbarLogger))

    def history(self, calls: callbacks.CallbackList) -> callbacks.History:
        self.model.history = calls.history
        return calls.history


def _each(given: Any) -> list[Any]:
    """One value, or those of a list or a dictionary, as a list."""
    if isinstance(given, dict):
        return list(given.values())
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _described(loss: Any) -> Any:
    """A loss, or those of several outputs, in Keras's JSON."""
    if isinstance(loss, dict) and "class_name" not in loss:
        return {key: _described(one) for key, one in loss.items()}
    if isinstance(loss, (list, tuple)):
        return [_described(one) for one in loss]
    return loss.described() if isinstance(loss, losses.Loss) else loss


def _known_metrics(said: Any, several: bool) -> Any:
    """The metrics of a file that have a name alone."""
    def own(some: Any) -> list[str]:
        return [metric for metric in (some if isinstance(some, list) else [some]) if isinstance(metric, str)]

    if several and isinstance(said, dict):
        return {name: own(some) for name, some in said.items()}
    return [own(some) for some in said or []] if several else own(said or [])


def _input(layer: layers.Layer) -> dict[str, Any]:
    shape = [None, *layer.config["shape"]]
    config = {"batch_shape": shape, "dtype": "float32", "sparse": False, "name": layer.name}
    return {"module": "keras.layers", "class_name": "InputLayer", "config": config, "registered_name": None}


def _snake(name: str) -> str:
    """Keras's name of a class: conv2d for Conv2D, batch_normalization for BatchNormalization, re_lu for ReLU."""
    word = ""
    for n, letter in enumerate(name):
        before, after = name[n - 1 : n], name[n + 1 : n + 2]
        if letter.isupper() and before and (before.islower() or after.islower()):
            word += "_"
        word += letter.lower()
    return word


def load_model(filepath: Any) -> Model:
    """Loads a `.keras` file: one of `save`, or of Keras 3."""
    path = Path(filepath)
    network, weights = Network.load(str(path))
    with zipfile.ZipFile(path) as archive:
        text = archive.read("config.json").decode()
    return _Loaded(text, network, weights, path.stem)


def load(filepath: Any) -> Model:
    """Loads a network with its weights: a `.keras` or an `.onnx` file. After `compile`, both train on."""
    path = Path(filepath)
    if path.suffix == ".keras":
        return load_model(path)
    if path.suffix == ".onnx":
        return _Imported(str(path), path.read_bytes(), path.stem)
    raise ValueError(f"{path} does not end in .keras or .onnx; `load_weights` of a model reads weights alone")


class _Loaded(Model):
    """A model that was read from a file, whose layers stay in the file's own description."""

    def __init__(self, text: str, network: Network, weights: dict[str, np.ndarray], name: str):
        super().__init__(name=name)
        self._described = json.loads(text)
        self._weights = dict(weights)
        said = self._described.pop("compile_config", None) or {}
        optimizer = said.get("optimizer")
        if isinstance(optimizer, dict) and optimizer.get("class_name", "").lower() in optimizers.NAMED and said.get("loss"):
            kept = optimizer.get("config", {})
            kind = optimizers.NAMED[optimizer["class_name"].lower()]
            rate = kept.get("learning_rate", 0.001)
            self.optimizer = kind(rate if isinstance(rate, (int, float)) else 0.001)
            self.optimizer.config.update({key: kept[key] for key in self.optimizer.config if key in kept})
            self._loss = said["loss"]
            self._loss_weights = said.get("loss_weights")
            self._metrics = _known_metrics(said.get("metrics"), bool(network.several))

    def get_config(self) -> dict[str, Any]:
        return self._described["config"]

    def to_json(self) -> str:
        return json.dumps({**self._described, **self._compile_config()})


class _Imported(Model):
    """A network that was read from an ONNX file."""

    def __init__(self, what: str, contents: bytes, name: str):
        super().__init__(name=name)
        self._contents = what, contents

    def get_config(self) -> dict[str, Any]:
        raise ValueError(f"{self.name} was read from an ONNX file, which has no description in Keras's terms; `export` writes it")

    def _read(self) -> Network:
        if self._network is None:
            self._network, weights = Network.onnx(*self._contents, json.dumps(self._compile_config()))
            if not self._weights:
                self._weights = dict(weights)
        return self._network
