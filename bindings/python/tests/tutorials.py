"""The networks of 28 tutorials of Keras, with data of their kinds that can be learned."""

import numpy as np


class Sizes:
    """Sizes of the tutorials, or small ones on which all of them train within minutes on a processor."""

    def __init__(self, small):
        self.small = small

    def __call__(self, full, small):
        return small if self.small else full


def _block(layers, x, filters):
    x = layers.Activation("relu")(x)
    x = layers.SeparableConv2D(filters, 3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    return layers.MaxPooling2D(3, strides=2, padding="same")(x)


def mlp(keras, n, dropout=False):
    layers = keras.layers
    hidden = [layers.Dense(128, activation="relu"), *([layers.Dropout(0.2)] if dropout else [])]
    return keras.Sequential([keras.Input((28, 28)), layers.Flatten(), *hidden, layers.Dense(10)])


def quickstart(keras, n):
    return mlp(keras, n, dropout=True)


def mnist_convnet(keras, n):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2), layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip


def cifar_cnn(keras, n):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((32, 32, 3)), layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2), layers.Conv2D(64, 3, activation="relu"), layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10),
    ])  # fmt: skip


def flowers(keras, n):
    layers, side = keras.layers, n(180, 32)
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomZoom(0.1)])
    stages = [layer for filters in (16, 32, 64) for layer in (layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.MaxPooling2D())]
    ends = [layers.Dropout(0.2), layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(5, name="outputs")]
    return keras.Sequential([keras.Input((side, side, 3)), augmentation, layers.Rescaling(1 / 255), *stages, *ends])


def cats_and_dogs(keras, n):
    layers, side = keras.layers, n(180, 64)
    x = inputs = keras.Input((side, side, 3))
    x = layers.Rescaling(1 / 255)(x)
    for filters in n((32, 64, 128, 256), (8, 16, 32)):
        x = layers.MaxPooling2D(2)(layers.Conv2D(filters, 3, activation="relu")(x))
    x = layers.Flatten()(layers.Conv2D(n(256, 32), 3, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def xception(keras, n):
    layers, side = keras.layers, n(180, 48)
    x = inputs = keras.Input((side, side, 3))
    x = layers.Conv2D(n(128, 16), 3, strides=2, padding="same")(layers.Rescaling(1 / 255)(x))
    x = before = layers.Activation("relu")(layers.BatchNormalization()(x))
    for filters in n((256, 512, 728), (24, 32)):
        x = _block(layers, x, filters)
        x = before = layers.add([x, layers.Conv2D(filters, 1, strides=2, padding="same")(before)])
    x = layers.SeparableConv2D(n(1024, 48), 3, padding="same")(x)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.Dropout(0.25)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def transfer(keras, n):
    layers, side = keras.layers, n(160, 64)
    base = keras.applications.MobileNetV2(input_shape=(side, side, 3), include_top=False, weights=None, alpha=n(1.0, 0.35))
    base.trainable = False
    x = inputs = keras.Input((side, side, 3))
    x = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.2)])(x)
    x = base(layers.Rescaling(1 / 127.5, offset=-1)(x), training=False)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def fuel(keras, n):
    layers = keras.layers
    mean, variance = [0.5 * i for i in range(9)], [1.0 + i for i in range(9)]
    return keras.Sequential([
        keras.Input((9,)), layers.Normalization(mean=mean, variance=variance), layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"), layers.Dense(1),
    ])  # fmt: skip


def housing(keras, n):
    layers = keras.layers
    return keras.Sequential([keras.Input((8,)), layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(1)])


def overfit(keras, n):
    layers = keras.layers
    hidden = layers.Dense(512, kernel_regularizer=keras.regularizers.L2(0.0001), activation="elu")
    return keras.Sequential([keras.Input((28,)), hidden, layers.Dropout(0.5), layers.Dense(1)])


