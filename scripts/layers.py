#!/usr/bin/env python3
"""How long each kind of layer takes backward and forward: a small network around each, profiled by `wgrad profile`.

usage: scripts/layers.py [--wgrad PROGRAM] [--batch N] [--seconds S] [--most RATIO] [--json|--markdown] [NAME...] [OPTION...]
  --wgrad     the program [default: wgrad, as PATH finds it]
  --batch     images a step [default: 32]
  --seconds   seconds of each measurement [default: 1]
  --most      the exit status is 1 if a layer takes more than so many times as long back as forth [default: 3]
  --json      a JSON object a line, with the dispatches of each layer
  --markdown  the table as docs/measured.md has it
  NAME        only layers whose names begin with this word, such as Dense or Random
  OPTION      of `wgrad profile`, with `=`: --adapter=llvmpipe --variant=matmul=naive

A layer stands behind one with weights, so that it passes a gradient on, and before a mean and a classifier. Its times are sums
of the least times of its dispatches, which other work disturbs least. The last column has the slowest of them.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

LAYERS_OF_WGRAD = pathlib.Path(__file__).resolve().parent.parent / "src/layers/mod.rs"


def image(**more):
    """A convolution of single pixels, which has weights and costs little: (28, 28, 32)."""
    return {"type": "Conv2D", "filters": 32, "kernel_size": 1, **more}


def dense(units, **more):
    return {"type": "Dense", "units": units, **more}


def unit_dense(units):
    """One without a bias whose columns have length 1: the product of two would grow beyond f32 while they train."""
    return dense(units, use_bias=False, kernel_constraint={"type": "UnitNorm"})


IMAGES = ([28, 28, 1], {"type": "Reshape", "target_shape": [28, 28, 1]})
STEPS = ([28, 28, 1], {"type": "Reshape", "target_shape": [28, 28]})
VECTORS = ([28, 28, 1], {"type": "Flatten"})

# What stands before a layer: the input's shape with the first layer, and the layers behind that, all of which it takes.
BEFORE = {
    "image": (*IMAGES, image()),
    "relu image": (*IMAGES, image(activation="relu")),
    "two images": (*IMAGES, image(), image()),
    "two relu images": (*IMAGES, image(activation="relu"), image(activation="relu")),
    "sequence": (*STEPS, dense(64)),
    "two sequences": (*STEPS, dense(64), dense(64)),
    "vector": (*VECTORS, dense(256)),
    "relu vector": (*VECTORS, dense(256, activation="relu")),
    "two vectors": (*VECTORS, unit_dense(256), unit_dense(256)),
    "words": ([64], {"type": "Reshape", "target_shape": [64]}),
}

# What makes a vector of a layer's output, by its number of axes.
MEANS = {1: [], 2: [{"type": "GlobalAveragePooling1D"}], 3: [{"type": "GlobalAveragePooling2D"}]}

# Of each kind of layer: what stands before it, the number of axes of its output, its arguments. Words in brackets tell forms
# apart that take other kernels.
LAYERS = {
    "Dense": ("sequence", 2, {"units": 64}),
    "Dense (vector)": ("vector", 1, {"units": 256}),
    "Dense (relu before)": ("relu vector", 1, {"units": 256}),
    "Dense (10 units)": ("vector", 1, {"units": 10}),
    "Dense (10 units, relu before)": ("relu vector", 1, {"units": 10}),
    "Dense (4 units)": ("vector", 1, {"units": 4}),
    "Dense (3 units)": ("sequence", 2, {"units": 3}),
    "Dense (1 unit)": ("vector", 1, {"units": 1}),
    "Dense (1 unit, relu before)": ("relu vector", 1, {"units": 1}),
    "EinsumDense": ("sequence", 3, {"equation": "abc,cde->abde", "output_shape": [-1, 4, 16]}),
    "EinsumDense (joins axes)": ("image", 2, {"equation": "abcd,cde->abe", "output_shape": [-1, 64]}),
    "EinsumDense (3 units)": ("sequence", 2, {"equation": "abc,cd->abd", "output_shape": [-1, 3]}),
    "Conv2D": ("image", 3, {"filters": 32, "kernel_size": 3}),
    "Conv2D (1 filter)": ("image", 3, {"filters": 1, "kernel_size": 3}),
    "Conv2D (groups)": ("image", 3, {"filters": 32, "kernel_size": 3, "groups": 4}),
    "Conv1D": ("sequence", 2, {"filters": 64, "kernel_size": 3}),
    "DepthwiseConv2D": ("image", 3, {"kernel_size": 3}),
    "DepthwiseConv1D": ("sequence", 2, {"kernel_size": 3}),
    "SeparableConv2D": ("image", 3, {"filters": 32, "kernel_size": 3}),
    "SeparableConv1D": ("sequence", 2, {"filters": 64, "kernel_size": 3}),
    "Conv2DTranspose": ("image", 3, {"filters": 16, "kernel_size": 3, "strides": 2}),
    "Conv1DTranspose": ("sequence", 2, {"filters": 64, "kernel_size": 3, "strides": 2}),
    "MaxPooling2D": ("image", 3, {"pool_size": 2}),
    "AveragePooling2D": ("image", 3, {"pool_size": 2}),
    "GlobalAveragePooling2D": ("image", 1, {}),
    "GlobalMaxPooling2D": ("image", 1, {}),
    "MaxPooling1D": ("sequence", 2, {"pool_size": 2}),
    "AveragePooling1D": ("sequence", 2, {"pool_size": 2}),
    "GlobalAveragePooling1D": ("sequence", 1, {}),
    "GlobalMaxPooling1D": ("sequence", 1, {}),
    "BatchNormalization": ("image", 3, {}),
    "LayerNormalization": ("sequence", 2, {}),
    "LayerNormalization (image)": ("image", 3, {}),
    "GroupNormalization": ("image", 3, {"groups": 8}),
    "RMSNormalization": ("sequence", 2, {}),
    "UnitNormalization": ("sequence", 2, {}),
    "Embedding": ("words", 2, {"input_dim": 1000, "output_dim": 64}),
    "Masking": ("sequence", 2, {}),
    "SimpleRNN": ("sequence", 1, {"units": 64}),
    "LSTM": ("sequence", 1, {"units": 64}),
    "GRU": ("sequence", 1, {"units": 64}),
    "MultiHeadAttention": ("two sequences", 2, {"num_heads": 4, "key_dim": 16}),
    "Attention": ("two sequences", 2, {}),
    "Bidirectional": ("sequence", 1, {"layer": {"type": "LSTM", "units": 32}}),
    "TimeDistributed": ("sequence", 2, {"layer": {"type": "Dense", "units": 64}}),
    "Rescaling": ("image", 3, {"scale": 0.5, "offset": -1.0}),
    "Normalization": ("image", 3, {"mean": 0.5, "variance": 2.0}),
    "Flatten": ("vector", 1, {}),
    "Reshape": ("vector", 1, {"target_shape": [256]}),
    "Permute": ("sequence", 2, {"dims": [2, 1]}),
    "RepeatVector": ("vector", 2, {"n": 8}),
    "ZeroPadding2D": ("image", 3, {"padding": 1}),
    "ZeroPadding1D": ("sequence", 2, {"padding": 1}),
    "Cropping2D": ("image", 3, {"cropping": 1}),
    "Cropping1D": ("sequence", 2, {"cropping": 1}),
    "CenterCrop": ("image", 3, {"height": 24, "width": 24}),
    "Resizing": ("image", 3, {"height": 32, "width": 32}),
    "RandomFlip": ("image", 3, {}),
    "RandomTranslation": ("image", 3, {"height_factor": 0.1, "width_factor": 0.1}),
    "RandomRotation": ("image", 3, {"factor": 0.1}),
    "RandomZoom": ("image", 3, {"height_factor": 0.1}),
    "RandomCrop": ("image", 3, {"height": 24, "width": 24}),
    "RandomContrast": ("image", 3, {"factor": 0.2}),
    "RandomBrightness": ("image", 3, {"factor": 0.2, "value_range": [0.0, 1.0]}),
    "UpSampling2D": ("image", 3, {"size": 2}),
    "UpSampling2D (bilinear)": ("image", 3, {"size": 2, "interpolation": "bilinear"}),
    "UpSampling1D": ("sequence", 2, {"size": 2}),
    "Dropout": ("image", 3, {"rate": 0.5}),
    "SpatialDropout2D": ("image", 3, {"rate": 0.5}),
    "SpatialDropout1D": ("sequence", 2, {"rate": 0.5}),
    "GaussianNoise": ("image", 3, {"stddev": 0.1}),
    "GaussianDropout": ("image", 3, {"rate": 0.5}),
    "AlphaDropout": ("image", 3, {"rate": 0.1}),
    "Activation": ("image", 3, {"activation": "gelu"}),
    "Activation (relu before)": ("relu image", 3, {"activation": "tanh"}),
    "PReLU": ("image", 3, {"shared_axes": [1, 2]}),
    "ReLU": ("relu image", 3, {}),
    "LeakyReLU": ("image", 3, {"negative_slope": 0.3}),
    "ELU": ("relu image", 3, {}),
    "Softmax": ("sequence", 2, {}),
    "Add": ("two images", 3, {}),
    "Add (relu before)": ("two relu images", 3, {}),
    "Multiply": ("two images", 3, {}),
    "Multiply (relu before)": ("two relu images", 3, {}),
    "Subtract": ("two images", 3, {}),
    "Average": ("two images", 3, {}),
    "Maximum": ("two images", 3, {}),
    "Maximum (relu before)": ("two relu images", 3, {}),
    "Minimum": ("two images", 3, {}),
    "Dot": ("two sequences", 2, {"axes": 2}),
    "Dot (cosines)": ("two sequences", 2, {"axes": 2, "normalize": True}),
    "Dot (over time)": ("two sequences", 2, {"axes": 1}),
    "Dot (vectors)": ("two vectors", 1, {"axes": 1}),
    "Dot (cosines of vectors)": ("two vectors", 1, {"axes": 1, "normalize": True}),
    "Concatenate": ("two images", 3, {}),
    "Concatenate (relu before)": ("two relu images", 3, {}),
}

# Kinds that run no kernel of their own, as long as they stand alone.
NO_KERNELS = {"InputLayer", "Flatten", "Reshape"}

NAME = "measured"

HEAD = ["layer", "forward, µs", "backward, µs", "ratio", "slowest backward kernel"]


def kind(name):
    return name.split(" (")[0]


def value(of):
    """A value as TOML writes it."""
    if isinstance(of, dict):
        return "{ " + ", ".join(f"{key} = {value(item)}" for key, item in of.items()) + " }"
    return json.dumps(of)


def network(name):
    """The text of a network with this layer, which is called `measured`."""
    before, axes, arguments = LAYERS[name]
    shape, first, *others = BEFORE[before]
    layers = [{**first, "name": "first"}]
    layers += [{**layer, "name": f"before {n}", "inputs": ["first"]} for n, layer in enumerate(others)]
    inputs = [layer["name"] for layer in layers[1:]] or ["first"]
    layers.append({"type": kind(name), "name": NAME, "inputs": inputs, **arguments})
    layers += [*MEANS[axes], dense(10)]
    tables = ["[[layers]]\n" + "".join(f"{key} = {value(item)}\n" for key, item in layer.items()) for layer in layers]
    return f"input_shape = {value(shape)}\n\n" + "\n".join(tables)


def is_own(label):
    """Whether a dispatch belongs to the layer, or to a part of it."""
    return re.fullmatch(rf"(d )?{NAME}( .*)?", label) is not None


def row(name, lines):
    """Times of a layer from the lines of `wgrad profile --json`."""
    dispatches = [line for line in map(json.loads, lines) if line["kind"] == "dispatch" and is_own(line["label"])]
    seconds = {of: sum(d["seconds_min"] for d in dispatches if d["pass"] == of) for of in ("forward", "backward")}
    ratio = seconds["backward"] / seconds["forward"] if seconds["forward"] > 0 and seconds["backward"] > 0 else None
    back = [d for d in dispatches if d["pass"] == "backward"]
    return {
        "layer": name,
        "forward_seconds": seconds["forward"],
        "backward_seconds": seconds["backward"],
        "ratio": ratio,
        "slowest": max(back, key=lambda d: d["seconds_min"])["kernel"] if back else "",
        "dispatches": [{key: d[key] for key in ("pass", "kernel", "sizes", "seconds_min")} for d in dispatches],
    }


def profiled(name, options, more):
    """Profiles a layer; ends the program with the words of `wgrad profile` where that fails."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "layer.toml")
        file.write_text(network(name), encoding="utf-8")
        command = [options.wgrad, "profile", str(file), "--json", f"--batch={options.batch}", f"--seconds={options.seconds}"]
        try:
            result = subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        except OSError as error:
            sys.exit(f"layers: cannot run {options.wgrad}: {error}; --wgrad names the program")
    if result.returncode != 0:
        sys.exit(f"layers: {name}: exit status {result.returncode}\n{result.stderr}")
    return row(name, result.stdout.splitlines())


