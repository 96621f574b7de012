"""The training cells of twelve tutorials, with one added line: wgrad.keras.install().

Keras's NumPy backend runs them, which cannot train: what trains is wgrad. Changed are the data, which stand in for those
that tutorials download, with the same shapes and types and fewer rows; and numbers of epochs, which are smaller.
"""

import keras
import numpy as np
import pytest
import wgrad
from keras import layers

random = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def installed():
    wgrad.keras.install(device="cpu")
    yield
    wgrad.keras.uninstall()


def pictures(rows, *shape, classes=10):
    """Bytes, and classes of uint8, as of keras.datasets."""
    y = random.integers(0, classes, rows).astype("uint8")
    x = random.integers(0, 120, (rows, *shape))
    return (x + 12 * y.reshape(-1, *[1] * len(shape))).astype("uint8"), y


def test_tensorflow_classification():
    """TensorFlow, "Basic classification: Classify images of clothing"."""
    (train_images, train_labels), (test_images, test_labels) = pictures(320, 28, 28), pictures(64, 28, 28)
    train_images = train_images / 255.0
    test_images = test_images / 255.0
    model = keras.Sequential([
        keras.layers.Flatten(input_shape=(28, 28)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10),
    ])
    model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    history = model.fit(train_images, train_labels, epochs=3)
    test_loss, test_acc = model.evaluate(test_images, test_labels, verbose=2)
    probability_model = keras.Sequential([model, keras.layers.Softmax()])
    predictions = probability_model.predict(test_images)
    assert predictions.shape == (64, 10) and history.history["loss"][-1] < history.history["loss"][0]


def test_tensorflow_quickstart():
    """TensorFlow, "TensorFlow 2 quickstart for beginners"."""
    (x_train, y_train), (x_test, y_test) = pictures(320, 28, 28), pictures(64, 28, 28)
    x_train, x_test = x_train / 255.0, x_test / 255.0
    model = keras.models.Sequential([
        keras.layers.Flatten(input_shape=(28, 28)),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dropout(0.2),
        keras.layers.Dense(10),
    ])
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss_fn, metrics=["accuracy"])
    model.fit(x_train, y_train, epochs=2)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=2)
    assert 0 < loss < 4 and 0 <= accuracy <= 1


def test_tensorflow_convolutional():
    """TensorFlow, "Convolutional Neural Network (CNN)"."""
    (train_images, train_labels), (test_images, test_labels) = pictures(64, 32, 32, 3), pictures(32, 32, 32, 3)
    train_labels, test_labels = train_labels.reshape(-1, 1), test_labels.reshape(-1, 1)
    train_images, test_images = train_images / 255.0, test_images / 255.0
    model = keras.models.Sequential()
    model.add(layers.Conv2D(32, (3, 3), activation="relu", input_shape=(32, 32, 3)))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation="relu"))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(10))
    model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    history = model.fit(train_images, train_labels, epochs=2, validation_data=(test_images, test_labels))
    assert len(history.history["val_accuracy"]) == 2


def test_keras_mnist_convnet():
    """keras.io, "Simple MNIST convnet"."""
    num_classes, input_shape = 10, (28, 28, 1)
    (x_train, y_train), (x_test, y_test) = pictures(160, 28, 28), pictures(64, 28, 28)
    x_train = x_train.astype("float32") / 255
    x_test = x_test.astype("float32") / 255
    x_train = np.expand_dims(x_train, -1)
    x_test = np.expand_dims(x_test, -1)
    y_train = keras.utils.to_categorical(y_train, num_classes)
    y_test = keras.utils.to_categorical(y_test, num_classes)
    model = keras.Sequential([
        keras.Input(shape=input_shape),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ])
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x_train, y_train, batch_size=64, epochs=2, validation_split=0.1)
    score = model.evaluate(x_test, y_test, verbose=0)
    assert len(score) == 2 and "val_loss" in history.history


def test_keras_recurrent():
    """keras.io, "Working with RNNs": the network of the rows of MNIST."""
    batch_size, input_dim, units, output_size = 64, 28, 64, 10
    model = keras.models.Sequential([
        # In the tutorial the number of steps is None.
        keras.layers.LSTM(units, input_shape=(28, input_dim)),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(output_size),
    ])
    (x_train, y_train), (x_test, y_test) = pictures(128, 28, 28), pictures(64, 28, 28)
    x_train, x_test = x_train / 255.0, x_test / 255.0
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), optimizer="sgd", metrics=["accuracy"])
    history = model.fit(x_train, y_train, validation_data=(x_test, y_test), batch_size=batch_size, epochs=1)
    assert "val_accuracy" in history.history


def test_keras_weather():
    """keras.io, "Timeseries forecasting for weather prediction"."""
    rows, sequence, features, learning_rate, epochs = 64, 120, 7, 0.001, 2
    x, y = random.normal(size=(rows, sequence, features)), random.normal(size=(rows, 1))

    class Batches(keras.utils.PyDataset):
        """What keras.preprocessing.timeseries_dataset_from_array gives, which needs TensorFlow."""

        def __len__(self):
            return 2

        def __getitem__(self, at):
            return x[32 * at : 32 * at + 32], y[32 * at : 32 * at + 32]

    dataset_train, dataset_val = Batches(), Batches()
    inputs = keras.layers.Input(shape=(sequence, features))
    lstm_out = keras.layers.LSTM(32)(inputs)
    outputs = keras.layers.Dense(1)(lstm_out)
    model = keras.Model(inputs=inputs, outputs=outputs)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate=learning_rate), loss="mse")
    es_callback = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0, patience=5)
    history = model.fit(dataset_train, epochs=epochs, validation_data=dataset_val, callbacks=[es_callback])
    assert len(history.history["val_loss"]) == 2 and model.predict(x[:5]).shape == (5, 1)


