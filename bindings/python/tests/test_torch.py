"""Modules of PyTorch: the same training as PyTorch's own, and their tensors back."""

import networks
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="NOT TESTED: modules of PyTorch, which is not installed; scripts/python.sh --torch installs it")
for _name in ("onnx", "onnxscript"):
    pytest.importorskip(_name, reason=f"NOT TESTED: modules of PyTorch, whose exporter needs {_name}; scripts/python.sh --torch installs it")

import wgrad  # noqa: E402
from torch import nn  # noqa: E402

CPU = {"device": "cpu"}
STEPS, ROWS = 20, 32


class Residual(nn.Module):
    """Convolutions with batch normalization, and a shortcut."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6))
        self.head = nn.Linear(6 * 4 * 4, 3)

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(x + self.body(x))
        return self.head(torch.flatten(nn.functional.max_pool2d(x, 2), 1))


class Recurrent(nn.Module):
    """The last step of a recurrent layer."""

    def __init__(self, kind, **more):
        super().__init__()
        self.cells = kind(4, 8, batch_first=True, **more)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


def lstm():
    module = Recurrent(nn.LSTM)
    # wgrad trains the sum of both biases as one, PyTorch each by itself.
    module.cells.bias_hh_l0.requires_grad_(False)
    return module


class Series(nn.Module):
    """Convolutions over time, with the features first."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv1d(4, 6, 3), nn.Conv1d(6, 5, 3, stride=2)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        x = torch.relu(self.second(torch.relu(self.first(x))))
        return self.head(x.mean(dim=2))


class Attends(nn.Module):
    """An encoder, and a causal attention whose queries, keys and values are parts of one product."""

    def __init__(self):
        super().__init__()
        self.steps = nn.Linear(4, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
        self.parts, self.joined = nn.Linear(8, 24), nn.Linear(8, 8)
        self.cross = nn.MultiheadAttention(8, 4, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.encoder(self.steps(x))
        rows, steps, size = x.shape
        parts = (part.view(rows, steps, 2, size // 2).transpose(1, 2) for part in self.parts(x).split(size, dim=2))
        heads = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
        x = x + self.joined(heads.transpose(1, 2).reshape(rows, steps, size))
        return self.head((x + self.cross(x, torch.tanh(x), x)[0]).mean(dim=1))


class Drops(nn.Module):
    """An attention that drops shares of its keys in training."""

    def __init__(self, rate):
        super().__init__()
        self.steps, self.head = nn.Linear(8, 8), nn.Linear(8, 3)
        self.attention = nn.MultiheadAttention(8, 2, dropout=rate, batch_first=True)

    def forward(self, x):
        x = self.steps(x[:, 0])
        return self.head(self.attention(x, x, x, need_weights=False)[0].mean(dim=1))


def images(channels=1):
    x, y = networks.data("images")
    x = np.repeat(x.transpose(0, 3, 1, 2), channels, axis=1)
    return x * np.linspace(1, 0.5, channels, dtype=np.float32)[:, None, None], y


def series():
    return networks.data("series")


def stack(*layers):
    return lambda: nn.Sequential(*(layer() if isinstance(layer, type) else layer for layer in layers))


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 3))


def rows():
    return nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 1))


def turned():
    x, y = series()
    return np.ascontiguousarray(x.transpose(0, 2, 1)), y


def normal():
    return nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.GroupNorm(3, 6), nn.Tanh(), nn.Conv2d(6, 4, 3, stride=2, bias=False), nn.InstanceNorm2d(4, affine=True), nn.ReLU(),
        nn.Flatten(), nn.Linear(16, 8), nn.RMSNorm(8), nn.Linear(8, 3),
    )  # fmt: skip


class Shared(nn.Module):
    """A layer that is used twice."""

    def __init__(self):
        super().__init__()
        self.flat, self.layer, self.head = nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 3)

    def forward(self, x):
        return self.head(torch.relu(self.layer(torch.relu(self.layer(self.flat(x))))))


