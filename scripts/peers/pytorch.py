#!/usr/bin/env python3
"""PyTorch as a peer of wgrad: eager, or with the training step's forward and backward compiled into CUDA graphs.

`--until A` measures the time to a test accuracy of A instead, epoch by epoch with evaluation, and records the time of
each epoch's end since the start of the process.
"""

import json

import harness
import torch
import torch.nn.functional as F
from harness import LEARNING_RATE, MOMENTUM
from torch import nn


def build(network):
    if network == "mlp":
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    else:
        model = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
        )  # fmt: skip
    for module in model:
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return model


def load(folder, split, device):
    """Loads all images (N, 1, 28, 28) f32 and labels (N,) i64 to the device: they fit, and nothing is faster."""
    images, labels = harness.images(folder, split)
    return torch.from_numpy(images).unsqueeze(1).to(device), torch.from_numpy(labels).long().to(device)


@torch.no_grad()
def accuracy(model, images, labels):
    model.eval()
    hits = sum((model(x).argmax(1) == y).sum() for x, y in zip(images.split(1000), labels.split(1000)))
    model.train()
    return hits.item() / len(labels)


class Training:
    def __init__(self, options):
        device = options.device
        torch.manual_seed(options.seed)
        self.model = build(options.network).to(device)
        self.images, self.labels = load(options.data, "train", device)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
        self.batch = options.batch
        self.loss = self.forward
        if options.graphs:
            # Batches have two sizes, since the last one of an epoch is shorter: a graph for each.
            self.loss = torch.compile(self.forward, mode="reduce-overhead", dynamic=False)

    def forward(self, x, y):
        return F.cross_entropy(self.model(x), y)

    def batches(self):
        return torch.randperm(len(self.labels), device=self.labels.device).split(self.batch)

    def step(self, rows):
        loss = self.loss(self.images[rows], self.labels[rows])
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return len(rows), loss.detach()

    def short_batch(self):
        """Compiles for the last batch of an epoch before anything is timed, as a warm-up of seconds may not get there."""
        rows = self.batches()[-1]
        for _ in range(3):
            self.step(rows)


def describe(device):
    if device == "cuda":
        return f"{torch.cuda.get_device_name()} (CUDA {torch.version.cuda})"
    return f"processor, {torch.get_num_threads()} threads"


def until(training, options):
    """Trains until an epoch ends with the requested accuracy, or for the maximum number of epochs."""
    test = load(options.data, "t10k", options.device)
    epochs = []
    for epoch in range(1, options.epochs + 1):
        for rows in training.batches():
            _, loss = training.step(rows)
        reached = accuracy(training.model, *test)
        epochs.append({"epoch": epoch, "test_accuracy": reached, "seconds": harness.since_start()})
        if reached >= options.until:
            break
    target = {"target": options.until, "reached": reached >= options.until, "seconds": epochs[-1]["seconds"]}
    print(json.dumps({"network": options.network, **target, "device": describe(options.device), "epochs": epochs}))


def main():
    options = harness.arguments(
        __doc__,
        device={"choices": ["cpu", "cuda"], "default": "cpu"},
        graphs={"action": "store_true", "help": "torch.compile with CUDA graphs"},
        until={"type": float, "metavar": "A", "help": "measure the time to this test accuracy instead"},
        epochs={"type": int, "default": 30, "help": "with --until: at most so many"},
        seed={"type": int, "default": 0},
    )
    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("PyTorch finds no CUDA device")
    training = Training(options)
    if options.until is not None:
        until(training, options)
        return
    wait = torch.cuda.synchronize if options.device == "cuda" else lambda: None
    if options.graphs:
        training.short_batch()
    meter, loss = harness.train(options, training.batches, training.step, torch.Tensor.item, wait)
    meter.report(options, loss, describe(options.device), {"torch": torch.__version__})


if __name__ == "__main__":
    main()
