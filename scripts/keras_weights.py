#!/usr/bin/env python3
"""Converts weights between Keras 3 and wgrad's safetensors files.

    keras_weights.py to-wgrad model.keras weights.safetensors
    keras_weights.py to-wgrad model.weights.h5 weights.safetensors --model model.json
    keras_weights.py to-keras runs/cnn-1/best.safetensors model.keras --model model.json

`--model` is the Keras network: a .keras archive, or the output of `model.to_json()`. wgrad itself reads .keras and
.weights.h5 (`wgrad train --init`); this script is needed for the opposite direction, and for files of older Keras
versions.

Both store kernels in the same shapes and the gates of recurrent layers in the same order, so that only names differ:
`layer.kernel` in wgrad is `kernel` of the layer `layer` in Keras. Needs keras, with any backend, and safetensors.
"""

import argparse
import os
import sys

DIRECTIONS = {"forward_layer": "forward", "backward_layer": "backward"}


def unique(name, model, taken):
    """Returns wgrad's name for a layer `name` of the model `model`, if other layers already have that name."""
    candidate, n = name, 1
    while candidate == "input" or candidate in taken:
        candidate = f"{model}_{name}" if n == 1 else f"{model}_{name}_{n}"
        n += 1
    return candidate


def layers(model, taken=None):
    """Yields (wgrad's name, layer) for every layer that is not a model, in order, including those of nested models."""
    taken = set() if taken is None else taken
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers(layer, taken)
            continue
        if type(layer).__name__ == "InputLayer":
            continue
        name = unique(layer.name, model.name, taken)
        taken.add(name)
        yield name, layer


def tensors(model):
    """Yields (wgrad's name, Keras's variable) for every tensor."""
    for name, layer in layers(model):
        if all(hasattr(layer, direction) for direction in DIRECTIONS):
            for attribute, direction in DIRECTIONS.items():
                for variable in getattr(layer, attribute).weights:
                    if is_weight(variable.name):
                        yield f"{name}.{direction}_{variable.name}", variable
            continue
        for variable in layer.weights:
            if is_weight(variable.name):
                yield f"{name}.{variable.name}", variable


def is_weight(name):
    """True for weights, but not for the random state of Dropout and similar layers."""
    return not name.startswith("seed_generator")


def complaint(name, got, expected):
    """Returns the error of a tensor that does not fit, or None."""
    if got is None:
        return f"{name} is not in the file; expected {list(expected)}"
    if tuple(got) != tuple(expected):
        return f"{name} is {list(got)} in the file, the network needs {list(expected)}"
    return None


def network(path, weights):
    """Loads a Keras model from a .keras archive or JSON, with its weights from `weights`, if given."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    if path.endswith(".keras"):
        model = keras.models.load_model(path, compile=False)
    else:
        with open(path, encoding="utf-8") as file:
            model = keras.models.model_from_json(file.read())
    if weights:
        model.load_weights(weights)
    return model


def to_wgrad(source, target, model_path):
    from safetensors.numpy import save_file

    if source.endswith(".h5") and not model_path:
        sys.exit(f"{source} holds weights alone: name the network by --model model.json")
    model = network(model_path, source) if model_path else network(source, None)
    save_file({name: variable.numpy() for name, variable in tensors(model)}, target)


def to_keras(source, target, model_path):
    from safetensors.numpy import load_file

    if not model_path:
        sys.exit("name the network by --model: model.keras, or model.json from model.to_json()")
    weights, model = load_file(source), network(model_path, None)
    pairs = list(tensors(model))
    shape = {name: value.shape for name, value in weights.items()}
    wrong = [c for name, variable in pairs if (c := complaint(name, shape.get(name), variable.shape))]
    if wrong:
        sys.exit(f"{source} does not fit {model_path}: {'; '.join(wrong)}; it has {', '.join(sorted(weights))}")
    for name, variable in pairs:
        variable.assign(weights[name])
    if target.endswith(".h5"):
        model.save_weights(target)
    else:
        model.save(target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("direction", choices=["to-wgrad", "to-keras"])
    parser.add_argument("source")
    parser.add_argument("target")
    parser.add_argument("--model", help="the network: .keras, or .json from model.to_json()")
    given = parser.parse_args()
    convert = to_wgrad if given.direction == "to-wgrad" else to_keras
    convert(given.source, given.target, given.model)


if __name__ == "__main__":
    main()
