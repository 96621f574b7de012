"""What the program wgrad does besides training: it compares shaders, chooses kernels, measures steps, explains networks.

Tables are data frames where pandas is installed, else lists of dictionaries.
"""

from __future__ import annotations

import html
import json
import os
import sys
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import _arrays, _batches, _device, _loop, _wgrad

__all__ = ["Explanation", "Page", "Profile", "Rows", "explain", "lab", "profile", "report", "tune"]


class Rows(list):
    """A table as a list of dictionaries; a notebook shows it as a table."""

    def __init__(self, rows: Any = ()):
        super().__init__(rows)
        #: What belongs to the table: its page.
        self.attrs: dict[str, Any] = {}

    def _repr_html_(self) -> str:
        names = list(dict.fromkeys(name for row in self for name, value in row.items() if value is not None and not isinstance(value, (list, dict))))
        head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(_cell(row.get(name)))}</td>' for name in names)}</tr>" for row in self)
        return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _table(rows: list[dict[str, Any]], **attrs: Any) -> Any:
    """Rows as a data frame, or as a list where pandas is not installed."""
    try:
        import pandas
    except ImportError:
        found: Any = Rows(rows)
    else:
        found = pandas.json_normalize(rows)
    found.attrs.update(attrs)
    return found


class Page:
    """A page of HTML that needs nothing else. A notebook shows it."""

    def __init__(self, text: str):
        self.html = text

    def save(self, filepath: Any) -> None:
        """Writes the page to a file."""
        Path(filepath).write_text(self.html, encoding="utf-8")

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{html.escape(self.html)}" style="width:100%;height:640px;border:0" sandbox></iframe>'


def _told(verbose: Any) -> Callable[[str], None] | None:
    """The function that hears what is done now: it prints to stderr."""
    return None if verbose in (0, False, None) else lambda text: print(f"wgrad: {text}", file=sys.stderr, flush=True)


def _positive(value: Any, name: str, least: float = 0.0) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= 86_400:
        raise ValueError(f"{name} is {value!r}, expected a number from {least:g} to 86400")
    return float(value)


def _paths(given: Any) -> list[str]:
    several = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    return [os.fspath(path) for path in several]


def lab(
    op: str, *, size: Any = None, variants: Any = None, file: Any = None, activation: str | None = None, seconds: float = 1.0,
    cases: int | None = None, seed: int = 1, device: Any = "best", verbose: Any = 1,
) -> Any:  # fmt: skip
    """Proves the variants of an operation against their f64 twin on this device, then times those that are correct.

    Args:
        op: The operation, such as "matmul", or a folder of WGSL files.
        size: Sizes to change, {"M": 512, "N": 512} or "M=512,N=512"; without it, the largest use in the built-in networks.
        variants: Names of the variants; without it, all.
        file: Your own variant, a WGSL file, or several.
        activation: An activation that is composed in.
        seconds: Seconds of timing for each variant; 0 only proves.
        cases: Prove at no more than so many cases of the operation, besides the size.
        seed: Of the inputs.
        device: As for `wgrad.fit`.
        verbose: 0 tells nothing of its progress.

    Returns: a row for each variant, the fastest first; times in seconds. `.attrs["page"]` is the page with charts.

    Raises:
        ValueError: for an unknown operation, variant or size, or a file that is none of the operation's.
        RuntimeError: if the device fails.
    """
    if isinstance(size, dict):
        size = ",".join(f"{name}={int(value)}" for name, value in size.items())
    names = [variants] if isinstance(variants, str) else list(variants or [])
    rows, page = _wgrad.lab(
        os.fspath(op), size=size, variants=names, files=_paths(file), activation=activation, seconds=_positive(seconds, "seconds"),
        cases=cases, seed=seed, device=_device.named(device), told=_told(verbose),
    )  # fmt: skip
    return _table(json.loads(rows), page=Page(page))


