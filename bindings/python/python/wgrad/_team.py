"""Ranks of one training: processes that MPI started, each with a device. mpi4py is imported when a training begins.

Ranks meet before each piece of work that their devices do together, and a rank that raises an exception tells it at the next
meeting, so that no rank waits for another that has left.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import multiprocessing
import signal
import sys
import threading
import time
import traceback
import warnings
from typing import Any, Callable, Iterator, TypeVar

import numpy as np

from . import _wgrad

#: Seconds for which a rank whose device has failed, or that Ctrl-C ended, waits for the others before it ends them: they may
#: wait for its device.
PATIENCE = 30.0

_Function = TypeVar("_Function", bound=Callable[..., Any])


#: Signals that programs handle in Python, those of this system.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGBREAK") if hasattr(signal, name)]


@contextlib.contextmanager
def _undivided() -> Iterator[None]:
    """Puts off what signals do in Python, such as Ctrl-C's exception, to the end of what is done inside.

    A rank that raised an exception between the calls of a meeting would come to the next one with the others still in this one.
    """
    if threading.current_thread() is not threading.main_thread():  # Python handles signals in the main thread alone.
        yield
        return
    came: list[tuple[Any, tuple[Any, ...]]] = []
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number, handler in handlers.items():
            signal.signal(number, lambda *given, handler=handler: came.append((handler, given)))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for handler, given in came:
            handler(*given)


class Team:
    """The processes that MPI started, as this one sees them."""

    def __init__(self, mpi: Any):
        world = mpi.COMM_WORLD
        self.rank, self.size = world.Get_rank(), world.Get_size()
        # What this package sends never meets what a program sends on COMM_WORLD.
        self._talk, self._work = world.Dup(), world.Dup()
        local = world.Split_type(mpi.COMM_TYPE_SHARED)
        #: The rank among the processes of this machine.
        self.local_rank = local.Get_rank()
        local.Free()
        self._host = mpi.Get_processor_name()
        #: The meeting that this rank waits for.
        self._arriving: Any = None
        self.begin()

    def begin(self) -> None:
        """Begins a training."""
        #: True once all ranks know that the training has failed.
        self.over = False
        #: True after a failure of the device, when other ranks may wait for it.
        self.device_failed = False

    def engine(self, sync_batch_norm: bool, wire: str) -> _wgrad.Team:
        """The engine's handle of this rank."""
        return _wgrad.Team(self._work, sync_batch_norm=bool(sync_batch_norm), wire=wire)

    def _meet(self, said: Any, until: float = float("inf")) -> list[Any] | None:
        """What each rank says; None if others have not come until then."""
        if self._arriving is None:
            with _undivided():
                self._arriving = self._talk.Ibarrier()
        pause = 1e-5
        while not self._arriving.Test():
            if time.monotonic() > until:
                return None
            time.sleep(pause)
            pause = min(2 * pause, 0.01)
        with _undivided():
            found = self._talk.allgather(said)
            self._arriving = None
        return found

    def meet(self, place: str, own: Any = None, same: dict[str, Any] | None = None) -> list[Any]:
        """What each rank has of its own, in the order of ranks, once all have come to `place`.

        Raises:
            RuntimeError: if another rank has raised an exception.
            ValueError: if a rank is at another place, or has other values in `same`.
        """
        same = same or {}
        everybody = self._meet((None, place, own, same)) or []
        for rank, (raised, *_) in enumerate(everybody):
            if raised is not None:
                self.over = True
                raise RuntimeError(f"rank {rank} ended the training with {raised}")
        for rank, (_, there, _, values) in enumerate(everybody):
            first = everybody[0]
            for what, got, expected in [("come to", there, first[1]), *((name, values.get(name), first[3][name]) for name in first[3])]:
                if got != expected:
                    self.over = True
                    raise ValueError(f"rank {rank} has {what} {got}, rank 0 has {what} {expected}; start all ranks with the same program, data and arguments")
        return [one[2] for one in everybody]

    def leave(self, error: BaseException) -> None:
        """Tells the other ranks that this one has raised an exception. Where they may wait for its device, MPI ends them."""
        waits = isinstance(error, Exception) and not self.device_failed
        found = None
        try:
            until = float("inf") if waits else time.monotonic() + PATIENCE
            found = self._meet((f"{type(error).__name__}: {error}", "", None, {}), until)
        finally:
            if found is None:
                traceback.print_exception(error)
                print(f"wgrad: rank {self.rank} ends the other ranks, which wait for it", file=sys.stderr, flush=True)
                self._talk.Abort(1)

    def announce(self, adapter: str) -> dict[str, Any]:
        """What tells the others about this rank's adapter."""
        return {"host": self._host, "adapter": adapter}

    def warn_of_shared(self, announced: list[dict[str, Any]]) -> None:
        """Warns, at rank 0, of ranks with one adapter."""
        places: dict[tuple[str, str], list[str]] = {}
        for rank, one in enumerate(announced):
            places.setdefault((one["host"], one["adapter"]), []).append(str(rank))
        for (host, adapter), ranks in places.items():
            if len(ranks) > 1 and self.rank == 0:
                warnings.warn(
                    f"ranks {', '.join(ranks)} share {adapter} on {host}, or adapters of that name; if there is only one, they take "
                    "turns and are slower than one rank",
                    stacklevel=6,
                )


