"""Figures of inference: pulls, impacts, scans and limits.

Pure functions from the results of `dnnlik.inference` to matplotlib figures that no global
state knows of. The bands of limits are green and yellow, as everyone expects them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dnnlik.inference import ClsCurve, Impacts, Profile, Pulls, ToyCls, UpperLimit
from dnnlik.plotting.style import EXACT, GREY, SURROGATE, new_figure

__all__ = [
    "MOST",
    "figure_of_impacts",
    "figure_of_limit",
    "figure_of_profile",
    "figure_of_pulls",
    "name_rows",
]

Array = NDArray[np.float64]

MOST = 30
"""Parameters that fit on a page."""

_GREEN, _YELLOW = "#00CC00", "#FFCC00"
_LONGEST = 38


def _short(name: str) -> str:
    """A name that leaves room for the plot."""
    if len(name) <= _LONGEST:
        return name
    head = _LONGEST // 2
    return f"{name[:head]}…{name[head + 1 - _LONGEST :]}"


def name_rows(axes: Axes, names: Sequence[str]) -> Array:
    """A row for each name, the first on top."""
    rows = np.arange(len(names), dtype=float)
    axes.set_yticks(rows, [_short(name) for name in names], fontsize=8)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    return rows


def _title(shown: int, total: int, order: str) -> str:
    return f"the {shown} of {total} parameters with the largest {order}" if shown < total else ""


def figure_of_pulls(pulls: Pulls, *, most: int = MOST) -> Figure:
    """Pulls with post-fit widths in units of the auxiliary measurement's.

    The ``most`` parameters that the data move or constrain most, in column order.
    """
    moved = np.abs(pulls.pulls) + np.abs(np.nan_to_num(1 - pulls.constraints, nan=1.0))
    chosen = np.sort(np.argsort(-moved, kind="stable")[:most])
    figure = new_figure(6.4, 1.3 + 0.21 * len(chosen))
    axes = figure.subplots()
    rows = name_rows(axes, [pulls.names[i] for i in chosen])
    axes.axvspan(-2, 2, color="#EEEEEE", lw=0)
    axes.axvspan(-1, 1, color="#D9D9D9", lw=0)
    axes.axvline(0, color=GREY, lw=0.8)
    axes.errorbar(
        pulls.pulls[chosen],
        rows,
        xerr=np.nan_to_num(pulls.constraints[chosen]),
        fmt="o",
        ms=3.5,
        color=EXACT,
        lw=1.2,
    )
    reach = np.abs(pulls.pulls[chosen]) + np.nan_to_num(pulls.constraints[chosen])
    limit = 1.08 * max(2.1, float(reach.max(initial=0.0)))
    axes.set(xlim=(-limit, limit), xlabel=r"$(\hat\theta - \theta_0)\,/\,\Delta\theta$")
    axes.set_title(_title(len(chosen), len(pulls.names), "pull or constraint"), fontsize=9)
    return figure


def figure_of_impacts(impacts: Impacts, pulls: Pulls, *, most: int = MOST) -> Figure:
    """The ranking: impacts on the parameter of interest, largest first, and pulls beside."""
    order = [i for i in impacts.ranking if np.isfinite(impacts.postfit[i]).all()]
    chosen = np.array(order[:most], dtype=np.intp)
    figure = new_figure(8.4, 1.7 + 0.23 * len(chosen))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 1.2))
    rows = name_rows(left, [impacts.names[i] for i in chosen])
    _draw_impacts(right, rows, impacts.prefit[chosen], impacts.postfit[chosen])
    right.set_xlabel(rf"$\Delta$ {impacts.poi}")
    right.tick_params(axis="y", length=0)
    _draw_pulls(left, rows, [impacts.names[i] for i in chosen], pulls)
    left.set_xlabel(r"$(\hat\theta - \theta_0)\,/\,\Delta\theta$")
    title = _title(len(chosen), len(impacts.names), f"impact on {impacts.poi}")
    figure.suptitle(title, fontsize=9)
    figure.legend(
        *right.get_legend_handles_labels(),
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=8,
    )
    return figure


def _draw_impacts(axes: Axes, rows: Array, prefit: Array, postfit: Array) -> None:
    axes.axvline(0, color=GREY, lw=0.8)
    for sign, colour, label in ((0, EXACT, r"+1$\sigma$"), (1, SURROGATE, r"-1$\sigma$")):
        axes.barh(
            rows, np.nan_to_num(prefit[:, sign]), height=0.75, facecolor="none",
            edgecolor=colour, lw=0.8, label=f"pre-fit {label}",
        )  # fmt: skip
        axes.barh(
            rows, postfit[:, sign], height=0.5, color=colour, alpha=0.75, label=f"post-fit {label}"
        )
    largest = np.nanmax(np.abs(np.concatenate([prefit, postfit])), initial=0.0)
    limit = 1.08 * float(largest) or 1.0
    axes.set_xlim(-limit, limit)


def _draw_pulls(axes: Axes, rows: Array, names: Sequence[str], pulls: Pulls) -> None:
    """Pulls of the constrained of the named parameters; "free" for the others."""
    position = {name: i for i, name in enumerate(pulls.names)}
    axes.axvspan(-1, 1, color="#E3E3E3", lw=0)
    axes.axvline(0, color=GREY, lw=0.8)
    limit = 2.0
    for row, name in zip(rows, names, strict=True):
        if name not in position:
            axes.text(0, row, "free", ha="center", va="center", fontsize=7, color="#555555")
            continue
        pull, width = (a[position[name]] for a in (pulls.pulls, pulls.constraints))
        width = np.nan_to_num(width)
        axes.errorbar(pull, row, xerr=width, fmt="o", ms=3.5, color="black", lw=1.2)
        limit = max(limit, 1.1 * (abs(pull) + width))
    axes.set_xlim(-limit, limit)


def figure_of_profile(
    scan: Profile, intervals: Sequence[tuple[float, tuple[float, float]]] = ()
) -> Figure:
    """t_μ of a scan, with likelihood intervals (t, (lower, upper))."""
    figure = new_figure(6.0, 4.2)
    axes = figure.subplots()
    order = np.argsort(scan.values)
    values, t = scan.values[order], scan.t[order]
    axes.plot(values, t, color=EXACT, lw=1.4, marker="o" if len(values) < 80 else "", ms=2.5)
    top = max(1.05 * float(t.max(initial=1.0)), 1.4)
    scanned = axes.get_xlim()  # and no farther, where an interval ends outside
    for level, (lower, upper) in intervals:
        if level < top:
            axes.axhline(level, color=GREY, lw=0.7, ls=":")
            label = f"t = {level:g}: [{lower:.4g}, {upper:.4g}]"
            style = "--" if level == 1 else "-."
            axes.vlines([lower, upper], 0, level, color=SURROGATE, lw=1, ls=style, label=label)
    # A parabola leaves its middle free.
    if len(intervals):
        axes.legend(frameon=False, fontsize=8, loc="upper center")
    axes.set(
        xlabel=scan.name,
        ylabel=r"$t_\mu = -2\,\ln\lambda(\mu)$",
        xlim=scanned,
        ylim=(0, top),
        title=f"best fit: {scan.name} = {scan.best[scan.name]:.4g}",
    )
    axes.title.set_fontsize(9)
    return figure


def figure_of_limit(limit: UpperLimit, toys: ToyCls | None = None) -> Figure:
    """CL_s against the parameter of interest with its expected band (Brazil), and limits."""
    figure = new_figure(6.4, 4.8)
    axes = figure.subplots()
    curve, alpha = limit.curve, 1 - limit.level
    _draw_band(axes, curve)
    axes.plot(curve.values, curve.cls, color="black", lw=1.6, label=r"observed CL$_s$")
    axes.axhline(alpha, color="#CC0000", lw=0.9)
    axes.text(
        0.012, alpha, f"{100 * limit.level:g} % CL", transform=axes.get_yaxis_transform(),
        va="bottom", fontsize=8, color="#CC0000",
    )  # fmt: skip
    for value, style in ((limit.observed, "-"), (float(limit.expected[2]), "--")):
        if np.isfinite(value):
            axes.vlines(value, 0, alpha, color="black", lw=0.9, ls=style)
    if toys is not None:
        axes.errorbar(
            toys.values, toys.cls, yerr=toys.cls_error, fmt="s", ms=3.5, lw=1,
            color=EXACT, label=rf"observed, {toys.toys} toys",
        )  # fmt: skip
        axes.plot(toys.values, toys.expected[:, 2], "x", ms=5, color=SURROGATE,
                  label="expected, toys")  # fmt: skip
    axes.set(
        xlabel=limit.poi,
        ylabel=r"CL$_s$",
        xlim=(0, curve.values.max()),
        ylim=(0, 1.02),
        title=_limit_title(limit),
    )
    axes.title.set_fontsize(9)
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    return figure


def _draw_band(axes: Axes, curve: ClsCurve) -> None:
    band = curve.expected.T
    axes.fill_between(curve.values, band[0], band[4], color=_YELLOW, lw=0,
                      label=r"expected $\pm 2\sigma$")  # fmt: skip
    axes.fill_between(curve.values, band[1], band[3], color=_GREEN, lw=0,
                      label=r"expected $\pm 1\sigma$")  # fmt: skip
    source = " (Wald)" if curve.asimov == "wald" else ""
    axes.plot(curve.values, band[2], color="black", lw=1.2, ls="--", label=f"expected{source}")


def _limit_title(limit: UpperLimit) -> str:
    def text(value: float) -> str:
        return f"{value:.3g}" if np.isfinite(value) else "not reached"

    return (
        f"{100 * limit.level:g} % CL upper limit on {limit.poi}: observed {text(limit.observed)}, "
        f"expected {text(float(limit.expected[2]))} "
        f"({text(float(limit.expected[1]))} to {text(float(limit.expected[3]))})"
    )
