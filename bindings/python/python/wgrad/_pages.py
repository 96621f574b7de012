"""What a notebook shows of models, histories and evaluations: the library's own charts, and tables."""

from __future__ import annotations

import html
from typing import Any

from . import _wgrad


def of_model(model: Any) -> str:
    """A table of the layers beside a drawing."""
    network = model._build()
    head = "".join(f"<th>{name}</th>" for name in ("layer", "class", "output", "parameters"))
    rows = [
        "".join(f"<td>{html.escape(str(cell))}</td>" for cell in (name, kind, (None, *output), f"{count:,}"))
        for name, kind, output, count, _ in network.summary()
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    title = f"<b>{html.escape(model.name)}</b>: {model.count_params():,} parameters"
    return f"{title}<table><tr>{head}</tr>{body}</table>{picture(_wgrad.drawing(network))}"


def picture(svg: str) -> str:
    """A chart that fits light and dark notebooks."""
    dark = _wgrad.dark_style().replace("svg [", ".wgrad-chart svg [")
    rules = f"@media (prefers-color-scheme: dark){{{dark}}}"
    return f'<div class="wgrad-chart"><style>{rules}</style>{svg}</div>'


class Curves:
    """A history that shows its curves: in a notebook by itself, with Matplotlib by `plot`."""

    history: dict[str, list[float]]
    epoch: list[int]

    def _groups(self) -> dict[str, list[tuple[str, list[float]]]]:
        """Curves by the name of their number: those of training and validation together."""
        groups: dict[str, list[tuple[str, list[float]]]] = {}
        for name, values in self.history.items():
            of_validation = name.startswith("val_")
            group = groups.setdefault(name.removeprefix("val_"), [])
            group.append(("validation" if of_validation else "training", [float(value) for value in values]))
        return groups

    def _points(self, values: list[float]) -> list[tuple[float, float]]:
        # Validation may happen in some epochs only.
        epochs = self.epoch if len(values) == len(self.epoch) else range(len(values))
        return [(float(epoch + 1), value) for epoch, value in zip(epochs, values)]

    def _repr_html_(self) -> str:
        charts = [
            _wgrad.curves(name, name.replace("_", " "), [(part, self._points(values)) for part, values in curves])
            for name, curves in self._groups().items()
        ]
        return "".join(picture(chart) for chart in charts) or "no epochs"

    def plot(self, axes: Any = None) -> Any:
        """Draws a chart for each number with Matplotlib, on `axes` if given; returns the axes."""
        import matplotlib.pyplot

        groups = self._groups()
        if axes is None:
            _, axes = matplotlib.pyplot.subplots(1, max(len(groups), 1), squeeze=False, figsize=(5 * max(len(groups), 1), 3.5))
            axes = axes[0]
        for at, (name, curves) in zip(axes, groups.items()):
            for part, values in curves:
                points = self._points(values)
                at.plot([x for x, _ in points], [y for _, y in points], label=part)
            at.set(xlabel="epochs", ylabel=name.replace("_", " "))
            at.legend()
        return axes


class Scores(dict[str, float]):
    """Loss and metrics by name; a notebook shows them as a table."""

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self)
        return f"<table><tr>{head}</tr><tr>{''.join(f'<td>{value:.4g}</td>' for value in self.values())}</tr></table>"
