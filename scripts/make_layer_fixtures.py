#!/usr/bin/env python3
"""Writes tests/fixtures/layers.safetensors, which tests compare with wgrad's layers, forward and backward.

Each case N of the header is JSON: a layer under Keras's names, the shape of its input including the batch, and whether
it trains. Its tensors:
    N.x             f32  the input
    N.r             f32  the gradient of the output, from the functional Σ r · y
    N.p.<name>      f32  each parameter and state before, in Keras's layout
    N.y             f32  the output
    N.dx            f32  the gradient of the input                          (training)
    N.d.<name>      f32  the gradient of each parameter                     (training)
    N.after.<name>  f32  each state after the step                          (training)

Keras (backend torch, in f64) computes all of it; all random numbers are counter-based (see make_parity_fixtures.py).
Inputs avoid the points where a piecewise activation has no derivative. One result is not Keras's: on PyTorch its
average pool repeats the edge if the padding is "same"; here it averages the elements inside the image, as on
TensorFlow. """

import argparse
import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from make_parity_fixtures import symmetric, write_safetensors

ACTIVATIONS = [
    "relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "hard_sigmoid", "tanh", "softplus", "softsign",
    "exponential", "gelu", "gelu_tanh", "silu", "hard_silu", "mish", "softmax",
]  # fmt: skip
POINTWISE = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax")
KINKS = (-3.0, 0.0, 3.0, 6.0)