def structured(keras, n):
    layers = keras.layers
    inputs, parts = {}, []
    for name in ("age", "pressure", "cholesterol"):
        inputs[name] = keras.Input((1,), name=name)
        parts.append(layers.Normalization(mean=[1.0], variance=[4.0])(inputs[name]))
    for name, words in (("sex", 2), ("pain", 5)):
        inputs[name] = keras.Input((1,), dtype="int32", name=name)
        parts.append(layers.Flatten()(layers.Embedding(words, 3)(inputs[name])))
    x = layers.Dropout(0.5)(layers.Dense(32, activation="relu")(layers.concatenate(parts)))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def mean_of_words(keras, n):
    layers, words = keras.layers, n(10000, 200)
    return keras.Sequential([
        keras.Input((n(250, 20),), dtype="int32"), layers.Embedding(words, 16), layers.Dropout(0.2), layers.GlobalAveragePooling1D(),
        layers.Dropout(0.2), layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip


def words_by_convolutions(keras, n):
    layers = keras.layers
    x = inputs = keras.Input((n(500, 60),), dtype="int32")
    x = layers.Dropout(0.5)(layers.Embedding(n(20000, 200), n(128, 16))(x))
    for _ in range(2):
        x = layers.Conv1D(n(128, 16), 7, padding="valid", activation="relu", strides=n(3, 2))(x)
    x = layers.Dropout(0.5)(layers.Dense(n(128, 16), activation="relu")(layers.GlobalMaxPooling1D()(x)))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid", name="predictions")(x))


def words_both_ways(keras, n):
    layers = keras.layers
    x = inputs = keras.Input((n(200, 20),), dtype="int32")
    x = layers.Embedding(n(20000, 200), n(128, 16))(x)
    x = layers.Bidirectional(layers.LSTM(n(64, 8), return_sequences=True))(x)
    x = layers.Bidirectional(layers.LSTM(n(64, 8)))(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def text_transformer(keras, n):
    layers, length, width = keras.layers, n(200, 20), n(32, 16)
    inputs = keras.Input((length,), dtype="int32")
    x = layers.Embedding(n(20000, 200), width)(inputs)
    x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.1)(layers.MultiHeadAttention(2, width)(x, x)))
    hidden = layers.Dense(width)(layers.Dense(32, activation="relu")(x))
    x = layers.LayerNormalization(epsilon=1e-6)(x + layers.Dropout(0.1)(hidden))
    x = layers.Dropout(0.1)(layers.GlobalAveragePooling1D()(x))
    x = layers.Dropout(0.1)(layers.Dense(20, activation="relu")(x))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


def series_convolutions(keras, n):
    layers = keras.layers
    x = inputs = keras.Input((n(500, 60), 1))
    for _ in range(3):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Conv1D(n(64, 16), 3, padding="same")(x)))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


def weather(keras, n):
    layers = keras.layers
    return keras.Sequential([keras.Input((n(120, 24), 7)), layers.LSTM(n(32, 16)), layers.Dense(1)])


def anomalies(keras, n):
    layers, filters = keras.layers, n((32, 16), (16, 8))
    return keras.Sequential([
        keras.Input((n(288, 48), 1)),
        layers.Conv1D(filters[0], 7, padding="same", strides=2, activation="relu"), layers.Dropout(0.2),
        layers.Conv1D(filters[1], 7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(filters[1], 7, padding="same", strides=2, activation="relu"), layers.Dropout(0.2),
        layers.Conv1DTranspose(filters[0], 7, padding="same", strides=2, activation="relu"),
        layers.Conv1DTranspose(1, 7, padding="same"),
    ])  # fmt: skip


def denoising(keras, n):
    layers = keras.layers
    down = [layers.Conv2D(filters, 3, activation="relu", padding="same", strides=2) for filters in (16, 8)]
    up = [layers.Conv2DTranspose(filters, 3, strides=2, activation="relu", padding="same") for filters in (8, 16)]
    return keras.Sequential([keras.Input((28, 28, 1)), *down, *up, layers.Conv2D(1, 3, activation="sigmoid", padding="same")])


def segmentation(keras, n):
    layers, side = keras.layers, n(160, 32)
    x = inputs = keras.Input((side, side, 3))
    x = before = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(n(32, 8), 3, strides=2, padding="same")(x)))
    for filters in n((64, 128, 256), (12, 16)):
        x = layers.BatchNormalization()(layers.SeparableConv2D(filters, 3, padding="same")(layers.Activation("relu")(x)))
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = before = layers.add([x, layers.Conv2D(filters, 1, strides=2, padding="same")(before)])
    for filters in n((256, 128, 64, 32), (16, 12, 8)):
        x = layers.BatchNormalization()(layers.Conv2DTranspose(filters, 3, padding="same")(layers.Activation("relu")(x)))
        x = layers.UpSampling2D(2)(x)
        residual = layers.Conv2D(filters, 1, padding="same")(layers.UpSampling2D(2)(before))
        x = before = layers.add([x, residual])
    return keras.Model(inputs, layers.Conv2D(3, 3, activation="softmax", padding="same")(x))


