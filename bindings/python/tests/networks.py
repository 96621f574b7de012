"""Networks, data and initial weights of the comparisons with Keras: the same on every machine."""

import numpy as np


def data(kind, rows=240, seed=3):
    """Rows and labels that can be learned: x of float32, y of int64 or float32."""
    random = np.random.RandomState(seed)
    if kind == "images":
        y = random.randint(0, 3, rows)
        x = random.uniform(0, 0.4, (rows, 8, 8, 1))
        for n, label in enumerate(y):
            x[n, 2 * label : 2 * label + 3, 1:7, 0] += 0.5
    elif kind == "bytes":
        x, y = data("images", rows, seed)
        return np.round(x * 255).astype(np.uint8), y
    elif kind == "series":
        y = random.randint(0, 3, rows)
        time = np.arange(10)[None, :, None]
        x = np.sin(time * (0.4 + 0.5 * y[:, None, None])) + random.normal(0, 0.2, (rows, 10, 4))
    elif kind == "films":
        x, y = data("images", rows, seed)
        x = np.stack([np.roll(x, n, axis=2) for n in range(4)], axis=1)
    elif kind == "gaps":  # steps of zeros
        x, y = data("series", rows, seed)
        x[random.uniform(size=(rows, 10)) < 0.3] = 0
    elif kind == "rows":
        x = random.normal(0, 1, (rows, 6))
        y = (x[:, 0] * 2 - x[:, 1] + 0.5 * x[:, 2] ** 2 + random.normal(0, 0.1, rows)).astype(np.float32)
    elif kind == "two":
        x = random.normal(0, 1, (rows, 6))
        y = (x[:, 0] + x[:, 1] > 0).astype(np.int64)
    elif kind == "pixels":  # a class for each pixel
        x, _ = data("images", rows, seed)
        y = (x[..., 0] > 0.5).astype(np.int64) + (x[..., 0] > 0.8)
    elif kind == "themselves":
        x, _ = data("images", rows, seed)
        y = x
    elif kind == "vectors":
        x, _ = data("rows", rows, seed)
        y = np.stack([x[:, 0] + x[:, 1], x[:, 2] * x[:, 3], np.abs(x[:, 4])], axis=1).astype(np.float32)
    elif kind == "labels":  # several at once
        x, _ = data("rows", rows, seed)
        y = (x[:, :4] + 0.5 * x[:, 2:] > 0).astype(np.float32)
    elif kind == "shares":
        x, _ = data("rows", rows, seed)
        y = np.exp(x[:, :4]) / np.exp(x[:, :4]).sum(axis=1, keepdims=True)
        y = y.astype(np.float32)
    elif kind == "padded":  # words, zeros before or behind them, and a class for each step
        x, y = data("words", rows, seed)
        x = np.maximum(x, 1)
        for n, length in enumerate(random.randint(2, 13, rows)):
            x[n, length:] = 0
            if n % 3 == 0:
                x[n] = x[n, ::-1]
    elif kind == "tagged":
        x, _ = data("padded", rows, seed)
        y = (x % 3).astype(np.int64)
    elif kind == "words":
        y = random.randint(0, 2, rows)
        x = np.where(random.uniform(size=(rows, 12)) < 0.3, 20 + 3 * y[:, None] + random.randint(0, 3, (rows, 12)), random.randint(0, 20, (rows, 12)))
    elif kind == "columns":  # numbers, words and a series, by the names of the inputs
        numbers, y = data("two", rows, seed)
        words, series = random.randint(0, 8, (rows, 3)), random.normal(0, 1, (rows, 5, 2))
        y = (numbers[:, 0] + 0.5 * (words == 2).sum(axis=1) + series[:, :, 0].mean(axis=1) > 0.3).astype(np.int64)
        return {"words": words, "numbers": numbers, "series": series.astype(np.float32)}, y
    elif kind == "tickets":  # two texts and tags; how urgent a ticket is, and whose
        title, body, tags = random.randint(0, 20, (rows, 6)), random.randint(0, 20, (rows, 10)), random.randint(0, 2, (rows, 5))
        x = {"title": title.astype(np.float32), "body": body.astype(np.float32), "tags": tags.astype(np.float32)}
        priority = ((body == 3).sum(axis=1) + tags[:, 0] > 0).astype(np.float32)
        return x, {"priority": priority[:, None], "department": (title[:, 0] % 4).astype(np.int64)}
    elif kind == "number and class":  # in a list
        x, kinds = data("series", rows, seed)
        return x, [x.mean(axis=(1, 2), keepdims=True)[:, 0].astype(np.float32), np.eye(3, dtype=np.float32)[kinds]]
    elif kind == "pairs":  # whether two images are alike
        first, kinds = data("images", rows, seed)
        second, others = data("images", rows, seed + 1)
        return [first, second], (kinds == others).astype(np.int64)
    else:
        raise ValueError(kind)
    return x.astype(np.float32), y if y.dtype == np.float32 else y.astype(np.int64)


