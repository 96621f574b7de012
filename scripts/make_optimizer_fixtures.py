#!/usr/bin/env python3
"""Writes fixtures that compare wgrad's optimizers and schedules with Keras and PyTorch.

    tests/fixtures/optimizers.safetensors     64 steps of each configuration C on a small network, in f64:
        <parameter>                 f32  the initial weights of 784 -> 12 (tanh) -> 10, in wgrad's names and layouts
        <C>.losses        (64,)     f64  the mean loss of each step, before its update
        <C>.dense_2.kernel (12, 10) f64  after the last step
        <C>.dense_1.bias  (12,)     f64  after the last step
        <C>.average.dense_2.kernel  f64  the moving average, if the configuration has one
    tests/fixtures/schedules.safetensors      for each schedule S: `<S>` the factor of each step; `<S>.momentum` its momentum

The header of the first holds each configuration as JSON. The images are those of `tests/fixtures/parity`, in the order
of the file (see make_parity_fixtures.py).

Keras (backend torch, f64) computes the trajectories, since its formulas are wgrad's. Two differ and have other sources:
SGD, where wgrad adds the weight decay to the gradient as PyTorch does, and Lion, from the paper's algorithm in numpy.
If PyTorch defines a method equally, or up to the place of epsilon, it must agree with Keras to 1e-7 (Keras passes some
numbers in f32), or this fails.
"""

import argparse
import gzip
import json
import math
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

HIDDEN, STEPS, BATCH = 12, 64, 32

