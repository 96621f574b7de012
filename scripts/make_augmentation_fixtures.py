#!/usr/bin/env python3
"""Writes tests/fixtures/augmentation.safetensors, which tests compare with wgrad's augmentation layers, forward and backward.

Each case N of the header is JSON: a layer under Keras's names and the shape of its input including the batch. The range of its
random number is one number, so that nothing is random; of RandomFlip, which has no range, the case has all images mirrored.
Its tensors:
    N.x   f32  the input
    N.r   f32  the gradient of the output, from the functional Σ r · y
    N.y   f32  the output
    N.dx  f32  the gradient of the input

Keras (backend jax, whose fill modes are those that Keras documents) computes all of it in f64. No case has a place halfway
between two pixels where the nearest one is taken."""

import argparse
import json
import os
import pathlib
import zlib

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
import jax
import keras
import numpy as np
from safetensors.numpy import save_file

IMAGE = [2, 6, 9, 2]


def fixed(*numbers):
    return [[number, number] for number in numbers]


def cases():
    for mode in ("horizontal", "vertical", "horizontal_and_vertical"):
        yield {"type": "RandomFlip", "mode": mode}, [16, 4, 5, 3]
    for fill in ("constant", "nearest", "reflect", "wrap"):
        for interpolation in ("bilinear", "nearest"):
            how = {"fill_mode": fill, "interpolation": interpolation, "fill_value": -0.75 if fill == "constant" else 0.0}
            for down, right in ((0.21, -0.37), (-0.83, 0.94)):
                down, right = fixed(down, right)
                yield {"type": "RandomTranslation", "height_factor": down, "width_factor": right, **how}, IMAGE
            for turns in (0.087, -0.31, 0.75 if interpolation == "bilinear" else 0.77):
                yield {"type": "RandomRotation", "factor": fixed(turns)[0], **how}, IMAGE
            yield {"type": "RandomRotation", "factor": fixed(0.23)[0], **how}, [1, 3, 13, 1]
            for tall, wide in ((0.37, -0.43), (-0.77, 0.81)):
                tall, wide = fixed(tall, wide)
                yield {"type": "RandomZoom", "height_factor": tall, "width_factor": wide, **how}, IMAGE
            yield {"type": "RandomZoom", "height_factor": fixed(0.31)[0], **how}, IMAGE
    for share in (0.3, -0.45):
        yield {"type": "RandomBrightness", "factor": fixed(share)[0], "value_range": [-0.9, 0.8]}, IMAGE


def case(name, config, shape):
    arguments = {key: value for key, value in config.items() if key != "type"}
    layer = getattr(keras.layers, config["type"])(**arguments, dtype="float64")
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    x, r = (rng.uniform(-1, 1, shape).astype(np.float32) for _ in range(2))

    def run(x):
        if config["type"] == "RandomFlip":
            return layer.transform_images(x, {"flips": np.ones((shape[0], 1, 1, 1), bool)})
        return layer(x, training=True)

    y, back = jax.vjp(run, x.astype(np.float64))
    tensors = {"x": x, "r": r, "y": y, "dx": back(r.astype(np.float64))[0]}
    return {f"{name}.{key}": np.ascontiguousarray(value, np.float32) for key, value in tensors.items()}


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=default, help="default: tests/fixtures")
    options = parser.parse_args()
    keras.config.set_floatx("float64")
    tensors, settings = {}, {"made_by": "scripts/make_augmentation_fixtures.py", "keras": keras.__version__}
    for n, (config, shape) in enumerate(cases()):
        tensors |= case(f"{n:02}", config, shape)
        settings[f"{n:02}"] = json.dumps({"layer": config, "shape": shape, "training": True})
    path = options.out / "augmentation.safetensors"
    save_file(tensors, path, settings)
    print(f"{path.name}: {n + 1} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
