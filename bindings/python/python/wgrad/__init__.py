"""wgrad trains neural networks on any GPU: AMD, Intel, Apple, NVIDIA, through Vulkan, Metal or DX12.

`wgrad.fit(model, x, y)` trains a Keras 3 model; `wgrad.Sequential` is one without Keras.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import callbacks, constraints, keras, layers, losses, optimizers, regularizers, sklearn, torch
    from ._device import Adapter, adapters, close
    from ._loop import NotSupported
    from .data import Data, load_data
    from .keras import evaluate, fit, predict
    from .layers import Input
    from .models import Model, Sequential, load, load_model
    from .tools import explain, lab, profile, report, tune

#: The module of each name. It is imported when the name is used first, since NumPy takes longer than all the rest.
_PLACES = {
    "Adapter": "_device", "Data": "data", "Input": "layers", "Model": "models", "NotSupported": "_loop", "Sequential": "models",
    "adapters": "_device", "callbacks": "callbacks", "close": "_device", "constraints": "constraints", "evaluate": "keras", "fit": "keras", "keras": "keras",
    "layers": "layers", "load": "models", "load_data": "data", "load_model": "models", "losses": "losses", "optimizers": "optimizers",
    "predict": "keras", "regularizers": "regularizers", "sklearn": "sklearn", "torch": "torch", "explain": "tools", "lab": "tools", "profile": "tools",
    "report": "tools", "tune": "tools",
}  # fmt: skip

__all__ = [
    "Adapter", "Data", "Input", "Model", "NotSupported", "Sequential", "adapters", "callbacks", "close", "constraints", "evaluate",
    "explain", "fit", "keras", "lab", "layers", "load", "load_data", "load_model", "losses", "optimizers", "predict", "profile",
    "regularizers", "report", "tune",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f".{place}", __name__)
    found = module if place == name else getattr(module, name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