# Unusually large rates, decays and epsilons, so that no wrong term can hide.
CONFIGS = {
    "sgd": {"method": "sgd", "learning_rate": 0.05, "momentum": 0.0},
    "sgd_all": {"method": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01, "global_clipnorm": 0.4, "ema_momentum": 0.9},
    "adam": {"method": "adam", "learning_rate": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-4},
    "adam_all": {"method": "adam", "learning_rate": 0.002, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3, "weight_decay": 1.0, "global_clipnorm": 0.4, "ema_momentum": 0.95},
    "adamw": {"method": "adamw", "learning_rate": 0.002, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-4, "weight_decay": 0.5},
    "rmsprop": {"method": "rmsprop", "learning_rate": 0.001, "rho": 0.9, "epsilon": 1e-5},
    "rmsprop_momentum": {"method": "rmsprop", "learning_rate": 0.0005, "rho": 0.9, "momentum": 0.8, "epsilon": 1e-5, "weight_decay": 0.5},
    "rmsprop_centered": {"method": "rmsprop", "learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-4, "centered": True, "ema_momentum": 0.9},
    "rmsprop_all": {"method": "rmsprop", "learning_rate": 0.0005, "rho": 0.9, "momentum": 0.8, "epsilon": 1e-4, "centered": True, "global_clipnorm": 0.4},
    "adagrad": {"method": "adagrad", "learning_rate": 0.02, "initial_accumulator_value": 0.1, "epsilon": 1e-3},
    "adagrad_all": {"method": "adagrad", "learning_rate": 0.02, "initial_accumulator_value": 0.01, "epsilon": 1e-3, "weight_decay": 0.5, "global_clipnorm": 0.4},
    "muon": {"method": "muon", "learning_rate": 0.002, "momentum": 0.95, "nesterov": True, "ns_steps": 5, "rms_rate": 0.2, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-4},
    "muon_all": {"method": "muon", "learning_rate": 0.002, "momentum": 0.9, "nesterov": False, "ns_steps": 3, "rms_rate": 0.4, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-3, "weight_decay": 0.5, "global_clipnorm": 0.4, "ema_momentum": 0.9},
    "lion": {"method": "lion", "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.99},
    "lion_all": {"method": "lion", "learning_rate": 0.001, "beta_1": 0.8, "beta_2": 0.95, "weight_decay": 0.5, "ema_momentum": 0.9},
}


def read_idx(path):
    raw = gzip.decompress(path.read_bytes())
    shape = [int.from_bytes(raw[4 + 4 * n : 8 + 4 * n], "big") for n in range(raw[3])]
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def initial_weights():
    weights = {}
    for layer, shape in {"dense_1": (784, HIDDEN), "dense_2": (HIDDEN, 10)}.items():
        limit = np.sqrt(6.0 / sum(shape))
        weights[f"{layer}.kernel"] = symmetric(f"optimizers {layer} kernel", limit, *shape)
        weights[f"{layer}.bias"] = symmetric(f"optimizers {layer} bias", 0.1, shape[-1])
    return weights


def descend(weights, images, labels, dtype, update):
    """Trains with `update(gradients, step)`, which returns the new parameters. Returns the losses."""
    names, values = list(weights), [torch.tensor(w, dtype=dtype) for w in weights.values()]
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH % len(labels), step * BATCH % len(labels) + BATCH)
        parameters = [value.clone().requires_grad_() for value in values]
        p = dict(zip(names, parameters))
        x = torch.tensor(images[rows], dtype=dtype).flatten(1) / 255
        out = torch.tanh(x @ p["dense_1.kernel"] + p["dense_1.bias"]) @ p["dense_2.kernel"] + p["dense_2.bias"]
        loss = F.cross_entropy(out, torch.tensor(labels[rows], dtype=torch.int64))
        loss.backward()
        losses.append(loss.item())
        values = update([q.grad for q in parameters], step)
    return np.array(losses), dict(zip(names, values))


def keras_update(config, weights):
    """Returns the update of Keras's optimizer, and the location of its averages."""
    settings = {key: value for key, value in config.items() if key not in ("method", "ema_momentum")}
    if "ema_momentum" in config:
        settings |= {"use_ema": True, "ema_momentum": config["ema_momentum"]}
    classes = {"adam": "Adam", "adamw": "AdamW", "rmsprop": "RMSprop", "adagrad": "Adagrad", "lion": "Lion", "muon": "Muon"}
    if config["method"] == "muon":
        settings |= {f"adam_{key}": settings.pop(key) for key in ("beta_1", "beta_2")}
        settings["weight_decay"] = settings["adam_weight_decay"] = settings.get("weight_decay", 0.0)
    optimizer = getattr(keras.optimizers, classes[config["method"]])(**settings)
    variables = [keras.Variable(value.astype(np.float64), dtype="float64") for value in weights.values()]

    def update(gradients, _):
        optimizer.apply([g.clone() for g in gradients], variables)
        return [v.value.detach().clone() for v in variables]

    averages = lambda: [v.value.detach() for v in optimizer._model_variables_moving_average]
    return update, averages


def torch_update(config, weights):
    """Returns the update of PyTorch's optimizer; None if its definition really differs."""
    parameters = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in weights.values()]
    method, lr, decay = config["method"], config["learning_rate"], config.get("weight_decay", 0.0)
    if method == "sgd":
        optimizer = torch.optim.SGD(parameters, lr, config["momentum"], nesterov=config.get("nesterov", False), weight_decay=decay)
    elif method in ("adam", "adamw"):
        betas = (config["beta_1"], config["beta_2"])
        optimizer = torch.optim.AdamW(parameters, lr, betas, weight_decay=decay)
    else:
        return None, None
    mean = torch.optim.swa_utils.get_ema_multi_avg_fn(config.get("ema_momentum", 0.0))
    averages = []

    def update(gradients, step):
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient.clone()
        if "global_clipnorm" in config:
            # PyTorch's own adds 1e-6 to the norm.
            norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
            torch.nn.utils.clip_grads_with_norm_(parameters, config["global_clipnorm"], norm - 1e-6)
        if method in ("adam", "adamw"):
            # Keras adds epsilon to the root before the correction of the means, PyTorch after.
            for group in optimizer.param_groups:
                group["eps"] = config["epsilon"] / math.sqrt(1 - config["beta_2"] ** (step + 1))
        optimizer.step()
        now = [parameter.detach().clone() for parameter in parameters]
        if not averages:
            averages.extend(value.clone() for value in now)
        else:
            mean(averages, now, None)
        return now

    return update, lambda: averages