def some(x, which):
    """Rows of an array, or of the arrays of several inputs."""
    if isinstance(x, dict):
        return {name: part[which] for name, part in x.items()}
    return [part[which] for part in x] if isinstance(x, list) else x[which]


def joined(outputs):
    """The outputs of a network, those of several side by side."""
    parts = [outputs[key] for key in sorted(outputs)] if isinstance(outputs, dict) else outputs
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1) if isinstance(parts, list) else np.asarray(outputs)


def initial(model, seed=5):
    """Sets all weights of a model to numbers that do not depend on Keras's version."""
    random = np.random.RandomState(seed)
    values = []
    for variable in model.weights:
        name, shape = variable.path.rsplit("/", 1)[-1], tuple(variable.shape)
        if name in ("gamma", "moving_variance", "scale"):
            values.append(random.uniform(0.8, 1.2, shape))
        else:
            fan = int(np.prod(shape[:-1])) if len(shape) > 1 else 20
            values.append(random.normal(0, 1 / np.sqrt(fan), shape))
    model.set_weights([value.astype(np.float32) for value in values])
    return model


def dense(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(16, activation="relu"), layers.Dense(3)])


def convolutional(keras):
    layers = keras.layers
    x = at = keras.Input((8, 8, 1))
    at = layers.Conv2D(6, 3, padding="same", use_bias=False)(at)
    at = layers.BatchNormalization()(at)
    at = short = layers.Activation("relu")(at)
    at = layers.Conv2D(6, 3, padding="same", activation="relu")(at)
    at = layers.Add()([at, short])
    at = layers.MaxPooling2D(2)(at)
    at = layers.Flatten()(at)
    return keras.Model(x, layers.Dense(3, activation="softmax")(at))


def recurrent(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((10, 4)), layers.LSTM(8), layers.Dense(3, activation="softmax")])


def regression(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((6,)), layers.Dense(12, activation="tanh"), layers.Dense(1)])


def binary(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1, activation="sigmoid")])


def bytes_network(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3, activation="softmax")])


def held(keras):
    layers, regularizers, constraints = keras.layers, keras.regularizers, keras.constraints
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(4, 3, activation="relu", kernel_regularizer=regularizers.L2(0.01),
                      kernel_constraint=constraints.MaxNorm(0.9, axis=[0, 1, 2])),
        layers.Flatten(),
        layers.Dense(8, activation="relu", kernel_regularizer=regularizers.L1L2(0.001, 0.01), bias_regularizer="l2",
                     kernel_constraint=constraints.MinMaxNorm(0.5, 0.8, rate=0.5)),
        layers.Dense(6, activation="tanh", kernel_constraint="non_neg"),
        layers.Dense(3, activation="softmax", kernel_regularizer="l1", kernel_constraint=constraints.UnitNorm()),
    ])  # fmt: skip


def held_recurrent(keras):
    layers = keras.layers
    lstm = layers.LSTM(4, kernel_regularizer="l2", recurrent_regularizer=keras.regularizers.L1(0.002), recurrent_constraint=keras.constraints.MaxNorm(0.7))
    return keras.Sequential([keras.Input((10, 4)), layers.Bidirectional(lstm), layers.Dense(3, activation="softmax")])


def segments(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(6, 3, padding="same", activation="relu"), layers.Conv2D(3, 1, activation="softmax")])


def autoencoder(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu"),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid"),
    ])  # fmt: skip