def _subject(model: Any, x: Any = None, trains: bool = True) -> Any:
    """A model of any kind as the subject of a training."""
    from .models import Model

    if isinstance(model, Model):
        if x is not None and hasattr(model, "_shaped"):
            model._shaped(x)
        return model._subject(compiled=trains)
    from . import keras

    pytorch = sys.modules.get("torch")
    own = sys.modules.get("keras")
    if pytorch is not None and isinstance(model, pytorch.nn.Module) and not (own is not None and isinstance(model, own.Model)):
        if trains:
            raise _loop.NotSupported("a module of PyTorch has no loss; wgrad.torch.fit trains it, and tuning and profiles take models of Keras or wgrad")
        if x is None:
            raise TypeError("x is missing, by which the module is exported")
        from . import torch

        return torch._Module(model, tuple(np.shape(x)[1:]))
    return keras._KerasModel(model, compiled=trains)


def tune(
    model: Any, *, batch_size: int = 32, dtype: str = "float32", seconds: float = 10.0, again: bool = False, device: Any = "best",
    verbose: Any = 1,
) -> Any:  # fmt: skip
    """Chooses the fastest correct variant for each operation of a training of `model`, and keeps the choices on this machine.

    `wgrad.fit` uses them from then on, for this adapter, driver and batch size; the program wgrad does too.

    Args:
        model: A model of Keras or of this package, compiled.
        batch_size: Rows of a step.
        dtype: The type of the inputs, "float32" or "uint8".
        seconds: The time for proofs and timing. What it does not reach keeps its default; the next call continues there.
        again: Measure also what was chosen before.
        device, verbose: As for `lab`.

    Returns: a row for each operation, the most expensive first.
    """
    if dtype not in ("float32", "uint8"):
        raise ValueError(f"dtype is {dtype!r}, expected \"float32\" or \"uint8\"")
    subject = _subject(model)
    _loop.checked(subject.network, left_out=False)
    rows = _wgrad.tune(
        subject.network, floats=dtype == "float32", batch_size=_loop._count(batch_size, "batch_size", 1),
        seconds=_positive(seconds, "seconds"), again=bool(again), device=_device.named(device), told=_told(verbose),
    )  # fmt: skip
    return _table(json.loads(rows))


class Profile:
    """Where a training step spends its time. `dispatches` and `layers` are tables, with times in seconds; `step`, `host`,
    `peaks` and `conditions` are dictionaries. A notebook shows the page."""

    def __init__(self, found: dict[str, Any], page: Page, trace: str):
        self.dispatches, self.layers = _table(found["dispatches"]), _table(found["layers"])
        self.step, self.host, self.peaks, self.conditions = (found[name] for name in ("step", "host", "peaks", "conditions"))
        self.page = page
        self._trace = trace

    def save_trace(self, filepath: Any) -> None:
        """Writes a trace for ui.perfetto.dev or chrome://tracing."""
        Path(filepath).write_text(self._trace, encoding="utf-8")

    def _repr_html_(self) -> str:
        return self.page._repr_html_()


def profile(
    model: Any, x: Any = None, y: Any = None, *, batch_size: int = 32, seconds: float = 6.0, device: Any = "best", verbose: Any = 1
) -> Profile:
    """Measures for about `seconds` where a step of a training spends its time: each dispatch, each layer, the host.

    `model` is a compiled model of Keras or of this package; its weights stay. `x` and `y` are as for `fit`; without them,
    the rows are noise. Raises what `fit` raises.
    """
    subject = _subject(model, x)
    network = subject.network
    _loop.checked(network, left_out=False)
    batch_size = _loop._count(batch_size, "batch_size", 1)
    if x is None:
        random = np.random.RandomState(0)
        x = random.normal(size=(4 * batch_size, *network.input)).astype(np.float32)
        y = random.randint(0, max(network.classes, 2), len(x))
        if network.one_hot:
            y = np.eye(network.outputs)[y % network.outputs]
        if network.several:
            columns = [random.randint(0, max(one.classes, 2), (len(x), one.labels)) for one in network.several]
            y = np.concatenate(columns, axis=1).astype(np.float32)
    if _batches.is_stream(x):
        raise TypeError(f"x is a {type(x).__name__}, expected an array; give one batch of it")
    rows = _arrays.inputs(x, network)
    labels = _arrays.labels(y, network, len(rows))
    found, page, trace = _wgrad.profile(
        network, subject.weights(), rows, labels, floats=rows.dtype != np.uint8, batch_size=min(batch_size, len(rows)),
        seconds=_positive(seconds, "seconds"), device=_device.named(device), told=_told(verbose),
    )  # fmt: skip
    return Profile(json.loads(found), Page(page), trace)


