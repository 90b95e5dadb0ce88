"""Profile likelihoods: scans, the test statistic t_μ, and likelihood-ratio intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from dnnlik.inference.fit import FitResult, fit
from dnnlik.inference.gradients import hessian
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
    """Fit with one parameter held at each of ``values``, each starting from its neighbour.

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
    fits = _scan(density, name, grid, best)
    if starts is not None:
        held = [{name: float(value)} for value in grid]
        more = [fit(density, fixed=f, start=s) for f, s in zip(held, starts, strict=True)]
        fits = [max(pair, key=_height) for pair in zip(fits, more, strict=True)]
    for _ in range(_RESTARTS):
        highest = max(fits, key=_height, default=best)
        if highest.log_likelihood <= best.log_likelihood + 1e-9:
            break
        # A conditional maximum above the global one: the global fit was not the best.
        # From the new one the scan may miss what the old one found, so keep the better.
        best = fit(density, start=highest.point)
        again = _scan(density, name, grid, best)
        fits = [max(pair, key=_height) for pair in zip(fits, again, strict=True)]
    return Profile(
        name=name,
        values=grid,
        points=np.array([result.point for result in fits]).reshape(grid.size, len(best.point)),
        log_likelihood=np.array([result.log_likelihood for result in fits]),
        best=best,
        converged=np.array([result.converged for result in fits], dtype=bool),
    )


def _height(result: FitResult) -> float:
    return result.log_likelihood


def _scan(density: LogDensity, name: str, grid: Array, best: FitResult) -> list[FitResult]:
    """Conditional fits outwards from the best fit on both sides."""
    results: dict[int, FitResult] = {}
    order = np.argsort(grid)
    above = [i for i in order if grid[i] >= best[name]]
    below = [i for i in order[::-1] if grid[i] < best[name]]
    for side in (above, below):
        start = best.point
        for i in side:
            results[i] = fit(density, fixed={name: float(grid[i])}, start=start)
            start = results[i].point
    return [results[i] for i in range(grid.size)]


def likelihood_interval(
    density: LogDensity, name: str, t: float, *, best: FitResult | None = None
) -> tuple[float, float]:
    """Where t_μ of a parameter reaches ``t`` on either side, cut at its bounds.

    t = 1, 4, 9 give the usual 1, 2, 3 standard deviations (arXiv:1007.1727).
    """
    best = fit(density) if best is None else best
    column = density.parameters.index(name)
    lower, upper = density.parameters[name].bounds
    width = _width(density, best, column) * np.sqrt(t)
    ends = [_crossing(density, name, t, best, s * width, b) for s, b in ((-1, lower), (1, upper))]
    return ends[0], ends[1]


def _width(density: LogDensity, best: FitResult, column: int) -> float:
    """One standard deviation of a parameter from the inverse Hessian."""
    information = -hessian(density, best.point)
    try:
        variance = float(np.linalg.inv(information)[column, column])
    except np.linalg.LinAlgError:
        variance = np.nan
    return np.sqrt(variance) if variance > 0 else float(density.parameters.scales[column])


def _crossing(
    density: LogDensity, name: str, t: float, best: FitResult, step: float, bound: float
) -> float:
    start = best.point

    def above(value: float) -> float:
        nonlocal start
        result = fit(density, fixed={name: value}, start=start)
        start = result.point
        return 2 * (best.log_likelihood - result.log_likelihood) - t

    inner = best[name]
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
