"""All figures of a validation, by the names of their files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from dnnlik.plotting.comparison import figure_of_best_fits, figure_of_cls
from dnnlik.plotting.corner import correlated_columns, figure_of_corner
from dnnlik.plotting.error_profiles import (
    figure_of_error_by_distance,
    figure_of_error_by_parameter,
    figure_of_outside,
    figure_of_uncertainty,
)
from dnnlik.plotting.validation import (
    figure_of_errors,
    figure_of_history,
    figure_of_posterior,
    figure_of_scan,
)
from dnnlik.validation.report import Validation

__all__ = ["FIGURES_BY_NAME", "figures_of"]

FIGURES_BY_NAME = ("t_*.png", "posterior_*.png", "cls_*.png")
"""Patterns of the figures that there is one of for each of some parameters."""

_MOST_POINTS = 200_000


def figures_of(
    report: Validation, history: Sequence[Mapping[str, float]] = ()
) -> dict[str, Figure]:
    """Figures of a report and of the training's ``history``; names end in .png."""
    figures = {
        "corner.png": _corner(report),
        "errors.png": figure_of_errors(report.held_out),
        "errors_by_distance.png": figure_of_error_by_distance(report.by_drop, report.by_radius),
        "errors_by_parameter.png": figure_of_error_by_parameter(report.by_parameter),
        "outside.png": figure_of_outside(report.outside),
        "pulls.png": figure_of_best_fits(report.fitted),
    }
    if report.uncertainty is not None:
        figures["uncertainty.png"] = figure_of_uncertainty(report.uncertainty)
    if history:
        figures["history.png"] = figure_of_history(history)
    for scan in report.scans:
        figures[f"t_{_plain(scan.name)}.png"] = figure_of_scan(scan)
        if scan.of_interest:
            figures[f"posterior_{_plain(scan.name)}.png"] = figure_of_posterior(
                scan.name, report.names.index(scan.name), report.held_out, report.intervals
            )
    for limit in report.limits:
        figures[f"cls_{_plain(limit.name)}.png"] = figure_of_cls(limit)
    return figures


def _plain(name: str) -> str:
    """A name as part of a file's."""
    return "".join(c if c.isalnum() else "_" for c in name)


def _corner(report: Validation) -> Figure:
    """Of the pois and what correlates with them: the surrogate's own points if there are."""
    exact = report.samples.points[report.samples.unbiased]
    exact = exact[:: -(-len(exact) // _MOST_POINTS)]
    pois = [report.names.index(n) for n in report.samples.parameters.poi_names]
    columns = correlated_columns(exact, pois)
    names = [report.names[i] for i in columns]
    drawn = None if report.sampled is None else report.sampled.samples
    if drawn is not None and report.sampled is not None and report.sampled.converged:
        return figure_of_corner(
            names, exact[:, columns], drawn.points[:, columns], label="surrogate (sampled)"
        )
    rows = report.held_out.unbiased
    points, weights = report.held_out.points[rows], report.held_out.weights[rows]
    return figure_of_corner(
        names,
        exact[:, columns],
        np.asarray(points[:, columns]),
        weights=weights,
        label="surrogate (reweighted)",
    )
