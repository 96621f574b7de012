#!/usr/bin/env python3
"""Writes tests/fixtures/losses.safetensors, for tests that compare wgrad's losses with PyTorch.

    logits      (7, 4)  f32   inputs of the losses of four classes; the first column is that of losses of one output
    labels      (7,)    i32   classes 0 to 3; modulo 2 for binary cross-entropy
    weights     (4,)    f32   of the classes
    <case>.loss (7,)    f64   the loss of each row
    <case>.grad (7, 4) or (7,) f64  the gradient of their mean

A case is `<loss>`, `<loss>.smooth` (label smoothing 0.1), `<loss>.weighted` (each row times the weight of its class),
`<loss>.mixed` (0.7 of the loss with the row's label, 0.3 of that with the label two rows behind it), `<loss>.all`.
PyTorch computes in f64. splitmix64 draws the numbers, so they depend on no library's generator.
"""

import argparse
import pathlib

import numpy as np
import safetensors.numpy
import torch
import torch.nn.functional as F

ROWS, CLASSES, SMOOTHING, MIXED, DISTANCE, DELTA = 7, 4, 0.1, 0.3, 2, 0.75


def draw(count, stream):
    """Uniform in [-1, 1), exact in f32."""
    mask = (1 << 64) - 1
    numbers = []
    for n in range(count):
        z = (stream * 1_000_003 + n + 1) * 0x9E3779B97F4A7C15 & mask
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & mask
        numbers.append(((z ^ (z >> 31)) >> 41) / 2**22 - 1)
    return np.array(numbers)


def binary(z, y, smoothing):
    return F.binary_cross_entropy_with_logits(z, y * (1 - smoothing) + smoothing / 2, reduction="none")


LOSSES = {
    "softmax_cross_entropy": lambda z, y, s: F.cross_entropy(z, y, reduction="none", label_smoothing=s),
    "binary_cross_entropy": lambda z, y, s: binary(z[:, 0], (y % 2).double(), s),
    "mean_squared_error": lambda z, y, s: F.mse_loss(z[:, 0], y.double(), reduction="none"),
    "mean_absolute_error": lambda z, y, s: F.l1_loss(z[:, 0], y.double(), reduction="none"),
    "huber": lambda z, y, s: F.huber_loss(z[:, 0], y.double(), reduction="none", delta=DELTA),
}


def case(loss, z, y, weights, smoothing=0.0, weighted=False, mixed=0.0):
    z = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    one = loss is not LOSSES["softmax_cross_entropy"]
    classes = y % 2 if loss is LOSSES["binary_cross_entropy"] else y
    part = lambda y, c: loss(z, y, smoothing) * (weights[c] if weighted else 1)
    roll = lambda t: torch.roll(t, -DISTANCE)
    rows = (1 - mixed) * part(y, classes) + mixed * part(roll(y), roll(classes))
    rows.mean().backward()
    return rows.detach().numpy(), (z.grad[:, 0] if one else z.grad).numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = pathlib.Path(__file__).parent.parent / "tests" / "fixtures" / "losses.safetensors"
    parser.add_argument("--out", type=pathlib.Path, default=default)
    out = parser.parse_args().out
    z = 4 * draw(ROWS * CLASSES, 1).reshape(ROWS, CLASSES)
    labels = torch.tensor([0, 1, 2, 3, 3, 1, 0])
    weights = torch.tensor(np.abs(draw(CLASSES, 2)) + 0.5, dtype=torch.float32).double()
    tensors = {"logits": z.astype(np.float32), "labels": labels.numpy().astype(np.int32),
               "weights": weights.numpy().astype(np.float32)}
    assert (tensors["logits"] == z).all()
    for name, loss in LOSSES.items():
        settings = {"": {}, ".weighted": {"weighted": True}, ".mixed": {"mixed": MIXED}}
        classes = name.endswith("cross_entropy")
        if classes:
            settings[".smooth"] = {"smoothing": SMOOTHING}
        settings[".all"] = {"weighted": True, "mixed": MIXED, "smoothing": SMOOTHING if classes else 0.0}
        for suffix, options in settings.items():
            tensors[f"{name}{suffix}.loss"], tensors[f"{name}{suffix}.grad"] = case(loss, z, labels, weights, **options)
    metadata = {"torch": torch.__version__, "smoothing": str(SMOOTHING), "mixed": str(MIXED), "distance": str(DISTANCE),
                "delta": str(DELTA), "script": "scripts/make_loss_fixtures.py"}
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    safetensors.numpy.save_file(tensors, out, metadata)
    print(f"{out}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
