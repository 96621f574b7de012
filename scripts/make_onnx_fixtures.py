#!/usr/bin/env python3
"""Writes fixtures that compare wgrad's ONNX import with PyTorch's exporter, and copies some of ONNX's own cases.

    tests/fixtures/onnx/pytorch_<network>/model.onnx                    from torch.onnx.export, with a free batch size
    tests/fixtures/onnx/pytorch_<network>/test_data_set_0/input_0.pb    four images (4, 1, 28, 28) of bytes / 255
    tests/fixtures/onnx/pytorch_<network>/test_data_set_0/output_0.pb   PyTorch's outputs for them
    tests/fixtures/onnx/cases/<case>/                                   unchanged node tests of the Python package onnx

Needs torch, onnx 1.22.0 and onnxscript. The weights are counter-based (splitmix64)."""
import pathlib
import shutil

import numpy
import onnx
import onnx.numpy_helper
import torch
from torch import nn

FOLDER = pathlib.Path(__file__).parent.parent / "tests/fixtures/onnx"
CASES = """add_bcast averagepool_2d_pads averagepool_2d_pads_count_include_pad averagepool_3d_dilations_small
basic_conv_with_padding batchnorm_epsilon batchnorm_epsilon_training_mode conv_with_strides_and_asymmetric_padding
convtranspose_pads gelu_default_1 gemm_all_attributes gru_defaults instancenorm_epsilon layer_normalization_4d_axis2
leakyrelu logsoftmax_axis_1 lstm_defaults matmul_3d maxpool_with_argmax_2d_precomputed_pads momentum nesterov_momentum adam
nllloss_NCd1_weight_ii prelu_broadcast reduce_l2_keep_dims_random reduce_max_negative_axes_keepdims_random
sce_mean_weight_ii_4d_log_prob simple_rnn_defaults softmax_axis_0 transpose_default concat_2d_axis_0
bitshift_left_uint8 lstm_with_peepholes""".split()


def numbers(count, seed):
    """Returns numbers in [-1, 1), from splitmix64."""
    z = (numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(seed << 32)) * numpy.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    z ^= z >> numpy.uint64(31)
    return ((z >> numpy.uint64(40)).astype(numpy.float64) / 2**23 - 1).astype(numpy.float32)


class Residual(nn.Module):
    """Strides, padding, a shortcut around two convolutions, pools, an average over the image."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 6, 5, 2, 2, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.first = nn.Sequential(nn.Conv2d(6, 6, 3, 1, 1), nn.BatchNorm2d(6), nn.SiLU())
        self.second = nn.Sequential(nn.Conv2d(6, 6, 3, 1, 1, groups=2), nn.BatchNorm2d(6))
        self.deep = nn.Sequential(nn.Conv2d(6, 6, 3, 1, 2, dilation=2, groups=6), nn.Hardswish(), nn.Conv2d(6, 8, 1))
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(x + self.second(self.first(x)))
        x = self.deep(x)
        return self.head(torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


class Rows(nn.Module):
    """The rows of an image as steps of an LSTM; the last state."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(28, 8, batch_first=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        y, _ = self.lstm(x.view(-1, 28, 28))
        return self.head(y[:, -1, :])


class Causal(nn.Module):
    """Heads of one product, whose attention sees only the steps up to each one's own."""

    def __init__(self, size, heads):
        super().__init__()
        self.heads, self.parts, self.joined = heads, nn.Linear(size, 3 * size), nn.Linear(size, size)

    def forward(self, x):
        _, steps, size = x.shape
        parts = (part.view(-1, steps, self.heads, size // self.heads).transpose(1, 2) for part in self.parts(x).chunk(3, -1))
        heads = nn.functional.scaled_dot_product_attention(*parts, is_causal=True)
        return self.joined(heads.transpose(1, 2).reshape(-1, steps, size))


class Attends(nn.Module):
    """The rows of an image as steps of an encoder; another one attends to its output."""

    def __init__(self):
        super().__init__()
        self.rows = nn.Linear(28, 12)
        self.encoder = nn.TransformerEncoderLayer(12, 3, 16, batch_first=True, activation="gelu")
        self.causal = Causal(12, 2)
        self.keys = nn.Linear(12, 5)
        self.cross = nn.MultiheadAttention(12, 4, kdim=5, vdim=12, batch_first=True)
        self.head = nn.Linear(12, 10)

    def forward(self, x):
        x = self.encoder(self.rows(x.view(-1, 28, 28)))
        x = x + self.causal(x)
        x = x + self.cross(x, self.keys(x), x)[0]
        return self.head(x.mean(1))


def networks():
    yield "mlp", nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.GELU(), nn.Linear(8, 10), nn.LogSoftmax(1))
    yield "cnn", nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.LeakyReLU(0.1), nn.MaxPool2d(2), nn.Conv2d(4, 5, 3, padding=1), nn.PReLU(5),
        nn.AvgPool2d(3, 2, 1), nn.Dropout(0.25), nn.Flatten(), nn.Linear(5 * 7 * 7, 12), nn.ELU(), nn.BatchNorm1d(12),
        nn.Linear(12, 10))
    yield "residual", Residual()
    yield "rows", Rows()
    yield "attention", Attends()


def save(tensor, name, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(onnx.numpy_helper.from_array(tensor, name).SerializeToString())


def main():
    images = torch.from_numpy(((numbers(4 * 784, 1) + 1) * 127.5).astype(numpy.uint8).astype(numpy.float32) / 255)
    images = images.reshape(4, 1, 28, 28)
    for name, network in networks():
        for seed, (key, value) in enumerate(network.state_dict().items()):
            if not value.is_floating_point():
                continue
            fill = torch.from_numpy(numbers(value.numel(), seed + 2)).reshape(value.shape)
            fan = value[0].numel() if value.dim() > 1 else 1
            value.copy_(1.25 + fill / 2 if key.endswith("running_var") or value.dim() == 1 and "weight" in key
                        else fill / fan**0.5 if fan > 1 else fill / 4)
        network.eval()
        folder = FOLDER / f"pytorch_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        torch.onnx.export(network, (images,), folder / "model.onnx", input_names=["x"], output_names=["y"],
                          dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False, verbose=False)
        model = onnx.load(folder / "model.onnx")
        onnx.checker.check_model(model)
        # Remove parts that a reader does not need: they make the file several times as large.
        for node in model.graph.node:
            del node.metadata_props[:]
            node.doc_string = ""
        del model.graph.metadata_props[:]
        del model.graph.value_info[:]
        model.doc_string = f"torch {torch.__version__}"
        onnx.save(model, folder / "model.onnx")
        with torch.no_grad():
            save(network.double()(images.double()).float().numpy(), "y", folder / "test_data_set_0/output_0.pb")
        save(images.numpy(), "x", folder / "test_data_set_0/input_0.pb")
        print(name, [node.op_type for node in model.graph.node], (folder / "model.onnx").stat().st_size)
    shutil.rmtree(FOLDER / "cases", ignore_errors=True)
    source = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    for case in CASES:
        shutil.copytree(source / f"test_{case}", FOLDER / "cases" / case)


main()