def cases():
    image = [2, 7, 6, 3]
    conv = {"type": "Conv2D", "filters": 5, "kernel_size": [3, 2]}
    pairs = [
        ({**conv}, image),
        ({**conv, "padding": "same"}, image),
        ({**conv, "strides": [2, 1]}, image),
        ({**conv, "strides": [2, 3], "padding": "same"}, image),
        ({**conv, "dilation_rate": [2, 2]}, image),
        ({**conv, "dilation_rate": [1, 2], "padding": "same", "use_bias": False}, image),
        ({"type": "Conv2D", "filters": 6, "kernel_size": 3, "groups": 3, "padding": "same"}, image),
        ({"type": "Conv2D", "filters": 4, "kernel_size": 2, "groups": 2, "strides": 2}, [2, 5, 6, 4]),
        ({"type": "Conv2D", "filters": 4, "kernel_size": 1, "activation": "tanh"}, image),
        ({"type": "DepthwiseConv2D", "kernel_size": 3}, image),
        ({"type": "DepthwiseConv2D", "kernel_size": [2, 3], "depth_multiplier": 2, "padding": "same"}, image),
        ({"type": "DepthwiseConv2D", "kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False}, image),
        ({"type": "ZeroPadding2D", "padding": 2}, image),
        ({"type": "ZeroPadding2D", "padding": [[1, 0], [0, 3]]}, image),
        ({"type": "GlobalAveragePooling2D"}, image),
        ({"type": "GlobalMaxPooling2D"}, image),
        ({"type": "BatchNormalization"}, image),
        ({"type": "BatchNormalization", "momentum": 0.7, "epsilon": 0.01, "scale": False}, [9, 4]),
        ({"type": "BatchNormalization", "center": False}, [5, 3, 2, 4]),
        ({"type": "LayerNormalization"}, [4, 11]),
        ({"type": "LayerNormalization", "epsilon": 0.01, "center": False}, image),
        ({"type": "LayerNormalization", "scale": False}, image),
        ({"type": "PReLU"}, [2, 3, 2, 4]),
        ({"type": "PReLU", "shared_axes": [1, 2]}, image),
        ({"type": "Dense", "units": 4, "activation": "softmax"}, [3, 5]),
        ({"type": "Dense", "units": 3, "use_bias": False}, [2, 4, 5]),
    ]
    sequence, line = [2, 9, 4], {"type": "Conv1D", "filters": 6, "kernel_size": 3}
    later = [
        ({**line}, sequence),
        ({**line, "strides": 2, "padding": "same"}, sequence),
        ({**line, "padding": "causal", "dilation_rate": 2}, sequence),
        ({**line, "padding": "causal", "strides": 2, "activation": "tanh"}, sequence),
        ({**line, "groups": 2, "padding": "same", "use_bias": False}, sequence),
        ({"type": "MaxPooling1D"}, sequence),
        ({"type": "MaxPooling1D", "pool_size": 3, "strides": 2, "padding": "same"}, sequence),
        ({"type": "AveragePooling1D", "pool_size": 3, "strides": 2}, sequence),
        ({"type": "AveragePooling1D", "pool_size": 3, "strides": 2, "padding": "same"}, sequence),
        ({"type": "GlobalAveragePooling1D"}, sequence),
        ({"type": "GlobalMaxPooling1D", "keepdims": True}, sequence),
        ({"type": "ZeroPadding1D", "padding": [1, 2]}, sequence),
        ({"type": "Cropping1D", "cropping": [2, 1]}, sequence),
        ({"type": "Cropping2D", "cropping": [[1, 0], [2, 3]]}, image),
        ({"type": "UpSampling1D", "size": 3}, sequence),
        ({"type": "UpSampling2D", "size": [2, 3]}, image),
    ]
    separable = {"type": "SeparableConv2D", "filters": 5, "kernel_size": 3}
    larger = {"type": "Conv2DTranspose", "filters": 4, "kernel_size": 3}
    longer = {"type": "Conv1DTranspose", "filters": 5, "kernel_size": 3}
    later += [
        ({"type": "DepthwiseConv1D", "kernel_size": 3, "depth_multiplier": 2, "padding": "same"}, sequence),
        ({**separable, "padding": "same", "depth_multiplier": 2, "activation": "tanh"}, image),
        ({**separable, "strides": 2, "use_bias": False}, image),
        ({**separable, "type": "SeparableConv1D", "padding": "same", "strides": 2}, sequence),
        ({**larger}, image),
        ({**larger, "strides": 2, "padding": "same"}, image),
        ({**larger, "kernel_size": [4, 2], "strides": [2, 3], "padding": "same", "activation": "tanh"}, image),
        ({**larger, "strides": [3, 2], "use_bias": False}, image),
        ({**larger, "strides": 2, "padding": "same", "output_padding": 1}, image),
        ({**larger, "dilation_rate": 2, "padding": "same", "activation": "gelu"}, image),
        ({**longer, "strides": 2, "padding": "same"}, sequence),
        ({**longer, "kernel_size": 4, "strides": 3}, sequence),
        ({"type": "Rescaling", "scale": 0.5, "offset": -1.0}, image),
        ({"type": "Rescaling", "scale": [0.5, 2.0, -1.0]}, image),
        ({"type": "Normalization", "mean": [0.5, -1.0, 2.0], "variance": [4.0, 0.25, 0.0]}, image),
        ({"type": "Normalization", "mean": 0.5, "variance": 2.0, "invert": True}, sequence),
        ({"type": "RepeatVector", "n": 3}, [4, 5]),
        ({"type": "GroupNormalization", "groups": 3}, image),
        ({"type": "GroupNormalization", "groups": 2, "epsilon": 0.01, "center": False}, [3, 5, 2, 6]),
        ({"type": "GroupNormalization", "groups": -1, "scale": False}, image),
        ({"type": "GroupNormalization", "groups": 1}, sequence),
        ({"type": "GroupNormalization", "groups": 4}, [5, 12]),
        ({"type": "RMSNormalization"}, [4, 11]),
        ({"type": "RMSNormalization", "epsilon": 0.25}, image),
        ({"type": "UnitNormalization"}, [4, 11]),
        ({"type": "UnitNormalization"}, image),
        ({"type": "Permute", "dims": [3, 1, 2]}, image),
        ({"type": "Permute", "dims": [3, 2, 1]}, image),
        ({"type": "Permute", "dims": [2, 1]}, sequence),
        ({"type": "Permute", "dims": [2, 4, 1, 3]}, [2, 3, 4, 2, 5]),
        ({"type": "EinsumDense", "equation": "abc,cd->abd", "output_shape": [-1, 5], "bias_axes": "d"}, sequence),
        ({"type": "EinsumDense", "equation": "abc,cde->abde", "output_shape": [9, 2, 3], "activation": "tanh"}, sequence),
        ({"type": "EinsumDense", "equation": "abcd,cde->abe", "output_shape": [-1, 4], "bias_axes": "e"}, image),
        ({"type": "EinsumDense", "equation": "...x,xyz->...yz", "output_shape": [2, 3], "bias_axes": "yz", "activation": "softmax"}, sequence),
        ({"type": "CenterCrop", "height": 4, "width": 3}, image),
        ({"type": "CenterCrop", "height": 7, "width": 1}, image),
        ({"type": "Resizing", "height": 11, "width": 9}, image),
        ({"type": "Resizing", "height": 3, "width": 4}, image),
        ({"type": "Resizing", "height": 1, "width": 14}, image),
        ({"type": "Resizing", "height": 9, "width": 4, "interpolation": "nearest"}, image),
        ({"type": "Resizing", "height": 4, "width": 12, "interpolation": "nearest"}, image),
        ({"type": "UpSampling2D", "size": [2, 3], "interpolation": "bilinear"}, image),
    ]
    each = lambda **layer: {"type": "TimeDistributed", "layer": layer}
    later += [
        (each(type="Dense", units=3, activation="tanh"), sequence),
        (each(type="Conv2D", filters=3, kernel_size=2, activation="tanh"), [2, 3, 4, 5, 2]),
        (each(type="MaxPooling2D", pool_size=2), [2, 3, 4, 5, 2]),
        (each(type="LSTM", units=3), [2, 3, 4, 2]),
    ]
    for config in (
        {"type": "ReLU"},
        {"type": "ReLU", "max_value": 6.0},
        {"type": "ReLU", "negative_slope": 0.1},
        {"type": "LeakyReLU"},
        {"type": "LeakyReLU", "negative_slope": 0.2},
        {"type": "ELU"},
        {"type": "Softmax"},
    ):
        pairs.append((config, [4, 13]))
    for pool in ("MaxPooling2D", "AveragePooling2D"):
        pairs += [
            ({"type": pool, "pool_size": 2}, image),
            ({"type": pool, "pool_size": [3, 2], "strides": [2, 1]}, image),
            ({"type": pool, "pool_size": 3, "strides": 2, "padding": "same"}, image),
        ]
    for config, shape in pairs:
        yield config, shape, True
        if config["type"] == "BatchNormalization":
            yield config, shape, False
    for name in ACTIVATIONS:
        yield {"type": "Activation", "activation": name}, [4, 13], True
    for config, shape in later:
        yield config, shape, True


def layer_of(config):
    arguments = {key: value for key, value in config.items() if key != "type"}
    if arguments.get("activation") == "gelu_tanh":
        arguments["activation"] = lambda x: keras.activations.gelu(x, approximate=True)
    if "output_shape" in arguments:
        arguments["output_shape"] = [None if length == -1 else length for length in arguments["output_shape"]]
    for key, value in arguments.items():
        if isinstance(value, list):
            arguments[key] = tuple(tuple(v) if isinstance(v, list) else v for v in value)
        if isinstance(value, dict):
            arguments[key] = layer_of(value)
    return getattr(keras.layers, config["type"])(**arguments, dtype="float64")


def place(stream, shape):
    """Returns inputs within [-3.9, 6.9), away from the kinks of activations."""
    x = symmetric(stream, 5.4, *shape) + np.float32(1.5)
    for kink in KINKS:
        x = np.where(np.abs(x - kink) < 0.05, x + np.float32(0.15), x)
    return x.astype(np.float32)


def average_inside(config, x):
    """Average pooling with padding "same": sums divided by counts, both with zeros around the image."""
    if x.ndim == 3:
        wide = {key: [config[key], 1] for key in ("pool_size", "strides")}
        return average_inside(wide, x.unsqueeze(2)).squeeze(2)
    size, stride = config["pool_size"], config["strides"]
    size, stride = (value if isinstance(value, list) else [value, value] for value in (size, stride))
    beyond = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(x.shape[1:3], size, stride)]
    pads = [pad for total in reversed(beyond) for pad in (total // 2, total - total // 2)]
    pooled = lambda values: F.avg_pool2d(F.pad(values.permute(0, 3, 1, 2), pads), size, stride).permute(0, 2, 3, 1)
    return pooled(x) / pooled(torch.ones_like(x))


def case(name, config, shape, training):
    layer = layer_of(config)
    layer.build(tuple(shape))
    x = place(f"{name} x", shape) if config["type"] in POINTWISE else symmetric(f"{name} x", 1.0, *shape)
    tensors = {"x": x}
    for weight in layer.weights:
        value = symmetric(f"{name} {weight.name}", 0.8, *weight.shape)
        # A variance is positive, and a gamma of 0 hides everything.
        value = np.abs(value) + np.float32(0.3) if weight.name in ("moving_variance", "gamma", "scale") else value
        weight.assign(value.astype(np.float64))
        tensors[f"p.{weight.name}"] = value
    into = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    inside = config["type"].startswith("AveragePooling") and config.get("padding") == "same"
    y = average_inside(config, into) if inside else layer(into, training=training)
    r = symmetric(f"{name} r", 1.0, *y.shape)
    tensors |= {"r": r, "y": y.detach().numpy()}
    if training:
        (y * torch.tensor(r, dtype=torch.float64)).sum().backward()
        tensors["dx"] = into.grad.numpy()
        tensors |= {f"d.{w.name}": w.value.grad.numpy() for w in layer.trainable_weights}
        tensors |= {f"after.{w.name}": w.value.detach().numpy() for w in layer.non_trainable_weights}
    return {f"{name}.{key}": np.ascontiguousarray(value, np.float32) for key, value in tensors.items()}


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=default, help="default: tests/fixtures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    keras.config.set_floatx("float64")
    tensors, settings = {}, {"made_by": "scripts/make_layer_fixtures.py", "keras": keras.__version__}
    for n, (config, shape, training) in enumerate(cases()):
        name = f"{n:02}"
        tensors |= case(name, config, shape, training)
        settings[name] = json.dumps({"layer": config, "shape": shape, "training": training})
    path = options.out / "layers.safetensors"
    write_safetensors(path, tensors, {**settings, "computed_in": "float64"})
    print(f"{path.name}: {n + 1} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
