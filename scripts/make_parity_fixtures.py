#!/usr/bin/env python3
"""Writes fixtures that compare wgrad's training with PyTorch, step by step.

    tests/fixtures/parity/                    a learnable data set in four IDX files: 512 training, 64 test images
    tests/fixtures/parity_<network>.safetensors   for `linear`, `mlp`, `cnn` (without dropout), `rnn`, `lstm`, `gru`:
        <parameter>                 f32  the initial weights, in wgrad's names and layouts: (in, out), HWIO, Keras's
                                         order of gates
        grad.<parameter>            f32  the gradient of the first step's mean loss
        logits_first    (32, 10)    f32  the first batch's logits before any update
        losses          (100,)      f64  the mean loss of each SGD step, before its update
    tests/fixtures/optimizer.safetensors      SGD alone, on given gradients, for each configuration C:
        initial         (37,)       f32  the parameters before the first step
        gradients       (20, 37)    f32  the gradient of each step
        <C>             (20, 37)    f64  the parameters after each step

Each safetensors header records the versions and settings that made it (`<C>.lr`, `<C>.momentum`, ... for the
optimizer).

All random numbers are counter-based (splitmix64), so they depend on no library's generator, and every initial value is
exact in f32. PyTorch computes in f64: the fixtures are the truth, not another rounding of it. Left out: dropout (the
masks are wgrad's own) and shuffling (batches are taken in file order).
"""

import argparse
import gzip
import json
import pathlib
import struct
import tempfile

import numpy as np
import safetensors
import safetensors.numpy
import torch
import torch.nn.functional as F

SIDE = 28
CLASSES = 10
TRAIN_IMAGES, TEST_IMAGES = 512, 64
BATCH, STEPS, LR, MOMENTUM = 32, 100, 0.05, 0.9
BIAS_SCALE = 0.1
SALT = 1  # chosen among 0..6 for the widest distance from any kink (see `images_and_labels`)
ROUNDINGS = 6  # f32 runs that must agree with the f64 run

# Parameters in order, with the fan-in and fan-out of Glorot's rule for the kernels.
NETWORKS = {
    "linear": {"dense_1": (784, 10)},
    "mlp": {"dense_1": (784, 128), "dense_2": (128, 10)},
    "cnn": {"conv2d_1": (3, 3, 1, 32), "conv2d_2": (3, 3, 32, 64), "dense_1": (1600, 10)},
    "rnn": {"simple_rnn_1": (28, 128), "dense_1": (128, 10)},
    "lstm": {"lstm_1": (28, 512), "dense_1": (128, 10)},
    "gru": {"gru_1": (28, 384), "dense_1": (128, 10)},
}
# Position of PyTorch's gates among Keras's: i, f, g, o are i, f, c, o; r, z, n are z, r, h.
GATES = {"rnn": [0], "lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}
UNITS = 128
# These diverge at the others' learning rate, and rounding errors with them. At their own rate they learn little within
# these steps.
RATES = {"rnn": 0.001, "gru": 0.01}

# Weight decay is unusually large, so that a wrong order of operations cannot hide.
OPTIMIZERS = {
    "momentum": {"lr": 0.05, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0},
    "nesterov": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.0},
    "weight_decay": {"lr": 0.05, "momentum": 0.0, "nesterov": False, "weight_decay": 0.1},
    "all": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
}
OPTIMIZER_STEPS, OPTIMIZER_VALUES = 20, 37


def uniform(stream, *shape):
    """Uniform f64 in [0, 1): splitmix64's `i`-th output, seeded by the digest of the stream's name."""
    with np.errstate(over="ignore"):
        seed = np.uint64(0)
        for byte in stream.encode():  # as in FNV-1a, so that a stream depends on its name, not on the order of calls
            seed = (seed ^ np.uint64(byte)) * np.uint64(0x100000001B3) + np.uint64(1)
        z = seed + np.arange(1, 1 + int(np.prod(shape)), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(11)).astype(np.float64) / 2.0**53).reshape(shape)