#: Name: module, data, loss, optimizer of its parameters.
CASES = {
    "mlp": (mlp, images, nn.CrossEntropyLoss(), lambda p: torch.optim.Adam(p, lr=0.01)),
    "smooth": (mlp, images, nn.CrossEntropyLoss(label_smoothing=0.1), lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1, betas=(0.8, 0.95))),
    "residual": (Residual, lambda: images(2), nn.CrossEntropyLoss(), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01)),
    "logs": (lambda: nn.Sequential(*mlp(), nn.LogSoftmax(1)), images, nn.NLLLoss(), lambda p: torch.optim.RMSprop(p, lr=0.002, momentum=0.5, centered=True)),
    "lstm": (lstm, series, nn.CrossEntropyLoss(), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)),
    "gru": (lambda: Recurrent(nn.GRU), series, nn.CrossEntropyLoss(), lambda p: torch.optim.SGD(p, lr=0.1)),
    "series": (Series, turned, nn.CrossEntropyLoss(), lambda p: torch.optim.Adam(p, lr=0.01)),
    "attention": (Attends, series, nn.CrossEntropyLoss(), lambda p: torch.optim.SGD(p, lr=0.05)),
    "normal": (normal, lambda: images(2), nn.CrossEntropyLoss(), lambda p: torch.optim.Adam(p, lr=0.005)),
    "regression": (rows, lambda: networks.data("rows"), nn.MSELoss(), lambda p: torch.optim.Adagrad(p, lr=0.05)),
    "huber": (rows, lambda: networks.data("rows"), nn.HuberLoss(delta=0.5), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "shared": (Shared, images, nn.CrossEntropyLoss(), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    "binary": (rows, lambda: networks.data("two"), nn.BCEWithLogitsLoss(), lambda p: torch.optim.Adam(p, lr=0.02)),
}  # fmt: skip


def seeded(make):
    torch.manual_seed(4)
    return make()


def batches(x, y):
    """The rows of each of STEPS steps."""
    return [np.arange(n * ROWS, (n + 1) * ROWS) % len(x) for n in range(STEPS)]


def target(loss, y):
    found = torch.from_numpy(y)
    return found if isinstance(loss, (nn.CrossEntropyLoss, nn.NLLLoss)) else found.float()[:, None]


def trained_by_torch(module, x, y, loss, optimizer):
    module.train()
    losses = []
    for places in batches(x, y):
        optimizer.zero_grad()
        found = loss(module(torch.from_numpy(x[places])), target(loss, y[places]))
        found.backward()
        optimizer.step()
        losses.append(float(found.detach()))
    return losses


class Losses(wgrad.callbacks.Callback):
    """The loss of each step, from the means so far."""

    def __init__(self):
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        before = 0.0 if batch == 0 else self.mean * batch
        self.mean = logs["loss"]
        self.losses.append(self.mean * (batch + 1) - before)


@pytest.mark.parametrize("name", CASES)
def test_a_module_trains_as_pytorch_trains_it(name):
    make, data, loss, choose = CASES[name]
    x, y = data()
    theirs, ours = seeded(make), seeded(make)
    expected = trained_by_torch(theirs, x, y, loss, choose(theirs.parameters()))
    optimizer, seen = choose(ours.parameters()), Losses()
    order = np.concatenate(batches(x, y))
    wgrad.fit(ours, x[order], y[order], batch_size=ROWS, shuffle=False, verbose=0, loss=loss, optimizer=optimizer, callbacks=[seen], **CPU)
    np.testing.assert_allclose(seen.losses, expected, atol=1e-4, rtol=1e-4)
    for (key, own), other in zip(ours.state_dict().items(), theirs.state_dict().values()):
        if key.endswith("running_var"):
            continue  # PyTorch divides by one less than the number of values
        # Single elements of a gradient near 0 may move differently by Adam, whose epsilon stands elsewhere.
        apart = np.linalg.norm((own - other).float().numpy()) / (np.linalg.norm(other.float().numpy()) + 1)
        assert apart < 1e-3, f"{key}: {apart}"
    ours.eval()
    with torch.no_grad():
        outputs = ours(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(wgrad.predict(ours, x, **CPU), outputs, atol=1e-5, rtol=1e-5)
    judged = wgrad.evaluate(ours, x, y, loss=loss, verbose=0, **CPU)
    with torch.no_grad():
        assert judged == pytest.approx(float(nn_loss(loss)(ours(torch.from_numpy(x)), target(loss, y))), abs=1e-4)


def nn_loss(loss):
    """Evaluation ignores label smoothing."""
    return nn.CrossEntropyLoss() if isinstance(loss, nn.CrossEntropyLoss) else loss


@pytest.mark.parametrize("name", ["mlp", "residual", "logs", "lstm", "regression"])
def test_an_optimizer_of_pytorch_goes_on(name):
    make, data, loss, choose = CASES[name]
    x, y = data()
    module = seeded(make)
    optimizer = choose(module.parameters())
    order = np.concatenate(batches(x, y))
    fit = dict(batch_size=ROWS, shuffle=False, verbose=0, loss=loss, optimizer=optimizer, **CPU)
    half = len(order) // 2
    wgrad.fit(module, x[order[:half]], y[order[:half]], **fit)
    wgrad.fit(module, x[order[half:]], y[order[half:]], **fit)
    whole = seeded(make)
    wgrad.fit(whole, x[order], y[order], **{**fit, "optimizer": choose(whole.parameters())})
    for (key, own), other in zip(module.state_dict().items(), whole.state_dict().values()):
        np.testing.assert_allclose(own.numpy(), other.numpy(), atol=1e-5, err_msg=key)
    # PyTorch goes on from it, too.
    before = sum(float(p.detach().abs().sum()) for p in module.parameters())
    trained_by_torch(module, x, y, loss, optimizer)
    assert sum(float(p.detach().abs().sum()) for p in module.parameters()) != before


def test_a_module_learns_with_names_and_objects_of_wgrad():
    x, y = images()
    module = seeded(stack(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(144, 3)))
    modes = [part.training for part in module.modules()]
    history = wgrad.fit(module, torch.from_numpy(x), torch.from_numpy(y), epochs=6, loss="cross_entropy", metrics=["accuracy"],
                        optimizer=wgrad.optimizers.Adam(0.01), validation_split=0.25, verbose=0, seed=2, **CPU)
    assert history.history["val_accuracy"][-1] > 0.9
    loss, accuracy = wgrad.evaluate(module, x, y, loss=torch.nn.functional.cross_entropy, metrics=["accuracy"], verbose=0, **CPU)
    assert accuracy == pytest.approx((wgrad.predict(module, x, **CPU).argmax(axis=1) == y).mean()) and loss < 0.5
    assert [part.training for part in module.modules()] == modes


def dense_that_drops(rate):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Dropout(rate), nn.Linear(32, 3))


@pytest.mark.parametrize("make", [dense_that_drops, Drops])
def test_dropout_drops_in_training_alone(make):
    x, y = images()
    losses = []
    for rate in (0.0, 0.9):
        module = seeded(lambda: make(rate))
        history = wgrad.fit(module, x, y, loss=nn.CrossEntropyLoss(), optimizer=torch.optim.SGD(module.parameters(), lr=0.0), verbose=0, **CPU)
        losses.append(history.history["loss"][0])
        with torch.no_grad():
            np.testing.assert_allclose(wgrad.predict(module, x, **CPU), module.eval()(torch.from_numpy(x)).numpy(), atol=1e-5)
    assert abs(losses[0] - losses[1]) > 1e-3


def test_rows_of_probabilities_and_a_loader():
    x, y = images()
    module = seeded(mlp)
    hot = np.eye(3, dtype=np.float32)[y]
    wgrad.fit(module, x, hot, epochs=2, loss=nn.CrossEntropyLoss(), verbose=0, **CPU)
    data = torch.utils.data.TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    loader = torch.utils.data.DataLoader(data, batch_size=32)
    history = wgrad.fit(module, loader, epochs=3, loss=nn.CrossEntropyLoss(), validation_data=loader, verbose=0, **CPU)
    assert len(history.history["val_loss"]) == 3
    assert wgrad.evaluate(module, loader, loss=nn.CrossEntropyLoss(), verbose=0, **CPU) == pytest.approx(
        wgrad.evaluate(module, x, y, loss=nn.CrossEntropyLoss(), verbose=0, **CPU), abs=1e-5
    )


def test_statistics_of_batches_come_back():
    x, y = images(2)
    module = seeded(Residual)
    wgrad.fit(module, x, y, epochs=2, batch_size=60, loss=nn.CrossEntropyLoss(), verbose=0, **CPU)
    norm = module.stem[1]
    assert int(norm.num_batches_tracked) == 8
    assert float(norm.running_mean.abs().max()) > 1e-3 and float((norm.running_var - 1).abs().max()) > 1e-2


def test_callbacks_have_the_module():
    x, y = images()
    module = seeded(mlp)
    seen = []
    stop = wgrad.callbacks.EarlyStopping("loss", patience=0, min_delta=10.0, restore_best_weights=True)
    watch = wgrad.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(module.state_dict()["1.bias"].clone()))
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    rate = wgrad.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = wgrad.fit(module, x, y, epochs=9, loss=nn.CrossEntropyLoss(), optimizer=optimizer, callbacks=[watch, rate, stop], verbose=0, **CPU)
    assert len(history.epoch) == 2 and optimizer.param_groups[0]["lr"] == pytest.approx(0.0025)
    assert torch.equal(module.state_dict()["1.bias"], seen[0]) and not torch.equal(seen[0], seen[1])


