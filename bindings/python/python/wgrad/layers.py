"""Layers under Keras's names and arguments. A layer holds its arguments; the extension checks them when a model is built."""

from __future__ import annotations

from typing import Any

from .constraints import Constraint
from .regularizers import Regularizer

__all__ = [
    "Activation", "Add", "AlphaDropout", "Attention", "Average", "AveragePooling1D", "AveragePooling2D",
    "BatchNormalization", "Bidirectional", "CenterCrop", "Concatenate", "Conv1D", "Conv1DTranspose", "Conv2D",
    "Conv2DTranspose", "Cropping1D", "Cropping2D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "Dot", "Dropout",
    "ELU", "EinsumDense", "Embedding", "Flatten", "GRU", "GaussianDropout", "GaussianNoise", "GlobalAveragePooling1D",
    "GlobalAveragePooling2D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GroupNormalization", "Input", "LSTM",
    "Layer", "LayerNormalization", "LeakyReLU", "Masking", "MaxPooling1D", "MaxPooling2D", "Maximum", "Minimum",
    "MultiHeadAttention", "Multiply", "Normalization", "PReLU", "Permute", "RMSNormalization", "RandomBrightness",
    "RandomContrast", "RandomCrop", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "ReLU", "RepeatVector",
    "Rescaling", "Reshape", "Resizing", "SeparableConv1D", "SeparableConv2D", "SimpleRNN", "Softmax",
    "SpatialDropout1D", "SpatialDropout2D", "Subtract", "TimeDistributed", "UnitNormalization", "UpSampling1D", "UpSampling2D",
    "ZeroPadding1D", "ZeroPadding2D",
]  # fmt: skip


class Tensor:
    """The output of a layer in a functional model."""

    def __init__(self, layer: Layer, sources: list[Tensor], arguments: dict[str, Any] | None = None):
        self.layer, self.sources = layer, sources
        #: Further arguments of the call, in Keras's JSON.
        self.arguments = arguments or {}


class Layer:
    """A layer: its class and arguments, in Keras's names."""

    #: The model that was called as a layer and has this one, whose weights are the first ones.
    origin: Any = None

    def __init__(self, **config: Any):
        self.name: str | None = config.pop("name", None)
        #: Shape of an example, if the first layer of a stack was given one.
        self.input_shape = config.pop("input_shape", None)
        if "input_dim" in config:
            self.input_shape = (config.pop("input_dim"),)
        self.config = config

    def __call__(self, inputs: Any, **arguments: Any) -> Tensor:
        """The output for the output of another layer, or for a list of them. Several calls share the layer's weights."""
        if arguments:
            raise TypeError(f"{type(self).__name__} is called with {', '.join(arguments)}, expected outputs of layers alone")
        return self._called(inputs)

    def _called(self, inputs: Any, arguments: dict[str, Any] | None = None) -> Tensor:
        sources = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for source in sources:
            if not isinstance(source, Tensor):
                raise TypeError(f"{type(self).__name__} is called with a {type(source).__name__}, expected outputs of layers")
        return Tensor(self, sources, arguments)

    def described(self) -> dict[str, Any]:
        """The layer in Keras's JSON."""
        config = {"name": self.name, **{key: _plain(value) for key, value in self.config.items()}}
        return {"module": "keras.layers", "class_name": type(self).__name__, "config": config, "registered_name": None}

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.config.items())
        return f"{type(self).__name__}({arguments})"


def _plain(value: Any) -> Any:
    if isinstance(value, Layer):
        described = value.described()
        described["config"].pop("name")
        return described
    if isinstance(value, (Regularizer, Constraint)):
        return {**value.described(), "config": {key: _plain(part) for key, part in value.config.items()}}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a constructor, with its further keyword arguments."""
    kept = {key: value for key, value in arguments.items() if key not in ("self", "kwargs", "__class__")}
    return {**kept, **arguments.get("kwargs", {})}


class InputLayer(Layer):
    """The input of a model."""


def Input(shape: tuple[int, ...], name: str | None = None) -> Tensor:  # noqa: N802
    """The input of a model: the shape of an example, without the batch."""
    return Tensor(InputLayer(shape=tuple(shape), name=name), [])


class Dense(Layer):
    """activation(x · kernel + bias), over the last axis."""

    def __init__(self, units: int, activation: str | None = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **kwargs: Any):
        super().__init__(**_given(locals()))


class Embedding(Layer):
    """A row of a table for each whole number below `input_dim`, (time) to (time, output_dim). With `mask_zero`, steps of the
    number 0 do not count in the layers behind that take masks."""

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform", mask_zero: bool = False, **kwargs: Any):
        given = _given(locals())
        # Of other layers, `input_dim` is the shape of the input.
        words = given.pop("input_dim")
        super().__init__(**given)
        self.config = {"input_dim": words, **self.config}


class EinsumDense(Layer):
    """Products over the last axes, by an equation such as "abc,cde->abde"; None in `output_shape` is the input's length."""

    def __init__(self, equation: str, output_shape: Any, activation: str | None = None, bias_axes: str | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **kwargs: Any):
        super().__init__(**_given(locals()))


