#!/usr/bin/env python3
"""Converts weights from PyTorch and Keras to wgrad and back; outputs must agree to 1e-5. test_weights.sh runs it."""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from keras import layers as L  # noqa: E402
from torch import nn  # noqa: E402

HERE = pathlib.Path(__file__).parent
DATA = HERE.parent / "tests/fixtures/parity"
CLASSES, IMAGES, NEAR = 10, 4, 1e-5


def wgrad(*arguments):
    done = subprocess.run([os.environ["WGRAD"], *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"wgrad {' '.join(map(str, arguments))}: {done.stderr}")
    return done.stdout


def script(name, *arguments):
    subprocess.run([sys.executable, HERE / name, *map(str, arguments)], check=True)


def png(image):
    """Encodes a grey picture of bytes as a PNG file."""

    def part(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


def pictures(folder):
    """Writes dark pictures, which `wgrad predict` does not invert; returns them also as an array."""
    rng = np.random.default_rng(7)
    images = rng.integers(0, 256, (IMAGES, 28, 28), dtype=np.uint8)
    images[:, :2] = images[:, -2:] = images[:, :, :2] = images[:, :, -2:] = 0
    paths = [folder / f"{n}.png" for n in range(IMAGES)]
    for path, image in zip(paths, images):
        path.write_bytes(png(image))
    return paths, images.astype(np.float32) / np.float32(255)


def probabilities(run, paths):
    """Returns the probabilities that wgrad's network predicts for pictures: (images, classes)."""
    rows = []
    for line in wgrad("predict", run, *paths, "--top", CLASSES, "--json").splitlines():
        by_class = {entry["class"]: entry["probability"] for entry in json.loads(line)["top"]}
        rows.append([by_class[f"class {n}"] for n in range(CLASSES)])
    return np.array(rows)


def imported(folder, model, weights):
    """Creates a run of `model` with these weights and no training step."""
    run = folder / "run"
    wgrad("train", "--model", model, "--init", weights, "--data", DATA, "--epochs", 0, "--out", run)
    return run


def near(what, got, expected):
    worst = np.abs(got - expected).max()
    print(f"{what}: {worst:.1e}")
    if not worst <= NEAR:
        sys.exit(f"{what}: differs by {worst}, expected at most {NEAR}")
    if expected.std() < 0.02:
        sys.exit(f"{what}: all outputs are alike, so that nothing is tested")


def randomise(tensors):
    rng = np.random.default_rng(3)
    for name, tensor in tensors:
        value = rng.normal(0, 0.25, tuple(tensor.shape))
        if name.endswith(("var", "variance", "gamma")) or ".norm" in name and name.endswith("weight"):
            value = 0.5 + np.abs(value)
        yield name, tensor, value.astype(np.float32)


class Image2d(nn.Module):
    """Convolutions, one of them depthwise, normalizations, PReLU, a flattened image."""

    toml = """
[[layers]]
type = "Conv2D"
filters = 6
kernel_size = 5
strides = 2
[[layers]]
type = "BatchNormalization"
epsilon = 1e-5
[[layers]]
type = "PReLU"
shared_axes = [1, 2]
[[layers]]
type = "DepthwiseConv2D"
kernel_size = 3
depth_multiplier = 2
activation = "relu"
[[layers]]
type = "Conv2D"
filters = 8
kernel_size = 3
groups = 2
[[layers]]
type = "MaxPooling2D"
[[layers]]
type = "Flatten"
[[layers]]
type = "Dense"
units = 12
[[layers]]
type = "LayerNormalization"
epsilon = 1e-5
[[layers]]
type = "Dense"
units = 10
activation = "softmax"
"""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(1, 6, 5, stride=2), nn.BatchNorm2d(6), nn.PReLU(6)
        self.depth, self.group = nn.Conv2d(6, 12, 3, groups=6), nn.Conv2d(12, 8, 3, groups=2)
        self.first, self.norm2, self.last = nn.Linear(8 * 4 * 4, 12), nn.LayerNorm(12), nn.Linear(12, 10)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x[:, None])))
        x = nn.functional.max_pool2d(self.group(self.depth(x).relu()), 2)
        return self.last(self.norm2(self.first(x.flatten(1))))


