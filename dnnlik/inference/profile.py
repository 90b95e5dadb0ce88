"""Profile likelihoods: scans, the test statistic t_μ, and likelihood-ratio intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from dnnlik.inference.fit import fit
from dnnlik.inference.fits import Fits, fit_many
from dnnlik.inference.gradients import hessian
from dnnlik.inference.result import FitResult
from dnnlik.inference.uncertainties import profile_width
from dnnlik.typing import LogDensity

__all__ = ["Profile", "likelihood_interval", "profile"]

Array = NDArray[np.float64]

_RESTARTS = 10
"""How often a profile starts again from a better maximum that it met."""


@dataclass(frozen=True)
class Profile:
    """A likelihood maximised over all parameters but one.

    Attributes:
        name: the scanned parameter.
        values: (m,) where it was held.
        points: (m, d) the conditional maxima.
        log_likelihood: (m,) their values.
        best: the global maximum.
        converged: (m,) which of the fits converged.
    """

    name: str
    values: Array
    points: NDArray[np.float64]
    log_likelihood: Array
    best: FitResult
    converged: NDArray[np.bool_]

    @property
    def t(self) -> Array:
        """t_μ = -2 ln λ(μ), arXiv:1007.1727 eq. 8: twice the drop from the maximum."""
        return 2.0 * (self.best.log_likelihood - self.log_likelihood)


def profile(
    density: LogDensity,
    name: str,
    values: Sequence[float] | Array,
    *,
    best: FitResult | None = None,
    starts: NDArray[np.float64] | None = None,
) -> Profile:
    """Fit with one parameter held at each of ``values``; neighbours help each other.

    ``starts`` (m, d) are further points to start from, one a value; the better fit counts.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 0, (-5, 5), poi=True)],
    ...                            lambda x: -0.5 * (x[:, 0] - 1) ** 2)
    >>> profile(gauss, "mu", [0.0, 1.0, 3.0]).t.round(6).tolist()
    [1.0, 0.0, 4.0]
    """
    grid = np.asarray(values, dtype=float)
    best = fit(density) if best is None else best
    found = _scan(density, name, grid, best)
    if starts is not None:
        found = found.or_better(fit_many(density, fixed={name: grid}, starts=starts))
    for _ in range(_RESTARTS):
        if not grid.size or found.log_likelihood.max() <= best.log_likelihood + 1e-9:
            break
        # A conditional maximum above the global one: the global fit was not the best.
        # From the new one the scan may miss what the old one found, so keep the better.
        best = fit(density, start=found.points[int(np.argmax(found.log_likelihood))])
        found = found.or_better(_scan(density, name, grid, best))
    return Profile(name, grid, found.points, found.log_likelihood, best, found.converged)


def _scan(density: LogDensity, name: str, grid: Array, best: FitResult) -> Fits:
    """Conditional fits, with gradients all at once; without, each from its neighbour."""
    column = density.parameters.index(name)
    order = np.argsort(grid, kind="stable")
    if not hasattr(density, "value_and_gradient"):
        return _one_by_one(density, name, grid, order, best)
    starts = best.point + (grid - best.point[column])[:, None] * _tangent(density, best, column)
    found = fit_many(density, fixed={name: grid}, starts=starts)
    for _ in range(_RESTARTS):
        # From the neighbours on either side: a profile runs through the better valley.
        before = found.log_likelihood
        for shift in (1, -1):
            neighbour = found.points.copy()
            to, of = (order[1:], order[:-1]) if shift == 1 else (order[:-1], order[1:])
            neighbour[to] = found.points[of]
            found = found.or_better(fit_many(density, fixed={name: grid}, starts=neighbour))
        if not (found.log_likelihood > before + 1e-6).any():
            break
    return found


def _tangent(density: LogDensity, best: FitResult, column: int) -> Array:
    """How the conditional maximum moves with one parameter, (d,): covariance over variance."""
    direction = np.zeros(len(best.point))
    direction[column] = 1.0
    others = np.arange(len(best.point)) != column
    p = density.parameters
    others &= (best.point > p.lower) & (best.point < p.upper)
    information = -hessian(density, best.point)
    solved = np.linalg.lstsq(
        information[np.ix_(others, others)], -information[others, column], rcond=1e-12
    )[0]
    direction[others] = solved
    return direction


def _one_by_one(
    density: LogDensity, name: str, grid: Array, order: NDArray[np.intp], best: FitResult
) -> Fits:
    """Outwards from the best fit on both sides."""
    results: dict[int, FitResult] = {}
    above = [i for i in order if grid[i] >= best[name]]
    below = [i for i in order[::-1] if grid[i] < best[name]]
    for side in (above, below):
        start = best.point
        for i in side:
            results[i] = fit(density, fixed={name: float(grid[i])}, start=start)
            start = results[i].point
    return Fits.of([results[i] for i in range(grid.size)], density.parameters)


def likelihood_interval(
    density: LogDensity, name: str, t: float, *, best: FitResult | None = None
) -> tuple[float, float]:
    """Where t_μ of a parameter reaches ``t`` on either side, cut at its bounds.

    t = 1, 4, 9 give the usual 1, 2, 3 standard deviations (arXiv:1007.1727).
    """
    best = fit(density) if best is None else best
    lower, upper = density.parameters[name].bounds
    width = _width(density, best, name) * np.sqrt(t)
    ends = [_crossing(density, name, t, best, s * width, b) for s, b in ((-1, lower), (1, upper))]
    return ends[0], ends[1]


def _width(density: LogDensity, best: FitResult, name: str) -> float:
    """One standard deviation by the curvature; without one the natural length."""
    width = profile_width(density, best.point, name)
    return (
        width
        if np.isfinite(width)
        else float(density.parameters.scales[density.parameters.index(name)])
    )


def _crossing(
    density: LogDensity, name: str, t: float, best: FitResult, step: float, bound: float
) -> float:
    start, inner = best.point, best[name]
    # A fit from another start differs by rounding, which decides the sign where a step of a
    # Gaussian's width ends on the crossing itself: a value is fitted once.
    known = {inner: -t}

    def above(value: float) -> float:
        nonlocal start
        if value not in known:
            result = fit(density, fixed={name: value}, start=start)
            start = result.point
            known[value] = 2 * (best.log_likelihood - result.log_likelihood) - t
        return known[value]

    for _ in range(60):
        outer = inner + step
        if (step > 0 and outer >= bound) or (step < 0 and outer <= bound):
            outer = bound
        if above(outer) > 0:
            return float(brentq(above, inner, outer, xtol=1e-4 * abs(step)))
        if outer == bound:
            return float(bound)
        inner, step = outer, 1.5 * step
    return float(outer)
