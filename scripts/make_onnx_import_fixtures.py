#!/usr/bin/env python3
"""Writes small files that compare wgrad's import with ONNX Runtime, one per attribute and per decomposed activation.

    tests/fixtures/onnx/import/read_NAME.onnx      must be read; metadata `input` and `output` are numbers (images as
                                                   height, width, channels) and ONNX Runtime's results
    tests/fixtures/onnx/import/refuse_NAME.onnx    must be rejected with a message that contains the metadata `refused`

Needs numpy, onnx and onnxruntime 1.23. Weights are drawn from a fixed seed."""
import json
import pathlib
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "tests/fixtures/onnx/import"
random = np.random.default_rng(7)


def draw(*shape):
    return (random.random(shape) - 0.5).astype("f4")


def node(op, inputs, outputs, **attributes):
    """Creates a node; `_` stands for an omitted input."""
    return helper.make_node(op, ["" if i == "_" else i for i in inputs.split()], outputs.split(), **attributes)


def model(nodes, tensors, shape, opset, outputs="y"):
    if isinstance(tensors, dict):
        tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in tensors.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info(outputs, TensorProto.FLOAT, None)
    made = helper.make_model(helper.make_graph(nodes, "g", [x], [y], tensors), opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 8
    return made


def run(made, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def read(name, nodes, tensors, shape, opset=17):
    made = model(nodes, tensors, ["n", *shape], opset)
    x = (random.random((3, *shape)) * 4 - 2).astype("f4")
    y = run(made, x)
    seen = x.transpose(0, 2, 3, 1) if len(shape) == 3 else x
    for key, values in (("input", seen), ("output", y)):
        made.metadata_props.add(key=key, value=json.dumps([float(f"{v:.7g}") for v in values.ravel().tolist()]))
    (FOLDER / f"read_{name}.onnx").write_bytes(made.SerializeToString())


def refuse(name, words, nodes, tensors, shape, opset=17):
    made = model(nodes, tensors, ["n", *shape], opset)
    made.metadata_props.add(key="refused", value=words)
    (FOLDER / f"refuse_{name}.onnx").write_bytes(made.SerializeToString())


IMAGE = (4, 6, 7)


def image(nodes, tensors, opset, shape=IMAGE):
    """Appends a product with three outputs to `nodes`, which lead from x to v."""
    body = model(nodes, tensors, ["n", *shape], opset, "v")
    size = run(body, np.zeros((1, *shape), "f4")).size
    return [*nodes, node("Flatten", "v", "f"), node("Gemm", "f w_end b_end", "y")], {**tensors, "w_end": draw(size, 3), "b_end": draw(3)}


def image_read(name, nodes, tensors={}, opset=17, shape=IMAGE):
    read(name, *image(nodes, tensors, opset, shape), shape, opset)


def image_refuse(name, words, nodes, tensors={}, opset=17, shape=IMAGE):
    try:
        nodes, tensors = image(nodes, tensors, opset, shape)
    except Exception:  # ONNX Runtime rejects it, too.
        nodes = [*nodes, node("Flatten", "v", "f"), node("Gemm", "f w_end b_end", "y")]
        tensors = {**tensors, "w_end": draw(4, 3), "b_end": draw(3)}
    refuse(name, words, nodes, tensors, shape, opset)


def later():
    """Cases added later: they come last, so that the random numbers of the others do not change."""
    pads, ends = np.array([1, 0, 2, 1]), np.array([2, 3])
    image_read("pad_axes", [node("Pad", "x p _ a", "v")], {"p": pads, "a": ends}, 18)
    image_read("pad_axes_behind", [node("Pad", "x p _ a", "v")], {"p": pads, "a": ends - 4}, 18)
    image_refuse("pad_axes_twice", "the axes", [node("Pad", "x p _ a", "v")], {"p": pads, "a": np.array([2, -2])}, 18)
    places = [node("MaxPool", "x", "p q", kernel_shape=[1, 1]), node("Cast", "q", "c", to=TensorProto.FLOAT), node("Conv", "c w", "v")]
    image_refuse("second_output", "another output of MaxPool", places, {"w": draw(4, 4, 3, 3)[:2]}, 18)
    over_time()
    transposed()


def over_time():
    """Windows over one axis, and images that change their size."""
    turn = node("Transpose", "x", "s", perm=[0, 2, 1])
    w, end = {"w": draw(4, 5, 3), "b": draw(4)}, node("GlobalMaxPool", "u", "v")

    def sequence_read(name, nodes, tensors={}, opset=17):
        image_read(f"sequence_{name}", [turn, *nodes], tensors, opset, (9, 5))

    for name, a in {"same": dict(auto_pad="SAME_UPPER", strides=[2]), "causal": dict(pads=[4, 0], dilations=[2]),
                    "strides": dict(strides=[3]), "pads": dict(pads=[1, 2])}.items():
        sequence_read(f"conv_{name}", [node("Conv", "s w b", "u", **a), end], w)
    sequence_read("conv_group", [node("Conv", "s g", "u", group=5), end], {"g": draw(10, 1, 2)})
    sequence_read("conv_flat", [node("Conv", "s w b", "v")], w)
    relu = node("Relu", "s", "r")
    sequence_read("max_pool", [node("MaxPool", "s", "u", kernel_shape=[3], strides=[2]), end])
    sequence_read("max_pool_pads", [relu, node("MaxPool", "r", "u", kernel_shape=[3], pads=[2, 1]), end])
    sequence_read("average_pool", [node("AveragePool", "s", "u", kernel_shape=[3], auto_pad="SAME_UPPER"), end])
    sequence_read("average_pool_counted", [node("AveragePool", "s", "u", kernel_shape=[3], pads=[1, 2], count_include_pad=1), end])
    sequence_read("mean", [node("ReduceMean", "s", "v", axes=[2], keepdims=0)])
    sequence_read("pad", [node("Pad", "s p", "v")], {"p": np.array([0, 0, 1, 0, 0, -2])})
    half, third = np.array([1, 1, 2], "f4"), np.array([1, 1, 3], "f4")
    floor = dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    sequence_read("resize", [node("Resize", "s _ k", "v", **floor)], {"k": third})
    sequence_read("resize_half_pixel", [node("Resize", "s _ k", "v", mode="nearest")], {"k": half})
    sizes, by = np.array([3, 4, 12, 7]), np.array([1, 1, 2, 3], "f4")
    image_read("resize", [node("Resize", "x _ k", "v", **floor)], {"k": by})
    image_refuse("resize_cubic", "mode", [node("Resize", "x _ k", "v", mode="cubic")], {"k": by})
    image_refuse("resize_axis", "whole factor", [node("Resize", "x _ k", "v", **floor)], {"k": np.array([1, 1, 1.5, 1], "f4")})
    image_refuse("resize_shift", "nearest_mode", [node("Resize", "x _ k", "v", mode="nearest", nearest_mode="floor")], {"k": by})
    image_refuse("resize_both", "scales and sizes", [node("Resize", "x _ k z", "v", **floor)], {"k": by, "z": sizes})
    image_read("pad_below_zero", [node("Pad", "x p", "v")], {"p": np.array([0, 0, -1, 2, 0, 0, 1, -3])})
    image_refuse("pad_nothing_left", "leaves nothing", [node("Pad", "x p", "v")], {"p": np.array([0, 0, -3, 0, 0, 0, -3, 0])})


def transposed():
    """Transposed convolutions, and functions of several values."""
    w, end = {"w": draw(4, 5, 3, 2), "b": draw(5)}, node("GlobalMaxPool", "u", "v")
    for name, a in {"plain": {}, "strides": dict(strides=[2, 3]), "same": dict(strides=[2, 2], auto_pad="SAME_UPPER"),
                    "pads": dict(strides=[2, 2], pads=[1, 0, 1, 1]), "more": dict(strides=[3, 3], output_padding=[1, 2], pads=[1, 0, 0, 1]),
                    "dilations": dict(dilations=[2, 2]), "shape": dict(strides=[2, 2], output_shape=[6, 7])}.items():
        image_read(f"conv_transpose_{name}", [node("ConvTranspose", "x w b", "u", **a), end], w)
    image_read("conv_transpose_flat", [node("ConvTranspose", "x w b", "v", strides=[2, 2])], w)
    image_refuse("conv_transpose_group", "groups", [node("ConvTranspose", "x g", "v", group=2)], {"g": draw(4, 3, 2, 2)})
    turn = node("Transpose", "x", "s", perm=[0, 2, 1])
    one = {"w": draw(5, 3, 4), "b": draw(3)}
    for name, a in {"strides": dict(strides=[3]), "pads": dict(strides=[2], pads=[1, 1], output_padding=[1])}.items():
        image_read(f"sequence_transpose_{name}", [turn, node("ConvTranspose", "s w b", "v", **a)], one, 17, (9, 5))
    image_read("sequence_depthwise", [turn, node("Conv", "s g", "v", group=5)], {"g": draw(10, 1, 2)}, 17, (9, 5))
    soft, share = node("Softplus", "x", "r"), node("GlobalAveragePool", "r", "q")
    for op, inputs in {"Mul": "x q", "Sub": "q x", "Max": "x r q", "Min": "x r", "Mean": "x q r", "Sum": "x r x"}.items():
        image_read(f"merge_{op.lower()}", [soft, share, node(op, inputs, "v")])
    quick = [node("Mul", "x k", "q"), node("Sigmoid", "q", "t"), node("Mul", "x t", "v")]
    image_read("quick_gelu", quick, {"k": np.float32(1.702)})
    image_refuse("merge_div", "quotient", [soft, node("Div", "x r", "v")])
    image_refuse("merge_sum_spread", "one shape", [soft, share, node("Sum", "x q", "v")])
    flat, step = node("GlobalAveragePool", "x", "p"), node("Flatten", "p", "z")
    up = node("Unsqueeze", "z a", "o")
    image_read("repeat", [flat, step, up, node("Expand", "o e", "v")], {"a": np.array([1]), "e": np.array([1, 3, 1])})
    image_refuse("expand", "repetition of a vector", [node("Expand", "x e", "v")], {"e": np.array([1, 4, 3, 4])})


def windows():
    w = {"w": draw(4, 4, 3, 3), "b": draw(4)}
    for name, a in {"same_upper": dict(auto_pad="SAME_UPPER", strides=[2, 2]), "same_lower": dict(auto_pad="SAME_LOWER", strides=[2, 2]),
                    "valid": dict(auto_pad="VALID"), "dilations": dict(dilations=[2, 1]), "strides": dict(strides=[2, 3]),
                    "pads": dict(pads=[0, 2, 1, 1]), "kernel_shape": dict(kernel_shape=[3, 3])}.items():
        image_read(f"conv_{name}", [node("Conv", "x w b", "v", **a)], w)
    image_read("conv_group", [node("Conv", "x g", "v", group=2)], {"g": draw(4, 2, 3, 3)})
    image_refuse("conv_group", "groups", [node("Conv", "x w b", "v", group=2)], w)
    image_refuse("conv_kernel_shape", "kernel_shape", [node("Conv", "x w b", "v", kernel_shape=[2, 2])], w)
    image_refuse("conv_auto_pad", "auto_pad", [node("Conv", "x w b", "v", auto_pad="SAME")], w)
    image_refuse("conv_both_pads", "auto_pad", [node("Conv", "x w b", "v", auto_pad="SAME_UPPER", pads=[1, 1, 1, 1])], w)
    image_refuse("conv_unknown", "output_padding", [node("Conv", "x w b", "v", output_padding=[1, 1])], w)
    relu = node("Relu", "x", "r")
    for name, a in {"plain": {}, "strides": dict(strides=[2, 2]), "same_upper": dict(auto_pad="SAME_UPPER", strides=[2, 2]),
                    "same_lower": dict(auto_pad="SAME_LOWER"), "pads": dict(pads=[1, 0, 1, 2]),
                    "ceil_mode": dict(ceil_mode=1, strides=[3, 1]), "storage_order": dict(storage_order=1)}.items():
        image_read(f"max_pool_{name}", [relu, node("MaxPool", "r", "v", kernel_shape=[3, 3], **a)])
    image_refuse("max_pool_ceil_mode", "ceil_mode", [relu, node("MaxPool", "r", "v", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)])
    image_refuse("max_pool_dilations", "dilations", [relu, node("MaxPool", "r", "v", kernel_shape=[2, 2], dilations=[2, 2])])
    image_refuse("max_pool_pads", "below zero", [node("MaxPool", "x", "v", kernel_shape=[3, 3], pads=[1, 0, 1, 2])])
    for name, a in {"plain": {}, "include": dict(count_include_pad=1, pads=[1, 1, 1, 1]), "include_odd": dict(count_include_pad=1, pads=[0, 1, 1, 0]),
                    "same": dict(pads=[1, 1, 1, 1]), "auto_pad": dict(auto_pad="SAME_UPPER", strides=[2, 2])}.items():
        image_read(f"average_pool_{name}", [node("AveragePool", "x", "v", kernel_shape=[3, 3], **a)])
    image_refuse("average_pool_pads", "does not count", [node("AveragePool", "x", "v", kernel_shape=[3, 3], pads=[0, 1, 1, 0])])
    image_refuse("average_pool_ceil_mode", "ceil_mode", [node("AveragePool", "x", "v", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)])
    image_refuse("average_pool_dilations", "dilations", [node("AveragePool", "x", "v", kernel_shape=[2, 2], dilations=[2, 2])], opset=19)
    image_refuse("average_pool_flag", "count_include_pad", [node("AveragePool", "x", "v", kernel_shape=[2, 2], count_include_pad=2)])
    channels = {k: draw(4) + 1 for k in ("s", "m", "v2")} | {"b": draw(4)}
    image_read("batch_norm_epsilon", [node("BatchNormalization", "x s b m v2", "v", epsilon=0.1, momentum=0.5)], channels)
    image_refuse("batch_norm_training", "training_mode", [node("BatchNormalization", "x s b m v2", "v", training_mode=1)], channels)
    image_refuse("batch_norm_spatial", "spatial", [node("BatchNormalization", "x s b m v2", "v", spatial=0)], channels, 8)
    image_refuse("old_operators", "version 6", [node("BatchNormalization", "x s b m v2", "v", is_test=0)], channels, 6)
    for keep in (0, 1):
        image_read(f"reduce_mean_keepdims_{keep}", [node("ReduceMean", "x", "v", axes=[2, -1], keepdims=keep)])
    image_read("reduce_mean_input", [node("ReduceMean", "x a", "v")], {"a": np.array([2, 3])}, 18)
    image_refuse("reduce_mean_axes", "axes", [node("ReduceMean", "x", "v", axes=[2], keepdims=0)])
    image_refuse("reduce_mean_noop", "axes", [node("ReduceMean", "x", "v", noop_with_empty_axes=1)], {}, 18)
    image_read("squeeze", [node("GlobalAveragePool", "x", "p"), node("Squeeze", "p a", "v")], {"a": np.array([2, 3])})
    image_read("unsqueeze", [node("GlobalMaxPool", "x", "p"), node("Flatten", "p", "q"), node("Unsqueeze", "q a", "v")], {"a": np.array([1])})
    image_read("transpose", [node("Transpose", "x", "v", perm=[0, 3, 2, 1])])
    image_refuse("transpose", "perm", [node("Transpose", "x", "v", perm=[0, 1, 1, 2])])
    image_read("concat", [node("Relu", "x", "r"), node("Concat", "x r", "v", axis=-3)])
    image_refuse("concat", "another axis", [node("Relu", "x", "r"), node("Concat", "x r", "v", axis=2)])
    image_refuse("concat_no_axis", "axis", [node("Relu", "x", "r"), node("Concat", "x r", "v")])
    image_refuse("reshape_allowzero", "allowzero", [node("Reshape", "x s", "v", allowzero=1)], {"s": np.array([0, 168])})
    image_read("pad", [node("Pad", "x p", "v")], {"p": np.array([0, 0, 1, 0, 0, 0, 2, 1])})
    image_refuse("pad_mode", "zeros", [node("Pad", "x p", "v", mode="reflect")], {"p": np.array([0, 0, 1, 0, 0, 0, 2, 1])})
    image_refuse("pad_value", "zeros", [node("Pad", "x p c", "v")], {"p": np.array([0, 0, 1, 0, 0, 0, 2, 1]), "c": np.float32(1)})
    image_read("softmax_channels", [node("Softmax", "x", "v", axis=1)])
    image_refuse("softmax_old", "axis", [node("Softmax", "x", "v")], opset=11)
    image_refuse("softmax_batch", "axis", [node("Softmax", "x", "v", axis=0)])
    image_refuse("log_softmax", "before the end", [node("LogSoftmax", "x", "v", axis=1)])
    image_read("sub_axes", [node("Sub", "c x", "v")], {"c": draw(4, 1, 1)})
    image_refuse("more_axes", "axes", [node("Mul", "x c", "v")], {"c": draw(1, 1, 4, 1, 1)})
    LABELS.extend([{"w": draw(168, 3), "b": draw(3)}, {"w": draw(168, 3), "b": draw(3), "one": np.float32(1)}])
    image_refuse("first_the_operator", "CumSum", [node("Conv", "x w", "c"), node("CumSum", "c axis", "v")], {"w": draw(4, 5, 3, 3), "axis": np.array(1)})


def rows():
    n = 10
    w = {"w": draw(n, 5), "b": draw(5)}
    def gemm(name, inputs="x w b", tensors=w, **a):
        read(f"gemm_{name}", [node("Gemm", inputs, "y", **a)], tensors, (n,))
    gemm("plain"); gemm("alpha", alpha=0.5); gemm("beta", beta=-2.0); gemm("both", alpha=3.0, beta=0.25); gemm("no_bias", "x w")
    gemm("trans_b", "x t b", {"t": draw(5, n), "b": w["b"]}, transB=1)
    gemm("scalar_bias", "x w s", {**w, "s": np.float32(0.7)}); gemm("row_bias", "x w s", {**w, "s": draw(1, 5)})
    refuse("gemm_trans_a", "transA", [node("Gemm", "x w b", "y", transA=1)], w, (n,))
    refuse("gemm_column_bias", "bias", [node("Gemm", "x w b", "y")], {**w, "b": draw(5, 1)}, (n,))
    for count in (4, 13, 784):
        read(f"flat_{count}", [node("Gemm", "x t b", "h", transB=1), node("Relu", "h", "r"), node("MatMul", "r m", "y")],
             {"t": draw(6, count), "b": draw(6), "m": draw(6, 3)}, (count,))
    norm = {"g": draw(n) + 1, "c": draw(n), **w}
    for name, a in {"plain": {}, "epsilon": dict(epsilon=0.1), "axis": dict(axis=1), "stash_type": dict(stash_type=1)}.items():
        read(f"layer_norm_{name}", [node("LayerNormalization", "x g c", "v", **a), node("Gemm", "v w b", "y")], norm, (n,))
    refuse("layer_norm_stash_type", "stash_type", [node("LayerNormalization", "x g c", "v", stash_type=16), node("Gemm", "v w b", "y")], norm, (n,))
    refuse("layer_norm_axis", "axes", [node("Reshape", "x s", "q"), node("LayerNormalization", "q g c", "v", axis=1), node("Flatten", "v", "f"), node("Gemm", "f w b", "y")],
           {**norm, "s": np.array([-1, 2, 5])}, (n,))
    def between(nodes, tensors={}):
        return [*nodes, node("Gemm", "v w b", "y")], {**w, **tensors}
    def point(name, nodes, tensors={}, opset=20):
        read(name, *between(nodes, tensors), (n,), opset)
    def no_point(name, words, nodes, tensors={}, opset=20):
        refuse(name, words, *between(nodes, tensors), (n,), opset)
    for op, good, bad in [("LeakyRelu", [{}, dict(alpha=0.3), dict(alpha=0.2)], []), ("Elu", [{}, dict(alpha=1.0)], [dict(alpha=0.5)]),
                          ("Selu", [{}], [dict(alpha=1.0), dict(gamma=1.0)]), ("HardSigmoid", [dict(alpha=1 / 6)], [{}, dict(alpha=1 / 6, beta=0.4)]),
                          ("Gelu", [{}, dict(approximate="tanh"), dict(approximate="none")], [dict(approximate="erf")]),
                          ("Celu", [{}], [dict(alpha=2.0)]), ("ThresholdedRelu", [dict(alpha=0.0)], [{}]),
                          ("Relu", [{}], [dict(alpha=1.0)]), ("HardSwish", [{}], []), ("Mish", [{}], []), ("Softplus", [{}], []),
                          ("Softsign", [{}], []), ("Sigmoid", [{}], []), ("Tanh", [{}], []), ("Exp", [{}], []), ("Abs", [{}], [])]:
        for i, a in enumerate(good):
            point(f"{op.lower()}_{i}", [node(op, "x", "v", **a)])
        for i, a in enumerate(bad):
            no_point(f"{op.lower()}_{i}", op, [node(op, "x", "v", **a)])
    point("clip_inputs", [node("Clip", "x lo hi", "v")], {"lo": np.float32(0), "hi": np.float32(6)})
    point("clip_open", [node("Clip", "x lo", "v")], {"lo": np.float32(0)})
    point("clip_attributes", [node("Clip", "x", "v", min=0.0, max=6.0)], opset=10)
    no_point("clip_attributes", "Clip", [node("Clip", "x", "v", min=-1.0, max=1.0)], opset=10)
    no_point("clip_inputs", "Clip", [node("Clip", "x lo hi", "v")], {"lo": np.float32(0), "hi": np.float32(1)})
    point("prelu", [node("PRelu", "x s", "v")], {"s": draw(n)})
    point("cast_double", [node("Cast", "x", "d", to=11), node("Cast", "d", "v", to=1)])
    no_point("cast_int32", "int32", [node("Cast", "x", "d", to=6), node("Cast", "d", "v", to=1)])
    point("dropout", [node("Dropout", "x r", "v")], {"r": np.float32(0.3)})
    no_point("dropout_training", "training", [node("Dropout", "x r t", "v")], {"r": np.float32(0.3), "t": np.array(True)})
    point("flatten_axis", [node("Flatten", "x", "v", axis=-1)])
    no_point("flatten_axis", "axis 0", [node("Flatten", "x", "v", axis=0)])
    no_point("several_values", "quotient", [node("Relu", "x", "r"), node("Div", "x r2", "v"), node("Gemm", "r w2", "r2")], {"w2": draw(n, n)})
    written(point, no_point, between, n, w)


def written(point, no_point, between, n, w):
    c = {k: np.float32(v) for k, v in dict(half=0.5, one=1, two=2, three=3, six=6, zero=0, sixth=1 / 6, root=2**0.5, inverse=0.5**0.5, k=(2 / np.pi) ** 0.5,
                                          cube=0.044715, quick=1.702, tenth=0.1, five=5, near=0.49).items()}
    def use(nodes):
        taken = {name for nd in nodes for name in nd.input}
        return {k: v for k, v in c.items() if k in taken}
    def ok(name, *nodes):
        point(f"written_{name}", list(nodes), use(nodes))
    def no(name, words, *nodes):
        no_point(f"written_{name}", words, list(nodes), use(nodes))
    erf = [node("Div", "x root", "q"), node("Erf", "q", "e"), node("Add", "e one", "a")]
    ok("gelu_pytorch", *erf, node("Mul", "x a", "m"), node("Mul", "m half", "v"))
    ok("gelu_half_first", *erf, node("Mul", "x half", "h"), node("Mul", "h a", "v"))
    ok("gelu_other", node("Mul", "inverse x", "q"), node("Erf", "q", "e"), node("Add", "one e", "a"), node("Mul", "half a", "h"), node("Mul", "h x", "v"))
    ok("gelu_divided", *erf, node("Div", "a two", "h"), node("Mul", "x h", "v"))
    no("gelu_factor", "Erf", *erf, node("Mul", "x a", "m"), node("Mul", "m near", "v"))
    bend = [node("Pow", "x three", "p"), node("Mul", "p cube", "pc"), node("Add", "x pc", "s"), node("Mul", "s k", "t"), node("Tanh", "t", "u"), node("Add", "u one", "a")]
    ok("gelu_tanh", *bend, node("Mul", "x a", "m"), node("Mul", "half m", "v"))
    ok("gelu_tanh_products", node("Mul", "x x", "xx"), node("Mul", "xx x", "p"), *bend[1:], node("Mul", "x half", "h"), node("Mul", "h a", "v"))
    ok("silu", node("Sigmoid", "x", "s"), node("Mul", "x s", "v"))
    ok("silu_divided", node("Neg", "x", "m"), node("Exp", "m", "e"), node("Add", "e one", "a"), node("Div", "x a", "v"))
    no("quotient", "quotient", node("Mul", "x quick", "q"), node("Sigmoid", "q", "s"), node("Div", "x s", "v"))
    hard = [node("Add", "x three", "a"), node("Clip", "a zero six", "c")]
    ok("hard_swish", *hard, node("Mul", "x c", "m"), node("Div", "m six", "v"))
    ok("hard_swish_by_sixth", *hard, node("Mul", "c sixth", "h"), node("Mul", "x h", "v"))
    ok("hard_swish_by_hard_sigmoid", node("HardSigmoid", "x", "h", alpha=1 / 6), node("Mul", "x h", "v"))
    ok("hard_sigmoid", *hard, node("Div", "c six", "v"))
    ok("hard_sigmoid_clip", node("Mul", "x sixth", "a"), node("Add", "a half", "b2"), node("Clip", "b2 zero one", "v"))
    ok("relu6", node("Relu", "x", "r"), node("Min", "r six", "v"))
    ok("relu6_relu_last", node("Min", "x six", "r"), node("Relu", "r", "v"))
    no("relu5", "Min", node("Relu", "x", "r"), node("Min", "r five", "v"))
    ok("relu", node("Max", "x zero", "v"))
    ok("leaky_max", node("Mul", "x tenth", "m"), node("Max", "m x", "v"))
    ok("leaky_where", node("Greater", "x zero", "g"), node("Mul", "tenth x", "m"), node("Where", "g x m", "v"))
    ok("leaky_two_relus", node("Relu", "x", "r"), node("Neg", "x", "m"), node("Relu", "m", "s"), node("Mul", "s tenth", "t"), node("Sub", "r t", "v"))
    ok("softplus", node("Exp", "x", "e"), node("Add", "e one", "a"), node("Log", "a", "v"))
    ok("mish", node("Softplus", "x", "s"), node("Tanh", "s", "t"), node("Mul", "x t", "v"))
    ok("mish_all", node("Exp", "x", "e"), node("Add", "e one", "a"), node("Log", "a", "s"), node("Tanh", "s", "t"), node("Mul", "t x", "v"))
    ok("elu", node("Exp", "x", "e"), node("Sub", "e one", "m"), node("Less", "x zero", "l"), node("Where", "l m x", "v"))
    # The gate is also passed on unchanged.
    both = [node("Sigmoid", "x", "s"), node("Mul", "x s", "m"), node("Add", "m s", "v")]
    point("written_silu_and_its_gate", both)
    # In another order than the nodes require.
    unsorted(*between([node("Sigmoid", "x", "s"), node("Mul", "x s", "v")]), n)
    refuse("circle", "circle", [node("Add", "x q", "v"), node("Relu", "v", "q"), node("Gemm", "v w b", "y")], w, (n,))
    refuse("two_origins", "two of its nodes", [node("Relu", "x", "v"), node("Tanh", "x", "v"), node("Gemm", "v w b", "y")], w, (n,))


def unsorted(nodes, tensors, n):
    """Writes unsorted nodes. ONNX Runtime requires sorted nodes, so it runs these sorted."""
    read("unsorted", nodes, tensors, (n,))
    path = FOLDER / "read_unsorted.onnx"
    made = onnx.load(path)
    turned = list(made.graph.node)[::-1]
    del made.graph.node[:]
    made.graph.node.extend(turned)
    path.write_bytes(made.SerializeToString())


def recurrent():
    t, f, u = 4, 3, 2
    for op, gates in (("RNN", 1), ("LSTM", 4), ("GRU", 3)):
        more = dict(linear_before_reset=1) if op == "GRU" else {}
        def build(directions=1, **a):
            size = directions * u
            tensors = {"wi": draw(directions, gates * u, f), "ri": draw(directions, gates * u, u), "bi": draw(directions, 2 * gates * u),
                       "shape": np.array([-1, t, f]), "axis": np.array([1] if directions == 1 else []), "w": draw(t * size, 3), "b": draw(3)}
            nodes = [node("Reshape", "x shape", "q"), node("Transpose", "q", "s", perm=[1, 0, 2]), node(op, "s wi ri bi", "h", hidden_size=u, **{**more, **a})]
            if directions == 1:
                nodes += [node("Squeeze", "h axis", "z"), node("Transpose", "z", "zt", perm=[1, 0, 2])]
            else:
                tensors["joined"] = np.array([0, t, size])
                nodes += [node("Transpose", "h", "ht", perm=[2, 0, 1, 3]), node("Reshape", "ht joined", "zt")]
                del tensors["axis"]
            return [*nodes, node("Flatten", "zt", "fl"), node("Gemm", "fl w b", "y")], tensors, (t * f,)
        name = op.lower()
        acts = {"RNN": ["Relu"], "LSTM": ["HardSigmoid", "Relu", "Relu"], "GRU": ["HardSigmoid", "LeakyRelu"]}[op]
        alpha = {"RNN": {}, "LSTM": dict(activation_alpha=[1 / 6], activation_beta=[0.5]), "GRU": dict(activation_alpha=[1 / 6, 0.2], activation_beta=[0.5])}[op]
        read(f"{name}_plain", *build())
        read(f"{name}_activations", *build(activations=acts, **alpha))
        read(f"{name}_bidirectional", *build(2, direction="bidirectional"))
        refuse(f"{name}_reverse_order", "", *build(direction="reverse"))
        refuse(f"{name}_clip", "clip", *build(clip=0.3))
        refuse(f"{name}_direction", "direction", *build(direction="backward"))
        refuse(f"{name}_directions", "direction", *build(2, direction="forward"))
        refuse(f"{name}_activation", "activation", *build(activations=["ScaledTanh"] * len(acts)))
        refuse(f"{name}_hidden_size", "hidden_size", *wrong_size(build()))
        if op != "RNN":
            refuse(f"{name}_alpha", "HardSigmoid", *build(activations=acts, **({**alpha, "activation_alpha": [0.2] * len(alpha["activation_alpha"])})))
        if op == "LSTM":
            refuse("lstm_input_forget", "input_forget", *build(input_forget=1))
            refuse("lstm_two_numbers", "different numbers", *build(activations=["Sigmoid", "LeakyRelu", "LeakyRelu"], activation_alpha=[0.2, 0.3]))
        if op == "GRU":
            refuse("gru_linear_before_reset", "linear_before_reset", *build(linear_before_reset=0))
        refuse(f"{name}_two_alphas", "activation_alpha", *build(2, direction="bidirectional", activations=(acts[:-1] + ["LeakyRelu"] if op != "LSTM" else ["Sigmoid", "LeakyRelu", "LeakyRelu"]) * 2,
               activation_alpha={"RNN": [0.2, 0.3], "LSTM": [0.2, 0.2, 0.2, 0.3], "GRU": [1 / 6, 0.2, 1 / 6, 0.3]}[op], **({"activation_beta": [0.5, 0.5]} if op == "GRU" else {})))


def wrong_size(built):
    nodes, tensors, shape = built
    for nd in nodes:
        for a in nd.attribute:
            if a.name == "hidden_size":
                a.i = 3
    return nodes, tensors, shape


def one_channel():
    """The Reshape that tf2onnx writes to move a single channel to the front."""
    nodes = [node("Reshape", "x s", "q"), node("Conv", "q w", "c"), node("Relu", "c", "r"), node("Transpose", "r", "t", perm=[0, 2, 3, 1]),
             node("Reshape", "t f", "fl"), node("MatMul", "fl m", "y")]
    tensors = {"s": np.array([-1, 1, 6, 5]), "w": draw(2, 1, 3, 3), "f": np.array([-1, 24]), "m": draw(24, 3)}
    made = model(nodes, tensors, ["n", 6, 5, 1], 13)
    x = (random.random((3, 6, 5, 1)) * 4 - 2).astype("f4")
    for key, values in (("input", x), ("output", run(made, x))):
        made.metadata_props.add(key=key, value=json.dumps([float(f"{v:.7g}") for v in values.ravel().tolist()]))
    (FOLDER / "read_reshape_for_transpose.onnx").write_bytes(made.SerializeToString())
    # A flat image that becomes an image with one channel.
    nodes = [node("Reshape", "x s", "q"), node("Conv", "q w", "c"), node("Flatten", "c", "fl"), node("MatMul", "fl m", "y")]
    read("reshape_flat_to_image", nodes, {"s": np.array([-1, 1, 8, 8]), "w": draw(2, 1, 3, 3), "m": draw(72, 3)}, (64,))


def beside():
    """Weights in a separate file next to the model."""
    nodes = [node("Flatten", "x", "f"), node("Gemm", "f w b", "y")]
    made = model(nodes, {"w": draw(36, 3), "b": draw(3)}, ["n", 1, 6, 6], 18)
    x = (random.random((3, 1, 6, 6)) * 4 - 2).astype("f4")
    for key, values in (("input", x), ("output", run(made, x))):
        made.metadata_props.add(key=key, value=json.dumps([float(f"{v:.7g}") for v in values.ravel().tolist()]))
    folder = FOLDER.parent / "beside"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    onnx.save_model(made, folder / "net.onnx", save_as_external_data=True, all_tensors_to_one_file=True, location="net.onnx.data", size_threshold=0)


#: Tensors of the networks with several labels, drawn among those of other files.
LABELS = []


def labels():
    """A sigmoid for each of several outputs."""
    flat = [node("Flatten", "x", "f"), node("Gemm", "f w b", "z")]
    read("several_labels", [*flat, node("Sigmoid", "z", "y")], LABELS[0], IMAGE)
    written_out = [node("Neg", "z", "m"), node("Exp", "m", "e"), node("Add", "e one", "a"), node("Reciprocal", "a", "y")]
    read("several_labels_written_out", [*flat, *written_out], LABELS[1], IMAGE)
    refuse("hard_labels", "several classes", [*flat, node("HardSigmoid", "z", "y", alpha=1 / 6)], LABELS[0], IMAGE)


def words():
    """Rows of a table, looked up by whole numbers."""
    nodes = [node("Gather", "table x", "e"), node("ReduceMean", "e", "p", axes=[1], keepdims=0), node("MatMul", "p m", "y")]
    tensors = {"table": draw(9, 4), "m": draw(4, 3)}
    for name, kind, before in (("int64", TensorProto.INT64, []), ("float", TensorProto.FLOAT, [node("Cast", "x", "i", to=TensorProto.INT64)])):
        own = [node("Gather", "table i", "e"), *nodes[1:]] if before else nodes
        made = model([*before, *own], tensors, ["n", 6], 17)
        made.graph.input[0].type.tensor_type.elem_type = kind
        x = random.integers(0, 9, (3, 6))
        y = run(made, x.astype("f4") if before else x)
        for key, values in (("input", x), ("output", y)):
            made.metadata_props.add(key=key, value=json.dumps([float(f"{v:.7g}") for v in values.ravel().tolist()]))
        (FOLDER / f"read_words_{name}.onnx").write_bytes(made.SerializeToString())
    refuse("words_columns", "columns", [node("Cast", "x", "i", to=TensorProto.INT64), node("Gather", "table i", "e", axis=1), node("ReduceMean", "e", "y", axes=[0], keepdims=0)], tensors, (6,))
    refuse("words_not_whole", "not whole", [node("Gather", "table r", "e"), node("ReduceMean", "e", "y", axes=[1], keepdims=0), node("Relu", "x", "r")], tensors, (6,))


def normal():
    """Normalizations of groups, by the root mean square and to length 1, as operators and written out."""
    c, n = IMAGE[0], 10
    channels = {"g": draw(c) + 1, "b": draw(c)}
    halves = {"g": draw(2) + 1, "b": draw(2)}
    image_read("group_norm", [node("GroupNormalization", "x g b", "v", num_groups=2)], channels, 21)
    image_read("group_norm_18", [node("GroupNormalization", "x g b", "v", num_groups=2, epsilon=0.1)], halves, 18)
    image_refuse("group_norm_count", "divisor of 4", [node("GroupNormalization", "x g b", "v", num_groups=3)], channels, 21)
    image_refuse("group_norm_stash_type", "stash_type", [node("GroupNormalization", "x g b", "v", num_groups=2, stash_type=10)], channels, 21)
    image_refuse("instance_norm_axis", "second axis", [node("Unsqueeze", "x one", "t"), node("InstanceNormalization", "t g b", "v")], {"g": draw(6)[:1], "b": draw(6)[:1], "one": np.array([1])})
    image_read("instance_norm", [node("InstanceNormalization", "x g b", "v")], channels)
    image_read("instance_norm_epsilon", [node("InstanceNormalization", "x g b", "v", epsilon=0.1)], channels)
    groups = [node("Reshape", "x split", "q"), node("InstanceNormalization", "q i j", "r", epsilon=0.01), node("Reshape", "r whole", "s")]
    shapes = {"split": np.array([0, 2, -1]), "whole": np.array([-1, *IMAGE])}
    plain = {**shapes, "i": np.ones(2, "f4"), "j": np.zeros(2, "f4"), "g": draw(c, 1, 1), "b": draw(c, 1, 1)}
    image_read("written_groups", [*groups, node("Mul", "g s", "m"), node("Add", "m b", "v")], plain)
    image_read("written_groups_bare", [*groups, node("Relu", "s", "v")], plain)
    image_read("written_groups_term_first", [*groups, node("Add", "s b", "m"), node("Mul", "m g", "v")], plain)
    image_read("written_groups_numbers", [*groups, node("Mul", "s g", "m"), node("Add", "m b", "v")], {**plain, "i": draw(2), "j": draw(2)})
    image_refuse("written_groups_batch", "keep the batch", [*groups, node("Relu", "s", "v")], {**plain, "split": np.array([-1, 2, 42])})
    end, own = node("Gemm", "v w c", "y"), {"w": draw(n, 5), "c": draw(5), "g": draw(n) + 1, "e": np.float32(1e-3), "two": np.float32(2), "last": np.array([-1])}
    read("rms_norm", [node("RMSNormalization", "x g", "v"), end], own, (n,), 23)
    read("rms_norm_epsilon", [node("RMSNormalization", "x g", "v", axis=1, epsilon=0.1), end], own, (n,), 23)
    image_refuse("rms_norm_axes", "axes", [node("RMSNormalization", "x g", "v", axis=2)], {"g": draw(6, 7)}, 23)
    square, power, tail = node("Mul", "x x", "s"), node("Pow", "x two", "s"), [node("ReduceMean", "s last", "m"), node("Add", "m e", "a"), node("Sqrt", "a", "r")]
    read("written_rms", [square, *tail, node("Div", "x r", "d"), node("Mul", "d g", "v"), end], own, (n,), 18)
    read("written_rms_reciprocal", [power, *tail, node("Reciprocal", "r", "i"), node("Mul", "i x", "d"), node("Mul", "g d", "v"), end], own, (n,), 18)
    read("written_rms_twice", [square, *tail, node("Div", "x r", "d"), node("Mul", "d g", "h"), node("Mul", "h g", "v"), end], own, (n,), 18)
    over = [node("Mul", "x x", "s"), node("ReduceMean", "s", "m", axes=[1]), node("Add", "e m", "a"), node("Sqrt", "a", "r"), node("Div", "x r", "v")]
    image_read("written_rms_channels", over, {"e": own["e"]})
    image_refuse("written_rms_places", "over the axes", [over[0], node("ReduceMean", "s", "m", axes=[2, 3]), *over[2:]], {"e": own["e"]})
    image_read("lp_norm", [node("LpNormalization", "x", "v", axis=1)])
    read("lp_norm_last", [node("LpNormalization", "x", "v", p=2), end], own, (n,))
    image_refuse("lp_norm_1", "p is 1", [node("LpNormalization", "x", "v", axis=1, p=1)])
    image_refuse("lp_norm_axis", "axis other", [node("LpNormalization", "x", "v", axis=2)])


def moved():
    """Axes in an order that the layer of the next node does not take."""
    turn = node("Transpose", "x", "t", perm=[0, 3, 1, 2])
    image_read("moved_product", [turn, node("MatMul", "t k", "v")], {"k": draw(6, 6)})
    image_read("moved_window", [turn, node("Conv", "t k", "v")], {"k": draw(4, 7, 2, 2)})
    image_read("moved_norm", [node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("InstanceNormalization", "t g b", "v")], {"g": draw(6), "b": draw(6)})
    image_read("moved_softmax", [node("Softmax", "x", "v")])
    groups = [node("Reshape", "x split", "q"), node("InstanceNormalization", "q i j", "r"), node("Reshape", "r whole", "v")]
    image_read("moved_groups", groups, {"split": np.array([0, 8, -1]), "whole": np.array([-1, *IMAGE]), "i": np.ones(8, "f4"), "j": np.zeros(8, "f4")})
    image_read("moved_sum", [node("Reshape", "x r", "q"), node("Transpose", "q", "t", perm=[0, 2, 1]), node("Add", "t q", "v")], {"r": np.array([-1, 4, 4])}, 17, (4, 2, 2))


def resized():
    """Images in other sizes."""
    by, sizes = np.array([1, 1, 2, 3], "f4"), np.array([5, 9])
    near = dict(mode="nearest", nearest_mode="round_prefer_ceil")
    image_read("resize_linear", [node("Resize", "x _ k", "v", mode="linear")], {"k": by})
    image_read("resize_linear_sizes", [node("Resize", "x _ _ k", "v", mode="linear", axes=[2, 3])], {"k": sizes}, 18)
    image_read("resize_linear_pytorch", [node("Resize", "x _ _ k", "v", mode="linear", axes=[2, 3], coordinate_transformation_mode="pytorch_half_pixel")], {"k": sizes}, 18)
    image_read("resize_nearest_sizes", [node("Resize", "x _ _ k", "v", axes=[3, 2], **near)], {"k": np.array([9, 5])}, 18)
    image_read("resize_nearest_smaller", [node("Resize", "x _ k", "v", **near)], {"k": np.array([1, 1, 0.5, 6 / 7], "f4")})
    image_refuse("resize_ties", "round_prefer_ceil", [node("Resize", "x _ _ k", "v", axes=[2, 3])], {"k": np.array([3, 3])}, 18)
    image_refuse("resize_linear_asymmetric", "asymmetric", [node("Resize", "x _ k", "v", mode="linear", coordinate_transformation_mode="asymmetric")], {"k": by})
    image_refuse("resize_part", "give sizes", [node("Resize", "x _ k", "v", mode="linear")], {"k": np.array([1, 1, 1.3, 1], "f4")})
    image_refuse("resize_batch", "only height, width", [node("Resize", "x _ k", "v", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")], {"k": np.array([2, 1, 1, 1], "f4")})


def products():
    """Products of two values, and by equations."""
    c, h, w = IMAGE
    rows = [node("Reshape", "x r", "q"), node("Transpose", "q", "t", perm=[0, 2, 1])]
    shape = {"r": np.array([-1, 4, 6])}
    line = (24,)
    end = [node("Flatten", "v", "f"), node("Gemm", "f m", "y")]
    read("dot", [*rows, node("MatMul", "q t", "v"), *end], {**shape, "m": draw(16, 3)}, line)
    read("dot_turned", [*rows, node("MatMul", "t q", "v"), *end], {**shape, "m": draw(36, 3)}, line)
    read("dot_softmax", [*rows, node("MatMul", "q t", "s"), node("Softmax", "s", "p"), node("MatMul", "p q", "v"), *end], {**shape, "m": draw(24, 3)}, line)
    kernel = {**shape, "k": draw(6, 2, 3), "b": draw(2, 3), "one": draw(6, 5), "c": draw(5), "m": draw(24, 3), "n": draw(20, 3)}
    equation = node("Einsum", "q k", "e", equation="abc,cde->abde")
    read("einsum", [rows[0], equation, node("Add", "e b", "v"), *end], kernel, line)
    read("einsum_bare", [rows[0], equation, node("Relu", "e", "v"), *end], kernel, line)
    read("einsum_elided", [rows[0], node("Einsum", "q one", "e", equation="...x,xy->...y"), node("Add", "c e", "v"), end[0], node("Gemm", "f n", "y")], kernel, line)
    read("einsum_turned", [*rows, node("Einsum", "t k", "v", equation="abc,cd->abd"), *end], {**shape, "k": draw(4, 5), "m": draw(30, 3)}, line)
    refuse("einsum_first", "last axes", [rows[0], node("Einsum", "q k", "v", equation="abc,bd->acd"), *end], {**shape, "k": draw(4, 5), "m": draw(30, 3)}, line)
    refuse("einsum_two", "input 2", [rows[0], node("Einsum", "q q", "v", equation="abc,abc->ab"), *end], {**shape, "m": draw(4, 3)}, line)
    image_refuse("dot_images", "two matrices", [node("MatMul", "x k", "u"), node("MatMul", "u x", "v")], {"k": draw(7, 6)})


#: Steps and features of a sequence, heads, and the length of each.
T, F, H, D = 4, 6, 2, 3


def projections(names="q k v", bias=True, features=F, units=H * D):
    """Products of the sequence s with matrices, called by their names."""
    nodes, tensors = [], {}
    for name in names.split():
        tensors[f"w{name}"] = draw(features, units)
        nodes.append(node("MatMul", f"s w{name}", f"{name}m" if bias else f"{name}p"))
        if bias:
            tensors[f"b{name}"] = draw(units)
            nodes.append(node("Add", f"b{name} {name}m", f"{name}p"))
    return nodes, tensors


def divided(name, *order):
    """Heads of a product, with the axes in this order."""
    return [node("Reshape", f"{name}p heads", f"{name}r"), node("Transpose", f"{name}r", f"{name}h", perm=list(order))]


def attention():
    """Attention as PyTorch's exporters, tf2onnx and Keras write it, and the operator."""
    start, end = node("Reshape", "x r", "s"), [node("Flatten", "v", "f"), node("Gemm", "f w_end b_end", "y")]
    shapes = {"r": np.array([-1, T, F]), "heads": np.array([0, 0, H, D]), "joined": np.array([0, 0, H * D])}
    scale = np.float32(D**-0.5)
    mask = np.triu(np.full((T, T), -1e9, "f4"), 1)

    def made(nodes, tensors, features=F):
        more = {"w_end": draw(T * features, 3), "b_end": draw(3)}
        return [start, *nodes, *end], {**shapes, **tensors, **more}, (T * F,)

    def attention_read(name, nodes, tensors, opset=17, features=F):
        read(f"attention_{name}", *made(nodes, tensors, features), opset)

    def attention_refuse(name, words, nodes, tensors, opset=17):
        refuse(f"attention_{name}", words, *made(nodes, tensors), opset)

    own, weights = projections()
    q, k, kt, v = divided("q", 0, 2, 1, 3), divided("k", 0, 2, 1, 3), divided("k", 0, 2, 3, 1), divided("v", 0, 2, 1, 3)
    split, whole = [*q, *kt, *v], [node("Transpose", "m", "mt", perm=[0, 2, 1, 3]), node("Reshape", "mt joined", "j")]
    last, out = [node("MatMul", "j wo", "o"), node("Add", "o bo", "v")], {"wo": draw(H * D, F), "bo": draw(F)}
    tail = [node("Softmax", "z", "p"), node("MatMul", "p vh", "m"), *whole, *last]
    scaled = [node("MatMul", "qh kh", "u"), node("Mul", "u scale", "z")]
    all = {**weights, **out, "scale": scale}
    attention_read("scores_scaled", [*own, *split, *scaled, *tail], all)
    attention_read("scores_divided", [*own, *split, node("MatMul", "qh kh", "u"), node("Div", "u root", "z"), *tail], {**all, "root": 1 / scale})
    attention_read("queries_scaled", [*own, *split, node("Mul", "scale qh", "qs"), node("MatMul", "qs kh", "z"), *tail], all)
    attention_read("product_scaled", [*own, node("Mul", "qp scale", "qq"), node("Reshape", "qq heads", "qr"), node("Transpose", "qr", "qh", perm=[0, 2, 1, 3]), *kt, *v, node("MatMul", "qh kh", "z"), *tail], all)
    attention_read("other_scale", [*own, *split, *scaled, *tail], {**all, "scale": np.float32(0.9)})
    attention_read("no_scale", [*own, *split, node("MatMul", "qh kh", "z"), *tail], all)
    attention_read("dropout", [*own, *split, *scaled, node("Softmax", "z", "p"), node("Dropout", "p", "pd"), node("MatMul", "pd vh", "m"), *whole, *last], all)
    attention_read("mask", [*own, *split, *scaled[:1], node("Mul", "u scale", "us"), node("Add", "mask us", "z"), *tail], {**all, "mask": mask[None, None]})
    attention_read("mask_of_zeros", [*own, *split, *scaled[:1], node("Mul", "u scale", "us"), node("Add", "us mask", "z"), *tail], {**all, "mask": np.zeros((T, T), "f4")})
    # The heads of a product may be its inner axis.
    inner = [[node("Reshape", f"{n}p inner", f"{n}r"), node("Transpose", f"{n}r", f"{n}h", perm=order)] for n, order in (("q", [0, 3, 1, 2]), ("k", [0, 3, 2, 1]), ("v", [0, 3, 1, 2]))]
    attention_read("heads_inside", [*own, *sum(inner, []), *scaled, *tail], {**all, "inner": np.array([0, 0, D, H])})
    other = [node("Transpose", "m", "mt", perm=[0, 2, 3, 1]), node("Reshape", "mt joined", "j")]
    attention_read("output_turned", [*own, *split, *scaled, *tail[:2], *other, *last], all)
    # Scores with the keys first: a softmax over the third axis.
    turned = [*own, *k, *divided("q", 0, 2, 3, 1), *divided("v", 0, 2, 3, 1), node("MatMul", "kh qh", "u"), node("Mul", "u scale", "z"), node("Softmax", "z", "p", axis=2)]
    attention_read("keys_first", [*turned, node("MatMul", "vh p", "m"), node("Transpose", "m", "mt", perm=[0, 3, 1, 2]), node("Reshape", "mt joined", "j"), *last], all)
    no_bias, bare = projections(bias=False)
    attention_read("no_bias", [*no_bias, *split, *scaled, *tail[:-2], node("MatMul", "j wo", "v")], {**bare, "scale": scale, "wo": out["wo"]})
    attention_read("last_bias", [*no_bias, *split, *scaled, *tail], {**bare, **out, "scale": scale})
    # Values of another length, for queries of one sequence and keys and values of another.
    half = [node("Transpose", "s", "st", perm=[0, 2, 1]), node("MaxPool", "st", "sp", kernel_shape=[2], strides=[2]), node("Transpose", "sp", "t", perm=[0, 2, 1])]
    crossing = [*half, node("MatMul", "s wq", "qp"), node("MatMul", "t wk", "kp"), node("MatMul", "t wl", "vp"), *q, *kt, node("Reshape", "vp lengths", "vr"), node("Transpose", "vr", "vh", perm=[0, 2, 1, 3])]
    apart = {**bare, "wl": draw(F, H * 5), "lengths": np.array([0, 0, H, 5]), "scale": scale, "wo": draw(H * 5, F), "bo": out["bo"], "joined": np.array([0, 0, H * 5])}
    attention_read("crossing", [*crossing, *scaled, *tail], apart)
    pytorch(attention_read)
    keras(attention_read)
    # One head without matrices.
    one = [node("Transpose", "s", "st", perm=[0, 2, 1]), node("MatMul", "s st", "u"), node("Mul", "u scale", "z"), node("Softmax", "z", "p"), node("MatMul", "p s", "v")]
    attention_read("one_head", one, {"scale": np.float32(0.3)})
    attention_read("one_head_mask", [*one[:2], node("Add", "u mask", "z"), *one[3:]], {"mask": np.where(mask < 0, -np.inf, 0).astype("f4")})
    # The operator, with all heads in one axis, or with an axis of heads.
    op = [*own, node("Attention", "qp kp vp", "j", q_num_heads=H, kv_num_heads=H), *last]
    attention_read("operator", op, {**weights, **out}, 23)
    attention_read("operator_causal", [*own, node("Attention", "qp kp vp", "j", q_num_heads=H, kv_num_heads=H, is_causal=1, scale=0.8), *last], {**weights, **out}, 23)
    attention_read("operator_axes", [*own, *q, *k, *v, node("Attention", "qh kh vh", "m"), *whole, *last], {**weights, **out}, 23)
    seen = {**weights, **out, "mask": mask == 0}
    attention_read("operator_mask", [*own, *q, *k, *v, node("Attention", "qh kh vh mask", "m"), *whole, *last], seen, 23)
    attention_read("operator_one_head", [node("Attention", "s s s", "v", q_num_heads=1, kv_num_heads=1)], {}, 23)

    window = np.where(np.abs(np.subtract.outer(range(T), range(T))) > 1, -1e9, 0).astype("f4")
    masked = [*own, *split, *scaled[:1], node("Mul", "u scale", "us"), node("Add", "us mask", "z"), *tail]
    attention_refuse("mask_window", "hides other steps", masked, {**all, "mask": window})
    attention_refuse("mask_numbers", "-0.5 added to a score", masked, {**all, "mask": mask / 2e9})
    attention_refuse("mask_of_heads", "hides other steps", masked, {**all, "mask": np.stack([mask, 0 * mask])})
    attention_refuse("mask_of_keys", "a mask [1, 4]; wgrad has a causal one, of [4, 4] steps", masked, {**all, "mask": mask[:1]})
    attention_read("mask_of_all_heads", masked, {**all, "mask": np.stack([mask, mask])})
    select = [*own, *split, *scaled[:1], node("Mul", "u scale", "us"), node("Mul", "seen us", "ut"), node("Add", "ut mask", "z"), *tail]
    attention_read("mask_selects", select, {**all, "seen": np.tril(np.ones((T, T), "f4")), "mask": mask})
    attention_refuse("mask_zero_alone", "takes the scores of an attention", select, {**all, "seen": np.tril(np.ones((T, T), "f4")), "mask": 0 * mask})
    follows = [node("MatMul", "s wm", "mm"), node("Unsqueeze", "mm one", "mask")]
    attention_refuse("mask_follows", "takes the scores of an attention", [*follows, *masked], {**all, "wm": draw(F, T), "one": np.array([1])})
    attention_refuse("over_queries", "takes the scores of an attention", [*own, *split, *scaled, node("Softmax", "z", "p", axis=2), *tail[1:]], all)
    attention_refuse("scores_relu", "takes the scores of an attention", [*own, *split, *scaled, node("Relu", "z", "zz"), node("Softmax", "zz", "p"), *tail[1:]], all)
    attention_refuse("no_output", "no product of all their outputs", [*own, *split, *scaled, *tail[:2], *whole, node("Relu", "j", "v")], all)
    attention_refuse("width", "has 5 features, and its query 6", [*own, *split, *scaled, *tail], {**all, "wo": draw(H * D, 5), "bo": draw(5), "w_end": draw(T * 5, 3)})
    attention_refuse("queries", "the queries of 2 heads", [*own, node("Tanh", "qp", "qt"), node("Reshape", "qt heads", "qr"), node("Transpose", "qr", "qh", perm=[0, 2, 1, 3]), *kt, *v, *scaled, *tail], all)
    attention_refuse("operator_groups", "as many heads of keys", [*own, node("Attention", "qp kp vp", "j", q_num_heads=H, kv_num_heads=1), *last], {**weights, **out}, 23)
    attention_refuse("operator_softcap", "softcap", [*own, node("Attention", "qp kp vp", "j", q_num_heads=H, kv_num_heads=H, softcap=2.0), *last], {**weights, **out}, 23)
    attention_refuse("operator_past", "earlier steps", [*own, *q, *k, *v, node("Attention", "qh kh vh _ kh vh", "m"), *whole, *last], {**weights, **out}, 23)
    halves = [node("Split", "w", "w1 w2", axis=1, num_outputs=2), node("MatMul", "s w1", "a"), node("MatMul", "s w2", "b"), node("Sub", "a b", "v")]
    read("split_of_constant", *made(halves, {"w": draw(F, 2 * F)}), 18)
    gate = [node("MatMul", "s w", "m"), node("Split", "m", "a b", axis=2), node("Sigmoid", "b", "g"), node("Mul", "a g", "v")]
    refuse("attention_split_of_gate", "a part of the features", *made(gate, {"w": draw(F, 2 * F)}))
    attention_refuse("split_of_steps", "parts of an axis", [node("Split", "s", "a b", axis=1), node("Add", "a b", "v")], {})


def pytorch(attention_read):
    """The forms of torch.onnx.export, with and without dynamo, for nn.MultiheadAttention and scaled_dot_product_attention."""
    packed = {"w": draw(F, 3 * H * D), "b": draw(3 * H * D), "wo": draw(F, H * D), "bo": draw(F), "root": np.float32(D**-0.25), "thirds": np.array([H * D] * 3)}
    product = [node("MatMul", "s w", "n"), node("Add", "n b", "a")]
    end = [node("MatMul", "j wt", "o"), node("Add", "o bo", "v")]
    packed["wt"] = packed["wo"].T.copy()
    # Parts of one product; keys are turned in three axes, and both sides have the root of the scale.
    parts = [node("Split", "a thirds", "qp kp vp", axis=-1)] + divided("q", 0, 2, 1, 3) + divided("k", 0, 2, 1, 3) + divided("v", 0, 2, 1, 3)
    keys = [node("Reshape", "kh three", "k3"), node("Transpose", "k3", "k4", perm=[0, 2, 1]), node("Reshape", "k4 four", "kt")]
    scores = [*keys, node("Mul", "qh root", "qs"), node("Mul", "kt root", "ks"), node("MatMul", "qs ks", "u")]
    mixed = [node("MatMul", "p vh", "m"), node("Transpose", "m", "mt", perm=[0, 2, 1, 3]), node("Reshape", "mt joined", "j")]
    more = {"three": np.array([-1, T, D]), "four": np.array([-1, H, D, T])}
    attention_read("sdpa", [*product, *parts, *scores, node("Softmax", "u", "p"), *mixed, *end], {**packed, **more}, 20)
    ones = [node("Shape", "qh", "n4"), node("Slice", "n4 two three1 zero", "n1"), node("Concat", "n1 n1", "nn", axis=0), node("Expand", "one nn", "on")]
    low = [node("Trilu", "on", "tri", upper=0), node("Equal", "tri none", "is"), node("Where", "is low none", "mask"), node("Add", "u mask", "z"), node("Softmax", "z", "p")]
    causal = {"two": np.array([2]), "three1": np.array([3]), "zero": np.array([0]), "one": np.float32(1), "none": np.float32(0), "low": np.float32(-np.inf)}
    attention_read("sdpa_causal", [*product, *parts, *scores, *ones, *low, *mixed, *end], {**packed, **more, **causal}, 20)
    # nn.MultiheadAttention with time first: an axis of three parts, and heads in one axis with the batch.
    front = [node("Transpose", "s", "st", perm=[1, 0, 2]), node("MatMul", "st w", "n"), node("Add", "n b", "a"), node("Reshape", "a five", "a5")]
    front += [node("Unsqueeze", "a5 zero", "a6"), node("Transpose", "a6", "a7", perm=[3, 1, 2, 0, 4]), node("Squeeze", "a7 at", "a8")]
    front += [node("Gather", f"a8 {n}", f"{name}g", axis=0) for n, name in ((0, "q"), (1, "k"), (2, "v"))]
    batch = [node("Shape", "st", "n3"), node("Gather", "n3 1", "nb", axis=0), node("Mul", "nb count", "nh"), node("Unsqueeze", "nh zero", "nu"), node("Concat", "steps nu length", "rows", axis=0)]
    rows = [x for n in "qkv" for x in (node("Reshape", f"{n}g rows", f"{n}r"), node("Transpose", f"{n}r", f"{n}h", perm=[1, 0, 2]))]
    three = [node("Mul", "qh scale", "qs"), node("Transpose", "kh", "kt", perm=[0, 2, 1]), node("MatMul", "qs kt", "u"), node("Softmax", "u", "p", axis=-1), node("MatMul", "p vh", "m")]
    back = [node("Transpose", "m", "mt", perm=[1, 0, 2]), node("Mul", "nb steps0", "nt"), node("Unsqueeze", "nt zero", "ntu"), node("Concat", "ntu width", "flat", axis=0), node("Reshape", "mt flat", "j")]
    back += [node("Gemm", "j wo bo", "g", transB=1), node("Reshape", "g joined3", "gt"), node("Transpose", "gt", "v", perm=[1, 0, 2])]
    numbers = {"five": np.array([T, -1, 3, F]), "zero": np.array([0]), "at": np.array([3]), "0": np.array(0), "1": np.array(1), "2": np.array(2), "count": np.array(H), "steps": np.array([T]),
               "length": np.array([D]), "steps0": np.array(T), "width": np.array([H * D]), "joined3": np.array([T, -1, F]), "scale": np.float32(D**-0.5)}
    attention_read("time_first", [*front, *batch, *rows, *three, *back], {**packed, **numbers}, 17)
    # timm: an axis of three parts; nanoGPT: parts of a product without a bias, and a mask by Where.
    timm = [node("Reshape", "a five", "a5"), node("Transpose", "a5", "a6", perm=[2, 0, 3, 1, 4])]
    timm += [x for n, name in enumerate("qkv") for x in (node("Slice", f"a6 {n} {n + 1} zero", f"{name}i"), node("Squeeze", f"{name}i zero", f"{name}h"))]
    timm += [node("Mul", "qh scale", "qs"), node("Transpose", "kh", "kt", perm=[0, 1, 3, 2]), node("MatMul", "qs kt", "u"), node("Softmax", "u", "p"), *mixed, *end]
    starts = {str(n): np.array([n]) for n in range(4)}
    attention_read("timm", [*product, *timm], {**packed, **numbers, **starts, "five": np.array([-1, T, 3, H, D])}, 20)
    gpt = [node("MatMul", "s w", "a"), *parts, node("Transpose", "kh", "kt", perm=[0, 1, 3, 2]), node("MatMul", "qh kt", "u"), node("Mul", "u scale", "us")]
    gpt += [node("Where", "hidden low us", "z"), node("Softmax", "z", "p"), *mixed, node("MatMul", "j wt", "v")]
    hidden = np.triu(np.ones((1, 1, T, T), bool), 1)
    attention_read("nano_gpt", gpt, {**packed, "hidden": hidden, "low": np.float32(-np.inf), "scale": np.float32(D**-0.5)}, 17)


def keras(attention_read):
    """Keras's EinsumDense and Einsum, and what tf2onnx makes of them: products of all steps of all sequences as rows."""
    equations = {n: node("Einsum", f"s w{n}", f"{n}e", equation="abc,cde->abde") for n in "qkv"}
    tensors = {**{f"w{n}": draw(F, H, D) for n in "qkv"}, **{f"b{n}": draw(H, D) for n in "qkv"}, "wo": draw(H, D, F), "bo": draw(F), "scale": np.float32(D**-0.5)}
    biases = [node("Add", f"{n}e b{n}", f"{n}h") for n in "qkv"]
    scores = [node("Mul", "qh scale", "qs"), node("Einsum", "kh qs", "u", equation="aecd,abcd->acbe"), node("Softmax", "u", "p", axis=-1)]
    mixed = [node("Einsum", "p vh", "m", equation="acbe,aecd->abcd"), node("Einsum", "m wo", "o", equation="abcd,cde->abe"), node("Add", "o bo", "v")]
    attention_read("keras", [*equations.values(), *biases, *scores, *mixed], tensors)
    causal = np.triu(np.full((1, 1, T, T), -1e9, "f4"), 1)
    attention_read("keras_causal", [*equations.values(), *biases, *scores[:2], node("Add", "u mask", "z"), node("Softmax", "z", "p"), *mixed], {**tensors, "mask": causal})
    flat = [node("Reshape", "s rows", "sr")]
    for n in "qkv":
        flat += [node("MatMul", f"sr w{n}", f"{n}m"), node("Reshape", f"{n}m heads4", f"{n}r"), node("Add", f"{n}r b{n}", f"{n}a")]
    flat += [node("Transpose", "ka", "kh", perm=[0, 2, 3, 1]), node("Mul", "qa scale", "qs"), node("Transpose", "qs", "qh", perm=[0, 2, 1, 3]), node("Transpose", "va", "vh", perm=[0, 2, 1, 3])]
    flat += [node("MatMul", "qh kh", "u"), node("Softmax", "u", "p"), node("MatMul", "p vh", "m"), node("Transpose", "m", "mt", perm=[0, 2, 1, 3]), node("Reshape", "mt wide", "mr")]
    flat += [node("MatMul", "mr wo", "om"), node("Reshape", "om r", "o"), node("Add", "o bo", "v")]
    matrices = {k: v.reshape(F, -1) if k in ("wq", "wk", "wv") else v.reshape(-1, F) if k == "wo" else v for k, v in tensors.items()}
    attention_read("tf2onnx", flat, {**matrices, "rows": np.array([-1, F]), "heads4": np.array([-1, T, H, D]), "wide": np.array([-1, H * D])})


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    windows()
    rows()
    recurrent()
    one_channel()
    beside()
    later()
    labels()
    words()
    normal()
    moved()
    resized()
    products()
    attention()
    print(len(list(FOLDER.iterdir())), "files,", sum(f.stat().st_size for f in FOLDER.iterdir()), "bytes")


main()