class Conv2D(Layer):
    """Convolution of images, (height, width, channels)."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = (1, 1), groups: int = 1, activation: str | None = None,
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 **kwargs: Any):
        super().__init__(**_given(locals()))


class Conv1D(Layer):
    """Convolution over time, (time, features)."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1, activation: str | None = None,
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 **kwargs: Any):
        super().__init__(**_given(locals()))


class DepthwiseConv2D(Layer):
    """Convolution of each channel by itself."""

    def __init__(self, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = (1, 1), activation: str | None = None,
                 use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 **kwargs: Any):
        super().__init__(**_given(locals()))


class DepthwiseConv1D(Layer):
    """Convolution of each feature by itself, over time."""

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = 1, activation: str | None = None,
                 use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 **kwargs: Any):
        super().__init__(**_given(locals()))


class SeparableConv2D(Layer):
    """Convolution of each channel by itself, then a product of channels (Chollet 2017)."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
                 activation: str | None = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **kwargs: Any):
        super().__init__(**_given(locals()))


class SeparableConv1D(Layer):
    """Convolution of each feature by itself over time, then a product of features (Chollet 2017)."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, depth_multiplier: int = 1,
                 activation: str | None = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **kwargs: Any):
        super().__init__(**_given(locals()))


class Conv2DTranspose(Layer):
    """Transposed convolution, to larger images (Zeiler et al. 2010)."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                 output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = (1, 1),
                 activation: str | None = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", **kwargs: Any):
        super().__init__(**_given(locals()))


class Conv1DTranspose(Layer):
    """Transposed convolution over time, to longer sequences."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = 1,
                 activation: str | None = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", **kwargs: Any):
        super().__init__(**_given(locals()))


class ZeroPadding2D(Layer):
    """Zeros around images."""

    def __init__(self, padding: Any = (1, 1), **kwargs: Any):
        super().__init__(**_given(locals()))


class ZeroPadding1D(Layer):
    """Zeros before and after sequences."""

    def __init__(self, padding: Any = 1, **kwargs: Any):
        super().__init__(**_given(locals()))


class Cropping2D(Layer):
    """Images without their edges."""

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), **kwargs: Any):
        super().__init__(**_given(locals()))


class Cropping1D(Layer):
    """Sequences without their ends."""

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(**_given(locals()))


class CenterCrop(Layer):
    """The middle of an image."""

    def __init__(self, height: int, width: int, **kwargs: Any):
        super().__init__(**_given(locals()))


class Resizing(Layer):
    """An image in another size, by the values at the centres of its pixels: "bilinear" or "nearest"."""

    def __init__(self, height: int, width: int, interpolation: str = "bilinear", **kwargs: Any):
        super().__init__(**_given(locals()))


class UpSampling2D(Layer):
    """Each pixel repeated; with "bilinear", means of pixels by distance."""

    def __init__(self, size: Any = (2, 2), interpolation: str = "nearest", **kwargs: Any):
        super().__init__(**_given(locals()))


class UpSampling1D(Layer):
    """Each step repeated."""

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(**_given(locals()))


class MaxPooling1D(Layer):
    """Largest value of each window of time."""

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **kwargs: Any):
        super().__init__(**_given(locals()))


class AveragePooling1D(Layer):
    """Mean of each window of time."""

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid", **kwargs: Any):
        super().__init__(**_given(locals()))


class GlobalMaxPooling1D(Layer):
    """Largest value of each feature over time."""


class GlobalAveragePooling1D(Layer):
    """Mean of each feature over time."""


class MaxPooling2D(Layer):
    """Largest value of each window."""

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", **kwargs: Any):
        super().__init__(**_given(locals()))


class AveragePooling2D(Layer):
    """Mean of each window."""

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid", **kwargs: Any):
        super().__init__(**_given(locals()))


class GlobalMaxPooling2D(Layer):
    """Largest value of each channel."""


class GlobalAveragePooling2D(Layer):
    """Mean of each channel."""


class Flatten(Layer):
    """All axes as one."""


class Reshape(Layer):
    """The same values in another shape."""

    def __init__(self, target_shape: tuple[int, ...], **kwargs: Any):
        super().__init__(**_given(locals()))


