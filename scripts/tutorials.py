#!/usr/bin/env python3
"""Trains the networks of 28 tutorials of Keras with wgrad, and prints a table of them; `--table` writes it to a file.

    KERAS_BACKEND=jax python scripts/tutorials.py [--only TEXT] [--steps N] [--epochs N] [--table FILE]

Each network is loaded in the sizes of its tutorial. Of small sizes, it trains some steps beside Keras on JAX, from the same
weights, in the same order, without dropout and augmentation; then some epochs by itself, with them. The data of
bindings/python/tests/tutorials.py can be learned. Exit status 1 if a network does not load, differs, or learns nothing.
"""

import argparse
import json
import os
import pathlib
import sys
import time
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bindings/python/tests"), str(ROOT / "scripts")]

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tutorials as networks  # noqa: E402
import wgrad  # noqa: E402
from keras_parity import Losses, initial, plain  # noqa: E402
from wgrad._wgrad import Network  # noqa: E402

BATCH = 16
#: Largest distance of the losses, as a share of Keras's.
NEAR = 1e-4


def in_tutorial_sizes(name):
    """Number of parameters of the network in the sizes of its tutorial; raises what wgrad says of it."""
    model = networks.build(keras, name, small=False)
    loaded = Network(model.to_json(), "tutorial")
    count = sum(int(np.prod(shape)) for _, shape, _ in loaded.tensors)
    if count != model.count_params():
        raise ValueError(f"{count} parameters, Keras has {model.count_params()}")
    return count


def steps_apart(name, steps, device):
    """The largest distance of the losses of some steps from Keras's."""
    text = json.dumps(plain(json.loads(networks.build(keras, name, small=True).to_json())))
    models = [initial(keras.models.model_from_json(text)) for _ in range(2)]
    x, y = networks.data(name, models[0], BATCH * steps)
    seen = [Losses(), Losses()]
    for model, losses in zip(models, seen):
        model.compile(keras.optimizers.SGD(0.001, momentum=0.9), networks.loss(keras, name))
        fit = dict(batch_size=BATCH, epochs=1, shuffle=False, verbose=0, callbacks=[losses])
        if losses is seen[0]:
            model.fit(x, y, **fit)
        else:
            wgrad.fit(model, x, y, device=device, **fit)
    theirs, ours = (np.array(losses.losses) for losses in seen)
    return float((np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max())


def learned(name, epochs, device):
    """Loss of the first and of the last epoch, the metric of the last, and seconds."""
    keras.utils.set_random_seed(1)
    model = networks.build(keras, name, small=True)
    loss = networks.loss(keras, name)
    _, _, kind, said = networks.NETWORKS[name]
    is_number = kind in ("numbers", "themselves", "next")
    metric = "mae" if is_number else keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy") if said == "binary logits" else "accuracy"
    model.compile(keras.optimizers.Adam(0.003), loss, metrics=[metric])
    x, y = networks.data(name, model, 320)
    began = time.perf_counter()
    history = wgrad.fit(model, x, y, batch_size=BATCH, epochs=epochs, verbose=0, seed=1, device=device).history
    key = "mae" if is_number else "accuracy"
    return history["loss"][0], history["loss"][-1], f"{key} {history[key][-1]:.3f}", time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="networks whose names contain this text")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--table", type=pathlib.Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = ["| network | tutorial | parameters | steps apart | loss, first and last epoch | last epoch |", "|---|---|---:|---:|---:|---|"]
    print("\n".join(lines), flush=True)
    failed = []
    for name, (_, source, _, _) in networks.NETWORKS.items():
        if options.only not in name:
            continue
        try:
            count = in_tutorial_sizes(name)
            apart = steps_apart(name, options.steps, options.device)
            first, last, metric, seconds = learned(name, options.epochs, options.device)
            line = f"| {name} | {source} | {count:,} | {apart:.0e} | {first:.3f}, {last:.3f} | {metric} |"
            if not apart < NEAR or not last < 0.9 * first:
                failed.append(name)
        except Exception as error:  # whatever goes wrong is the network's line
            seconds, line = 0.0, f"| {name} | {source} | {str(error).splitlines()[0]} | | | |"
            failed.append(name)
        lines.append(line)
        print(f"{line} {seconds:.0f} s", flush=True)
    if options.table:
        options.table.write_text("\n".join(lines) + "\n")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