def lion_update(config, weights):
    """Algorithm 2 of Chen et al. 2023, and Keras's moving average."""
    values = [value.astype(np.float64) for value in weights.values()]
    means, averages = [np.zeros_like(value) for value in values], []
    rate, beta_1, beta_2 = config["learning_rate"], config["beta_1"], config["beta_2"]
    decay, momentum = config.get("weight_decay", 0.0), config.get("ema_momentum", 0.0)

    def update(gradients, step):
        for n, gradient in enumerate(gradients):
            g = gradient.numpy()
            c = beta_1 * means[n] + (1 - beta_1) * g
            values[n] = values[n] - rate * (np.sign(c) + decay * values[n])
            means[n] = beta_2 * means[n] + (1 - beta_2) * g
        if not averages:
            averages.extend(values)
        else:
            averages[:] = [momentum * a + (1 - momentum) * v for a, v in zip(averages, values)]
        return [torch.tensor(value) for value in values]

    return update, lambda: [torch.tensor(a) for a in averages]


def trajectory(name, config, weights, images, labels):
    runs = []
    if config["method"] != "sgd":
        runs.append(keras_update(config, weights))
    if config["method"] == "lion":
        runs.insert(0, lion_update(config, weights))
    in_torch = torch_update(config, weights)
    if in_torch[0]:
        runs.append(in_torch)
    results = []
    for update, averages in runs:
        losses, parameters = descend(weights, images, labels, torch.float64, update)
        found = {"losses": losses, "dense_2.kernel": parameters["dense_2.kernel"].numpy(), "dense_1.bias": parameters["dense_1.bias"].numpy()}
        if "ema_momentum" in config:
            found["average.dense_2.kernel"] = dict(zip(weights, averages()))["dense_2.kernel"].numpy()
        results.append({key: value.copy() for key, value in found.items()})
    for other in results[1:]:
        for key, value in results[0].items():
            off = np.max(np.abs(other[key] - value))
            if not off < 1e-7:
                raise SystemExit(f"{name}: the definitions are {off:.1e} apart in {key}, expected < 1e-7")
    losses = results[0]["losses"]
    print(f"{name}: loss {losses[0]:.4f} -> {losses[-1]:.4f}, {len(results)} definitions agree")
    return {f"{name}.{key}": value for key, value in results[0].items()}


def rates(scheduler_of, steps, momentum=False):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0, momentum=0.9)
    scheduler, found, momenta = scheduler_of(optimizer), [], []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        momenta.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    return (np.array(found), np.array(momenta)) if momentum else np.array(found)


def schedules():
    """20 steps an epoch, 6 epochs."""
    lr, keras_lr = torch.optim.lr_scheduler, keras.optimizers.schedules
    in_keras = lambda schedule: np.array([float(schedule(np.float64(step))) for step in range(120)])
    factors, momenta = rates(lambda o: lr.OneCycleLR(o, 1.0, total_steps=120), 120, True)
    return {
        "step": rates(lambda o: lr.StepLR(o, 40, 0.1), 120),
        "cosine": rates(lambda o: lr.CosineAnnealingLR(o, 120, 0.01), 120),
        "restarts": rates(lambda o: lr.CosineAnnealingWarmRestarts(o, 20, 2, 0.01), 120),
        "restarts_lower": in_keras(keras_lr.CosineDecayRestarts(1.0, 20, t_mul=1.5, m_mul=0.8, alpha=0.1)),
        "exponential": in_keras(keras_lr.ExponentialDecay(1.0, 20, 0.9)),
        "onecycle": factors,
        "onecycle.momentum": momenta,
    }


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "tests" / "fixtures"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=default, help="default: tests/fixtures")
    options = parser.parse_args()
    # One thread: the order of a sum must not depend on how many cores made the fixture.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    keras.config.set_floatx("float64")

    data = options.out / "parity"
    images, labels = (read_idx(data / f"train-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    weights = initial_weights()
    tensors = dict(weights)
    for name, config in CONFIGS.items():
        tensors |= trajectory(name, config, weights, images, labels)
    settings = {name: json.dumps(config) for name, config in CONFIGS.items()}
    settings |= {"keras": keras.__version__, "computed_in": "float64", "made_by": "scripts/make_optimizer_fixtures.py"}
    write_safetensors(options.out / "optimizers.safetensors", tensors, settings)
    settings = {"keras": keras.__version__, "made_by": "scripts/make_optimizer_fixtures.py"}
    write_safetensors(options.out / "schedules.safetensors", schedules(), settings)


if __name__ == "__main__":
    main()
