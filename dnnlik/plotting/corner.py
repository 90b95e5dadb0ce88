"""Corner plot of two samples: marginals and two-dimensional regions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dnnlik.inference import LEVELS
from dnnlik.plotting.style import EXACT, SURROGATE, new_figure

__all__ = ["correlated_columns", "figure_of_corner", "region_levels"]

Array = NDArray[np.float64]

_BINS = 40
_FILLS = ("#D6E6F2", "#A9CBE4", "#6FA8D0")  # light to dark: outer to inner region


def correlated_columns(points: Array, pois: Sequence[int], most: int = 5) -> list[int]:
    """Columns of the pois, and of up to ``most`` others that correlate with one most."""
    correlation = np.abs(np.atleast_2d(np.corrcoef(points, rowvar=False)))
    strength = np.nan_to_num(correlation[list(pois)].max(axis=0))
    strength[list(pois)] = -1.0
    others = [int(i) for i in np.argsort(-strength, kind="stable")[:most] if strength[i] >= 0]
    return [*pois, *others]


def region_levels(density: Array) -> Array:
    """Densities whose level sets hold 99.73, 95.45 and 68.27 % of a histogram, ascending.

    >>> region_levels(np.full((10, 10), 1.0)).tolist()
    [1.0, 1.0, 1.0]
    """
    ordered = np.sort(density.ravel())[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    places = [min(int(np.searchsorted(held, level)), held.size - 1) for level in LEVELS]
    return np.asarray(ordered[places][::-1])


def figure_of_corner(
    names: Sequence[str],
    exact: Array,
    surrogate: Array,
    *,
    weights: Array | None = None,
    label: str = "surrogate",
) -> Figure:
    """Marginals, and regions of 68.27, 95.45 and 99.73 % of each pair, of two samples.

    Args:
        names: (k,) of the columns.
        exact, surrogate: (n, k) and (m, k).
        weights: (m,) of the surrogate's points; equal by default.
        label: what the second sample is.
    """
    size, w = len(names), np.ones(len(surrogate)) if weights is None else weights
    figure = new_figure(1.55 * size + 1.1, 1.55 * size + 1.1)
    grid = figure.subplots(size, size, squeeze=False, sharex="col")
    ranges = [_range(exact[:, i], surrogate[:, i]) for i in range(size)]
    for row, column in product(range(size), range(size)):
        axes = grid[row, column]
        if column > row:
            axes.set_visible(False)
        elif column == row:
            _marginal(axes, exact[:, row], surrogate[:, row], w, ranges[row])
        else:
            pair = [column, row]
            spans = [ranges[i] for i in pair]
            _region(axes, exact[:, pair], np.ones(len(exact)), spans, filled=True)
            _region(axes, surrogate[:, pair], w, spans, filled=False)
        _labels(axes, names, row, column, size)
    lines = [Line2D([], [], color=EXACT), Line2D([], [], color=SURROGATE, ls="--")]
    corner = figure.legend(lines, ["exact", label], loc="upper right", frameon=False)
    corner.set_title("regions of 68.27, 95.45, 99.73 %")
    figure.suptitle("Posterior: exact and surrogate", x=0.02, ha="left")
    return figure


def _range(a: Array, b: Array) -> tuple[float, float]:
    """What holds all but a few points of the exact sample, and most of the other."""
    low, high = np.quantile(a, [1e-4, 1 - 1e-4])
    far = np.quantile(b, [0.005, 0.995])
    low, high = min(low, far[0]), max(high, far[1])
    room = 0.08 * (high - low) or 1.0
    # Not beyond the points: at a bound of the parameters nothing may be drawn outside.
    low = max(low - room, min(a.min(), b.min()))
    high = min(high + room, max(a.max(), b.max()))
    return float(low), float(high if high > low else low + 1.0)


def _marginal(axes: Axes, a: Array, b: Array, weights: Array, span: tuple[float, float]) -> None:
    edges = np.linspace(*span, _BINS + 1).tolist()
    axes.hist(a, edges, density=True, histtype="stepfilled", color=_FILLS[1], edgecolor=EXACT)
    axes.hist(b, edges, weights=weights, density=True, histtype="step", color=SURROGATE, ls="--")
    axes.set_yticks([])


def _region(
    axes: Axes,
    points: Array,
    weights: Array,
    spans: Sequence[tuple[float, float]],
    *,
    filled: bool,
) -> None:
    edges = [np.linspace(*span, _BINS + 1) for span in spans]
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=edges, weights=weights)
    # One bin: what is left of the noise at 99.73 % is seen, and the shape is not changed.
    density = gaussian_filter(counts, 1.0, mode="nearest").T
    levels = np.maximum.accumulate(region_levels(density))
    levels = levels + np.arange(3) * 1e-12 * max(density.max(), 1e-300)  # must increase
    density = np.pad(density, 1, mode="edge")  # from the outer centres to the outer edges
    x, y = (np.concatenate([e[:1], 0.5 * (e[1:] + e[:-1]), e[-1:]]) for e in edges)
    if filled:
        axes.contourf(x, y, density, [*levels, 2 * density.max()], colors=_FILLS)
        axes.contour(x, y, density, levels, colors=EXACT, linewidths=0.6)
    else:
        axes.contour(x, y, density, levels, colors=SURROGATE, linewidths=1.0, linestyles="--")


def _labels(axes: Axes, names: Sequence[str], row: int, column: int, size: int) -> None:
    axes.tick_params(labelsize=7)
    axes.locator_params(axis="x", nbins=4)
    if row == size - 1:
        axes.set_xlabel(_short(names[column]), fontsize=8)
        axes.tick_params(axis="x", rotation=45)
    if column == 0 and row > 0:
        axes.set_ylabel(_short(names[row]), fontsize=8)
    elif row != column:
        axes.set_yticklabels([])


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:9]}…{name[-9:]}"
