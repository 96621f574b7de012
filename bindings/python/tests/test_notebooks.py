"""What a notebook shows: charts of the library, a widget while a training runs."""

import sys
import types
import xml.etree.ElementTree

import networks
import numpy as np
import pytest
import wgrad
from wgrad import Input, Sequential, _live, layers

CPU = {"device": "cpu", "verbose": 0}


def stack():
    model = Sequential([Input((8, 8, 1)), layers.Flatten(), layers.Dense(3, activation="softmax")], name="a<b")
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def charts(page):
    """The charts of a page, parsed."""
    parts = page.split("<svg ")[1:]
    return [xml.etree.ElementTree.fromstring("<svg " + part[: part.index("</svg>") + 6]) for part in parts]


def test_histories_models_and_scores_show_themselves():
    x, y = networks.data("images", rows=64)
    model = stack()
    history = model.fit(x, y, epochs=3, validation_split=0.25, **CPU)
    loss, accuracy = sorted(charts(history._repr_html_()), key=lambda chart: "loss" not in chart.get("aria-label", ""))
    text = "".join(loss.itertext())
    assert "loss" in text and "validation" in text and "accuracy" in "".join(accuracy.itertext())
    page = model._repr_html_()
    assert "a&lt;b" in page and "<td>flatten</td>" in page and len(charts(page)) == 1
    scores = model.evaluate(x, y, return_dict=True, **CPU)
    assert "<th>accuracy</th>" in scores._repr_html_() and isinstance(scores, dict)


def test_a_history_of_keras_shows_its_curves(fitted):
    keras = pytest.importorskip("keras")
    model, x, y = fitted
    history = wgrad.fit(model, x, y, epochs=2, **CPU)
    assert isinstance(history, keras.callbacks.History) and model.history is history
    assert len(charts(history._repr_html_())) == 2


def test_a_history_is_drawn_with_matplotlib():
    pytest.importorskip("matplotlib").use("agg")
    x, y = networks.data("images", rows=64)
    history = stack().fit(x, y, epochs=2, validation_split=0.25, **CPU)
    axes = history.plot()
    assert [len(at.lines) for at in axes] == [2, 2]
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), history.history[axes[0].get_ylabel()])


class Widget:
    """Takes what the widget of a notebook takes, and presses Stop after some updates."""

    def __init__(self, presses=None):
        self.states, self.presses, self.stop = [], presses, False

    def __setattr__(self, name, value):
        if name == "state":
            self.states.append(value)
            self.stop = self.presses is not None and len(self.states) > self.presses
        else:
            super().__setattr__(name, value)


@pytest.mark.parametrize("keras_too", [False, True])
def test_the_widget_follows_and_stops(keras_too, fitted, monkeypatch):
    monkeypatch.setattr(_live, "_EVERY", 0.0)
    model, x, y = fitted if keras_too else (stack(), *networks.data("images"))
    fit = (lambda **given: wgrad.fit(model, x, y, **given)) if keras_too else (lambda **given: model.fit(x, y, **given))
    whole = Widget()
    fit(epochs=2, validation_split=0.25, callbacks=[_live.Live(whole)], **CPU)
    last = whole.states[-1]
    assert last["over"] and last["done"] == 1 and last["title"] == "epoch 2 of 2"
    assert {name: [at for at, _ in curves["validation"]] for name, curves in last["charts"].items()} == {"loss": [1.0, 2.0], "accuracy": [1.0, 2.0]}
    assert [at for at, _ in last["charts"]["loss"]["training"]] == [1.0, 2.0]
    assert any("s left" in state.get("pace", "") for state in whole.states) and len(whole.states) > 6
    stopped = Widget(presses=4)
    history = fit(epochs=1000, callbacks=[_live.Live(stopped)], **CPU)
    assert len(history.epoch) < 10


def test_the_widget_is_used_where_it_can_be(monkeypatch):
    assert _live.shown("auto", None) == ("auto", None)
    shell = types.SimpleNamespace(kernel=object())
    shown = []
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=shown.append))
    monkeypatch.setattr(_live, "_widget", lambda: None)
    assert _live.shown("auto", [1]) == ("auto", [1])
    monkeypatch.setattr(_live, "_widget", lambda: Widget)
    assert _live.shown(0, None) == (0, None)
    verbose, callbacks = _live.shown("auto", [1])
    assert verbose == 0 and callbacks[0] == 1 and isinstance(callbacks[1], _live.Live) and len(shown) == 1
