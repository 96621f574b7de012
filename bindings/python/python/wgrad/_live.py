"""The live widget of a notebook: curves, throughput, time left, and a button that stops the training."""

from __future__ import annotations

import functools
import sys
import time
from typing import Any

from .callbacks import Callback

#: Seconds between two updates.
_EVERY = 0.2

_SCRIPT = """
const WIDE = 640, HIGH = 190, EDGE = 36;
function line(points, x, y) {
  return points.map((p, n) => `${n ? "L" : "M"}${x(p[0]).toFixed(1)},${y(p[1]).toFixed(1)}`).join("");
}
function chart(name, curves, epochs, left) {
  const all = Object.values(curves).flat();
  if (!all.length) return "";
  const low = Math.min(...all.map(p => p[1])), high = Math.max(...all.map(p => p[1]));
  const right = WIDE / 2 - 14, bottom = HIGH - 26, top = 18, last = Math.max(epochs, 1);
  const x = v => EDGE + v / last * (right - EDGE);
  const y = v => bottom - (v - low) / (high - low || 1) * (bottom - top);
  let text = `<g transform="translate(${left},0)"><text x="${EDGE}" y="11" class="name">${name}</text>` +
    `<path d="M${EDGE},${top}V${bottom}H${right}" class="axis"/>` +
    `<text x="${EDGE - 4}" y="${top + 6}" class="number">${high.toPrecision(3)}</text>` +
    `<text x="${EDGE - 4}" y="${bottom}" class="number">${low.toPrecision(3)}</text>` +
    `<text x="${right}" y="${HIGH - 10}" class="number">epoch ${last}</text>`;
  Object.values(curves).forEach((points, n) => {
    text += `<path d="${line(points, x, y)}" class="curve${n}"/>`;
    if (points.length == 1) text += `<circle cx="${x(points[0][0])}" cy="${y(points[0][1])}" r="2.5" class="dot${n}"/>`;
  });
  return text + "</g>";
}
function render({ model, el }) {
  el.innerHTML = `<div class="wgrad-live"><div><b></b> <span></span> <button>Stop</button></div><progress max="1"></progress>` +
    `<svg viewBox="0 0 ${WIDE} ${HIGH}" role="img"></svg><div class="logs"></div></div>`;
  const find = what => el.querySelector(what);
  find("button").onclick = () => { model.set("stop", true); model.save_changes(); find("button").disabled = true; };
  const draw = () => {
    const state = model.get("state");
    find("b").textContent = state.title || "";
    find("span").textContent = state.pace || "";
    find("progress").value = state.done || 0;
    find(".logs").textContent = state.logs || "";
    const charts = Object.entries(state.charts || {}).slice(0, 2);
    find("svg").innerHTML = charts.map(([name, curves], n) => chart(name, curves, state.epochs, n * WIDE / 2)).join("");
    if (state.over) find("button").style.display = "none";
  };
  model.on("change:state", draw);
  draw();
}
export default { render };
"""

_STYLE = """
.wgrad-live { font: 13px system-ui, sans-serif; max-width: 660px; }
.wgrad-live span { opacity: .7; } .wgrad-live progress { width: 100%; height: 7px; }
.wgrad-live svg { width: 100%; } .wgrad-live path { fill: none; stroke-width: 1.6; }
.wgrad-live .axis { stroke: currentColor; opacity: .3; } .wgrad-live text { fill: currentColor; }
.wgrad-live .name { font-size: 11px; font-weight: 600; } .wgrad-live .number { font-size: 9px; text-anchor: end; opacity: .7; }
.wgrad-live .curve0 { stroke: #2f6fdd; } .wgrad-live .dot0 { fill: #2f6fdd; }
.wgrad-live .curve1 { stroke: #e07b00; } .wgrad-live .dot1 { fill: #e07b00; }
"""


def in_notebook() -> bool:
    """Whether this program runs in a Jupyter kernel."""
    shell = sys.modules.get("IPython")
    known = shell.get_ipython() if shell is not None else None
    return known is not None and getattr(known, "kernel", None) is not None


@functools.cache
def _widget() -> type | None:
    """The widget's class; None where anywidget is not installed."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None
    traits = {"state": traitlets.Dict().tag(sync=True), "stop": traitlets.Bool(False).tag(sync=True)}
    return type("Live", (anywidget.AnyWidget,), {"_esm": _SCRIPT, "_css": _STYLE, **traits})


class Live(Callback):
    """Shows a training in a widget while it runs."""

    def __init__(self, widget: Any):
        self.widget = widget
        self._charts: dict[str, dict[str, list[tuple[float, float]]]] = {}
        self._seen = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self._began = self._shown = time.monotonic()
        self._state = {"epochs": self.params.get("epochs") or 1, "title": "compiling kernels"}
        self._show()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        if not self._seen:
            self._began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seen += 1
        if self.widget.stop:
            self.model.stop_training = True
        now = time.monotonic()
        if now - self._shown < _EVERY:
            return
        steps, epochs = self.params.get("steps"), self._state["epochs"]
        passed, pace = now - self._began, self._seen / max(now - self._began, 1e-9)
        words = f"{pace:.3g} batches/s"
        if steps:
            left = (epochs - self._epoch) * steps - batch - 1
            words += f", {left / pace:.0f} s left"
            self._state["done"] = (self._epoch * steps + batch + 1) / (epochs * steps)
            self._chart(self._epoch + (batch + 1) / steps, logs)
        self._state.update(title=f"epoch {self._epoch + 1} of {epochs}", pace=words, logs=_words(logs), passed=passed)
        self._show()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._chart(epoch + 1, logs)
        self._state.update(title=f"epoch {epoch + 1} of {self._state['epochs']}", logs=_words(logs), done=(epoch + 1) / self._state["epochs"])
        self._show()
        if self.widget.stop:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        passed = time.monotonic() - self._began
        self._state.update(over=True, pace=f"{self._seen} batches in {passed:.1f} s" if self._seen else f"{passed:.1f} s")
        self._show()

    def _chart(self, at: float, logs: Any) -> None:
        for name, value in (logs or {}).items():
            if name == "learning_rate":
                continue
            part = "validation" if name.startswith("val_") else "training"
            points = self._charts.setdefault(name.removeprefix("val_"), {}).setdefault(part, [])
            # The means of an epoch so far give way to those of the whole epoch.
            while points and (points[-1][0] == at or points[-1][0] % 1 and points[-1][0] > at - 1):
                points.pop()
            points.append((float(at), float(value)))
        self._state["charts"] = {name: {part: list(points) for part, points in self._charts[name].items()} for name in sorted(self._charts, key=lambda name: name != "loss")}

    def _show(self) -> None:
        self._shown = time.monotonic()
        self.widget.state = dict(self._state)


def _words(logs: Any) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in (logs or {}).items())


def shown(verbose: Any, callbacks: Any) -> tuple[Any, Any]:
    """What shows a training: the widget in a notebook where anywidget is installed, else lines of text."""
    kind = _widget() if verbose == "auto" and in_notebook() else None
    if kind is None:
        return verbose, callbacks
    from IPython.display import display

    widget = kind()
    display(widget)
    given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, (list, tuple)) else [callbacks]
    return 0, [*given, Live(widget)]