def symmetric(stream, limit, *shape):
    """Uniform in [-limit, limit), rounded to f32."""
    return ((2.0 * uniform(stream, *shape) - 1.0) * limit).astype(np.float32)


def images_and_labels(split, count):
    """Images of one grey rectangle on black; its place, shape and height, jittered by up to 2 pixels, define the class.

    The images are simple on purpose. If a ReLU crosses zero or a maximum changes a little earlier in f32 than in f64,
    the gradient jumps, and the trajectories diverge: on noisy or natural images `cnn` in PyTorch's own f32 is percents
    away from its f64 within 100 steps at this learning rate. Rectangles of two greys have so few distinct 3x3 patches
    that no such kink is near the trajectory; `check_conditioning` proves it. Their flat areas make exact ties in
    max-pooling, which is good: a gradient that goes to every tied element, instead of to one, shows at once.
    One label in sixteen is wrong, so that the loss stays well above zero, where a relative tolerance compares rounding.
    """

    def draw(name):
        return uniform(f"{split} {name} {SALT}", count)

    classes = np.argsort(draw("order")) % CLASSES
    jitter_y, jitter_x = np.floor(3 * draw("dy")).astype(int), np.floor(3 * draw("dx")).astype(int)
    greys = np.where(draw("lv") < 0.5, 136, 255)
    images = np.zeros((count, SIDE, SIDE), np.uint8)
    for image, label, dy, dx, grey in zip(images, classes, jitter_y, jitter_x, greys):
        lower, column = divmod(int(label), 5)
        height, width = ((10, 4), (6, 5))[lower]
        top, left = lower * (SIDE - 2 - height) + dy, column * (SIDE - 2 - width) // 4 + dx
        image[top : top + height, left : left + width] = grey
    labels = np.where(draw("wrong") < 1 / 16, (classes + 5) % CLASSES, classes).astype(np.uint8)
    return images, labels


def write_idx(path, array):
    header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    # mtime=0 and no file name in the gzip header: the same bytes from every run.
    path.write_bytes(gzip.compress(header + array.tobytes(), compresslevel=9, mtime=0))


def write_safetensors(path, tensors, settings):
    metadata = {
        "made_by": "scripts/make_parity_fixtures.py",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
        **settings,
    }
    # Header values are strings; booleans in lower case, as Rust and JSON read them.
    metadata = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in metadata.items()}
    raw = safetensors.numpy.save(tensors, metadata)
    # The library writes the metadata in hash order, which differs between processes: sort it for reproducible bytes.
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])


def initial_weights(network):
    """Glorot-uniform kernels as Keras draws them, and biases that are small but not zero, so that bias bugs show."""
    weights = {}
    for layer, shape in NETWORKS[network].items():
        if network in GATES and layer != "dense_1":
            for name, rows, limit in (("kernel", shape[0], 0.2), ("recurrent_kernel", UNITS, 0.1)):
                weights[f"{layer}.{name}"] = symmetric(f"{network} {layer} {name}", limit, rows, shape[-1])
            bias = (2, shape[-1]) if network == "gru" else (shape[-1],)
            weights[f"{layer}.bias"] = symmetric(f"{network} {layer} bias", BIAS_SCALE, *bias)
            continue
        field = int(np.prod(shape[:-2]))  # taps of a convolution, 1 for a dense layer
        limit = np.sqrt(6.0 / (field * (shape[-2] + shape[-1])))
        weights[f"{layer}.kernel"] = symmetric(f"{network} {layer} kernel", limit, *shape)
        weights[f"{layer}.bias"] = symmetric(f"{network} {layer} bias", BIAS_SCALE, shape[-1])
    return weights


