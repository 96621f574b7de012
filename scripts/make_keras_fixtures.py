#!/usr/bin/env python3
"""Writes tests/fixtures/keras: networks as Keras saves them, with inputs and Keras's outputs.

Each network NAME has NAME.keras (architecture and weights, from `model.save`) and NAME.safetensors (`images`, bytes;
`outputs`, float32: the result of `model.predict` for images / 255). A few also have NAME.json, from `model.to_json()`,
or NAME.weights.h5, from `model.save_weights`. Weights are random, so that every tensor matters, including biases,
gammas and moving averages.

Two files of weights must be rejected: circle.weights.h5 and promise.weights.h5.

Made with Keras 3.15.1 on the PyTorch backend (CPU):

    KERAS_BACKEND=torch python scripts/make_keras_fixtures.py            # or only these: cnn lstm
"""

import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers as L  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

FOLDER = pathlib.Path(__file__).parent.parent / "tests/fixtures/keras"
IMAGES = 5
TEXTS = ["residual", "inception", "lstm", "rescaled", "masked"]
WEIGHTS = ["lstm", "residual"]


def stack(*layers, shape=(12, 10, 1)):
    return keras.Sequential([keras.Input(shape), *layers])


def mlp():
    return stack(L.Dense(9, activation="gelu"), L.Dense(6, activation="selu"), L.Dense(4, activation="softmax"), shape=(49,))