def cells(found):
    """Name, microseconds forward and backward, ratio and slowest kernel; empty where there is no gradient."""
    micro = [f"{1e6 * found[key]:.0f}" if found[key] > 0 else "" for key in ("forward_seconds", "backward_seconds")]
    ratio = "" if found["ratio"] is None else f"{found['ratio']:.2f}"
    return [found["layer"], *micro, ratio, found["slowest"]]


def plain(columns):
    name, forward, backward, ratio, slowest = columns
    return f"{name:<32}{forward:>12}{backward:>14}{ratio:>8}  {slowest}"


def markdown(columns):
    return f"| {' | '.join(columns)} |"


def missing(text):
    """Kinds of `src/layers/mod.rs` that are not measured."""
    kinds = re.findall(r"^    \w+::(\w+): \"", text, flags=re.MULTILINE)
    return [of for of in kinds if of not in NO_KERNELS and of not in map(kind, LAYERS)]


def main(arguments):
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0], add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--wgrad", default="wgrad")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--most", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    options, rest = parser.parse_known_args(arguments)
    if options.help:
        print(__doc__.strip())
        return 0
    words = [word for word in rest if not word.startswith("-")]
    more = [word for word in rest if word.startswith("-")]
    names = [name for name in LAYERS if not words or any(name.startswith(word) for word in words)]
    if not names:
        sys.exit(f"layers: no layer begins with {' or '.join(words)}; there are {', '.join(LAYERS)}")
    line = markdown if options.markdown else plain
    if not options.json:
        print(line(HEAD))
    if options.markdown:
        print("|---|---|---|---|---|")
    slow = []
    for name in names:
        found = profiled(name, options, more)
        print(json.dumps(found) if options.json else line(cells(found)), flush=True)
        slow += [found] if (found["ratio"] or 0) > options.most else []
    if slow:
        worst = ", ".join(f"{found['layer']} {found['ratio']:.2f}" for found in slow)
        print(f"layers: more than {options.most:g} times as long back as forth: {worst}", file=sys.stderr)
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