class Tied(nn.Module):
    """A tensor that is used twice, by two different layers."""

    def __init__(self):
        super().__init__()
        self.flat, self.layer = nn.Flatten(), nn.Linear(64, 16)

    def forward(self, x):
        return nn.functional.linear(torch.relu(self.layer(self.flat(x))), self.layer.weight.T)


def frozen():
    module = mlp()
    module[1].weight.requires_grad_(False)
    return module


@pytest.mark.parametrize(
    ("make", "loss", "optimizer", "words"),
    [
        (Tied, nn.CrossEntropyLoss(), None, "used in several places"),
        (frozen, nn.CrossEntropyLoss(), None, "1.weight is not trained"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.Hardshrink()), nn.CrossEntropyLoss(), None, "Sequential: "),
        (lambda: nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3, affine=False), nn.Flatten(), nn.Linear(108, 3)), nn.CrossEntropyLoss(), None,
         "no parameter of its own"),
        (lambda: nn.Sequential(nn.BatchNorm2d(1, track_running_stats=False), *mlp()), nn.CrossEntropyLoss(), None, "no running statistics"),
        (lambda: mlp().double(), nn.CrossEntropyLoss(), None, "float64"),
        (mlp, nn.CrossEntropyLoss(weight=torch.ones(3)), None, "weight="),
        (mlp, nn.NLLLoss(), None, "LogSoftmax"),
        (mlp, nn.CrossEntropyLoss(), lambda p: torch.optim.NAdam(p), "NAdam"),
        (mlp, nn.CrossEntropyLoss(), lambda p: torch.optim.Adam(p, weight_decay=0.1), "AdamW"),
        (mlp, nn.CrossEntropyLoss(), lambda p: torch.optim.Adam([{"params": p[:2]}, {"params": p[2:], "lr": 0.5}]), "groups"),
        (mlp, nn.CrossEntropyLoss(), lambda p: torch.optim.Adam(p[:2]), "lacks parameters"),
    ],
)  # fmt: skip
def test_what_is_not_covered_is_refused_in_words(make, loss, optimizer, words):
    x, y = images()
    module = make()
    chosen = "adam" if optimizer is None else optimizer(list(module.parameters()))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    with pytest.raises(wgrad.NotSupported, match=words):
        wgrad.fit(module, x, y, loss=loss, optimizer=chosen, verbose=0, **CPU)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