def test_keras_characters():
    """keras.io, "Character-level text generation with LSTM"."""
    maxlen, chars = 40, 56
    places = random.integers(0, chars, (128, maxlen + 1))
    x, y = np.eye(chars, dtype="bool")[places[:, :-1]], np.eye(chars, dtype="bool")[places[:, -1]]
    model = keras.Sequential([
        keras.Input(shape=(maxlen, chars)),
        layers.LSTM(128),
        layers.Dense(chars, activation="softmax"),
    ])
    optimizer = keras.optimizers.RMSprop(learning_rate=0.01)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer)
    model.fit(x, y, batch_size=64, epochs=1)
    assert np.allclose(model.predict(x[:1], verbose=0)[0].sum(), 1, atol=1e-5)


def test_keras_imbalanced():
    """keras.io, "Imbalanced classification: credit card fraud detection"."""
    train_features = random.normal(size=(512, 30)).astype("float32")
    train_targets = (train_features[:, :1] > 1.5).astype("uint8")
    val_features, val_targets = train_features[:100], train_targets[:100]
    counts = np.bincount(train_targets[:, 0])
    weight_for_0, weight_for_1 = 1.0 / counts[0], 1.0 / counts[1]
    model = keras.Sequential([
        keras.Input(shape=train_features.shape[1:]),
        layers.Dense(256, activation="relu"),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(1, activation="sigmoid"),
    ])
    metrics = [
        keras.metrics.FalseNegatives(name="fn"),
        keras.metrics.FalsePositives(name="fp"),
        keras.metrics.TrueNegatives(name="tn"),
        keras.metrics.TruePositives(name="tp"),
        keras.metrics.Precision(name="precision"),
        keras.metrics.Recall(name="recall"),
    ]
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="binary_crossentropy", metrics=metrics)
    class_weight = {0: weight_for_0, 1: weight_for_1}
    history = model.fit(
        train_features, train_targets, batch_size=256, epochs=3, verbose=2, validation_data=(val_features, val_targets), class_weight=class_weight
    )
    counted = sum(history.history[f"val_{name}"][-1] for name in ("fn", "fp", "tn", "tp"))
    assert counted == 100


def test_chollet_mnist():
    """F. Chollet, Deep Learning with Python, chapter 2: a first look at a neural network."""
    (train_images, train_labels), (test_images, test_labels) = pictures(256, 28, 28), pictures(64, 28, 28)
    model = keras.Sequential([layers.Dense(512, activation="relu"), layers.Dense(10, activation="softmax")])
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    train_images = train_images.reshape((256, 28 * 28)).astype("float32") / 255
    test_images = test_images.reshape((64, 28 * 28)).astype("float32") / 255
    model.build((None, 28 * 28))
    model.fit(train_images, train_labels, epochs=2, batch_size=128)
    test_loss, test_acc = model.evaluate(test_images, test_labels)
    assert model.predict(test_images[0:10])[0].shape == (10,) and test_loss > 0 <= test_acc


def test_chollet_reviews():
    """F. Chollet, Deep Learning with Python, chapter 4: classifying movie reviews."""
    x_train = (random.uniform(size=(400, 1000)) < 0.05).astype("float32")
    y_train = (x_train[:, :500].sum(axis=1) > 25).astype("float32")
    model = keras.Sequential([
        keras.Input((1000,)),
        layers.Dense(16, activation="relu"),
        layers.Dense(16, activation="relu"),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    x_val, partial_x_train = x_train[:100], x_train[100:]
    y_val, partial_y_train = y_train[:100], y_train[100:]
    history = model.fit(partial_x_train, partial_y_train, epochs=4, batch_size=128, validation_data=(x_val, y_val))
    assert sorted(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_chollet_newswires():
    """F. Chollet, Deep Learning with Python, chapter 4: classifying newswires."""
    x_train = (random.uniform(size=(300, 1000)) < 0.05).astype("float32")
    y_train = keras.utils.to_categorical(random.integers(0, 46, 300))
    model = keras.Sequential([
        keras.Input((1000,)),
        layers.Dense(64, activation="relu"),
        layers.Dense(64, activation="relu"),
        layers.Dense(46, activation="softmax"),
    ])
    top_3_accuracy = keras.metrics.TopKCategoricalAccuracy(k=3, name="top_3_accuracy")
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy", top_3_accuracy])
    history = model.fit(x_train[100:], y_train[100:], epochs=2, batch_size=128, validation_data=(x_train[:100], y_train[:100]))
    assert history.history["top_3_accuracy"][-1] >= history.history["accuracy"][-1]


def test_chollet_houses():
    """F. Chollet, Deep Learning with Python, chapter 4: predicting house prices."""
    train_data, train_targets = random.normal(size=(160, 8)).astype("float32"), random.uniform(0, 5, 160)

    def get_model():
        model = keras.Sequential([
            keras.Input((8,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ])
        model.compile(optimizer="adam", loss="mean_squared_error", metrics=["mean_absolute_error"])
        return model

    k, all_scores = 2, []
    num_val_samples = len(train_data) // k
    for i in range(k):
        fold = slice(i * num_val_samples, (i + 1) * num_val_samples)
        rest = np.r_[0 : i * num_val_samples, (i + 1) * num_val_samples : len(train_data)]
        model = get_model()
        model.fit(x=train_data[rest], y=train_targets[rest], epochs=2, batch_size=16, verbose=0)
        scores = model.evaluate(x=train_data[fold], y=train_targets[fold], verbose=0)
        val_loss, val_mae = scores
        all_scores.append(val_mae)
    assert 0 < np.mean(all_scores) < 10
