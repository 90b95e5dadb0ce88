"""Figures of an analysis that was trained through its inference.

Pure functions from records and histograms to matplotlib figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from dnnlik.plotting.style import EXACT, GREY, SURROGATE, new_figure
from dnnlik.typing import JSON

__all__ = [
    "figure_of_categories",
    "figure_of_contours",
    "figure_of_metrics",
    "figure_of_templates",
]

Array = NDArray[np.float64]

_PANELS = (
    ("cls", "expected CLs", True),
    ("p0", "expected p₀", True),
    ("sigma_mu", "σ of the poi", False),
    ("limit", "expected limit", False),
)
_COLOURS = (EXACT, SURROGATE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_LABELLED = 12  # bins that all have their number
_DECADES = 1e-5  # of the tallest bin: what is below is not shown
_MARKERS = ("o", "s", "^", "D")  # where there are more samples than colours
_LINES = 2  # variations of a sample that are drawn as lines
_PAPER = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5}
_SHOWN = 2000  # events of a sample in a figure


def figure_of_metrics(
    history: Sequence[Mapping[str, float]],
    best: int,
    trained: Sequence[str] = (),
    pretraining: int = 0,
) -> Figure:
    """What was trained for, and the main objectives, on held-out events by epoch, as far as they
    were tracked, or else the loss; lines where the best epoch is, and after the epochs of a
    pretraining."""
    epochs = [record["epoch"] for record in history]
    known = {panel[0] for panel in _PANELS}
    first = [(name, name.replace("_", " "), False) for name in trained if name not in known]
    shown = [panel for panel in (*first, *_PANELS) if panel[0] in history[0]]
    shown = shown or [("loss", "loss", False)]
    rows, columns = (-(-len(shown) // 2), 2) if len(shown) > 2 else (1, len(shown))
    figure = new_figure(7.0, 2.5 * rows)
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
    for unused in panels[len(shown) :]:
        unused.remove()
    for lowest in panels[max(len(shown) - columns, 0) : len(shown)]:
        lowest.tick_params(labelbottom=True)
    for axes, (name, label, logarithmic) in zip(panels, shown, strict=False):
        values = np.array([record[name] for record in history], dtype=float)
        axes.plot(epochs, values, color=EXACT, lw=1.2, marker=".", ms=3)
        axes.axvline(epochs[best], color=GREY, lw=0.8, ls="--")
        if pretraining:
            axes.axvline(pretraining, color=GREY, lw=0.8, ls=":")
        positive = values[np.isfinite(values) & (values > 0)]
        decade = 10 if logarithmic else 3  # of others too, where the start would hide the end
        if positive.size and positive.max() > decade * positive.min():
            axes.set_yscale("log")
        axes.set_title(label, fontsize=10)
    figure.supxlabel("epoch", fontsize=10)
    ended = "; dotted: the end of the pretraining" if pretraining else ""
    figure.suptitle(
        f"held-out events, hard bins; dashed: the epoch that was kept{ended}", fontsize=9
    )
    return figure


def figure_of_templates(
    channels: Sequence[JSON], yields: Mapping[str, Array], categories: Sequence[str] = ()
) -> Figure:
    """Expected events of each sample in each bin, a panel a channel; variations dashed, or in
    quadrature as a band where a sample has more than two. Where equal parts of the bins are
    ``categories``, lines between them, and their names."""
    figure = new_figure(2.2 + 3.6 * len(channels), 3.8)
    panels = figure.subplots(1, len(channels), squeeze=False)[0]
    names = list(dict.fromkeys(s["name"] for c in channels for s in c["samples"]))
    colours = dict(zip(names, _cycled(len(names)), strict=True))
    for axes, channel in zip(panels, channels, strict=True):
        heights = [_draw_sample(axes, s, yields, colours[s["name"]]) for s in channel["samples"]]
        tallest = [float(height.max()) for height in heights]
        if min(tallest) > 0 and max(tallest) > 10 * min(tallest):
            axes.set_yscale("log")
            # Bins of nothing but a floor would leave all else in the upper half.
            axes.set_ylim(bottom=max(axes.get_ylim()[0], _DECADES * max(tallest)))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(heights[0]) <= _LABELLED:
            axes.set_xticks(range(len(heights[0])))
        if categories and any(isinstance(s["data"], str) for s in channel["samples"]):
            _draw_categories(axes, categories, len(heights[0]))
        axes.set_xlabel("bin")
        axes.set_title(channel["name"], fontsize=10)
        axes.legend(fontsize=8, framealpha=0.85, edgecolor="none")
    panels[0].set_ylabel("expected events")
    figure.suptitle(
        "held-out events; variations: up dashed, down dotted; bands: more than two, in quadrature",
        fontsize=9,
    )
    return figure


def _draw_categories(axes: Axes, names: Sequence[str], bins: int) -> None:
    """Lines between equal parts of the bins, and a name above each part."""
    width = bins / len(names)
    for number, name in enumerate(names):
        if number:
            axes.axvline(number * width - 0.5, color=GREY, lw=0.8, ls="--")
        axes.text(
            (number + 0.5) / len(names), 0.99, name,
            transform=axes.transAxes, ha="center", va="top", fontsize=8, color="black", bbox=_PAPER,
        )  # fmt: skip


def _draw_sample(axes: Axes, sample: JSON, yields: Mapping[str, Array], colour: str) -> Array:
    """Draw a sample with its variations; returns its nominal histogram."""

    def heights(data: object) -> Array:
        return np.asarray(yields[data] if isinstance(data, str) else data, dtype=float)

    nominal = heights(sample["data"])
    edges = np.arange(len(nominal) + 1) - 0.5
    axes.stairs(nominal, edges, color=colour, lw=1.6, label=sample["name"])
    pairs = [
        [heights(modifier["data"][key]) for key in ("hi_data", "lo_data")]
        for modifier in sample["modifiers"]
        if modifier["type"] == "histosys"
    ]
    if len(pairs) > _LINES:
        size = np.sqrt(sum(np.abs(np.array(pair) - nominal).max(axis=0) ** 2 for pair in pairs))
        low = np.maximum(nominal - size, 0.0)
        axes.stairs(nominal + size, edges, baseline=low, fill=True, color=colour, alpha=0.25, lw=0)
        pairs = []
    for pair in pairs:
        for varied, style in zip(pair, ("--", ":"), strict=True):
            axes.stairs(varied, edges, color=colour, lw=1, ls=style)
    axes.set_xlim(edges[0], edges[-1])
    return nominal


def figure_of_contours(
    summary: Callable[[Array], Array], edges: Array, events: Mapping[str, Array]
) -> Figure:
    """The observable over two features as filled bins, with events of each sample."""
    figure = new_figure(5.6, 5.2)
    axes = figure.subplots()
    x, y, grid = _plane(events)
    values = np.asarray(summary(grid)).reshape(len(y), len(x))
    shades = axes.contourf(
        x, y, np.clip(values, edges[0], edges[-1]), levels=edges, cmap="Greys", alpha=0.75
    )
    figure.colorbar(shades, ax=axes, label="observable, its bins")
    _draw_events(axes, events)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    return figure


def figure_of_categories(
    probabilities: Callable[[Array], Array],
    names: Sequence[str],
    edges: Array,
    events: Mapping[str, Array],
) -> Figure:
    """The largest of some probabilities, (n, 2) → (n, categories), over two features as filled
    bins, the borders of the categories, with events of each sample."""
    figure = new_figure(5.6, 5.2)
    axes = figure.subplots()
    x, y, grid = _plane(events)
    found = np.asarray(probabilities(grid))
    category, largest = found.argmax(axis=1), found.max(axis=1)
    inside = np.clip(largest, edges[0], edges[-1]).reshape(len(y), len(x))
    shades = axes.contourf(x, y, inside, levels=edges, cmap="Greys", alpha=0.75)
    figure.colorbar(shades, ax=axes, label="largest probability, its bins")
    _draw_events(axes, events)
    for number, name in enumerate(names):
        own = category == number
        if 0 < own.sum() < len(grid):
            border = own.reshape(len(y), len(x)).astype(float)
            axes.contour(x, y, border, levels=[0.5], colors="black", linewidths=1.2)
        if own.any():
            middle = grid[own].mean(axis=0)
            axes.text(middle[0], middle[1], name, ha="center", fontsize=9, bbox=_PAPER)
    axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    return figure


def _plane(events: Mapping[str, Array]) -> tuple[Array, Array, Array]:
    """Two axes (160,) of where the events are, and the points (25600, 2) of their grid."""
    everything = np.concatenate(list(events.values()))
    low, high = np.percentile(everything, [0.5, 99.5], axis=0)
    low, high = np.where(high > low, (low, high), (low - 0.5, high + 0.5))
    x, y = (np.linspace(low[i], high[i], 160) for i in range(2))
    return x, y, np.stack([part.ravel() for part in np.meshgrid(x, y)], axis=1)


def _draw_events(axes: Axes, events: Mapping[str, Array]) -> None:
    """Some events of each sample, and its centre."""
    for number, (name, points) in enumerate(events.items()):
        colour, some = _cycled(number + 1)[-1], points[:_SHOWN]
        marker = _MARKERS[number // len(_COLOURS) % len(_MARKERS)]
        axes.scatter(some[:, 0], some[:, 1], s=3, color=[to_rgba(colour, 0.25)], lw=0)
        axes.plot(*points.mean(axis=0), marker, color=colour, mec="white", ms=7, label=name)
    axes.set(xlabel="feature 0", ylabel="feature 1")
    # Beside the events, which are everywhere.
    axes.figure.legend(fontsize=8, loc="outside lower center", ncols=3, frameon=False)


def _cycled(count: int) -> list[str]:
    return [_COLOURS[i % len(_COLOURS)] for i in range(count)]