def vision_transformer(keras, n):
    layers, side, patch, width = keras.layers, n(72, 32), n(6, 8), n(64, 16)
    inputs = keras.Input((side, side, 3))
    x = layers.Reshape(((side // patch) ** 2, width))(layers.Conv2D(width, patch, strides=patch)(inputs))
    for _ in range(n(8, 2)):
        at = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.Add()([layers.MultiHeadAttention(n(4, 2), width)(at, at), x])
        at = layers.LayerNormalization(epsilon=1e-6)(x)
        for units in (2 * width, width):
            at = layers.Dropout(0.1)(layers.Dense(units, activation="gelu")(at))
        x = layers.Add()([at, x])
    x = layers.Dropout(0.5)(layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(x)))
    for units in n((2048, 1024), (32,)):
        x = layers.Dropout(0.5)(layers.Dense(units, activation="gelu")(x))
    return keras.Model(inputs, layers.Dense(n(100, 5))(x))


def convmixer(keras, n):
    layers, filters = keras.layers, n(256, 24)
    inputs = keras.Input((32, 32, 3))
    x = layers.Conv2D(filters, 2, strides=2)(layers.Rescaling(1 / 255)(inputs))
    x = layers.BatchNormalization()(layers.Activation("gelu")(x))
    for _ in range(n(8, 2)):
        before = x
        x = layers.BatchNormalization()(layers.Activation("gelu")(layers.DepthwiseConv2D(5, padding="same")(x)))
        x = layers.Conv2D(filters, 1)(layers.Add()([x, before]))
        x = layers.BatchNormalization()(layers.Activation("gelu")(x))
    return keras.Model(inputs, layers.Dense(n(10, 5), activation="softmax")(layers.GlobalAveragePooling2D()(x)))


def mlp_mixer(keras, n):
    layers, side, patch, width = keras.layers, n(64, 32), 8, n(256, 16)
    patches = (side // patch) ** 2
    inputs = keras.Input((side, side, 3))
    x = layers.Dense(width)(layers.Reshape((patches, width))(layers.Conv2D(width, patch, strides=patch)(inputs)))
    for _ in range(n(4, 2)):
        at = layers.Permute((2, 1))(layers.LayerNormalization(epsilon=1e-6)(x))
        at = layers.Dense(patches)(layers.Dense(patches, activation="gelu")(at))
        x = layers.add([layers.Permute((2, 1))(layers.Dropout(0.2)(at)), x])
        at = layers.Dense(width)(layers.Dense(width, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x)))
        x = layers.add([x, layers.Dropout(0.2)(at)])
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, layers.Dense(n(100, 5))(x))


def characters(keras, n):
    layers = keras.layers
    return keras.Sequential([keras.Input((n(40, 12), n(56, 20))), layers.LSTM(n(128, 32)), layers.Dense(n(56, 20), activation="softmax")])


def resnet50(keras, n):
    return keras.applications.ResNet50(weights=None, input_shape=(n(224, 64), n(224, 64), 3), classes=n(1000, 5))


def several_steps(keras, n):
    layers, steps = keras.layers, n(24, 8)
    return keras.Sequential([keras.Input((steps, 19)), layers.LSTM(n(32, 16)), layers.Dense(steps * 19), layers.Reshape((steps, 19))])


def imbalanced(keras, n):
    layers = keras.layers
    hidden = [layers.Dense(256, activation="relu"), layers.Dropout(0.3), layers.Dense(256, activation="relu"), layers.Dropout(0.3)]
    return keras.Sequential([keras.Input((29,)), layers.Dense(256, activation="relu"), *hidden, layers.Dense(1, activation="sigmoid")])


def data(name, model, rows, seed=3):
    """Rows and labels for a network of `small` sizes: what it predicts follows from what it takes."""
    random = np.random.RandomState(seed)
    _, _, kind, _ = NETWORKS[name]
    if kind == "columns":
        x = {key: random.normal(1, 2, (rows, 1)).astype(np.float32) for key in ("age", "pressure", "cholesterol")}
        x["sex"], x["pain"] = random.randint(0, 2, (rows, 1)), random.randint(0, 5, (rows, 1))
        return x, ((x["age"] + 2 * (x["pain"] > 2) - x["sex"])[:, 0] > 1.5).astype(np.int64)
    shape, outputs = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    classes = outputs[-1] if outputs[-1] > 1 else 2
    y = random.randint(0, classes, rows)
    if kind in ("images", "bytes"):  # a bright stripe at a place, of a tint, that depends on the class
        x = random.uniform(0, 0.4, (rows, *shape))
        side = shape[0] // classes or 1
        for n, label in enumerate(y):
            x[n, label * side : (label + 1) * side] += 0.5
        x = x * 255 if kind == "bytes" else x
    elif kind == "words":
        words = next(layer.input_dim for layer in model.layers if type(layer).__name__ == "Embedding")
        x = np.where(random.uniform(size=(rows, *shape)) < 0.4, 5 + 10 * y[:, None] + random.randint(0, 5, (rows, *shape)), random.randint(30, words, (rows, *shape)))
    elif kind == "series":
        time = np.arange(shape[0])[None, :, None]
        x = np.sin(time * (0.3 + 0.5 * y[:, None, None])) + random.normal(0, 0.2, (rows, *shape))
    elif kind == "rows":
        x = random.normal(0, 1, (rows, *shape))
        y = (x[:, 0] + 0.5 * x[:, 1] * x[:, 2] > 0).astype(np.int64)
    elif kind == "numbers":
        x = random.normal(0, 1, (rows, *shape))
        flat = x.reshape(rows, -1)
        y = (flat[:, -1] - 0.5 * flat[:, -2] + 0.3 * flat[:, -3]).astype(np.float32)
    elif kind == "themselves":
        time = np.arange(shape[0])
        x = 0.5 + 0.4 * np.sin(time[None, :, None] * random.uniform(0.2, 0.6, (rows, 1, 1)) + random.uniform(0, 6, (rows, 1, 1)))
        x = np.broadcast_to(x.reshape(rows, shape[0], *[1] * (len(shape) - 1)), (rows, *shape))
        return (x + random.normal(0, 0.05, x.shape)).astype(np.float32), x.astype(np.float32)
    elif kind == "pixels":
        x = random.uniform(0, 0.3, (rows, *shape))
        y = np.zeros((rows, *shape[:2]), np.int64)
        for n in range(rows):
            top, left = random.randint(0, shape[0] // 2, 2)
            half = shape[0] // 2
            y[n, top : top + half, left : left + half] = 1
            y[n, top : top + half // 2, left : left + half // 2] = 2
        x += 0.3 * y[..., None]
    elif kind == "next":  # the values that follow
        time = np.arange(2 * shape[0])[None, :, None]
        whole = np.sin(time * random.uniform(0.2, 0.4, (rows, 1, 1)) + np.arange(shape[1])[None, None, :])
        return whole[:, : shape[0]].astype(np.float32), whole[:, shape[0] :].astype(np.float32)
    elif kind == "characters":  # each character is the one before and one more
        first = random.randint(0, shape[1], rows)
        x = np.eye(shape[1])[(first[:, None] + np.arange(shape[0])) % shape[1]]
        return x.astype(np.float32), np.eye(shape[1], dtype=np.float32)[(first + shape[0]) % shape[1]]
    else:
        raise ValueError(kind)
    return x.astype(np.float32), y


SPARSE, LOGITS = "sparse_categorical_crossentropy", "logits"
#: By the number of the table: the network, its source, the kind of its data, its loss.
NETWORKS = {
    "1 Fashion-MNIST MLP": (mlp, "TensorFlow keras/classification", "images", LOGITS),
    "2 quickstart": (quickstart, "TensorFlow quickstart/beginner", "images", LOGITS),
    "3 MNIST convnet": (mnist_convnet, "keras.io mnist_convnet", "images", SPARSE),
    "4 CIFAR-10 CNN": (cifar_cnn, "TensorFlow images/cnn", "images", LOGITS),
    "5 flowers, augmentation": (flowers, "TensorFlow images/classification", "bytes", LOGITS),
    "6 cats and dogs": (cats_and_dogs, "Deep Learning with Python, chapter 8", "bytes", "binary_crossentropy"),
    "7 small Xception": (xception, "keras.io image_classification_from_scratch", "bytes", "binary_crossentropy"),
    "8 MobileNetV2, frozen": (transfer, "TensorFlow images/transfer_learning", "bytes", "binary_crossentropy"),
    "9 fuel": (fuel, "TensorFlow keras/regression", "numbers", "mean_absolute_error"),
    "10 housing": (housing, "Deep Learning with Python, chapter 4", "numbers", "mse"),
    "11 overfit and underfit, L2": (overfit, "TensorFlow keras/overfit_and_underfit", "rows", "binary logits"),
    "12 structured data": (structured, "keras.io structured_data_classification", "columns", "binary_crossentropy"),
    "13 mean of words": (mean_of_words, "TensorFlow keras/text_classification", "words", "binary_crossentropy"),
    "14 words, convolutions": (words_by_convolutions, "keras.io text_classification_from_scratch", "words", "binary_crossentropy"),
    "15 words, bidirectional LSTM": (words_both_ways, "keras.io bidirectional_lstm_imdb", "words", "binary_crossentropy"),
    "16 text transformer": (text_transformer, "keras.io text_classification_with_transformer", "words", SPARSE),
    "17 series, convolutions": (series_convolutions, "keras.io timeseries_classification_from_scratch", "series", SPARSE),
    "18 weather LSTM": (weather, "keras.io timeseries_weather_forecasting", "numbers", "mse"),
    "19 anomalies": (anomalies, "keras.io timeseries_anomaly_detection", "themselves", "mse"),
    "20 denoising autoencoder": (denoising, "keras.io autoencoder", "themselves", "binary_crossentropy"),
    "21 segmentation": (segmentation, "keras.io oxford_pets_image_segmentation", "pixels", SPARSE),
    "22 vision transformer": (vision_transformer, "keras.io image_classification_with_vision_transformer", "images", LOGITS),
    "23 ConvMixer": (convmixer, "keras.io convmixer", "bytes", SPARSE),
    "24 MLP-Mixer": (mlp_mixer, "keras.io mlp_image_classification", "images", LOGITS),
    "25 characters, LSTM": (characters, "keras.io lstm_character_level_text_generation", "characters", "categorical_crossentropy"),
    "26 ResNet50": (resnet50, "keras.applications", "images", SPARSE),
    "27 several steps": (several_steps, "TensorFlow structured_data/time_series", "next", "mse"),
    "28 imbalanced classes": (imbalanced, "TensorFlow structured_data/imbalanced_data", "rows", "binary_crossentropy"),
}  # fmt: skip


def loss(keras, name):
    """The loss of a network."""
    said = NETWORKS[name][3]
    if said == LOGITS:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return keras.losses.BinaryCrossentropy(from_logits=True) if said == "binary logits" else said


def build(keras, name, small):
    """The network of a tutorial, of its sizes or of small ones."""
    keras.utils.clear_session()
    return NETWORKS[name][0](keras, Sizes(small))
