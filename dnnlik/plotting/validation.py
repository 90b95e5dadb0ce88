"""Figures of a validation: pure functions from results to matplotlib figures.

Each returns a `matplotlib.figure.Figure` that no global state knows of; save it with
``figure.savefig(path)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from dnnlik.plotting.style import EXACT, GREY, SURROGATE, new_figure
from dnnlik.validation.held_out import HeldOut
from dnnlik.validation.intervals import Interval
from dnnlik.validation.scans import Scan

__all__ = ["figure_of_errors", "figure_of_history", "figure_of_posterior", "figure_of_scan"]


def figure_of_history(history: Sequence[Mapping[str, float]]) -> Figure:
    """Loss of training and validation, and the learning rate, by epoch."""
    figure = new_figure()
    axes = figure.subplots()
    epochs = [record["epoch"] for record in history]
    axes.plot(epochs, [r["loss"] for r in history], color=EXACT, label="training")
    axes.plot(epochs, [r["validation_loss"] for r in history], color=SURROGATE, label="validation")
    axes.set(xlabel="epoch", ylabel="loss on the standardised target", yscale="log")
    axes.legend(frameon=False, loc="upper right")
    rate = axes.twinx()
    rate.step(epochs, [r["rate"] for r in history], color=GREY, lw=0.7, ls=":", where="mid")
    rate.set_yscale("log")
    rate.set_ylabel("learning rate (dotted)", color=GREY)
    # Minor ticks of a logarithmic axis would be labelled over less than a decade.
    rate.yaxis.set_major_locator(LogLocator(numticks=4))
    rate.yaxis.set_minor_locator(NullLocator())
    rate.tick_params(axis="y", colors=GREY, labelsize=8)
    axes.set_title("Training")
    return figure


def figure_of_scan(scan: Scan) -> Figure:
    """t_μ exact and surrogate, their difference below."""
    figure = new_figure(6.0, 4.8)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot(scan.values, scan.exact, color=EXACT, marker="o", ms=4, label="exact")
    top.plot(scan.values, scan.surrogate, color=SURROGATE, marker="x", ls="--", label="surrogate")
    for level in (1, 4, 9):
        if scan.exact.max() > level:
            top.axhline(level, color=GREY, lw=0.6, ls=":")
    top.set(ylabel=r"$t_\mu = -2\,\ln\lambda(\mu)$")
    top.legend(frameon=False)
    top.set_title(f"Profile likelihood of {scan.name}")
    bottom.plot(scan.values, scan.surrogate - scan.exact, color=SURROGATE, marker="x")
    bottom.axhline(0, color=EXACT, lw=0.8)
    bottom.set(xlabel=scan.name, ylabel=r"$\Delta t_\mu$")
    return figure


def figure_of_errors(held_out: HeldOut) -> Figure:
    """Error of the surrogate against the distance from the maximum, on test points."""
    figure = new_figure()
    axes = figure.subplots()
    kinds = ((held_out.unbiased, EXACT, "posterior"), (~held_out.unbiased, SURROGATE, "others"))
    for rows, colour, label in kinds:
        axes.scatter(
            held_out.drop[rows],
            held_out.error[rows],
            s=2,
            alpha=0.4,
            color=colour,
            label=label,
            rasterized=True,
            linewidths=0,
        )
    limit = float(np.abs(held_out.error).max()) * 1.1
    axes.axhline(0, color=GREY, lw=0.8)
    axes.set(
        xlabel=r"$\ln L_\mathrm{max} - \ln L$ (exact)",
        ylabel="surrogate − exact  ($\\ln L$)",
        ylim=(-limit, limit),
    )
    axes.legend(frameon=False, markerscale=4)
    axes.set_title("Error of each held-out point")
    return figure


def figure_of_posterior(
    name: str, column: int, held_out: HeldOut, intervals: Sequence[Interval]
) -> Figure:
    """Marginal posterior of a parameter of interest with the ends of its intervals."""
    figure = new_figure()
    axes = figure.subplots()
    rows = held_out.unbiased
    values = held_out.points[rows, column]
    edges = np.linspace(values.min(), values.max(), 51).tolist()
    axes.hist(values, edges, density=True, color=EXACT, alpha=0.35, label="exact")
    axes.hist(
        values,
        edges,
        weights=held_out.weights[rows],
        density=True,
        histtype="step",
        color=SURROGATE,
        label="surrogate (reweighted)",
    )
    for interval in (i for i in intervals if i.name == name):
        for end in interval.exact:
            axes.axvline(end, color=EXACT, lw=0.8)
        for end in interval.surrogate:
            axes.axvline(end, color=SURROGATE, lw=0.8, ls="--")
    axes.set(xlabel=name, ylabel="posterior density")
    axes.legend(
        title="lines: 68.27, 95.45,\n99.73 % HPDI", fontsize=8, title_fontsize=8, edgecolor="none"
    )
    axes.set_title(f"Marginal posterior of {name}")
    return figure
