#!/usr/bin/env python3
"""Converts weights between PyTorch's `state_dict` and wgrad's safetensors files.

    wgrad models my.toml --json > network.json
    pytorch_weights.py to-wgrad model.pt weights.safetensors --network network.json
    pytorch_weights.py to-pytorch runs/my-1/best.safetensors trained.pt --network network.json --like model.pt

The network is described twice: in PyTorch, whose `torch.save(model.state_dict(), "model.pt")` is read and written, and in a
model file for wgrad. Modules with weights and layers with weights are paired in their order, and every shape is checked;
`--map conv1=conv2d_2` (repeatable) pairs by name if the orders differ. The conversions:

    Linear.weight (out, in)                   Dense.kernel (in, out): transposed; after a Flatten its rows are reordered
                                              from (channels, height, width) to (height, width, channels)
    Conv2d.weight (out, in, height, width)    Conv2D.kernel (height, width, in, out); in DepthwiseConv2D (height, width, in, each)
    BatchNorm weight, bias, running_mean,     gamma, beta, moving_mean, moving_variance; PyTorch's momentum is 1 - Keras's, and
    running_var                               its epsilon 1e-5 (set epsilon = 1e-5 in the model file)
    LayerNorm, GroupNorm weight, bias         gamma, beta (epsilon again)
    RMSNorm weight                            scale
    RNN, LSTM weight_ih, weight_hh            kernel, recurrent_kernel, transposed; gates i, f, g, o in both
    GRU                                       gates r, z, n become z, r, h
    bias_ih and bias_hh                       added, as only their sum matters; both kept for a GRU, whose reset lies between
    ..._l1, ..._reverse                       the next recurrent layer; the backward direction of Bidirectional
    PReLU.weight                              alpha, with shared_axes

Needs numpy and safetensors, and torch for .pt files (a state_dict may be .safetensors too).
"""

import argparse
import json
import sys

# Position of each of wgrad's gates in PyTorch's tensors.
GATES = {"LSTM": [0, 1, 2, 3], "GRU": [1, 0, 2], "SimpleRNN": [0]}
NORMS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
PLAIN = {"kernel": "weight", "bias": "bias", "alpha": "weight", "scale": "weight", **NORMS}


def modules(names):
    """Groups names of tensors by module, in order; a layer of a recurrent module is a group, with both directions."""
    found = {}
    for name in names:
        module, _, tensor = name.rpartition(".")
        if tensor == "num_batches_tracked":
            continue
        parts = tensor.removesuffix("_reverse").rpartition("_l")
        layer = f"{module}#{parts[2]}" if parts[1] and parts[2].isdigit() else module
        found.setdefault(layer, []).append(name)
    return found


def pairs(network, names, chosen):
    """Returns (layer of `network`, module, names of its tensors), paired by `chosen` (module to layer) or in order."""
    layers = {layer["name"]: layer for layer in network["layers"] if layer["tensors"]}
    found = modules(names)
    for module, layer in chosen.items():
        if module not in found or layer not in layers:
            sys.exit(f"--map {module}={layer}: the modules are {', '.join(found)}; the layers are {', '.join(layers)}")
    taken = set(chosen.values())
    free = (layer for name, layer in layers.items() if name not in taken)
    rest = [module for module in found if module not in chosen]
    if len(found) != len(layers):
        sys.exit(
            f"PyTorch's model has {len(found)} modules with weights ({', '.join(found)}), the network {len(layers)} layers "
            f"({', '.join(layers)}); they must be as many"
        )
    order = {module: layers[layer] for module, layer in chosen.items()} | dict(zip(rest, free))
    return [(order[module], module, found[module]) for module in found]


def unflattened(network, layer):
    """Returns (height, width, channels) if the layer takes a flattened image, else None."""
    by_name = {entry["name"]: entry for entry in network["layers"]}
    source = layer["connected_to"][0]
    # Layers that do not change the order of numbers.
    while source in by_name and by_name[source]["type"] in ("Dropout", "Activation"):
        source = by_name[source]["connected_to"][0]
    if source not in by_name or by_name[source]["type"] != "Flatten":
        return None
    before = by_name[source]["connected_to"][0]
    shape = by_name[before]["output_shape"] if before in by_name else network["input_shape"]
    return tuple(shape) if len(shape) == 3 else None


def wanted(layer, names):
    """Yields (wgrad's tensor, PyTorch's tensors that it is made of, its kind) for every tensor of a layer."""
    short = {name.rpartition(".")[2]: name for name in names}
    for tensor in layer["tensors"]:
        kind = tensor["name"].rpartition(".")[2]
        recurrent = any(name.startswith("weight_ih") for name in short)
        if not recurrent:
            parts, what = [PLAIN.get(kind)], kind
        else:
            what = kind.removeprefix("forward_").removeprefix("backward_")
            number = next(iter(short)).removesuffix("_reverse").rpartition("_l")[2]
            end = f"_l{number}" + ("_reverse" if kind.startswith("backward_") else "")
            parts = {
                "kernel": ["weight_ih" + end],
                "recurrent_kernel": ["weight_hh" + end],
                "bias": ["bias_ih" + end, "bias_hh" + end],
            }.get(what, [None])
        if any(part not in short for part in parts):
            sys.exit(f"{tensor['name']} of {layer['type']} is none of {', '.join(names)}; pair others by --map")
        yield tensor, [short[part] for part in parts], what


def cell(layer):
    """Returns the kind of a recurrent layer, also within Bidirectional, from the number of gates in its kernel."""
    if layer["type"] != "Bidirectional":
        return layer["type"]
    kernel = next(t for t in layer["tensors"] if t["name"].endswith("forward_recurrent_kernel"))
    gates = kernel["shape"][1] // kernel["shape"][0]
    return {1: "SimpleRNN", 3: "GRU", 4: "LSTM"}[gates]


