"""wgrad trains neural networks on any GPU: AMD, Intel, Apple, NVIDIA, through Vulkan, Metal or DX12.

`wgrad.fit(model, x, y)` trains a Keras 3 model; `wgrad.Sequential` is one without Keras.
"""

import atexit as _atexit

from . import callbacks, keras, layers, losses, optimizers
from ._loop import NotSupported
from ._wgrad import adapters
from ._wgrad import finish as _finish
from .keras import evaluate, fit, predict
from .layers import Input
from .models import Model, Sequential, load_model

__all__ = [
    "Input", "Model", "NotSupported", "Sequential", "adapters", "callbacks", "evaluate", "fit", "keras", "layers",
    "load_model", "losses", "optimizers", "predict",
]  # fmt: skip

# A driver must not be unloaded under a thread that still works on a device.
_atexit.register(_finish)