def recurrent(network, p, x):
    """The last state of PyTorch's own recurrent layer on x (N, time, features), from Keras's weights."""
    layer = next(name for name in NETWORKS[network] if name != "dense_1")

    def gates(values):  # (..., gates * UNITS) in Keras's order -> (gates * UNITS, ...) in PyTorch's
        return torch.cat([values.split(UNITS, -1)[place] for place in GATES[network]], -1).movedim(-1, 0)

    module = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[network]
    module = module(x.shape[-1], UNITS, batch_first=True, dtype=x.dtype)
    bias = p[f"{layer}.bias"]
    both = (bias[0], bias[1]) if network == "gru" else (bias, torch.zeros_like(bias))
    arguments = {
        "weight_ih_l0": gates(p[f"{layer}.kernel"]),
        "weight_hh_l0": gates(p[f"{layer}.recurrent_kernel"]),
        "bias_ih_l0": gates(both[0]),
        "bias_hh_l0": gates(both[1]),
    }
    return torch.func.functional_call(module, arguments, (x,))[0][:, -1]


def logits(network, p, x):
    """The forward pass on x (N, 28, 28), from parameters in wgrad's layouts."""
    if network == "linear":
        return x.flatten(1) @ p["dense_1.kernel"] + p["dense_1.bias"]
    if network == "mlp":
        x = torch.relu(x.flatten(1) @ p["dense_1.kernel"] + p["dense_1.bias"])
        return x @ p["dense_2.kernel"] + p["dense_2.bias"]
    if network in GATES:
        return recurrent(network, p, x) @ p["dense_1.kernel"] + p["dense_1.bias"]
    x = x.unsqueeze(1)
    for layer in ("conv2d_1", "conv2d_2"):
        kernel = p[f"{layer}.kernel"].permute(3, 2, 0, 1)  # HWIO -> OIHW
        x = F.max_pool2d(torch.relu(F.conv2d(x, kernel, p[f"{layer}.bias"])), 2)
    x = x.permute(0, 2, 3, 1).flatten(1)  # flatten in the order (H, W, C)
    return x @ p["dense_1.kernel"] + p["dense_1.bias"]


def train(network, weights, images, labels, dtype):
    """Losses of all steps; logits and gradients of the first; the parameters at the end."""
    parameters = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in weights.items()}
    optimizer = torch.optim.SGD(parameters.values(), lr=RATES.get(network, LR), momentum=MOMENTUM)
    losses, first_logits, first_gradients = [], None, None
    for step in range(STEPS):
        rows = slice(step * BATCH % len(labels), step * BATCH % len(labels) + BATCH)
        x = torch.tensor(images[rows], dtype=dtype) / 255
        out = logits(network, parameters, x)
        loss = F.cross_entropy(out, torch.tensor(labels[rows], dtype=torch.int64))
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            first_logits = out.detach().numpy()
            first_gradients = {name: p.grad.numpy().copy() for name, p in parameters.items()}
        optimizer.step()
    return np.array(losses), first_logits, first_gradients, parameters