def reordered(value, order):
    """Reorders the blocks along the last axis."""
    import numpy as np

    blocks = np.split(value, len(order), axis=-1)
    return np.concatenate([blocks[n] for n in order], axis=-1)


def inverse(order):
    return [order.index(n) for n in range(len(order))]


def to_wgrad_tensor(network, layer, tensor, values, what):
    """Makes a wgrad tensor from the PyTorch tensors that correspond to it."""
    import numpy as np

    shape, value = tuple(tensor["shape"]), values[0]
    if cell(layer) in GATES:
        order = GATES[cell(layer)]
        if what != "bias":
            return reordered(value.T, order)
        if cell(layer) == "GRU":
            return np.stack([reordered(v, order) for v in values])
        return reordered(values[0] + values[1], order)
    if what == "kernel" and value.ndim == 4:
        if layer["type"] == "DepthwiseConv2D":
            height, width, channels, each = shape
            if value.shape != (channels * each, 1, height, width):
                return value
            return value.reshape(channels, each, height, width).transpose(2, 3, 0, 1)
        return value.transpose(2, 3, 1, 0)
    if what == "kernel":
        image = unflattened(network, layer)
        if image and np.prod(image) == value.shape[1]:
            height, width, channels = image
            value = value.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(value.shape)
        return value.T
    if what == "alpha":
        return np.broadcast_to(value, shape)
    return value


def to_pytorch_tensors(network, layer, value, like, what):
    """Makes the PyTorch tensors, in the shapes `like`, that correspond to a wgrad tensor."""
    import numpy as np

    if cell(layer) in GATES:
        order = inverse(GATES[cell(layer)])
        if what != "bias":
            return [reordered(value, order).T]
        if cell(layer) == "GRU":
            return [reordered(v, order) for v in value]
        return [reordered(value, order), np.zeros_like(value)]
    if what == "kernel" and value.ndim == 4:
        if layer["type"] == "DepthwiseConv2D":
            return [value.transpose(2, 3, 0, 1).reshape(like[0])]
        return [value.transpose(3, 2, 0, 1)]
    if what == "kernel":
        image = unflattened(network, layer)
        value = value.T
        if image and np.prod(image) == value.shape[1]:
            height, width, channels = image
            value = value.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(value.shape)
        return [value]
    if what == "alpha":
        return [value.reshape(like[0]) if value.size == np.prod(like[0]) else value]
    return [value]


def to_wgrad(state, network, chosen=None):
    """Converts a state_dict of numpy arrays to wgrad's tensors by name."""
    import numpy as np

    made = {}
    for layer, module, names in pairs(network, state, chosen or {}):
        for tensor, parts, what in wanted(layer, names):
            values = [np.asarray(state[part], dtype=np.float32) for part in parts]
            value = to_wgrad_tensor(network, layer, tensor, values, what)
            if list(value.shape) != tensor["shape"]:
                sys.exit(
                    f"{parts[0]} is {list(values[0].shape)}, which gives {list(value.shape)}; {tensor['name']} is "
                    f"{tensor['shape']}: is {module or 'the module'} the layer {layer['name']}? --map pairs by name"
                )
            made[tensor["name"]] = np.ascontiguousarray(value)
    return made


def to_pytorch(weights, network, like, chosen=None):
    """Converts wgrad's tensors to PyTorch's by name, in the shapes of the state_dict `like`."""
    import numpy as np

    made = {name: np.asarray(value) for name, value in like.items()}
    for layer, _, names in pairs(network, like, chosen or {}):
        for tensor, parts, what in wanted(layer, names):
            if tensor["name"] not in weights:
                sys.exit(f"{tensor['name']} is not among the weights: {', '.join(sorted(weights))}")
            value = np.asarray(weights[tensor["name"]])
            shapes = [np.asarray(like[part]).shape for part in parts]
            for part, shape, found in zip(parts, shapes, to_pytorch_tensors(network, layer, value, shapes, what)):
                if found.shape != shape:
                    sys.exit(f"{tensor['name']} gives {list(found.shape)} for {part}, which is {list(shape)}")
                made[part] = np.ascontiguousarray(found, dtype=np.asarray(like[part]).dtype)
    return made


def load(path):
    if path.endswith(".safetensors"):
        from safetensors.numpy import load_file

        return load_file(path)
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: value.numpy() for name, value in state.items()}


def save(path, tensors):
    if path.endswith(".safetensors"):
        from safetensors.numpy import save_file

        save_file(tensors, path)
        return
    import torch

    torch.save({name: torch.from_numpy(value.copy()) for name, value in tensors.items()}, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("direction", choices=["to-wgrad", "to-pytorch"])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--network", required=True, help="what `wgrad models FILE --json` prints")
    parser.add_argument("--like", help="a state_dict of the same PyTorch model, for names and shapes (to-pytorch)")
    parser.add_argument("--map", action="append", default=[], metavar="MODULE=LAYER")
    given = parser.parse_args()
    if any("=" not in entry for entry in given.map):
        parser.error("--map takes MODULE=LAYER, such as conv1=conv2d_2")
    if given.direction == "to-pytorch" and not given.like:
        parser.error("to-pytorch needs --like model.pt")
    chosen = dict(entry.split("=", 1) for entry in given.map)
    with open(given.network, encoding="utf-8") as file:
        network = json.load(file)
    if given.direction == "to-wgrad":
        save(given.target, to_wgrad(load(given.source), network, chosen))
    else:
        save(given.target, to_pytorch(load(given.source), network, load(given.like), chosen))


if __name__ == "__main__":
    main()
