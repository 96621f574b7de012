#!/usr/bin/env python3
"""Trains wgrad's `mlp` and `cnn` on Fashion-MNIST with PyTorch: reference results for wgrad.

Networks and settings are those of `wgrad train`: Glorot-uniform kernels, zero biases, softmax cross-entropy, SGD with
momentum, a new shuffle every epoch, the short last batch weighted by its rows, inputs in [0, 1]. `cnn` is Keras's
simple convnet, with dropout 0.5 before its dense layer. The random streams are PyTorch's own, so seeds compare as
distributions, not bit by bit; `make_parity_fixtures.py` compares individual losses.

Prints one JSON object per run, each on a line. `train_loss` is the mean over the epoch during training (dropout on,
weights changing), `test_accuracy` is measured after each epoch, `images_per_second` excludes evaluation.
"""

import argparse
import gzip
import json
import math
import pathlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

EPOCHS = {"mlp": 5, "cnn": 3}


def read_idx(folder, name):
    """Reads the array of an IDX file of unsigned bytes, gzipped or plain."""
    path = folder / f"{name}.gz"
    raw = gzip.decompress(path.read_bytes()) if path.exists() else (folder / name).read_bytes()
    if raw[:3] != b"\0\0\x08":
        raise SystemExit(f"{folder / name}: not an IDX file of unsigned bytes: it starts with {raw[:4].hex()}")
    shape = np.frombuffer(raw, ">u4", count=raw[3], offset=4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def load(folder, split):
    """Loads images (N, 1, 28, 28) f32 in [0, 1] and labels (N,) i64."""
    images = torch.from_numpy(read_idx(folder, f"{split}-images-idx3-ubyte").astype(np.float32) / 255.0)
    labels = torch.from_numpy(read_idx(folder, f"{split}-labels-idx1-ubyte").astype(np.int64))
    return images.unsqueeze(1), labels


def build(network):
    if network == "mlp":
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    else:
        model = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
        )  # fmt: skip
    for module in model:
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return model


@torch.no_grad()
def accuracy(model, images, labels):
    model.eval()
    hits = sum((model(x).argmax(1) == y).sum().item() for x, y in zip(images.split(1000), labels.split(1000)))
    return hits / len(labels)


def train(network, seed, epochs, train_set, test_set, options):
    torch.manual_seed(seed)
    model = build(network)
    optimizer = torch.optim.SGD(model.parameters(), lr=options.lr, momentum=options.momentum)
    images, labels = train_set
    losses, accuracies, seconds = [], [], 0.0
    for epoch in range(epochs):
        model.train()
        total = 0.0
        start = time.perf_counter()
        for rows in torch.randperm(len(labels)).split(options.batch):
            loss = F.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        seconds += time.perf_counter() - start
        losses.append(total / len(labels))
        if not math.isfinite(losses[-1]):
            raise SystemExit(f"{network} seed {seed}: the loss of epoch {epoch + 1} is {losses[-1]}; lower --lr")
        accuracies.append(accuracy(model, *test_set))
        print(
            f"{network} seed {seed} epoch {epoch + 1}/{epochs}: "
            f"train loss {losses[-1]:.4f}, test accuracy {accuracies[-1]:.4f}",
            file=sys.stderr,
        )
    return {
        "network": network,
        "seed": seed,
        "epochs": epochs,
        "batch": options.batch,
        "lr": options.lr,
        "momentum": options.momentum,
        "test_accuracy": accuracies,
        "train_loss": losses,
        "images_per_second": round(epochs * len(labels) / seconds, 1),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("/usr/share/datasets/fashion-mnist"),
                        help="folder with the four IDX files (default: %(default)s)")  # fmt: skip
    parser.add_argument("--network", choices=[*EPOCHS, "all"], default="all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help=f"default: {EPOCHS}")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--momentum", type=float, default=0.9)
    options = parser.parse_args()
    if not options.data.is_dir():
        parser.error(f"--data {options.data}: no such folder; Debian's package dataset-fashion-mnist provides one")

    train_set, test_set = load(options.data, "train"), load(options.data, "t10k")
    for network in EPOCHS if options.network == "all" else [options.network]:
        for seed in options.seeds:
            run = train(network, seed, options.epochs or EPOCHS[network], train_set, test_set, options)
            print(json.dumps(run), flush=True)


if __name__ == "__main__":
    main()
