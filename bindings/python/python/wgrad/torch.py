"""Modules of PyTorch: they are exported to ONNX in memory, trained by wgrad, and get their tensors back.

`wgrad.fit`, `wgrad.evaluate` and `wgrad.predict` call these functions for a `torch.nn.Module`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import warnings
import weakref
from typing import Any, Iterator

import numpy as np
import torch

from . import _batches, _live, _loop, _team, callbacks, losses, optimizers
from ._loop import NotSupported
from ._wgrad import Network, onnx_origins
from .models import _Metrics, _Own

__all__ = ["evaluate", "fit", "predict"]

#: PyTorch's functions for losses, which are names here too, with their classes.
_LOSSES = {
    "cross_entropy": "CrossEntropyLoss", "nll_loss": "NLLLoss", "mse_loss": "MSELoss", "l1_loss": "L1Loss",
    "huber_loss": "HuberLoss", "smooth_l1_loss": "SmoothL1Loss", "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}  # fmt: skip
#: For each state of an optimizer, by its class, PyTorch's name of it.
_SLOTS = {
    "SGD": {"velocity": "momentum_buffer"},
    "Adam": {"m": "exp_avg", "v": "exp_avg_sq"},
    "AdamW": {"m": "exp_avg", "v": "exp_avg_sq"},
    "RMSprop": {"mean_square": "square_avg", "mean": "grad_avg", "momentum": "momentum_buffer"},
    "Adagrad": {"accumulator": "sum"},
}
#: Rows of the example that a module is exported with.
_ROWS = 3


class _Rate:
    """The learning rate of an optimizer of PyTorch, for callbacks."""

    def __init__(self, optimizer: torch.optim.Optimizer):
        self._optimizer = optimizer

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return float(self._optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = rate


class Trained:
    """What callbacks see as their model. `module` is the module itself."""

    def __init__(self, module: torch.nn.Module, optimizer: Any):
        self.module, self.optimizer = module, optimizer
        self.stop_training = False
        self.history: Any = None

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all tensors of the state."""
        return [_numpy(tensor).copy() for tensor in self.module.state_dict().values()]

    def set_weights(self, weights: list[np.ndarray]) -> None:
        """Replaces all tensors of the state, in the order of `get_weights`."""
        with torch.no_grad():
            for tensor, value in zip(self.module.state_dict().values(), weights):
                tensor.copy_(torch.from_numpy(np.asarray(value)))

    def save(self, filepath: Any) -> None:
        """Writes the module's state with `torch.save`."""
        torch.save(self.module.state_dict(), filepath)

    save_weights = save


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


