"""Adapters and the devices that are open on them."""

from __future__ import annotations

import atexit
import warnings
from typing import Any, NamedTuple

from . import _team, _wgrad

# A driver must not be unloaded under a thread that still works on a device.
atexit.register(_wgrad.finish)


class Adapter(NamedTuple):
    """An adapter that can train. `kind` is "gpu", or "cpu" for a software adapter."""

    index: int
    name: str
    kind: str


def adapters() -> list[Adapter]:
    """The adapters of this machine. `device` takes an index, a part of a name, or a kind."""
    return [Adapter(*found) for found in _wgrad.adapters()]


def close() -> None:
    """Closes all devices, which frees their memory; a training that uses one ends with RuntimeError.

    The next call that needs a device opens it again.
    """
    _wgrad.close()


def named(device: Any) -> str:
    """The name of a device for the extension; warns if only a software adapter is there and nobody asked for it."""
    if isinstance(device, bool) or not (isinstance(device, str) or hasattr(device, "__index__")):
        raise TypeError(f"device is {device!r}, expected \"gpu\", \"cpu\", a part of an adapter's name, or its index in wgrad.adapters()")
    name = device if isinstance(device, str) else str(device.__index__())
    team = _team.known()
    if name == "best" and not _told:
        _told.append(True)
        if (team is None or team.rank == 0) and all(adapter.kind == "cpu" for adapter in adapters()):
            warnings.warn(
                "only a software adapter is here: wgrad runs on the processor, where Keras's own kernels are faster; "
                "device=\"cpu\" asks for it",
                stacklevel=5,
            )
    if name == "best" and team is not None:
        return _wgrad.device_of(team.local_rank)
    return name


#: Whether the warning of `named` has been considered.
_told: list[bool] = []