def test_a_module_that_cannot_be_trained_still_predicts():
    x, _ = images()
    for make in (Shared, Tied, frozen):
        module = seeded(make)
        for _ in range(2):
            with torch.no_grad():
                module.state_dict()[next(iter(module.state_dict()))].mul_(1.5)
                np.testing.assert_allclose(wgrad.predict(module, x, **CPU), module(torch.from_numpy(x)).numpy(), atol=1e-5)


def test_wrong_arguments_are_refused_in_words():
    x, y = images()
    with pytest.raises(TypeError, match="loss is missing"):
        wgrad.fit(mlp(), x, y)
    with pytest.raises(TypeError, match="expected a name, an object of torch.nn"):
        wgrad.fit(mlp(), x, y, loss=3)
    with pytest.raises(ValueError, match="unknown optimizer 'adamm'"):
        wgrad.fit(mlp(), x, y, loss="mse", optimizer="adamm")
    with pytest.raises(ValueError, match=r"expected \(rows, ...\)"):
        wgrad.fit(mlp(), np.zeros(3), y, loss="mse")
    with pytest.raises(wgrad.NotSupported, match="PyTorch cannot export"):
        wgrad.predict(mlp(), x[:, :, :3])


def test_both_biases_of_a_recurrent_layer_take_half_of_its_step():
    x, y = series()
    module = seeded(lambda: Recurrent(nn.LSTM))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    wgrad.fit(module, x, y, epochs=2, loss=nn.CrossEntropyLoss(), optimizer=optimizer, verbose=0, **CPU)
    first, second = (module.state_dict()[name] - before[name] for name in ("cells.bias_ih_l0", "cells.bias_hh_l0"))
    assert float(first.abs().max()) > 1e-3 and torch.allclose(first, second, atol=1e-6)
    held = [optimizer.state[p]["exp_avg"] for p in (module.cells.bias_ih_l0, module.cells.bias_hh_l0)]
    assert torch.equal(*held) and float(held[0].abs().max()) > 0
    with torch.no_grad():
        np.testing.assert_allclose(wgrad.predict(module, x, **CPU), module(torch.from_numpy(x)).numpy(), atol=1e-5)