class Rescaling(Layer):
    """scale · x + offset; each is a number, or one for each channel."""

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**_given(locals()))


class Normalization(Layer):
    """(x - mean) / √variance for each channel, the last axis."""

    def __init__(self, axis: int | None = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any):
        super().__init__(**_given(locals()))

    def adapt(self, data: Any) -> None:
        """Takes mean and variance of each channel of `data`, (rows, ..., channels); of all numbers, if axis is None."""
        import numpy as np

        values = np.asarray(data, np.float64)
        axes = None if self.config.get("axis", -1) is None else tuple(range(values.ndim - 1))
        self.config["mean"] = np.mean(values, axes).tolist()
        self.config["variance"] = np.var(values, axes).tolist()


class Permute(Layer):
    """The axes of an input in another order, counted from 1 without the batch."""

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**_given(locals()))


class RepeatVector(Layer):
    """A vector at each of n steps."""

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**_given(locals()))


class BatchNormalization(Layer):
    """Normalization by mean and variance of the batch (Ioffe and Szegedy 2015)."""

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 0.001, center: bool = True,
                 scale: bool = True, **kwargs: Any):
        super().__init__(**_given(locals()))


class LayerNormalization(Layer):
    """Normalization by mean and variance of the last axis (Ba et al. 2016)."""

    def __init__(self, axis: int = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True, **kwargs: Any):
        super().__init__(**_given(locals()))


class GroupNormalization(Layer):
    """Normalization by mean and variance of each group of channels of an input (Wu and He 2018); -1: each channel by itself."""

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 0.001, center: bool = True, scale: bool = True,
                 **kwargs: Any):
        super().__init__(**_given(locals()))


class RMSNormalization(Layer):
    """Normalization by the root mean square of the last axis (Zhang and Sennrich 2019)."""

    def __init__(self, axis: int = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**_given(locals()))


class UnitNormalization(Layer):
    """The last axis divided by its length."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**_given(locals()))


class Dropout(Layer):
    """Zeros instead of a share of the values, in training (Srivastava et al. 2014)."""

    def __init__(self, rate: float, **kwargs: Any):
        super().__init__(**_given(locals()))


class SpatialDropout2D(Layer):
    """Zeros instead of a share of the channels, in training (Tompson et al. 2015)."""

    def __init__(self, rate: float, **kwargs: Any):
        super().__init__(**_given(locals()))


class SpatialDropout1D(Layer):
    """Zeros instead of a share of the features, in training (Tompson et al. 2015)."""

    def __init__(self, rate: float, **kwargs: Any):
        super().__init__(**_given(locals()))


class GaussianNoise(Layer):
    """Random numbers of the normal distribution added to the values, in training."""

    def __init__(self, stddev: float, **kwargs: Any):
        super().__init__(**_given(locals()))


class GaussianDropout(Layer):
    """Values times random numbers of mean 1 and variance rate / (1 - rate), in training (Srivastava et al. 2014)."""

    def __init__(self, rate: float, **kwargs: Any):
        super().__init__(**_given(locals()))


class AlphaDropout(Layer):
    """Dropout that keeps mean and variance behind selu, in training (Klambauer et al. 2017)."""

    def __init__(self, rate: float, **kwargs: Any):
        super().__init__(**_given(locals()))


class RandomFlip(Layer):
    """Half of the images mirrored, in training: "horizontal", "vertical", or both at once."""

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, **kwargs: Any):
        super().__init__(**_given(locals()))


class RandomTranslation(Layer):
    """Images shifted by random shares of their height, down, and of their width, right, in training."""

    def __init__(self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
                 seed: int | None = None, fill_value: float = 0.0, **kwargs: Any):
        super().__init__(**_given(locals()))


class RandomRotation(Layer):
    """Images rotated by random shares of a turn, in training."""

    def __init__(self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: int | None = None,
                 fill_value: float = 0.0, **kwargs: Any):
        super().__init__(**_given(locals()))


class RandomZoom(Layer):
    """Images zoomed at random, in training: a factor above 0 zooms out. Without `width_factor`, proportions stay."""

    def __init__(self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
                 interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0, **kwargs: Any):
        super().__init__(**_given(locals()))


class RandomCrop(Layer):
    """A part of the images at a random place, in training; the resized middle otherwise."""

    def __init__(self, height: int, width: int, seed: int | None = None, **kwargs: Any):
        super().__init__(**_given(locals()))


class RandomContrast(Layer):
    """The distance of values from their channel's mean times a random number from 1 - lower to 1 + upper, in training.
    One number as `factor` is both, as Keras documents it."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        given = _given(locals())
        if isinstance(factor, (int, float)):
            given["factor"] = (factor, factor)
        super().__init__(**given)


