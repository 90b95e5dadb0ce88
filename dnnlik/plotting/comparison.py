"""Figures that set fits, pulls and CL_s of exact likelihood and surrogate side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dnnlik.plotting.inference import MOST, name_rows
from dnnlik.plotting.style import EXACT, GREY, SURROGATE, new_figure
from dnnlik.validation.fitted import Fitted
from dnnlik.validation.limits import LimitComparison

__all__ = ["figure_of_best_fits", "figure_of_cls"]


def figure_of_best_fits(found: Fitted, *, most: int = MOST) -> Figure:
    """Pulls with post-fit widths of both, and beside them how far apart the fits are.

    The ``most`` parameters whose fits differ most, in column order; pulls in units of the
    auxiliary measurement, differences in units of the exact uncertainty.
    """
    size = np.abs(np.nan_to_num(found.shift))
    chosen = np.sort(np.argsort(-size, kind="stable")[:most])
    names = [found.names[i] for i in chosen]
    figure = new_figure(7.6, 1.7 + 0.22 * len(chosen))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.5, 1))
    rows = name_rows(left, names)
    _pulls(left, found, names, rows)
    right.axvline(0, color=GREY, lw=0.8)
    right.plot(found.shift[chosen], rows, "D", ms=3.5, color=SURROGATE)
    reach = max(0.1, 1.1 * float(size.max(initial=0.0)))
    right.set(xlim=(-reach, reach), xlabel=r"$\Delta\hat\theta\,/\,\sigma_\mathrm{exact}$")
    right.set_title("surrogate - exact")
    right.tick_params(axis="y", length=0)
    title = (
        "Best fits"
        if len(chosen) == len(found.names)
        else f"Best fits: the {most} that differ most"
    )
    figure.suptitle(title)
    figure.legend(
        *left.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False
    )
    return figure


def _pulls(axes: Axes, found: Fitted, names: Sequence[str], rows: NDArray[np.float64]) -> None:
    """Pulls of both with their post-fit widths, of those that have an auxiliary measurement."""
    axes.axvspan(-1, 1, color="#E8E8E8", lw=0)
    axes.axvline(0, color=GREY, lw=0.8)
    both = (
        (found.exact_pulls, -0.16, EXACT, "o", "exact"),
        (found.surrogate_pulls, 0.16, SURROGATE, "x", "surrogate"),
    )
    for pulls, shift, colour, marker, label in both:
        place = {name: i for i, name in enumerate(pulls.names)}
        known = [i for i, name in enumerate(names) if name in place]
        columns = [place[names[i]] for i in known]
        axes.errorbar(
            pulls.pulls[columns],
            rows[known] + shift,
            xerr=np.nan_to_num(pulls.constraints[columns]),
            fmt=marker,
            ms=3.5,
            lw=1.1,
            color=colour,
            label=label,
        )
    for row, name in zip(rows, names, strict=True):
        if name not in found.exact_pulls.names:
            axes.text(0, row, "no auxiliary measurement", fontsize=7, ha="center", va="center")
    axes.set(xlabel=r"pull $(\hat\theta - \theta_0)\,/\,\Delta\theta$", title="pulls")


def figure_of_cls(found: LimitComparison) -> Figure:
    """CL_s observed and median expected, exact and surrogate, and the limits."""
    figure = new_figure(6.0, 4.0)
    axes = figure.subplots()
    curves = [(found.exact, EXACT, "-", "exact"), (found.surrogate, SURROGATE, "--", "surrogate")]
    if found.asimov is not None:
        curves.append((found.asimov, GREY, "-.", "exact, Asimov dataset"))
    for limit, colour, style, label in curves:
        curve = limit.curve
        axes.plot(curve.values, curve.cls, color=colour, ls=style, label=f"{label}: observed")
        expected = curve.expected[:, 2]
        axes.plot(
            curve.values, expected, color=colour, ls=style, lw=0.8, alpha=0.6,
            label=f"{label}: expected",
        )  # fmt: skip
        if np.isfinite(limit.observed):
            axes.axvline(limit.observed, color=colour, lw=0.8, ls=style)
    alpha = 1 - found.exact.level
    axes.axhline(alpha, color="black", lw=0.7)
    ends = [end for c, *_ in curves for end in (c.observed, *c.expected[3:4])]
    # Limits beyond the bounds are NaN: then all that was computed is shown.
    finite = [end for end in ends if np.isfinite(end)] or [found.exact.curve.values.max() / 1.15]
    right = float(max(finite))
    axes.set(
        xlabel=found.name,
        ylabel=r"$\mathrm{CL}_s$",
        yscale="log",
        ylim=(alpha / 20, 1.3),
        xlim=(0, 1.15 * right),
        title=f"CLs of {found.name}: {100 * found.exact.level:.3g} % limits",
    )
    axes.legend(frameon=False, fontsize=7)
    return figure
