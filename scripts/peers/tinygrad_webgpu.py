#!/usr/bin/env python3
"""tinygrad on its WEBGPU back end (Dawn) as a peer of wgrad: the step is a `TinyJit`, the CPU gathers its batch.
(Gathering on the device from all the images was slower by a third on a software adapter, and as f32 they exceed the
largest binding of such an adapter.)

A compiled step takes one batch size, so the short last batch of an epoch is left out, as in tinygrad's own examples.
"""

import importlib.metadata
import os
import platform
import sys

os.environ["DEV"] = os.environ["DEVICE"] = "WEBGPU"
if sys.platform == "linux":
    # tinygrad looks for Dawn among the system's libraries; dawn-python installs it next to its module.
    name = f"libwebgpu_dawn_{platform.machine()}.so"
    dawn = [file for file in importlib.metadata.files("dawn-python") or [] if file.name == name]
    if dawn:
        os.environ.setdefault("WEBGPU_PATH", str(dawn[0].locate()))
    os.environ.setdefault("WEBGPU_BACKEND", "WGPUBackendType_Vulkan")

import harness
import numpy as np
from harness import LEARNING_RATE, MOMENTUM
from tinygrad import Device, Tensor, TinyJit, nn
from tinygrad.helpers import Context
from tinygrad.runtime import ops_webgpu
from tinygrad.runtime.autogen import webgpu


class Network:
    def __init__(self, name):
        if name == "mlp":
            self.hidden, self.output = nn.Linear(784, 128), nn.Linear(128, 10)
        else:
            self.first, self.second = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
            self.output = nn.Linear(1600, 10)
        for layer in vars(self).values():
            layer.weight = Tensor.glorot_uniform(*layer.weight.shape)
            layer.bias = Tensor.zeros(*layer.bias.shape).contiguous()
        self.name = name

    def __call__(self, x):
        if self.name == "mlp":
            return self.output(self.hidden(x.flatten(1)).relu())
        x = self.first(x).relu().max_pool2d()
        x = self.second(x).relu().max_pool2d()
        return self.output(x.flatten(1).dropout(0.5))


def describe(device):
    """Returns the adapter's description of itself."""
    info = webgpu.WGPUAdapterInfo()
    webgpu.wgpuDeviceGetAdapterInfo(device.device_res, info)
    text = {name: ops_webgpu.from_wgpu_str(getattr(info, name)) for name in ("device", "description")}
    backend = webgpu.enum_WGPUBackendType.get(info.backendType, "?").removeprefix("WGPUBackendType_")
    return f"{text['device']} ({backend}, {text['description']})"


def main():
    options = harness.arguments(__doc__)
    images, labels = harness.images(options.data)
    images, labels = images.reshape(-1, 1, 28, 28), labels.astype(np.int32)
    Tensor.manual_seed(0)
    network = Network(options.network)
    optimizer = nn.optim.SGD(nn.state.get_parameters(network), lr=LEARNING_RATE, momentum=MOMENTUM)
    random = np.random.default_rng(0)

    @TinyJit
    def jitted(x, y):
        with Context(TRAINING=1):
            optimizer.zero_grad()
            loss = network(x).sparse_categorical_crossentropy(y).backward()
            return loss.realize(*optimizer.schedule_step())

    def batches():
        order = random.permutation(len(labels))
        return order[: len(order) // options.batch * options.batch].reshape(-1, options.batch)

    def step(rows):
        return len(rows), jitted(Tensor(images[rows]).realize(), Tensor(labels[rows]).realize())

    device = Device["WEBGPU"]
    meter, loss = harness.train(options, batches, step, Tensor.item, device.synchronize)
    versions = {name: importlib.metadata.version(name) for name in ("tinygrad", "dawn-python")}
    meter.report(options, loss, describe(device), versions)


if __name__ == "__main__":
    main()