def digest(*arrays: Any) -> str:
    """Shapes of arrays, and a digest of their contents, by which ranks compare their data."""
    shapes, content = [], hashlib.blake2b(digest_size=8)
    for array in arrays:
        if array is not None:
            whole = np.ascontiguousarray(array)
            shapes.append(f"{whole.shape} of {whole.dtype}")
            content.update(f"{shapes[-1]};".encode())
            content.update(whole.reshape(-1).view(np.uint8))
    return f"{' and '.join(shapes)} with the digest {content.hexdigest()}"


#: The processes, once they have been joined.
_joined: list[Team] = []
_joining = threading.Lock()
#: Held while this process trains in the team.
_training = threading.Lock()
_here = threading.local()


def current() -> Team | None:
    """The team of the training in this thread."""
    return getattr(_here, "team", None)


def known() -> Team | None:
    """The team that this process has joined."""
    return _joined[0] if _joined else None


def several() -> bool:
    """Whether this process is one of several that MPI started."""
    mpi = sys.modules.get("mpi4py.MPI")
    begun = mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized()
    return _wgrad.launched() > 1 or (begun and mpi.COMM_WORLD.Get_size() > 1)


def join() -> Team | None:
    """The team of this process; None if it is alone."""
    with _joining:
        if not _joined and several():
            _joined.append(_join(_wgrad.launched()))
        return known()


def _join(launched: int) -> Team:
    started = f"a launcher of MPI started {launched} processes"
    if multiprocessing.parent_process() is not None:
        raise RuntimeError(f"{started}, and this one was started by one of them, which MPI does not know; train in the process that MPI started")
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(f"{started}, which train together through mpi4py: pip install wgrad[mpi] ({error})") from error
    except RuntimeError as error:
        raise ImportError(f"{started}, and mpi4py finds no library of MPI: install the one of your launcher, as libopenmpi-dev ({error})") from error
    if MPI.COMM_WORLD.Get_size() < launched:
        raise RuntimeError(
            f"{started}, and mpi4py sees {MPI.COMM_WORLD.Get_size()}: it has another MPI, {MPI.Get_library_version().split(',')[0].strip()}; use the "
            "mpirun of that one, or install mpi4py for this one: pip install --no-binary mpi4py mpi4py"
        )
    if MPI.Query_thread() < MPI.THREAD_SERIALIZED:
        raise RuntimeError("MPI was started for one thread, and wgrad calls it from another one; set mpi4py.rc.thread_level = \"multiple\" before MPI is imported")
    return Team(MPI)


def together(fit: _Function) -> _Function:
    """Lets a function that trains do it with the other processes, if there are any. An exception of one rank ends all."""

    @functools.wraps(fit)
    def trains(*arguments: Any, **named: Any) -> Any:
        team = join() if current() is None else None
        if team is None:
            return fit(*arguments, **named)
        if not _training.acquire(blocking=False):
            raise RuntimeError("another thread of this rank is training; ranks train one network after the other")
        _here.team = team
        team.begin()
        try:
            found = fit(*arguments, **named)
            team.meet("the end of fit")
            return found
        except BaseException as error:
            if not team.over:
                team.leave(error)
            raise
        finally:
            _here.team = None
            _training.release()

    return trains  # type: ignore[return-value]