class _Exported:
    """A module as an ONNX file, and the places of its tensors in the network."""

    def __init__(self, module: torch.nn.Module, shape: tuple[int, ...]):
        self.shape, self.name = list(shape), type(module).__name__
        self.file = _onnx(module, shape)
        self._origins: dict[str, tuple[np.ndarray, np.ndarray]] | None = None

    def network(self, config: dict[str, Any]) -> tuple[Network, dict[str, np.ndarray]]:
        """The network with compile arguments, and its tensors as they were exported."""
        try:
            return Network.onnx(self.name, self.file, json.dumps(config), self.shape)
        except ValueError as error:
            raise NotSupported(str(error)) from None

    def origins(self, state: list[tuple[str, int]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """For each tensor of the network, the places of its elements in the module's state; -1 stands for none."""
        if self._origins is None:
            try:
                self._origins = onnx_origins(self.name, self.file, self.shape, state)
            except ValueError as error:
                raise NotSupported(str(error)) from None
        return self._origins


#: The last export of each module, with what it depends on.
_exports: weakref.WeakKeyDictionary[torch.nn.Module, tuple[Any, _Exported]] = weakref.WeakKeyDictionary()


def _floats(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors of the module's state that hold numbers."""
    found = {name: tensor for name, tensor in module.state_dict().items() if tensor.is_floating_point()}
    for name, tensor in found.items():
        if tensor.dtype != torch.float32:
            raise NotSupported(f"{name} is of {tensor.dtype}, expected torch.float32; call module.float()")
    return found


def _exported(module: torch.nn.Module, shape: tuple[int, ...]) -> _Exported:
    """The module's export for inputs of `shape`, made anew where the module has changed."""
    key = shape, repr(module), [(name, tuple(tensor.shape)) for name, tensor in _floats(module).items()]
    known = _exports.get(module)
    if known is None or known[0] != key:
        known = key, _Exported(module, shape)
        _exports[module] = known
    return known[1]


@contextlib.contextmanager
def _in_training(module: torch.nn.Module) -> Iterator[None]:
    """The module as it trains, with dropout. Normalizations keep to their moving statistics, as ONNX describes them."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.train()
        for part, _ in modes:
            if isinstance(part, torch.nn.modules.batchnorm._NormBase):
                part.eval()
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _onnx(module: torch.nn.Module, shape: tuple[int, ...]) -> bytes:
    """The module as an ONNX file, with all its tensors under their own names."""
    for part in module.modules():
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
            if part.running_mean is None:
                raise NotSupported(f"{part} has no running statistics, which wgrad's evaluation needs; leave track_running_stats out")
            if part.momentum is None:
                raise NotSupported(f"{part} has momentum=None, a mean over all batches; give a momentum, such as 0.1")
    place = next((tensor.device for tensor in module.state_dict().values()), torch.device("cpu"))
    example = torch.zeros((_ROWS, *shape), dtype=torch.float32, device=place)
    level = logging.getLogger("torch.onnx").level
    try:
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings(), _in_training(module), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(module, (example,), dynamo=True, optimize=False, verbose=False)
    except ImportError as error:
        raise ImportError(f"wgrad trains a module of PyTorch through torch.onnx, which needs onnx and onnxscript: pip install onnx onnxscript ({error})") from error
    except Exception as error:  # whatever the module's own code, or the exporter, raises
        raise NotSupported(f"PyTorch cannot export {type(module).__name__} for inputs of shape (rows, {', '.join(map(str, shape))}): {_first(error)}") from error
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
    return program.model_proto.SerializeToString()


def _first(error: BaseException) -> str:
    """The words of the error at the beginning of a chain."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _plain(value: Any) -> Any:
    """A value of an argument for JSON."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().tolist()
    return list(value) if isinstance(value, tuple) else value


def _of_torch(kind: str, module: str, arguments: dict[str, Any]) -> dict[str, Any]:
    config = {name: _plain(value) for name, value in arguments.items()}
    return {"module": module, "class_name": kind, "config": config}


def _described_loss(loss: Any, y: Any, log_softmax: bool) -> Any:
    """A loss as compile arguments: a name, a function or object of PyTorch, or one of wgrad.losses."""
    if isinstance(loss, losses.Loss):
        return loss.described()
    if callable(loss) and getattr(loss, "__module__", "") == "torch.nn.functional":
        loss = loss.__name__
    if isinstance(loss, str):
        kind = _LOSSES.get(loss)
        if kind is None:
            return loss
        given: dict[str, Any] = {}
    elif isinstance(loss, torch.nn.modules.loss._Loss):
        kind = type(loss).__name__
        if type(loss).__module__ != "torch.nn.modules.loss":
            raise NotSupported(f"loss is {kind}, your own class, which wgrad cannot read; use one of PyTorch's or of wgrad.losses")
        names = [*getattr(loss, "__constants__", []), *dict(loss.named_buffers())]
        given = {name: getattr(loss, name) for name in names}
    else:
        raise TypeError(f"loss is a {type(loss).__name__}, expected a name, an object of torch.nn or one of wgrad.losses")
    if kind == "CrossEntropyLoss":
        # Rows of probabilities, as PyTorch takes them too.
        given["one_hot"] = bool(getattr(y, "ndim", 0) == 2 and np.shape(y)[1] > 1)
    if kind == "NLLLoss":
        given["log_softmax"] = log_softmax
    return _of_torch(kind, "torch.nn", given)


def _described_optimizer(optimizer: Any, module: torch.nn.Module) -> Any:
    """An optimizer as compile arguments: one of wgrad.optimizers, or of PyTorch."""
    if not isinstance(optimizer, torch.optim.Optimizer):
        return optimizer.described()
    groups = [{name: value for name, value in group.items() if name not in ("params", "param_names")} for group in optimizer.param_groups]
    if any(group != groups[0] for group in groups):
        raise NotSupported("the optimizer has groups of parameters with different arguments; wgrad trains all alike: give one group")
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    left = [name for name, parameter in module.named_parameters() if parameter.requires_grad and id(parameter) not in held]
    if left:
        raise NotSupported(f"the optimizer lacks parameters of the module, such as {left[0]}; give it module.parameters()")
    return _of_torch(type(optimizer).__name__, "torch.optim", groups[0])


def _chosen(optimizer: Any) -> Any:
    if isinstance(optimizer, (torch.optim.Optimizer, optimizers.Optimizer)):
        return optimizer
    if not isinstance(optimizer, str):
        raise TypeError(f"optimizer is a {type(optimizer).__name__}, expected a name, one of torch.optim or of wgrad.optimizers")
    kind = optimizers.NAMED.get(optimizer.lower())
    if kind is None:
        raise ValueError(f"unknown optimizer {optimizer!r}; known: {', '.join(optimizers.NAMED)}")
    return kind()


class _Module(_Own):
    """A module as the subject of a training."""

    def __init__(self, module: torch.nn.Module, shape: tuple[int, ...], loss: Any = None, y: Any = None, optimizer: Any = None, metrics: Any = None):
        self.module, self.optimizer = module, optimizer
        self.model: Any = Trained(module, _Rate(optimizer) if isinstance(optimizer, torch.optim.Optimizer) else optimizer)
        self._export = export = _exported(module, shape)
        self._state = _floats(module)
        self._origins: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        try:
            self._origins = export.origins([(name, tensor.numel()) for name, tensor in self._state.items()])
        except NotSupported:
            if optimizer is not None:
                raise
            # Its outputs need no way back; the tensors are those of a new export.
            self._export = _Exported(module, shape)
        config: dict[str, Any] = {}
        if loss is not None:
            # Whether the module ends in the logarithm of softmax is known once it is read.
            log_softmax = self._export.network({})[0].log_softmax
            config["loss"] = _described_loss(loss, y, log_softmax)
        if optimizer is not None:
            config["optimizer"] = _described_optimizer(optimizer, module)
        self.network, self._weights = self._export.network({"compile_config": config} if config else {})
        self.metrics = _Metrics(self.network, list(metrics or []))
        sizes = [tensor.numel() for tensor in self._state.values()]
        self._starts = np.cumsum([0, *sizes])

    def _flat(self, tensors: list[np.ndarray]) -> np.ndarray:
        # The last element is that of the places -1.
        return np.concatenate([*(np.asarray(tensor, np.float32).ravel() for tensor in tensors), np.zeros(1, np.float32)])

    def weights(self) -> dict[str, np.ndarray]:
        if not self._origins:
            return self._weights
        flat = self._flat([_numpy(tensor) for tensor in self._state.values()])
        found = {}
        for name, shape, _ in self.network.tensors:
            first, second = self._origins[name]
            found[name] = (flat[first] + flat[second]).reshape(shape)
        return found

    def check(self) -> None:
        """Raises NotSupported where the network trains other tensors than the module."""
        grads = {name: parameter.requires_grad for name, parameter in self.module.named_parameters(remove_duplicate=False)}
        names = list(self._state)
        trained = [grads.get(name, False) for name in names]
        #: Whether each element is trained; the last is that of the places -1.
        self._trained = np.append(np.repeat(trained, np.diff(self._starts)), False)
        uses = np.zeros(self._starts[-1] + 1, np.int64)
        own = {}
        for name, _, changes in self.network.tensors:
            first, second = self._origins[name]
            np.add.at(uses, first, 1)
            np.add.at(uses, second, 1)
            # Of a sum, the first element is one that is trained.
            swap = ~self._trained[first] & self._trained[second]
            own[name] = np.where(swap, second, first), np.where(swap, first, second)
            first = own[name][0]
            if changes and (first < 0).any():
                raise NotSupported(f"wgrad would train `{name}`, which the module computes from no parameter of its own")
            if changes and not self._trained[first].all():
                at = self._name(int(first[np.argmin(self._trained[first])]))
                raise NotSupported(f"{at} is not trained (requires_grad=False), and wgrad trains all layers; train the module with PyTorch")
        if (uses[:-1] > 1).any():
            at = self._name(int(np.argmax(uses[:-1] > 1)))
            raise NotSupported(f"{at} is used in several places of the module, and wgrad's layers do not share their tensors")
        self._origins = own

    def _name(self, place: int) -> str:
        """The tensor of the module's state that has an element."""
        return list(self._state)[int(np.searchsorted(self._starts, place, side="right")) - 1]

    def _scattered(self, values: dict[str, np.ndarray], into: np.ndarray, shared: bool) -> np.ndarray:
        """The elements of the module's tensors for those of the network's. Of a sum, both parts get the value if it is
        `shared`, else each half of its change."""
        now = into.copy()
        for name, _, _ in self.network.tensors:
            first, second = self._origins[name]
            value = np.asarray(values[name], np.float32).ravel()
            sums = second >= 0
            one = first[~sums]
            now[one] = value[~sums]
            one, other = first[sums], second[sums]
            if shared:
                now[one] = now[other] = value[sums]
                continue
            change = value[sums] - (into[one] + into[other])
            half = np.where(self._trained[other], change / 2, 0)
            now[one] += change - half
            now[other] += half
        return now

    def _parts(self, flat: np.ndarray) -> Iterator[tuple[str, torch.Tensor]]:
        for n, (name, tensor) in enumerate(self._state.items()):
            part = flat[self._starts[n] : self._starts[n + 1]].reshape(tuple(tensor.shape))
            yield name, torch.from_numpy(part)

    def _held(self) -> dict[str, Any]:
        """The state of an optimizer of PyTorch for each parameter, by name."""
        parameters = dict(self.module.named_parameters())
        return {name: self.optimizer.state.get(parameters[name], {}) for name in self._state if name in parameters}

    def _factors(self) -> list[tuple[str, str, float]]:
        """States of the optimizer, PyTorch's names of them, and wgrad's multiple of each."""
        kind = type(self.optimizer).__name__
        rate = float(self.optimizer.param_groups[0]["lr"])
        # wgrad's momentum of RMSprop includes the learning rate.
        return [(slot, key, rate if (kind, slot) == ("RMSprop", "momentum") else 1.0) for slot, key in _SLOTS.get(kind, {}).items()]

    def state(self) -> tuple[dict[str, dict[str, np.ndarray]], int]:
        if not isinstance(self.optimizer, torch.optim.Optimizer):
            return self.optimizer.slots, self.optimizer.iterations
        held = self._held()
        steps = max((int(one.get("step", 0)) for one in held.values()), default=0)
        slots: dict[str, dict[str, np.ndarray]] = {}
        for slot, key, factor in self._factors():
            if not factor or not any(one.get(key) is not None for one in held.values()):
                continue
            tensors = []
            for name, tensor in self._state.items():
                kept = held.get(name, {}).get(key)
                tensors.append(np.zeros(tuple(tensor.shape), np.float32) if kept is None else _numpy(kept) * np.float32(factor))
            flat = self._flat(tensors)
            slots[slot] = {name: flat[self._origins[name][0]].reshape(shape) for name, shape, _ in self.network.tensors}
        return slots, steps

    def assign(self, weights: dict[str, np.ndarray], slots: dict[str, dict[str, np.ndarray]], steps: int) -> None:
        flat = self._scattered(weights, self._flat([_numpy(tensor) for tensor in self._state.values()]), shared=False)
        done = steps - getattr(self, "_steps", self.state()[1])
        self._steps = steps
        with torch.no_grad():
            for name, value in self._parts(flat):
                self._state[name].copy_(value)
            for name, tensor in self.module.state_dict().items():
                if name.endswith("num_batches_tracked"):
                    tensor.add_(done)
        if not isinstance(self.optimizer, torch.optim.Optimizer):
            self.optimizer.slots, self.optimizer.iterations = slots, steps
            return
        self._keep(slots, steps)

    def _keep(self, slots: dict[str, dict[str, np.ndarray]], steps: int) -> None:
        """Writes the state of an optimizer of PyTorch."""
        parameters = dict(self.module.named_parameters())
        kind = type(self.optimizer).__name__
        heavy = bool(self.optimizer.param_groups[0].get("momentum"))
        for slot, key, factor in self._factors():
            if slot not in slots or not factor or (key == "momentum_buffer" and not heavy):
                continue
            flat = self._scattered(slots[slot], self._flat([np.zeros(tuple(t.shape), np.float32) for t in self._state.values()]), shared=True)
            for name, value in self._parts(flat):
                if name in parameters and parameters[name].requires_grad:
                    kept = (value / factor).to(parameters[name].device)
                    self.optimizer.state[parameters[name]][key] = kept
        if kind != "SGD":
            for name, parameter in parameters.items():
                if name in self._state and parameter.requires_grad:
                    self.optimizer.state[parameter]["step"] = torch.tensor(float(steps))

    def rates(self, first: int, count: int) -> list[float]:
        if isinstance(self.optimizer, torch.optim.Optimizer):
            return [float(self.optimizer.param_groups[0]["lr"])]
        return self.optimizer.rates(first, count)


def _seen(x: Any) -> tuple[Any, tuple[int, ...]]:
    """The data, and the shape of a row. Of a generator the first batch is put back."""
    if not _batches.is_stream(x):
        shape = np.shape(x)
    elif hasattr(x, "__next__"):
        first = next(x, None)
        if first is None:
            raise ValueError("x gives no batches, expected at least one")
        x, shape = itertools.chain([first], x), np.shape(_batches.parts(first, "x")[0])
    else:
        first = x[0] if _batches._is_indexed(x) else next(iter(x), None)
        if first is None:
            raise ValueError("x gives no batches, expected at least one")
        shape = np.shape(_batches.parts(first, "x")[0])
    if len(shape) < 2:
        raise ValueError(f"x has shape {tuple(shape)}, expected (rows, ...), with numbers in each row")
    return x, tuple(int(length) for length in shape[1:])


@_team.together
def fit(
    module: torch.nn.Module, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
    callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: bool = True, class_weight: Any = None,
    sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None, validation_steps: int | None = None,
    validation_batch_size: int | None = None, validation_freq: Any = 1, *, loss: Any, optimizer: Any = "adam", metrics: Any = None,
    device: Any = "best", seed: int | None = None, sync_batch_norm: bool = False, wire: str = "f32",
) -> callbacks.History:  # fmt: skip
    """Trains a module on a GPU, and writes its tensors back: weights, and the running statistics of batch normalization.

    `x` is an array or a tensor, (rows, ...) as the module takes it, or gives batches, as a DataLoader does. `loss` is an
    object or function of PyTorch, one of `wgrad.losses`, or a name of either. `optimizer` is one of PyTorch, whose
    arguments are taken and whose state is kept, one of `wgrad.optimizers`, or a name. `metrics` are names: "accuracy",
    "mae", "rmse". All other arguments are Keras's; `seed` comes from PyTorch's random numbers without it.

    Raises:
        NotSupported: for a module, a loss or an optimizer that wgrad lacks, with the reason.
        ValueError, TypeError: for arguments that do not fit.
        RuntimeError: if the device fails.
        FloatingPointError: if the loss is no longer finite.
    """
    x, shape = _seen(x)
    subject = _Module(module, shape, loss, y, _chosen(optimizer), metrics)
    _loop.checked(subject.network)
    subject.check()
    if seed is None:
        seed = int(torch.randint(2**31 - 1, ()))
    verbose, callbacks = _live.shown(verbose, callbacks)
    return _loop.fit(
        subject, x, y, batch_size=batch_size, epochs=epochs, verbose=verbose, callbacks=callbacks, validation_split=validation_split,
        validation_data=validation_data, shuffle=shuffle, class_weight=class_weight, sample_weight=sample_weight,
        initial_epoch=initial_epoch, steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
        validation_batch_size=validation_batch_size, validation_freq=validation_freq, device=device, seed=seed,
        sync_batch_norm=sync_batch_norm, wire=wire,
    )  # fmt: skip


def evaluate(
    module: torch.nn.Module, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
    sample_weight: Any = None, steps: int | None = None, callbacks: Any = None, return_dict: bool = False, *, loss: Any,
    metrics: Any = None, device: Any = "best",
) -> Any:  # fmt: skip
    """Loss and metrics of a module, as after `module.eval()`; the arguments are those of `fit`."""
    x, shape = _seen(x)
    subject = _Module(module, shape, loss, y, metrics=metrics)
    return _loop.evaluate(
        subject, x, y, batch_size=batch_size, verbose=verbose, sample_weight=sample_weight, steps=steps, callbacks=callbacks,
        return_dict=return_dict, device=device,
    )  # fmt: skip


def predict(
    module: torch.nn.Module, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
    callbacks: Any = None, *, device: Any = "best",
) -> np.ndarray:  # fmt: skip
    """The outputs of a module for `x`, (rows, outputs) of float32, as after `module.eval()`."""
    x, shape = _seen(x)
    subject = _Module(module, shape)
    found = _loop.predict(subject, x, batch_size=batch_size, steps=steps, callbacks=callbacks, device=device)
    if not subject.network.log_softmax:
        return found
    wide = found.astype(np.float64)
    high = wide.max(axis=1, keepdims=True)
    return (wide - high - np.log(np.exp(wide - high).sum(axis=1, keepdims=True))).astype(np.float32)