class RandomBrightness(Layer):
    """A random share of the range of values added to each image, in training."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(**_given(locals()))


class SimpleRNN(Layer):
    """Fully connected recurrence over (time, features)."""

    def __init__(self, units: int, activation: str = "tanh", use_bias: bool = True, return_sequences: bool = False,
                 go_backwards: bool = False, **kwargs: Any):
        super().__init__(**_given(locals()))


class LSTM(Layer):
    """Long short-term memory over (time, features) (Hochreiter and Schmidhuber 1997)."""

    def __init__(self, units: int, activation: str = "tanh", recurrent_activation: str = "sigmoid", use_bias: bool = True,
                 return_sequences: bool = False, go_backwards: bool = False, **kwargs: Any):
        super().__init__(**_given(locals()))


class GRU(Layer):
    """Gated recurrent unit over (time, features) (Cho et al. 2014)."""

    def __init__(self, units: int, activation: str = "tanh", recurrent_activation: str = "sigmoid", use_bias: bool = True,
                 return_sequences: bool = False, go_backwards: bool = False, **kwargs: Any):
        super().__init__(**_given(locals()))


class Bidirectional(Layer):
    """A recurrent layer forwards in time, and another backwards."""

    def __init__(self, layer: Layer, merge_mode: str = "concat", **kwargs: Any):
        super().__init__(**_given(locals()))


class Masking(Layer):
    """Steps of (time, features) whose numbers all are `mask_value` do not count in the layers behind that take masks."""

    def __init__(self, mask_value: float = 0.0, **kwargs: Any):
        super().__init__(**_given(locals()))


class TimeDistributed(Layer):
    """A layer on each step of (time, ...), with the same weights."""

    def __init__(self, layer: Layer, **kwargs: Any):
        super().__init__(**_given(locals()))


class Add(Layer):
    """Sum of several inputs."""


class Multiply(Layer):
    """Product of several inputs, element by element."""


class Subtract(Layer):
    """The first of two inputs minus the second."""


class Average(Layer):
    """Mean of several inputs, element by element."""


class Maximum(Layer):
    """Largest of several inputs, element by element."""


class Minimum(Layer):
    """Smallest of several inputs, element by element."""


class Dot(Layer):
    """Dot products of two inputs along an axis of each, counted with the batch; with `normalize`, cosines."""

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**_given(locals()))


class Attention(Layer):
    """Attention by dot products (Luong et al. 2015): called with a list of a query, a value and perhaps a key."""

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0, **kwargs: Any):
        super().__init__(**_given(locals()))

    def __call__(self, inputs: Any, use_causal_mask: bool = False) -> Tensor:
        """The output for [query, value] or [query, value, key]; the key is the value, if there is none."""
        self.call_arguments = {"use_causal_mask": True} if use_causal_mask else {}
        return super().__call__(inputs)


class MultiHeadAttention(Layer):
    """Attention (Vaswani et al. 2017): called with a query, a value and perhaps a key, each (time, features)."""

    def __init__(self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros", **kwargs: Any):
        super().__init__(**_given(locals()))

    def __call__(self, query: Any, value: Any = None, key: Any = None, use_causal_mask: bool = False) -> Tensor:
        """The output for a query and a value; the key is the value, if there is none."""
        if value is None:
            raise TypeError("MultiHeadAttention is called with a query and a value: layer(x, x) attends to itself")
        arguments = {"use_causal_mask": True} if use_causal_mask else {}
        return self._called([query, value] if key is None else [query, value, key], arguments)


class Concatenate(Layer):
    """Several inputs, joined along the last axis."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**_given(locals()))


class Activation(Layer):
    """An activation by name."""

    def __init__(self, activation: str, **kwargs: Any):
        super().__init__(**_given(locals()))


class ReLU(Layer):
    """max(x, 0), with Keras's arguments."""

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any):
        super().__init__(**_given(locals()))


class LeakyReLU(Layer):
    """x, or negative_slope · x below zero."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        super().__init__(**_given(locals()))


class ELU(Layer):
    """x, or alpha · (exp(x) - 1) below zero."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**_given(locals()))


class PReLU(Layer):
    """x, or a trained multiple of x below zero (He et al. 2015)."""

    def __init__(self, shared_axes: Any = None, **kwargs: Any):
        super().__init__(**_given(locals()))


class Softmax(Layer):
    """exp(x) / Σ exp(x) over the last axis."""

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**_given(locals()))