def ends_in(count, activation=None):
    def network(keras):
        layers = keras.layers
        return keras.Sequential([keras.Input((6,)), layers.Dense(10, activation="tanh"), layers.Dense(count, activation=activation)])

    return network


def sentiment(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((12,), dtype="int32"), layers.Embedding(30, 5), layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip


def transformer(keras):
    layers = keras.layers
    words = keras.Input((12,), dtype="int32")
    x = layers.Embedding(30, 8)(words)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True))
    return keras.Model(words, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(x)))


def normalized(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(6, 3, activation="tanh"),
        layers.GroupNormalization(3),
        layers.Conv2D(4, 3, strides=2, activation="tanh"),
        layers.GroupNormalization(-1, epsilon=0.01, center=False),
        layers.RMSNormalization(),
        layers.Flatten(),
        layers.Dense(8, activation="tanh"),
        layers.UnitNormalization(),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def columns(keras):
    layers = keras.layers
    words = keras.Input((3,), dtype="int32", name="words")
    numbers, series = keras.Input((6,), name="numbers"), keras.Input((5, 2), name="series")
    parts = [layers.Flatten()(layers.Embedding(8, 3)(words)), layers.Dense(6, activation="relu")(numbers), layers.LSTM(4)(series)]
    at = layers.Dense(8, activation="tanh")(layers.Concatenate()(parts))
    return keras.Model({"words": words, "numbers": numbers, "series": series}, layers.Dense(1, activation="sigmoid")(at))


def twins(keras):
    """Two images, one encoder of both, and a layer that is called on each of its outputs."""
    layers = keras.layers
    encoder = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization(), layers.Flatten(), layers.Dense(6),
    ], name="encoder")  # fmt: skip
    first, second, bend = keras.Input((8, 8, 1)), keras.Input((8, 8, 1)), layers.Dense(4, activation="tanh", name="bend")
    apart = layers.Subtract()([bend(encoder(first)), bend(encoder(second))])
    return keras.Model([first, second], layers.Dense(1, activation="sigmoid")(layers.Multiply()([apart, apart])))


def tickets(keras, keyed=True):
    """Three inputs and two outputs, as in the guide to Keras's functional models."""
    layers = keras.layers
    title, body, tags = keras.Input((6,), name="title"), keras.Input((10,), name="body"), keras.Input((5,), name="tags")
    texts = [layers.LSTM(6)(layers.Embedding(20, 8)(title)), layers.LSTM(4)(layers.Embedding(20, 8)(body))]
    at = layers.Concatenate()([*texts, tags])
    outputs = {
        "priority": layers.Dense(1, activation="sigmoid", name="priority")(at),
        "department": layers.Dense(4, activation="softmax", name="department")(at),
    }
    return keras.Model({"title": title, "body": body, "tags": tags}, outputs if keyed else list(outputs.values()))


def number_and_class(keras):
    """A number of the sequence, and a class that follows from it and from the sequence."""
    layers = keras.layers
    steps = keras.Input((10, 4))
    at = layers.GRU(6)(steps)
    number = layers.Dense(1, name="number")(at)
    kind = layers.Dense(3, activation="softmax", name="kind")(layers.Concatenate()([at, number]))
    return keras.Model(steps, [number, kind])


def distributed(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((4, 8, 8, 1)),
        layers.TimeDistributed(layers.Conv2D(4, 3, strides=2, activation="tanh")),
        layers.TimeDistributed(layers.Flatten()),
        layers.TimeDistributed(layers.Dense(6, activation="tanh", kernel_regularizer="l2")),
        layers.LSTM(5),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def permuted(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Conv2D(4, 3, activation="tanh"),
        layers.Permute((3, 1, 2)),
        layers.Conv2D(5, (2, 3), activation="relu"),
        layers.Permute((1, 3, 2)),
        layers.Dense(3, activation="tanh"),
        layers.Permute((3, 2, 1)),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def masked(make):
    def network(keras):
        layers = keras.layers
        words = keras.Input((12,), dtype="int32")
        x = layers.Embedding(30, 5, mask_zero=True)(words)
        return keras.Model(words, make(layers, x))

    return network


def masked_lstm(layers, x):
    return layers.Dense(1, activation="sigmoid")(layers.LSTM(6)(layers.LSTM(5, return_sequences=True)(x)))


def masked_gru(layers, x):
    x = layers.Bidirectional(layers.GRU(4, return_sequences=True))(x)
    x = layers.Bidirectional(layers.GRU(3), merge_mode="sum")(layers.Dropout(0.0)(x))
    return layers.Dense(1, activation="sigmoid")(x)


def masked_mean(layers, x):
    x = layers.LayerNormalization()(layers.Dense(6, activation="tanh")(x))
    return layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling1D()(x))


def masked_attention(layers, x):
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
    return layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling1D()(x))


