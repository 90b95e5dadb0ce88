"""Impacts: how far the parameter of interest moves with each other parameter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference.fits import Fits, fit_rows
from dnnlik.inference.poi import poi_of
from dnnlik.inference.problems import problems_of
from dnnlik.inference.uncertainties import Uncertainties
from dnnlik.typing import LogDensity

__all__ = ["Impacts", "impacts"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Impacts:
    """Shifts of the fitted parameter of interest, for k other parameters.

    A parameter is moved from its fitted value by a standard deviation, up or down, and
    held there while all others are fitted again; it stops at a bound.

    Attributes:
        poi: the parameter of interest.
        names: (k,) the others, in column order.
        postfit: (k, 2) shift of the poi, for + and - one standard deviation after the
            fit; NaN where there is none (at a bound).
        prefit: (k, 2) the same for one width of the auxiliary measurement; NaN without.
        converged: whether all fits converged.
    """

    poi: str
    names: tuple[str, ...]
    postfit: Array
    prefit: Array
    converged: bool

    @property
    def ranking(self) -> NDArray[np.intp]:
        """Positions from the largest post-fit impact to the smallest, (k,); NaN last."""
        size = np.abs(self.postfit).max(axis=1)
        return np.argsort(np.where(np.isnan(size), np.inf, -size), kind="stable")


def impacts(density: LogDensity, fitted: Uncertainties, *, poi: str | None = None) -> Impacts:
    """Impacts of all parameters on the parameter of interest: 4k fits as one batch.

    Args:
        density: any LogDensity.
        fitted: its maximum and uncertainties.
        poi: the parameter of interest; the one that is marked by default.

    >>> from dnnlik.inference import fit, uncertainties
    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood(
    ...     [Parameter("mu", 0, (-9, 9), poi=True), Parameter("b", 0, (-9, 9))],
    ...     lambda p: -0.5 * (p[:, 0] - p[:, 1]) ** 2 - 2 * p[:, 1] ** 2)
    >>> impacts(gauss, uncertainties(gauss, fit(gauss))).postfit.round(4).tolist()
    [[0.5, -0.5]]
    """
    p = density.parameters
    target = p.index(poi_of(p, poi))
    columns = np.delete(np.arange(len(p)), target)
    prior = np.array([np.nan if q.constraint is None else q.constraint.scale for q in p])
    sizes = np.concatenate([fitted.errors[columns], prior[columns]])
    moved = np.tile(columns, 2)
    # Rows: post-fit up, post-fit down, pre-fit up, pre-fit down, k of each pair's size.
    shifts = np.concatenate([sizes, -sizes])
    rows, used = np.tile(moved, 2), np.isfinite(shifts)
    shift, converged = np.full(shifts.size, np.nan), True
    if used.any():
        found = _refitted(density, fitted, rows[used], shifts[used])
        shift[used] = found.points[:, target] - fitted.point[target]
        converged = bool(found.converged.all())
    # (sign, kind, k) → (kind, k, sign)
    postfit, prefit = shift.reshape(2, 2, columns.size).transpose(1, 2, 0)
    names = tuple(p.names[i] for i in columns)
    return Impacts(p.names[target], names, postfit, prefit, converged)


def _refitted(
    density: LogDensity, fitted: Uncertainties, columns: NDArray[np.intp], shifts: Array
) -> Fits:
    """One fit a row, with one parameter moved and held, from where the Hessian expects it."""
    p, rows = density.parameters, np.arange(columns.size)
    held = np.clip(fitted.point[columns] + shifts, p.lower[columns], p.upper[columns])
    starts = fitted.point + (held - fitted.point[columns])[:, None] * fitted.response[columns]
    starts = np.clip(starts, p.lower, p.upper)
    starts[rows, columns] = held
    free = np.ones(starts.shape, dtype=bool)
    free[rows, columns] = False
    return fit_rows(problems_of(density, columns.size), starts, free)
