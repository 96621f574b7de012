"""The loop over epochs, in Keras's order of callbacks. Steps run in the extension; Python acts between them."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections import deque
from typing import Any, Callable, Iterator, Protocol

import numpy as np

from . import _arrays, _batches, _device, _pages, _team
from ._batches import Batch, Stream
from ._wgrad import Evaluation, Network, Prediction, Training

#: Images of a batch where none is given, as in Keras.
BATCH_SIZE = 32


class NotSupported(ValueError):
    """A network, or its compile arguments, that wgrad cannot train; the message says why."""


class Metrics(Protocol):
    """Metrics of a model: those that the device counts, and others that are computed from its outputs."""

    #: Keys of the logs that have the accuracy that the device counts; of several outputs, with the index of the output.
    counted: Any
    #: Of several outputs: the keys of their losses, in the order in which an evaluation lists them.
    losses: list[str]
    #: True if there are others.
    has_others: bool

    def reset(self) -> None: ...
    def update(self, y: np.ndarray, outputs: np.ndarray, sample_weight: np.ndarray | None) -> None: ...
    def results(self) -> dict[str, float]: ...
    def names(self) -> list[str]: ...


class Subject(Protocol):
    """A model that is trained: of Keras, or of this package."""

    #: What callbacks see as their model.
    model: Any
    network: Network
    metrics: Metrics

    def weights(self) -> dict[str, np.ndarray]: ...
    def state(self) -> tuple[dict[str, dict[str, np.ndarray]], int]: ...
    def assign(self, weights: dict[str, np.ndarray], slots: dict[str, dict[str, np.ndarray]], steps: int) -> None: ...
    def rates(self, first: int, count: int) -> list[float]: ...
    def callbacks(self, callbacks: Any, verbose: int, epochs: int, steps: int | None) -> Any: ...
    def needs(self, callback: Any) -> set[str]: ...
    def writes(self, callback: Any) -> bool: ...
    def history(self, calls: Any) -> Any: ...


def checked(network: Network, left_out: bool = True) -> None:
    """Raises NotSupported where the network cannot be trained as it was compiled; warns about what was left out."""
    if network.obstacles:
        raise NotSupported("; ".join(f"the model {why}" for why in network.obstacles))
    if left_out:
        for note in network.left_out:
            warnings.warn(note, stacklevel=5)


def _weighted(network: Network, metrics: Metrics) -> None:
    """Raises NotSupported for metrics that would count the steps that the mask of the output leaves out."""
    if network.masked and metrics.has_others:
        raise NotSupported("the model's output has a mask, by which wgrad weighs the loss and the accuracy; leave other metrics out")


def _count(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise ValueError(f"{name} is {value!r}, expected a whole number of at least {least}")
    return int(value)


def _some(value: Any, name: str) -> int | None:
    """A count from 1, if there is one."""
    return None if value is None else _count(value, name, 1)


def _tail(x: np.ndarray, y: np.ndarray, weights: Any, share: float) -> tuple:
    """Rows before and after the place where the last `share` begins, as in Keras."""
    if not 0 < share < 1:
        raise ValueError(f"validation_split is {share}, expected a share above 0 and below 1")
    at = int(math.floor(len(x) * (1.0 - share)))
    if at in (0, len(x)):
        raise ValueError(f"validation_split is {share} of {len(x)} rows, which leaves none on one side; give more rows")
    head = (x[:at], y[:at], None if weights is None else weights[:at])
    return head, (x[at:], y[at:], None if weights is None else weights[at:])


def _validated(epoch: int, frequency: Any) -> bool:
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


class _Watched:
    """Collects the metrics of a pass from the outputs that arrive."""

    def __init__(self, metrics: Metrics, network: Network, y: np.ndarray, weights: np.ndarray | None):
        self.metrics, self.network, self.y, self.weights = metrics, network, y, weights

    def __call__(self, rows: np.ndarray, outputs: np.ndarray, loss: float, accuracy: Any) -> None:
        weights = None if self.weights is None else self.weights[rows]
        self.metrics.update(self.y[rows], _shaped(outputs, self.network), weights)


def _shaped(outputs: np.ndarray, network: Network) -> np.ndarray:
    """Outputs in the network's own shape; of several outputs, rows of the values of all."""
    return outputs if network.several else outputs.reshape(len(outputs), *network.output)


