"""Figures of where a surrogate errs: with distance, along parameters, beyond its domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dnnlik.plotting.style import EXACT, GREY, SURROGATE, new_figure
from dnnlik.validation.error_profiles import ErrorProfile, Extrapolation
from dnnlik.validation.uncertainty import StatedUncertainty

__all__ = [
    "figure_of_error_by_distance",
    "figure_of_error_by_parameter",
    "figure_of_outside",
    "figure_of_uncertainty",
]

MOST = 6


def figure_of_error_by_distance(drop: ErrorProfile, radius: ErrorProfile) -> Figure:
    """rms, mean and 95 % of the error in bins of distance from the maximum."""
    figure = new_figure(7.2, 3.6)
    axes = figure.subplots(1, 2, sharey=True)
    _profile(axes[0], drop)
    _profile(axes[1], radius)
    axes[0].set(xlabel=r"$\ln L_\mathrm{max} - \ln L$ (exact)", ylabel=r"error of $\ln L$")
    axes[1].set(xlabel="Mahalanobis distance from the maximum")
    axes[0].legend(frameon=False, fontsize=8)
    figure.suptitle("Error against distance from the maximum")
    return figure


def figure_of_error_by_parameter(profiles: Sequence[ErrorProfile], *, most: int = MOST) -> Figure:
    """The same along the parameters whose bins differ most, which come first."""
    chosen = profiles[:most]
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure = new_figure(2.5 * columns + 0.6, 2.2 * rows + 0.7)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, profile in zip(grid.flat, chosen, strict=False):
        _profile(axes, profile)
        name = profile.name
        axes.set_xlabel(name if len(name) < 30 else f"{name[:14]}…{name[-14:]}", fontsize=8)
    for axes in grid.flat[len(chosen) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel(r"error of $\ln L$")
    grid.flat[0].legend(frameon=False, fontsize=7)
    title = "Error along parameters"
    figure.suptitle(title if len(chosen) == len(profiles) else f"{title}: where it varies most")
    return figure


def _profile(axes: Axes, profile: ErrorProfile) -> None:
    centre = [0.5 * (b.low + b.high) for b in profile.bins]
    mean = np.array([b.mean for b in profile.bins])
    rms = np.array([b.rms for b in profile.bins])
    edge = np.array([b.quantile95 for b in profile.bins])
    axes.axhline(0, color=GREY, lw=0.8)
    axes.fill_between(centre, -edge, edge, color=SURROGATE, alpha=0.15, lw=0, label="95 %")
    axes.plot(centre, rms, color=SURROGATE, marker=".", label="rms")
    axes.plot(centre, mean, color=EXACT, marker=".", lw=1, label="mean")


def figure_of_outside(rows: Sequence[Extrapolation]) -> Figure:
    """rms error beyond the held-out points, inside and outside of the domain."""
    figure = new_figure(5.2, 3.4)
    axes = figure.subplots()
    factors = [row.factor for row in rows]
    for key, colour, marker, label in (
        ("rms_flagged", SURROGATE, "o", "flagged: outside of the domain"),
        ("rms_unflagged", EXACT, "s", "not flagged"),
    ):
        values = [np.nan if getattr(r, key) is None else getattr(r, key) for r in rows]
        axes.plot(factors, values, color=colour, marker=marker, label=label)
    for row in rows:
        share = row.flagged / max(row.points, 1)
        axes.annotate(
            f"{100 * share:.0f} %", (row.factor, 0.02), xycoords=("data", "axes fraction"),
            ha="center", fontsize=8, color=SURROGATE,
        )  # fmt: skip
    axes.set(
        yscale="log",
        xlabel="distance of held-out points, times  (% of points flagged)",
        ylabel=r"rms error of $\ln L$",
        title="Beyond the training points",
    )
    axes.margins(y=0.2)
    axes.legend(frameon=False, fontsize=8)
    return figure


def figure_of_uncertainty(found: StatedUncertainty) -> Figure:
    """rms error of points that state about the same uncertainty, against that uncertainty."""
    figure = new_figure(4.6, 4.0)
    axes = figure.subplots()
    stated, rms = ([getattr(b, name) for b in found.bins] for name in ("stated", "rms"))
    low, high = min(*stated, *rms), max(*stated, *rms)
    axes.plot([low, high], [low, high], color=GREY, lw=0.8, label="as stated")
    axes.plot(stated, rms, color=SURROGATE, marker="o", label="test points, in eight bins")
    axes.set(
        xscale="log", yscale="log", xlabel="stated uncertainty", ylabel=r"rms error of $\ln L$"
    )
    axes.legend(frameon=False, fontsize=8)
    figure.suptitle("Error against stated uncertainty")
    return figure