def check_conditioning(network, weights, train_set, losses, gradients):
    """Returns how far rounding alone moves the losses and the first gradients; fails if f32 could not meet the fixture.

    Each run is in f32, sums its batches in another order, and (two in three) starts up to some 10 units in the last
    place away, as other hardware would round.
    """
    drift, gradient_drift = 0.0, 0.0
    for run in range(ROUNDINGS):
        order = np.argsort(uniform(f"rounding {run}", TRAIN_IMAGES).reshape(-1, BATCH))
        order = (order + BATCH * np.arange(TRAIN_IMAGES // BATCH)[:, None]).ravel()
        jitter = (0.0, 1e-7, 1e-6)[run % 3]
        moved = {
            name: (value * (1 + symmetric(f"rounding {run} {name}", jitter, *value.shape))).astype(np.float32)
            for name, value in weights.items()
        }
        in_f32, _, gradients_f32, _ = train(network, moved, train_set[0][order], train_set[1][order], torch.float32)
        drift = max(drift, np.max(np.abs(in_f32 - losses) / losses))
        for name, gradient in gradients.items():
            distance = np.linalg.norm(gradients_f32[name] - gradient) / np.linalg.norm(gradient)
            gradient_drift = max(gradient_drift, distance)
    if not drift < 1e-5:
        raise SystemExit(f"{network}: rounding alone moves a loss by {drift:.1e}, expected < 1e-5: a kink is too near")
    if not gradient_drift < 2e-6:
        raise SystemExit(f"{network}: rounding alone moves a gradient by {gradient_drift:.1e} of its norm, not < 2e-6")
    return drift, gradient_drift


def parity(network, train_set, test_set, path):
    weights = initial_weights(network)
    losses, first_logits, gradients, parameters = train(network, weights, *train_set, torch.float64)
    tensors = dict(weights)
    tensors |= {f"grad.{name}": gradient.astype(np.float32) for name, gradient in gradients.items()}
    tensors |= {"logits_first": first_logits.astype(np.float32), "losses": losses}

    drift, gradient_drift = check_conditioning(network, weights, train_set, losses, gradients)
    with torch.no_grad():
        out = logits(network, parameters, torch.tensor(test_set[0], dtype=torch.float64) / 255)
        accuracy = float((out.argmax(1).numpy() == test_set[1]).mean())
    if not accuracy > (0.5 if network not in RATES else 1.5 / CLASSES):
        raise SystemExit(f"{network}: test accuracy {accuracy} after {STEPS} steps: the data is not learnable")

    settings = {"network": network, "batch": BATCH, "steps": STEPS, "lr": RATES.get(network, LR), "momentum": MOMENTUM}
    settings |= {"nesterov": False, "weight_decay": 0.0, "order": "file order, no shuffle, wrapping after 512 images"}
    settings |= {"inputs": "u8 / 255", "computed_in": "float64", "test_accuracy": accuracy}
    settings |= {"f32_loss_drift": f"{drift:.1e}", "f32_gradient_drift": f"{gradient_drift:.1e}"}
    write_safetensors(path, tensors, settings)
    print(
        f"{path.name}: loss {losses[0]:.4f} -> {losses[-1]:.4f} (lowest {losses.min():.4f}), "
        f"f32 drift {drift:.1e} (gradients {gradient_drift:.1e}), test accuracy {accuracy:.3f}, "
        f"{path.stat().st_size:,} bytes"
    )


def optimizer_trajectories(path):
    initial = symmetric("optimizer initial", 1.0, OPTIMIZER_VALUES)
    gradients = symmetric("optimizer gradients", 1.0, OPTIMIZER_STEPS, OPTIMIZER_VALUES)
    tensors, settings = {"initial": initial, "gradients": gradients}, {"computed_in": "float64"}
    for name, config in OPTIMIZERS.items():
        parameter = torch.tensor(initial, dtype=torch.float64)
        optimizer = torch.optim.SGD([parameter], **config)
        after = []
        for gradient in gradients:
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
            optimizer.step()
            after.append(parameter.numpy().copy())
        tensors[name] = np.array(after)
        settings |= {f"{name}.{key}": value for key, value in config.items()}
    write_safetensors(path, tensors, settings)
    print(f"{path.name}: {', '.join(OPTIMIZERS)}, {path.stat().st_size:,} bytes")


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=default, help="default: tests/fixtures")
    parser.add_argument("networks", nargs="*", choices=[[], *NETWORKS], help="only these networks' fixtures; default: all")
    options = parser.parse_args()

    # One thread: the order of a sum must not depend on how many cores made the fixture.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    folder = options.out / "parity"
    folder.mkdir(parents=True, exist_ok=True)
    train_set = images_and_labels("train", TRAIN_IMAGES)
    test_set = images_and_labels("test", TEST_IMAGES)
    for prefix, (images, labels) in (("train", train_set), ("t10k", test_set)):
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    print(f"parity/: {sum(file.stat().st_size for file in folder.iterdir()):,} bytes")
    for network in options.networks or NETWORKS:
        parity(network, train_set, test_set, options.out / f"parity_{network}.safetensors")
    optimizer_trajectories(options.out / "optimizer.safetensors")


if __name__ == "__main__":
    main()