def _counted(metrics: Metrics, network: Network, accuracy: Any) -> dict[str, float]:
    """Logs of what the device counts: the accuracy, or loss and accuracy of each of several outputs."""
    if not network.several:
        return dict.fromkeys(metrics.counted, accuracy)
    pairs = np.reshape(accuracy, (-1, 2))
    found = {f"{one.name}_loss": float(pair[0]) for one, pair in zip(network.several, pairs)}
    return {**found, **{key: float(pairs[n][1]) for key, n in metrics.counted.items()}}


def _logs(metrics: Metrics, network: Network, loss: float, accuracy: Any) -> dict[str, float]:
    """Logs of a pass over data: the loss, what the device counts, and the metrics that are computed from the outputs."""
    found = _counted(metrics, network, accuracy)
    if metrics.has_others:
        found.update(metrics.results())
    return {**found, "loss": loss}


class _Data:
    """What a training learns from: arrays, or a stream of batches; and what it is judged by."""

    def __init__(self, network: Network, x: Any, y: Any, sample_weight: Any, batch_size: int | None, seed: int):
        self.network, self.stream, self.validation = network, None, None
        self.validation_stream: Stream | None = None
        self.order = np.random.RandomState(seed)
        if not _batches.is_stream(x):
            self.x = _arrays.inputs(x, network)
            self.y = _arrays.given(y, network, len(self.x))
            self.weights = _arrays.sample_weights(sample_weight, len(self.x))
            self.batch_size = _count(BATCH_SIZE if batch_size is None else batch_size, "batch_size", 1)
            self.floats = self.x.dtype != np.uint8
            return
        kind = type(x).__name__
        if y is not None:
            raise ValueError(f"x is a {kind}, which gives (x, y); got y as well, expected none")
        if sample_weight is not None:
            raise ValueError(f"x is a {kind}, which gives (x, y, sample_weight); got sample_weight as well, expected none")
        self.source = x

    def shorten(self, steps: int | None, shuffle: bool) -> None:
        """Takes `steps` batches an epoch; of a stream, opens it."""
        if hasattr(self, "source"):
            self.stream = Stream(self.source, self.network, "x", steps, self.order if shuffle else None)
        elif steps is not None:
            arrays = self.x, self.y, self.weights
            endless = _batches.repeated(*arrays, self.batch_size, self.order if shuffle else None)
            self.stream = Stream(endless, self.network, "x", steps)
        if self.stream is not None:
            first = self.stream.first()
            self.batch_size, self.floats = len(first.x), first.x.dtype != np.uint8
            self.weighted = first.weights is not None
        else:
            self.weighted = self.weights is not None
            self.targets = _arrays.labels(self.y, self.network, len(self.x))

    def split(self, share: float) -> None:
        """Takes the last rows for validation."""
        if hasattr(self, "source"):
            kind = type(self.source).__name__
            raise ValueError(f"validation_split is {share} of a {kind}, expected arrays; give validation_data")
        _arrays.labels(self.y, self.network, len(self.x))
        (self.x, self.y, self.weights), self.validation = _tail(self.x, self.y, self.weights, share)

    def judge_by(self, data: Any, steps: int | None, rows: int | None) -> None:
        """Takes data for validation: arrays, or a source of batches."""
        if _batches.is_stream(data):
            stream = Stream(data, self.network, "validation_data", steps, goes_on=False)
            if stream.once and steps is None:
                raise ValueError(
                    f"validation_data is a {type(data).__name__}, which can be read once; give validation_steps, or a data set that "
                    "can be read again"
                )
            self.validation_stream = stream
            return
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise ValueError("validation_data is no tuple (x, y) or (x, y, sample_weight) of arrays, and gives no batches")
        if steps is not None:
            # As many rows as so many batches have.
            most = steps * (_count(rows, "validation_batch_size", 1) if rows else getattr(self, "batch_size", BATCH_SIZE))
            data = [_cut(part, most) for part in data]
        x, y, weights = (*data, None)[:3]
        x = _arrays.inputs(x, self.network, "validation_data's x")
        y = _arrays.given(y, self.network, len(x), "validation_data's y")
        self.validation = x, y, _arrays.sample_weights(weights, len(x), "validation_data's sample_weight")

    def one_kind(self) -> None:
        """Makes all data float32 if some is."""
        judge = self.validation_stream.first() if self.validation_stream is not None else None
        if judge is not None:
            self.weighted = self.weighted or judge.weights is not None
        kinds = [part[0].dtype for part in (self.validation, judge) if part is not None]
        self.floats = self.floats or any(kind != np.uint8 for kind in kinds)
        if self.floats and self.stream is None:
            self.x = np.asarray(self.x, np.float32)
        if self.floats and self.validation is not None:
            self.validation = (np.asarray(self.validation[0], np.float32), *self.validation[1:])

    def cast(self, x: np.ndarray) -> np.ndarray:
        """A batch in the type of all."""
        return np.asarray(x, np.float32) if self.floats else x

    def steps(self) -> int | None:
        """Batches of an epoch, if their number is known."""
        return self.stream.length() if self.stream is not None else -(-len(self.x) // self.batch_size)


class _Fit:
    """A training under way: the device's part in `training`, and what Python does between its steps."""

    def __init__(self, subject: Subject, data: _Data, calls: Any, training: Training, kinds: set[str], own: list[float], done: int):
        self.team = _team.current()
        self.subject, self.data, self.calls, self.training = subject, data, calls, training
        self.model, self.metrics, self.kinds = subject.model, subject.metrics, kinds
        #: Weights of classes; steps that the optimizer has done.
        self.own, self.done = own, done
        #: Labels and weights of the steps under way.
        self.under_way: deque[Batch] = deque()
        self._rates: list[float] = []
        self._seen: dict[str, np.ndarray] = {}

    def logs(self, loss: float, accuracy: Any) -> dict[str, float]:
        return dict(sorted(_logs(self.metrics, self.subject.network, loss, accuracy).items()))

    def compile(self) -> None:
        """Compiles the network on all ranks of a team, for what each adapter can do."""
        if self.team is None or self.training.prepared is None:
            return
        fitting, tuned, adapter = self.training.prepared
        found = self.team.meet("the compilation", (fitting, tuned, self.team.announce(adapter)))
        self.team.warn_of_shared([one[2] for one in found])
        self.training.compile(min(one[0] for one in found), found[0][1])

    def turn(self, place: str, count: int, weights: bool) -> list[float] | None:
        """Takes the weights that a callback has set, if `weights`, and returns the rates of the next steps, if they are not those
        that are set. In a team, those of rank 0, once all ranks have come to `place`."""
        now = self.subject.weights() if weights and self._seen else {}
        changed = any(not np.array_equal(now[name], self._seen[name]) for name in now)
        rates = self.subject.rates(self.done + len(self.under_way), count)
        if self.team is not None:
            found = self.team.meet(place, (changed, rates))
            own, changed, rates = rates, any(one for one, _ in found), found[0][1]
            if own != rates and len(set(rates)) == 1:
                self.model.optimizer.learning_rate = rates[0]
        if changed:
            self.training.set_weights(now)
        if rates == self._rates:
            return None
        self._rates = rates if len(set(rates)) == 1 else []
        return rates

    def set_up(self, place: str, count: int, weights: bool) -> None:
        rates = self.turn(place, count, weights)
        if rates is not None:
            self.training.set_learning_rates(rates)

    def stops(self, place: str, same: dict[str, Any] | None = None) -> bool:
        """Whether a callback ends the training, of any rank of a team."""
        if self.team is not None and any(self.team.meet(place, bool(self.model.stop_training), same)):
            self.model.stop_training = True
        return bool(self.model.stop_training)

    def synchronize(self) -> None:
        """Writes weights and the optimizer's state back."""
        while self.under_way:
            self.under_way.popleft()
            self.training.done()
            self.done += 1
        self._seen, kept = self.training.state()
        self.subject.assign(self._seen, kept, self.done)

    def watched(self, batch: Batch) -> Any:
        """The function that gets the outputs of a batch; None if nobody needs them."""
        if not self.metrics.has_others:
            return None
        weights = np.asarray(self.own, np.float32)[batch.targets] if self.own else batch.weights
        return _Watched(self.metrics, self.subject.network, batch.y, weights)

    def arrays(self, epoch: int) -> tuple[float, Any]:
        """An epoch on arrays, which runs on the device."""
        data, steps, began = self.data, self.data.steps(), self.done
        watch = self.watched(Batch(data.x, data.y, data.targets, data.weights))
        if "steps" in self.kinds:
            for step in range(steps):
                self.calls.on_train_batch_begin(step)
                self.set_up(f"the start of batch {step} of epoch {epoch + 1}", 1, weights=True)
                _, loss, accuracy = self.training.train(1, None, watch)
                self.done += 1
                self.synchronize()
                self.calls.on_train_batch_end(step, self.logs(loss, accuracy))
                if self.stops(f"the end of batch {step} of epoch {epoch + 1}"):
                    break
            return loss, accuracy
        self.set_up(f"the start of epoch {epoch + 1}", steps, weights="weights" in self.kinds)

        def on_batch(step: int, loss: float, accuracy: Any) -> bool:
            self.done = began + step + 1
            if "progress" in self.kinds:
                self.calls.on_train_batch_begin(step)
                self.calls.on_train_batch_end(step, self.logs(loss, accuracy))
            return bool(self.model.stop_training)

        _, loss, accuracy = self.training.train(None, on_batch, watch)
        # Another rank may have ended it.
        self.stops(f"the last batch of epoch {epoch + 1}")
        return loss, accuracy

    def batches(self, epoch: int) -> tuple[float, Any] | None:
        """An epoch on batches that arrive: the next one is made while the device works on the last. None without any."""
        in_turn, found, step = "steps" in self.kinds, None, 0
        first = "weights" in self.kinds
        self.training.begin(epoch)

        def finish() -> None:
            nonlocal found, step
            batch = self.under_way.popleft()
            found = self.training.done(self.watched(batch))
            self.done += 1
            if not in_turn and "progress" in self.kinds:
                self.calls.on_train_batch_begin(step)
            if in_turn:
                self.synchronize()
            if in_turn or "progress" in self.kinds:
                self.calls.on_train_batch_end(step, self.logs(*found))
            step += 1

        for batch in self.data.stream.epoch():
            if len(batch.x) > self.data.batch_size:
                raise ValueError(
                    f"batch {step + len(self.under_way)} of x has {len(batch.x)} rows and the first had {self.data.batch_size}; a batch may "
                    "have fewer rows than the first, not more"
                )
            if batch.weights is not None and not self.data.weighted:
                raise ValueError("a batch of x has a sample_weight and the first had none; give weights with all, of ones where none matter")
            if self.team is not None:
                # Ranks talk while no device waits for another.
                while self.under_way:
                    finish()
                given = {"a batch of x": _team.digest(batch.x, batch.targets, batch.weights)}
                if self.stops(f"batch {step} of epoch {epoch + 1}", given):
                    break
            if in_turn:
                self.calls.on_train_batch_begin(step)
            rates = self.turn(f"the start of batch {step} of epoch {epoch + 1}", 1, in_turn or first)
            first = False
            rate = None if rates is None else rates[0]
            self.training.step(self.data.cast(batch.x), batch.targets, batch.weights, rate, self.metrics.has_others)
            self.under_way.append(batch)
            if in_turn or len(self.under_way) > 1:
                finish()
            if self.team is None and self.model.stop_training:
                break
        while self.under_way:
            finish()
        self.stops(f"the last batch of epoch {epoch + 1}")
        return found

    def judged(self, epoch: int) -> dict[str, float]:
        """Logs of the validation."""
        self.metrics.reset()
        self.calls.on_test_begin()
        number = -1

        def hears(y: np.ndarray, weights: np.ndarray | None) -> Callable[..., None] | None:
            if not self.metrics.has_others and "tests" not in self.kinds:
                return None

            def judge(rows: np.ndarray, outputs: np.ndarray, loss: float, accuracy: Any) -> None:
                nonlocal number
                number += 1
                self.calls.on_test_batch_begin(number)
                if self.metrics.has_others:
                    self.metrics.update(y[rows], _shaped(outputs, self.subject.network), None if weights is None else weights[rows])
                self.calls.on_test_batch_end(number, self.logs(loss, accuracy))

            return judge

        def known(means: tuple[float, Any] | None) -> tuple[float, Any]:
            if means is None:
                # Another rank has ended it, and says why.
                self.stops("the end of the validation")
                raise RuntimeError("the validation was interrupted")
            return means

        data, place = self.data, f"the validation of epoch {epoch + 1}"
        if data.validation_stream is None:
            _, y, weights = data.validation
            self.stops(place)
            found = self.logs(*known(self.training.evaluate(hears(y, weights))))
        else:
            def one(part: Batch) -> tuple[float, Any]:
                if self.team is not None:
                    self.stops(place, {"a batch of validation_data": _team.digest(part.x, part.targets, part.weights)})
                return known(self.training.judge(data.cast(part.x), part.targets, part.weights, hears(part.y, part.weights)))

            found = self.logs(*_mean(data.validation_stream.epoch(), data.batch_size, one))
        self.calls.on_test_end(found)
        return found


def _cut(part: Any, rows: int) -> Any:
    """The first rows of an array, or of the arrays of several inputs."""
    if isinstance(part, dict):
        return {name: _cut(own, rows) for name, own in part.items()}
    if isinstance(part, (list, tuple)) and part and hasattr(part[0], "shape"):
        return [_cut(own, rows) for own in part]
    return None if part is None else part[:rows]


def _mean(batches: Iterator[Batch], rows: int, one: Callable[[Batch], tuple[float, Any]]) -> tuple[float, Any]:
    """Mean loss and accuracy over batches, each in parts of at most `rows` rows."""
    seen: int = 0
    sums: list[Any] = [0.0, 0.0]
    for batch in batches:
        for part in _batches.cut(batch, rows):
            found = one(part)
            seen += len(part.x)
            sums = [total + value * len(part.x) for total, value in zip(sums, found)]
    if not seen:
        raise ValueError("the data for an evaluation gives no batches, expected at least one")
    return sums[0] / seen, sums[1] / seen


def fit(
    subject: Subject,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    epochs: int,
    verbose: Any,
    callbacks: Any,
    validation_split: float,
    validation_data: Any,
    shuffle: bool,
    class_weight: Any,
    sample_weight: Any,
    initial_epoch: int,
    steps_per_epoch: int | None,
    validation_steps: int | None,
    validation_batch_size: int | None,
    validation_freq: Any,
    device: Any,
    seed: int | None,
    sync_batch_norm: bool = False,
    wire: str = "f32",
) -> Any:
    """Trains `subject` and returns its history."""
    team = _team.current()
    network = subject.network
    checked(network)
    _weighted(network, subject.metrics)
    epochs, initial_epoch = _count(epochs, "epochs", 0), _count(initial_epoch, "initial_epoch", 0)
    steps_per_epoch = _some(steps_per_epoch, "steps_per_epoch")
    validation_steps = _some(validation_steps, "validation_steps")
    if seed is None:
        # As Keras does, from the seed that keras.utils.set_random_seed or numpy.random.seed gave.
        seed = int(np.random.randint(0, 2**31 - 1))
    if team is not None:
        same = {
            "batch_size": batch_size, "epochs": epochs, "initial_epoch": initial_epoch, "steps_per_epoch": steps_per_epoch,
            "validation_split": validation_split, "validation_steps": validation_steps, "validation_batch_size": validation_batch_size,
            "validation_freq": validation_freq, "shuffle": bool(shuffle), "class_weight": class_weight, "wire": wire,
            "sync_batch_norm": bool(sync_batch_norm), "layers": network.summary(), "optimizer": network.optimizer, "loss": network.loss,
            "metrics": (subject.metrics.counted, subject.metrics.has_others),
        }  # fmt: skip
        seed = team.meet("fit", seed, {name: repr(value) for name, value in same.items()})[0]
    data = _Data(network, x, y, sample_weight, batch_size, seed)
    own = _arrays.weights_of_classes(class_weight, network)
    if own and sample_weight is not None:
        raise ValueError("got class_weight and sample_weight, expected one of them")
    if validation_data is not None:
        data.judge_by(validation_data, validation_steps, validation_batch_size)
    elif validation_split:
        data.split(validation_split)
    data.shorten(steps_per_epoch, bool(shuffle))
    data.one_kind()
    steps = data.steps()
    verbose = 1 if verbose == "auto" else int(verbose)
    if team is not None and team.rank > 0:
        verbose, callbacks = 0, _without_files(subject, callbacks)
    calls = subject.callbacks(callbacks, verbose, epochs, steps)
    kinds = set().union(*(subject.needs(callback) for callback in calls.callbacks))
    slots, before = subject.state()
    judged = None
    if data.validation is not None:
        vx, vy, _ = data.validation
        judged = vx, _arrays.labels(vy, network, len(vx), "validation_data's y")
    arrays = data.stream is None
    if team is not None:
        given = {"x, y and sample_weight": _team.digest(data.x, data.targets, data.weights)} if arrays else {}
        if judged is not None:
            given["validation_data"] = _team.digest(*judged, data.validation[2])
        # Rank 0 alone has the callbacks that write files, and all ranks keep the same order of work.
        kinds |= set().union(*team.meet("the data", kinds, given)) - {"progress"}
    training = Training(
        network,
        data.x if arrays else None,
        data.targets if arrays else None,
        judged,
        batch_size=data.batch_size,
        epochs=max(epochs - initial_epoch, 1),
        seed=seed,
        shuffle=bool(shuffle),
        device=_device.named(device),
        weights=subject.weights(),
        slots=slots,
        steps_before=before,
        class_weight=own,
        sample_weight=data.weights if arrays else None,
        validation_weight=None if data.validation is None else data.validation[2],
        in_turn="steps" in kinds,
        floats=bool(data.floats),
        weighted=data.weighted,
        team=None if team is None else team.engine(sync_batch_norm, wire),
    )
    run = _Fit(subject, data, calls, training, kinds, own, before)
    del training
    validates = judged is not None or data.validation_stream is not None
    finished = False
    subject.model.stop_training = False
    training_logs: dict[str, float] = {}
    try:
        run.compile()
        calls.on_train_begin()
        for epoch in range(initial_epoch, epochs):
            run.metrics.reset()
            calls.on_epoch_begin(epoch)
            means = run.arrays(epoch) if arrays else run.batches(epoch)
            if means is None:
                break
            epoch_logs = run.logs(*means)
            if validates and _validated(epoch, validation_freq):
                epoch_logs.update({f"val_{name}": value for name, value in run.judged(epoch).items()})
            if kinds & {"weights", "steps"}:
                run.synchronize()
            calls.on_epoch_end(epoch, epoch_logs)
            training_logs = epoch_logs
            if run.stops(f"the end of epoch {epoch + 1}") or (data.stream is not None and data.stream.ran_out):
                break
        if epochs > initial_epoch and not kinds & {"weights", "steps"}:
            run.synchronize()
        finished = True
        calls.on_train_end(training_logs)
    except BaseException:
        if team is not None:
            team.device_failed = run.training.failed
        if not finished:
            # What was learned stays, unless the device is gone.
            with contextlib.suppress(RuntimeError, ValueError):
                run.synchronize()
        raise
    finally:
        # An exception that somebody keeps must not keep the thread of the device.
        run.training = None
    return subject.history(calls)


def _without_files(subject: Subject, callbacks: Any) -> Any:
    """Callbacks without those that write files or show the training, which are for rank 0."""
    given = callbacks if isinstance(callbacks, (list, tuple)) else getattr(callbacks, "callbacks", [callbacks])
    kept = [callback for callback in given if not subject.writes(callback)]
    if hasattr(callbacks, "callbacks"):
        # A list of Keras, which has told its callbacks about the model.
        callbacks.callbacks = kept
        return callbacks
    return None if callbacks is None else kept


def evaluate(
    subject: Subject,
    x: Any,
    y: Any,
    *,
    batch_size: int | None,
    verbose: Any,
    sample_weight: Any,
    steps: int | None,
    callbacks: Any,
    return_dict: bool,
    device: Any,
) -> Any:
    """Loss and metrics of `subject` on `x` and `y`, or on batches that `x` gives."""
    network, metrics = subject.network, subject.metrics
    checked(network, left_out=False)
    _weighted(network, metrics)
    data = _Data(network, x, y, sample_weight, batch_size, 0)
    data.shorten(_some(steps, "steps"), shuffle=False)
    arrays = data.stream is None
    count = data.steps()
    calls = subject.callbacks(callbacks, 0, 1, count)
    tells = any("tests" in subject.needs(callback) for callback in calls.callbacks)
    calls.on_test_begin()
    metrics.reset()
    evaluation = Evaluation(
        network,
        subject.weights(),
        floats=bool(data.floats),
        rows=len(data.x) if arrays else data.batch_size,
        weighted=data.weighted,
        batch_size=data.batch_size,
        device=_device.named(device),
    )
    number = -1

    def one(part: Batch) -> tuple[float, Any]:
        def hear(rows: np.ndarray, outputs: np.ndarray, loss: float, accuracy: Any) -> None:
            nonlocal number
            number += 1
            if tells:
                calls.on_test_batch_begin(number)
            if metrics.has_others:
                metrics.update(part.y[rows], _shaped(outputs, network), None if part.weights is None else part.weights[rows])
            if tells:
                calls.on_test_batch_end(number, _logs(metrics, network, loss, accuracy))

        hears = hear if metrics.has_others or tells else None
        return evaluation.evaluate(data.cast(part.x), part.targets, part.weights, hears)

    if arrays:
        found = _logs(metrics, network, *one(Batch(data.x, data.y, data.targets, data.weights)))
    else:
        found = _logs(metrics, network, *_mean(data.stream.epoch(), data.batch_size, one))
    calls.on_test_end(found)
    names = ["loss", *(metrics.losses if network.several else []), *metrics.names()]
    known = _team.known()
    if verbose not in (0, "0") and (known is None or known.rank == 0):
        shown = " - ".join(f"{name}: {found[name]:.4f}" for name in names)
        print(f"{count}/{count} - {shown}" if count else shown, flush=True)
    if return_dict:
        return _pages.Scores({name: found[name] for name in names})
    values = [found[name] for name in names]
    return values[0] if len(values) == 1 else values


def predict(subject: Subject, x: Any, *, batch_size: int | None, steps: int | None, callbacks: Any, device: Any) -> Any:
    """The outputs of `subject` for `x`, or for batches that it gives: (rows, ...), in the shape of the network's output; of several
    outputs, a list or a dictionary of them."""
    network = subject.network
    if not _batches.is_stream(x):
        whole = _arrays.inputs(x, network)
        batch_size = _count(BATCH_SIZE if batch_size is None else batch_size, "batch_size", 1)
        inputs: Iterator[np.ndarray] = iter([whole[: steps * batch_size] if steps else whole])
        count: int | None = -(-len(whole) // batch_size)
    else:
        stream = Stream(x, network, "x", _some(steps, "steps"))
        given = (_batches.parts(batch, "x")[0] for batch in stream.raw())
        inputs = (_arrays.inputs(one, network, f"batch {n} of x") for n, one in enumerate(given))
        count = stream.length()
    calls = subject.callbacks(callbacks, 0, 1, count)
    calls.on_predict_begin()
    prediction, found, floats = None, [], False
    for one in inputs:
        if prediction is None or (one.dtype != np.uint8 and not floats):
            floats = one.dtype != np.uint8
            rows = len(one) if batch_size is None else min(batch_size, len(one))
            prediction = Prediction(network, subject.weights(), floats=floats, batch_size=rows, device=_device.named(device))
        found.append(prediction.outputs(np.asarray(one, np.float32) if floats else one))
    if not found:
        raise ValueError("x gives no batches, expected at least one")
    calls.on_predict_end()
    return _arrays.outputs(found[0] if len(found) == 1 else np.concatenate(found), network)