class Explanation:
    """What a network sees in some rows. A notebook shows the first as pictures.

    Attributes:
        outputs: The explained output of each row.
        logits: The outputs before the last softmax or sigmoid, (rows, outputs).
        gradient: The gradient of the explained output with respect to each number of the row, of the shape of `x`.
        layers: The outputs of each layer by its name, (rows, ...).
    """

    def __init__(self, outputs: np.ndarray, logits: np.ndarray, gradient: np.ndarray, layers: dict[str, np.ndarray], picture: str | None):
        self.outputs, self.logits, self.gradient, self.layers = outputs, logits, gradient, layers
        self._picture = picture

    @property
    def saliency(self) -> np.ndarray:
        """The largest magnitude of the gradient over the channels of each pixel, (rows, height, width)."""
        return np.abs(self.gradient).max(axis=-1)

    def _repr_html_(self) -> str | None:
        return self._picture


def explain(model: Any, x: Any, *, outputs: Any = None, device: Any = "best") -> Explanation:
    """The gradient of an output with respect to each pixel (saliency: Simonyan, Vedaldi and Zisserman 2013), and the
    outputs of all layers.

    `model` is a model of Keras or of this package, or a module of PyTorch; `x` has rows as for `predict`. `outputs` is the
    index of the output that is explained, or one for each row; without it, the largest of each row.
    """
    subject = _subject(model, x, trains=False)
    network = subject.network
    if network.several:
        names = ", ".join(one.name for one in network.several)
        raise ValueError(f"the model has the outputs {names}, and one output is explained; give a model with one of them")
    rows = _arrays.inputs(x, network)
    name = _device.named(device)
    if outputs is None:
        found = _loop.predict(subject, x, batch_size=None, steps=None, callbacks=None, device=device)
        outputs = found.argmax(axis=1)
    which = np.broadcast_to(np.asarray(outputs), (len(rows),))
    if which.dtype.kind not in "iu" or which.min() < 0 or which.max() >= network.outputs:
        raise ValueError(f"outputs is {outputs!r}, expected indices from 0 to {network.outputs - 1}, one or one for each row")
    logits, gradient, layers, picture = _wgrad.explain(
        network, subject.weights(), rows, [int(one) for one in which], rows.dtype != np.uint8, name
    )
    if network.channels_first:
        gradient = np.moveaxis(gradient, -1, 1)
    return Explanation(which.copy(), logits, gradient.reshape(np.shape(x)), dict(layers), picture)


def report(
    run: Any, *, image: int = 0, last: bool = False, curves: bool = False, seconds: float | None = None, device: Any = "best", verbose: Any = 1
) -> Page:
    """The page about a run of the program wgrad, or several: curves, classes, mistakes, calibration, filters, saliency.

    Args:
        run: The run's folder, or several.
        image: Number of the test image that is explained.
        last: Use the weights of the last epoch instead of the best.
        curves: Show only what the runs recorded, which needs no device and no data.
        seconds: Measure for so long where a training step spends its time.
        device, verbose: As for `lab`.
    """
    folders = _paths(run)
    if not folders:
        raise ValueError("run is empty, expected the folder of a run, or several")
    text = _wgrad.report(
        folders, image=image, last=bool(last), curves=bool(curves), seconds=None if seconds is None else _positive(seconds, "seconds"),
        device="best" if curves else _device.named(device), told=_told(verbose),
    )  # fmt: skip
    return Page(text)