def masked_tags(layers, x):
    return layers.TimeDistributed(layers.Dense(3, activation="softmax"))(layers.SimpleRNN(8, return_sequences=True)(x))


def masked_series(keras):
    layers = keras.layers
    return keras.Sequential([keras.Input((10, 4)), layers.Masking(), layers.LSTM(6), layers.Dense(3, activation="softmax")])


def resized(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((8, 8, 1)),
        layers.Resizing(11, 9),
        layers.Conv2D(4, 3, activation="tanh"),
        layers.Resizing(5, 6),
        layers.Conv2D(4, 2, activation="tanh"),
        layers.UpSampling2D((2, 1), interpolation="bilinear"),
        layers.CenterCrop(5, 4),
        layers.Conv2D(4, 2, activation="relu"),
        layers.Resizing(3, 5, interpolation="nearest"),
        layers.Flatten(),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def products(keras):
    layers = keras.layers
    steps = keras.Input((10, 4))
    query = layers.EinsumDense("abc,cd->abd", (10, 6), bias_axes="d", activation="tanh")(steps)
    value = layers.EinsumDense("...x,xy->...y", 6)(steps)
    x = layers.Add()([query, layers.Attention()([query, value], use_causal_mask=True)])
    x = layers.Add()([x, layers.Attention()([x, value, query])])
    heads = layers.EinsumDense("abc,cde->abde", (10, 2, 3), bias_axes="de")(x)
    x = layers.EinsumDense("abcd,cde->abe", (10, 5), bias_axes="e", activation="relu")(heads)
    pairs = layers.Dot(axes=1)([x, steps])
    cosines = layers.Dot(axes=2, normalize=True)([x, layers.Dense(5)(query)])
    joined = layers.Concatenate()([layers.Flatten()(pairs), layers.Flatten()(cosines)])
    return keras.Model(steps, layers.Dense(3, activation="softmax")(joined))


def cases(keras):
    """Name: network, kind of data, compile arguments, arguments of fit. Each is trained twice, the second time as a go-on."""
    o, loss = keras.optimizers, keras.losses
    weights = np.random.RandomState(9).uniform(0, 2, 240).astype(np.float32)
    return {
        "dense": (dense, "images", dict(optimizer=o.Adam(0.01), loss=loss.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]),
                  dict(validation_split=0.25)),
        "convolutional": (convolutional, "images", dict(optimizer=o.SGD(0.05, momentum=0.9, nesterov=True), loss="sparse_categorical_crossentropy", metrics=["acc"]), {}),
        "recurrent": (recurrent, "series", dict(optimizer=o.RMSprop(0.01), loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"]), {}),
        "regression": (regression, "rows", dict(optimizer=o.Adam(o.schedules.ExponentialDecay(0.02, 10, 0.8)), loss="mse", metrics=["mae", keras.metrics.RootMeanSquaredError(name="root_mean_squared_error")]),
                       dict(validation_split=0.25)),
        "binary": (binary, "two", dict(optimizer=o.SGD(0.1), loss="binary_crossentropy", metrics=["accuracy", keras.metrics.AUC(num_thresholds=50, name="auc")]),
                   dict(class_weight={0: 1.0, 1: 3.0})),
        "weighted": (dense, "images", dict(optimizer=o.Adagrad(0.05), loss=loss.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]),
                     dict(sample_weight=weights)),
        "held": (held, "images", dict(optimizer=o.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "held recurrent": (held_recurrent, "series", dict(optimizer=o.SGD(0.05, global_clipnorm=0.3), loss="sparse_categorical_crossentropy"), {}),
        "segments": (segments, "pixels", dict(optimizer=o.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "autoencoder": (autoencoder, "themselves", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["mae"]), {}),
        "vectors": (ends_in(3), "vectors", dict(optimizer=o.SGD(0.05, momentum=0.9), loss="mse", metrics=["mae"]), dict(validation_split=0.25)),
        "labels": (ends_in(4, "sigmoid"), "labels", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["binary_accuracy"]), {}),
        "labels, any": (ends_in(4, "sigmoid"), "labels", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]), {}),
        "divergence": (ends_in(4, "softmax"), "shares", dict(optimizer=o.Adam(0.01), loss="kl_divergence"), {}),
        "angles": (ends_in(4), "shares", dict(optimizer=o.Adam(0.01), loss=loss.CosineSimilarity()), {}),
        "sentiment": (sentiment, "words", dict(optimizer=o.Adam(0.02), loss="binary_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "transformer": (transformer, "words", dict(optimizer=o.Adam(0.005), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), {}),
        "normalized": (normalized, "images", dict(optimizer=o.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "columns": (columns, "columns", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "twins": (twins, "pairs", dict(optimizer=o.SGD(0.05, momentum=0.9), loss="binary_crossentropy", metrics=["accuracy"]), {}),
        "tickets": (tickets, "tickets", dict(optimizer=o.Adam(0.01), loss={"priority": loss.BinaryCrossentropy(), "department": "sparse_categorical_crossentropy"},
                    loss_weights={"priority": 1.0, "department": 0.2}, metrics={"priority": ["accuracy"], "department": ["accuracy"]}), dict(validation_split=0.25)),
        "number and class": (number_and_class, "number and class", dict(optimizer=o.SGD(0.05, momentum=0.9), loss=["mse", "categorical_crossentropy"],
                             loss_weights=[2.0, 1.0], metrics=[["mae"], ["accuracy"]]), dict(sample_weight=weights)),
        "distributed": (distributed, "films", dict(optimizer=o.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "masked lstm": (masked(masked_lstm), "padded", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "masked gru": (masked(masked_gru), "padded", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]), {}),
        "masked mean": (masked(masked_mean), "padded", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]), dict(validation_split=0.25)),
        "masked attention": (masked(masked_attention), "padded", dict(optimizer=o.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"]), {}),
        "masked tags": (masked(masked_tags), "tagged", dict(optimizer=o.Adam(0.01), loss="sparse_categorical_crossentropy"), dict(validation_split=0.25)),
        "masked series": (masked_series, "gaps", dict(optimizer=o.RMSprop(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), {}),
        "permuted": (permuted, "images", dict(optimizer=o.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), {}),
        "resized": (resized, "images", dict(optimizer=o.Adam(0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), {}),
        "products": (products, "series", dict(optimizer=o.Adam(0.005), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), {}),
        "bytes": (bytes_network, "bytes", dict(optimizer=o.AdamW(0.01, weight_decay=0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"]), {}),
    }  # fmt: skip


#: Steps of the comparison step by step: ten in an epoch of 240 rows.
STEPS, ROWS = 100, 24


def stepped(keras):
    """Name: network, kind of data, optimizer and loss of the comparisons step by step."""
    o, logits = keras.optimizers, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classes = "sparse_categorical_crossentropy"
    return {
        "dense": (dense, "images", o.Adam(0.003), logits),
        "convolutional": (convolutional, "images", o.SGD(0.02, momentum=0.9), classes),
        "recurrent": (recurrent, "series", o.Adam(0.003), classes),
        "regression": (regression, "rows", o.Adam(0.003), "mse"),
    }


def several(keras):
    """Name: network with several outputs, kind of data, and compile arguments of the comparisons of five single steps."""
    o = keras.optimizers
    tickets_losses = {"priority": "binary_crossentropy", "department": "sparse_categorical_crossentropy"}
    return {
        "sum": (tickets, "tickets", dict(optimizer=o.Adam(0.003), loss=tickets_losses)),
        "weighted": (tickets, "tickets", dict(optimizer=o.Adam(0.003), loss=tickets_losses, loss_weights={"priority": 1.0, "department": 0.2})),
        "number and class": (number_and_class, "number and class", dict(optimizer=o.SGD(0.05), loss=["mse", "categorical_crossentropy"])),
    }


#: Arguments of all fits.
FIT = dict(batch_size=32, epochs=3, shuffle=False, verbose=0)