def recurrent(kind, torch_kind):
    class Rows(nn.Module):
        """Two layers over the rows of an image: a bidirectional one, then a unidirectional one."""

        toml = f"""
[[layers]]
type = "Reshape"
target_shape = [28, 28]
[[layers]]
type = "Bidirectional"
layer = {{ type = "{kind}", units = 5, return_sequences = true }}
[[layers]]
type = "{kind}"
units = 6
[[layers]]
type = "Dense"
units = 10
activation = "softmax"
"""

        def __init__(self):
            super().__init__()
            self.both = torch_kind(28, 5, batch_first=True, bidirectional=True)
            self.one, self.last = torch_kind(10, 6, batch_first=True), nn.Linear(6, 10)

        def forward(self, x):
            return self.last(self.one(self.both(x)[0])[0][:, -1])

    Rows.__name__ = kind
    return Rows


def pytorch(module, paths, images):
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        folder = pathlib.Path(folder)
        model = module().eval()
        for _, tensor, value in randomise((n, t) for n, t in model.state_dict().items() if t.is_floating_point()):
            tensor.copy_(torch.from_numpy(value))
        torch.save(model.state_dict(), folder / "model.pt")
        (folder / "my.toml").write_text(module.toml)
        (folder / "network.json").write_text(wgrad("models", folder / "my.toml", "--json"))
        described = ["--network", folder / "network.json"]
        script("pytorch_weights.py", "to-wgrad", folder / "model.pt", folder / "w.safetensors", *described)
        run = imported(folder, folder / "my.toml", folder / "w.safetensors")
        expected = model(torch.from_numpy(images)).softmax(1).numpy()
        near(f"PyTorch {module.__name__}, to wgrad", probabilities(run, paths), expected)
        other = module().eval()
        torch.save(other.state_dict(), folder / "like.pt")
        back = ["to-pytorch", run / "last.safetensors", folder / "back.pt", "--like", folder / "like.pt"]
        script("pytorch_weights.py", *back, *described)
        other.load_state_dict(torch.load(folder / "back.pt"))
        near(f"PyTorch {module.__name__}, and back", other(torch.from_numpy(images)).softmax(1).numpy(), expected)


def keras_image():
    image = keras.Input((28, 28, 1))
    x = L.Conv2D(5, 3, strides=2, padding="same", activation="relu")(image)
    y = L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(x))
    x = L.MaxPooling2D(3)(L.Concatenate()([x, y]))
    return keras.Model(image, L.Dense(10, activation="softmax")(L.Flatten()(x)), name="image")


def keras_rows():
    layers = [keras.Input((28, 28)), L.Bidirectional(L.LSTM(5, return_sequences=True)), L.GRU(6), L.Dropout(0.5)]
    return keras.Sequential([*layers, L.Dense(10, activation="softmax")], name="rows")


def through_keras(make, paths, images):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        model = make()
        weights = [(w.path, w) for w in model.weights if "seed_generator" not in w.path]
        for _, weight, value in randomise(weights):
            weight.assign(value)
        model.save(folder / "model.keras")
        (folder / "model.json").write_text(model.to_json())
        expected = model.predict(images.reshape(-1, *model.input_shape[1:]), verbose=0)
        script("keras_weights.py", "to-wgrad", folder / "model.keras", folder / "w.safetensors")
        run = imported(folder, folder / "model.json", folder / "w.safetensors")
        near(f"Keras {model.name}, to wgrad", probabilities(run, paths), expected)
        back = ["to-keras", run / "last.safetensors", folder / "back.keras", "--model", folder / "model.json"]
        script("keras_weights.py", *back)
        again = keras.models.load_model(folder / "back.keras", compile=False)
        near(f"Keras {model.name}, and back", again.predict(images.reshape(-1, *model.input_shape[1:]), verbose=0), expected)


def main():
    with tempfile.TemporaryDirectory() as folder:
        paths, images = pictures(pathlib.Path(folder))
        for module in [Image2d, recurrent("LSTM", nn.LSTM), recurrent("GRU", nn.GRU), recurrent("SimpleRNN", nn.RNN)]:
            pytorch(module, paths, images)
        for make in [keras_image, keras_rows]:
            through_keras(make, paths, images)
    print("all the same")


if __name__ == "__main__":
    main()