def cnn():
    return stack(
        L.Conv2D(4, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Conv2D(6, 3, padding="same", strides=2, use_bias=False, kernel_initializer="he_normal"),
        L.LeakyReLU(0.2),
        L.AveragePooling2D(2, strides=1, padding="same"),
        L.Flatten(),
        L.Dropout(0.5),
        L.Dense(5),
        L.Softmax(),
    )


def same():
    """Cases that TensorFlow pads on one side only: even kernels, strides, odd sizes, dilation."""
    return stack(
        L.Conv2D(3, 4, padding="same", activation="hard_sigmoid"),
        L.Conv2D(4, (3, 2), strides=(2, 3), padding="same", activation="silu"),
        L.MaxPooling2D((2, 3), strides=2, padding="same"),
        L.Conv2D(4, 3, dilation_rate=2, padding="same", groups=2, activation="tanh"),
        L.Flatten(),
        L.Dense(3, activation="softmax"),
        shape=(11, 14, 2),
    )


def batch_norm():
    return stack(
        L.Conv2D(4, 3, use_bias=False),
        L.BatchNormalization(),
        L.Activation("relu"),
        L.ZeroPadding2D(((1, 2), (0, 1))),
        L.Conv2D(4, 3),
        L.BatchNormalization(momentum=0.9, epsilon=1e-2, center=False),
        L.ReLU(6.0),
        L.GlobalAveragePooling2D(),
        L.BatchNormalization(scale=False),
        L.LayerNormalization(),
        L.Dense(3, activation="softmax"),
    )


def depthwise():
    return stack(
        L.DepthwiseConv2D(3, depth_multiplier=3, activation="relu"),
        L.Conv2D(5, 1, activation="elu"),
        L.DepthwiseConv2D((3, 2), strides=2, padding="same", use_bias=False),
        L.ELU(),
        L.GlobalMaxPooling2D(),
        L.Dense(4, activation="softmax"),
        shape=(9, 9, 2),
    )


def residual():
    """Operations, layers and names as in tutorials; `x + y` is an operation, not a layer."""
    image = keras.Input((10, 10, 1), name="img")
    x = L.Conv2D(4, 3, activation="relu", padding="same")(image)
    first = L.MaxPooling2D(2)(x)
    x = L.Conv2D(4, 3, padding="same", use_bias=False)(first)
    x = L.BatchNormalization()(x)
    x = keras.ops.relu(x)
    x = L.Conv2D(4, 3, padding="same")(x)
    second = L.add([x, first])
    x = L.Activation("relu")(second)
    x = L.Conv2D(4, 3, padding="same")(x)
    x = x + second
    x = L.GlobalAveragePooling2D()(x)
    x = L.Dropout(0.3)(x)
    return keras.Model(image, L.Dense(4, activation="softmax")(x), name="toy_resnet")


def inception():
    image = keras.Input((8, 8, 1))
    one = L.Conv2D(2, 1, activation="relu")(image)
    two = L.Conv2D(3, 3, padding="same", activation="relu")(L.Conv2D(2, 1)(image))
    three = L.Conv2D(2, 5, padding="same", activation="relu")(image)
    four = L.Conv2D(1, 1)(L.MaxPooling2D(3, strides=1, padding="same")(image))
    x = L.Concatenate()([one, two, three, four])
    x = L.SpatialDropout2D(0.2)(x)
    x = L.Flatten()(L.AveragePooling2D(2)(x))
    return keras.Model(image, L.Dense(3, activation="softmax")(x), name="inception")


def nested():
    """Models within a model: a Sequential one and a functional one, with layers of the same names in both."""
    inner = keras.Sequential([keras.Input((24,)), L.Dense(6, activation="relu", name="hidden"), L.Dense(5)], name="head")
    before = keras.Input((6, 6, 1))
    features = keras.Model(before, L.Flatten()(L.Conv2D(6, 3, strides=2)(before)), name="features")
    image = keras.Input((6, 6, 1))
    x = L.Dense(5, name="hidden")(inner(features(image)))
    return keras.Model(image, L.Dense(3, activation="softmax")(x), name="outer")


def lstm():
    return stack(
        L.LSTM(5, return_sequences=True),
        L.LSTM(4, unit_forget_bias=False, go_backwards=True),
        L.Dense(3, activation="softmax"),
        shape=(7, 6),
    )


def gru():
    return stack(L.GRU(5, return_sequences=True), L.GRU(4, use_bias=False), L.Dense(3, activation="softmax"), shape=(7, 6))


def bidirectional():
    return stack(
        L.Reshape((7, 6)),
        L.Bidirectional(L.GRU(3, return_sequences=True)),
        L.Bidirectional(L.LSTM(4), merge_mode="sum"),
        L.Dense(3, activation="softmax"),
        shape=(7, 6, 1),
    )


def simple_rnn():
    return stack(
        L.SimpleRNN(5, return_sequences=True),
        L.Dense(4, activation="relu"),
        L.SimpleRNN(4, activation="relu"),
        L.PReLU(),
        L.Dense(3, activation="softmax"),
        shape=(6, 5),
    )


def sequences():
    """The layers over time of tutorials on time series, and changes of size."""
    return stack(
        L.Conv1D(6, 3, padding="causal", activation="relu", dilation_rate=2),
        L.SpatialDropout1D(0.2),
        L.MaxPooling1D(2),
        L.Conv1D(4, 3, padding="same", strides=2, use_bias=False),
        L.BatchNormalization(),
        L.ReLU(),
        L.UpSampling1D(3),
        L.ZeroPadding1D((1, 3)),
        L.Cropping1D((0, 1)),
        L.AveragePooling1D(2, strides=1),
        L.Reshape((11, 2, 2)),
        L.UpSampling2D((1, 2)),
        L.Cropping2D(((1, 0), (1, 1))),
        L.Reshape((10, 4)),
        L.Conv1D(5, 2, groups=1, activation="tanh"),
        L.GlobalAveragePooling1D(),
        L.Dense(3, activation="softmax"),
        shape=(12, 5),
    )


def merged():
    """Separable and transposed convolutions, functions of two layers, numbers that normalize; it takes bytes."""
    image = keras.Input((8, 8, 3))
    x = short = L.Rescaling([1 / 127.5, 1 / 100, 1 / 255], offset=-1)(image)
    x = L.SeparableConv2D(6, 3, strides=2, padding="same", depth_multiplier=2, activation="relu")(x)
    share = L.Dense(6, activation="sigmoid")(L.GlobalAveragePooling2D(keepdims=True)(x))
    x = L.Multiply()([x, share])
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    y = L.Conv2D(4, 1)(short)
    x = L.Average()([L.Maximum()([x, y]), x - y, L.Minimum()([x, y]) * x])
    x = L.Conv2DTranspose(3, (2, 3), strides=(3, 2), use_bias=False)(x)
    x = L.Normalization(mean=[0.1, -0.2, 0.3], variance=[0.5, 2.0, 1.0])(x)
    x = L.Normalization()(x)
    x = L.GlobalAveragePooling2D()(x)
    x = L.RepeatVector(5)(L.Dense(4)(x))
    x = L.Conv1DTranspose(4, 3, strides=2, padding="same", activation="tanh")(x)
    x = L.SeparableConv1D(5, 3, activation="tanh")(L.DepthwiseConv1D(3, padding="same", depth_multiplier=2)(x))
    return keras.Model(image, L.Dense(3, activation="softmax")(L.GlobalMaxPooling1D()(x)))


def normalized():
    """Groups of channels and each channel by itself, root mean squares, lengths; of images and of vectors."""
    return stack(
        L.Conv2D(6, 3),
        L.GroupNormalization(3),
        L.Activation("relu"),
        L.Conv2D(4, 2),
        L.GroupNormalization(-1, scale=False),
        L.RMSNormalization(),
        L.Conv2D(4, 3, strides=2),
        L.UnitNormalization(),
        L.Flatten(),
        L.Dense(8),
        L.GroupNormalization(2, axis=1, epsilon=1e-2, center=False),
        L.RMSNormalization(axis=1, epsilon=0.1),
        L.UnitNormalization(axis=[1]),
        L.Dense(3, activation="softmax"),
    )


def distributed():
    """Layers on each step: of images, with weights of their own in a recurrent layer, of vectors."""
    return stack(
        L.TimeDistributed(L.Conv2D(3, 2, activation="relu")),
        L.TimeDistributed(L.MaxPooling2D(2)),
        L.TimeDistributed(L.Reshape((3, 6))),
        L.TimeDistributed(L.Bidirectional(L.GRU(2))),
        L.TimeDistributed(L.Dense(5)),
        L.TimeDistributed(L.LayerNormalization()),
        L.TimeDistributed(L.LeakyReLU(0.1)),
        L.TimeDistributed(L.Dropout(0.2)),
        L.LSTM(4),
        L.Dense(3, activation="softmax"),
        shape=(4, 7, 5, 2),
    )


def masked():
    """A graph in which a mask is made, passed on, joined and used; Keras writes the operations that make it."""
    steps = keras.Input((6, 4))
    x = L.Masking()(steps)
    x = L.Dense(5, activation="tanh")(x)
    x = L.Bidirectional(L.LSTM(3, return_sequences=True))(x)
    x = L.Dropout(0.2)(x)
    y = L.MultiHeadAttention(2, 3)(x, x)
    x = L.LayerNormalization()(L.Add()([x, y]))
    y = L.TimeDistributed(L.Dense(3))(x)
    y = L.GRU(4, return_sequences=True)(y)
    x = L.Concatenate()([x, y])
    mean = L.GlobalAveragePooling1D()(x)
    last = L.SimpleRNN(3, go_backwards=True)(x)
    return keras.Model(steps, L.Dense(3, activation="softmax")(L.Concatenate()([mean, last])))


def masked_stack():
    return stack(
        L.Masking(mask_value=1.0),
        L.LSTM(4, return_sequences=True, go_backwards=True),
        L.GRU(3, return_sequences=True, zero_output_for_mask=True),
        L.Bidirectional(L.SimpleRNN(3), merge_mode="sum"),
        L.Dense(3, activation="softmax"),
        shape=(5, 3),
    )


def permuted():
    """Axes in another order: of images, of sequences, and with a batch that stays."""
    return stack(
        L.Conv2D(4, 3, activation="relu"),
        L.Permute((3, 1, 2)),
        L.Conv2D(5, 2, activation="tanh"),
        L.Permute((2, 1, 3)),
        L.Reshape((9, -1)),
        L.Permute((2, 1)),
        L.LSTM(4, return_sequences=True),
        L.Permute((1, 2)),
        L.Flatten(),
        L.Dense(3, activation="softmax"),
    )


def noised():
    """Layers that act in training only."""
    return stack(
        L.GaussianNoise(0.2),
        L.Conv2D(4, 3, activation="selu"),
        L.AlphaDropout(0.1),
        L.Flatten(),
        L.GaussianDropout(0.3),
        L.Dense(3, activation="softmax"),
    )


def resized():
    """Images in other sizes, larger and smaller, and their middle."""
    return stack(
        L.Resizing(17, 9),
        L.Conv2D(4, 3, activation="relu"),
        L.Resizing(7, 10, interpolation="nearest"),
        L.CenterCrop(6, 7),
        L.Conv2D(5, 2, activation="tanh"),
        L.UpSampling2D((2, 3), interpolation="bilinear"),
        L.Resizing(4, 3),
        L.Flatten(),
        L.Dense(3, activation="softmax"),
    )


def products():
    """Products by equations, of two layers, and attention without weights of its own."""
    image = keras.Input((6, 8))
    x = L.EinsumDense("abc,cd->abd", (6, 5), bias_axes="d", activation="tanh")(image)
    y = L.EinsumDense("...x,xy->...y", 5)(image)
    x = L.Add()([x, L.Attention()([x, y], use_causal_mask=True)])
    x = L.Add()([x, L.Attention()([x, y, x])])
    heads = L.EinsumDense("abc,cde->abde", (6, 2, 3), bias_axes="de", activation="relu")(x)
    x = L.EinsumDense("abcd,cde->abe", (6, 4), bias_axes="e")(heads)
    first, last = L.Dot(axes=1)([x, y]), L.Dot(axes=(2, 2), normalize=True)([x, L.Dense(4)(y)])
    mean = L.GlobalAveragePooling1D()(x)
    along = L.Dot(axes=(1, 2))([mean, x])
    near = L.Dot(axes=-1, normalize=True)([mean, L.Dense(4)(along)])
    joined = L.Concatenate()([L.Flatten()(first), L.Flatten()(last), along, near])
    return keras.Model(image, L.Dense(3, activation="softmax")(joined))


def rescaled():
    """Takes bytes as input, which wgrad passes as pixel / 255."""
    return stack(
        L.Rescaling(1 / 255),
        L.RandomFlip("horizontal"),
        L.RandomRotation(0.1),
        L.Conv2D(3, 3, activation="relu"),
        L.GlobalAveragePooling2D(),
        L.Dense(3, activation="softmax"),
        shape=(8, 8, 1),
    )


def augmented():
    """Changes bytes at random before it rescales them, as in tutorials; each layer with its own range of values."""
    before = keras.Sequential([L.Resizing(9, 10), L.RandomFlip("horizontal"), L.RandomZoom(0.1, fill_mode="constant", fill_value=51.0)])
    return stack(
        before,
        L.RandomContrast(0.2),
        L.RandomBrightness(0.1),
        L.Rescaling(1 / 127.5, offset=-1),
        L.Conv2D(3, 3, activation="relu"),
        L.RandomTranslation(0.1, (-0.2, 0.1), interpolation="nearest"),
        L.RandomBrightness(0.2, value_range=(0, 4)),
        L.GlobalAveragePooling2D(),
        L.Dense(3, activation="softmax"),
        shape=(8, 8, 1),
    )


def one_number():
    model = stack(L.Flatten(), L.Dense(5, activation="softplus"), L.Dense(1), shape=(6, 5))
    model.compile(loss="mse")
    return model


def randomise(model, rng):
    """Replaces all initial weights by random ones; variances stay positive."""
    for weight in model.weights:
        if weight.path.split("/")[-1] in ("seed_generator_state", "count"):
            continue
        value = rng.normal(0, 0.4, weight.shape)
        if weight.path.endswith(("variance", "gamma", "scale")):
            value = 0.5 + np.abs(value)
        weight.assign(value.astype(np.float32))
    for layer in model.layers:
        if isinstance(layer, L.Normalization):
            layer.finalize_state()


def hostile():
    """Writes malicious weight files: a group that contains itself, and a tensor of 4 GiB without data."""
    with h5py.File(FOLDER / "circle.weights.h5", "w", libver="latest") as file:
        group = file.create_group("layers")
        group["layers"] = group
    with h5py.File(FOLDER / "promise.weights.h5", "w", libver="latest") as file:
        for name in ["lstm", "lstm_1", "dense"]:
            file.create_group(f"layers/{name}/vars").attrs["name"] = name
        for name, shape in [("0", (32768, 32768)), ("1", (5, 20)), ("2", (20,))]:
            file.create_dataset(f"layers/lstm/cell/vars/{name}", shape, "f4", chunks=tuple(min(n, 1024) for n in shape))


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not sys.argv[1:]:
        hostile()
    for make in [mlp, cnn, same, batch_norm, depthwise, residual, inception, nested, lstm, gru, bidirectional, simple_rnn,
                 sequences, merged, rescaled, augmented, one_number, normalized, distributed, masked,
                 masked_stack, permuted, noised, resized, products]:
        name = make.__name__
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        keras.utils.clear_session()
        rng = np.random.default_rng(len(name))
        model = make()
        randomise(model, rng)
        images = rng.integers(0, 256, (IMAGES, *model.input_shape[1:]), dtype=np.uint8)
        if name.startswith("masked"):
            # Steps that do not count: at the end, at the beginning, in between, none.
            nothing = 0 if name == "masked" else 255
            images[0, 3:] = images[1, :2] = images[2, 1] = images[2, 3] = nothing
        scale = 1 if name in ("rescaled", "augmented", "merged") else 255
        outputs = model.predict(images.astype(np.float32) / np.float32(scale), verbose=0)
        # Drop the optimizer, whose state would only make the file larger.
        model.save(FOLDER / f"{name}.keras")
        save_file({"images": images, "outputs": outputs}, FOLDER / f"{name}.safetensors")
        if name in TEXTS:
            (FOLDER / f"{name}.json").write_text(model.to_json() + "\n")
        if name in WEIGHTS:
            model.save_weights(FOLDER / f"{name}.weights.h5")
        print(f"{name}: {outputs.shape}, spread {outputs.std():.3f}")


if __name__ == "__main__":
    main()
