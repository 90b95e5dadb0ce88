"""The exact posterior from draws of a surrogate's, and t at its profile.

What is held out must follow the exact posterior to be a test on it. Draws of the
surrogate's posterior are proposals of an independence chain (L. Tierney, Ann. Statist. 22
(1994) 1701, sect. 2.3.2): each costs one exact call, is accepted with probability
min(1, w'/w), w = L_exact/L_surrogate, and where it is not the last one counts again. What
the surrogate's posterior never visits they do not see either; the profile is checked apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import NotConverged
from dnnlik.inference import likelihood_interval, profile
from dnnlik.inference.gradients import hessian
from dnnlik.inference.quadratic import curvature_widths
from dnnlik.likelihoods.base import Likelihood
from dnnlik.refinement.budget import CountedLikelihood
from dnnlik.refinement.maximum import central_gradient
from dnnlik.typing import Points, Values

__all__ = ["CheckedScan", "PlannedScan", "checked_scan", "independence_chains", "scan_calls"]

Array = NDArray[np.float64]

_T_MAX = 9.0


def independence_chains(
    log_weight: Values, chains: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], float]:
    """Which proposal each step of each chain is at, (steps, chains), and the acceptance.

    ``log_weight`` (n,), exact minus surrogate; -inf where the exact density is zero.
    Proposals are shared out evenly; each chain starts at one drawn by its weight.

    Raises:
        NotConverged: the exact density is zero at all of them.
    """
    if not np.isfinite(log_weight).any():
        raise NotConverged(
            "the exact likelihood is zero wherever the surrogate has its posterior; give it more "
            f"calls. Received: {len(log_weight)} draws"
        )
    steps = len(log_weight) // chains
    proposals = np.arange(steps * chains).reshape(steps, chains)
    log_u = np.log(rng.uniform(size=proposals.shape))
    rows = np.empty_like(proposals)
    weight = np.exp(log_weight - log_weight.max())
    now = rng.choice(len(weight), size=chains, p=weight / weight.sum())
    accepted = 0
    for step in range(steps):
        accept = log_u[step] < log_weight[proposals[step]] - log_weight[now]
        now = np.where(accept, proposals[step], now)
        rows[step] = now
        accepted += int(accept.sum())
    return rows, accepted / max(rows.size, 1)


@dataclass(frozen=True)
class CheckedScan:
    """The exact log-likelihood maximised at values of one parameter.

    Attributes:
        name: the parameter.
        values: (m,) where it is held.
        points: (m, d) the best points found: the surrogate's conditional maxima, after a
            Newton step with the exact slope and the surrogate's curvature.
        log_likelihood: (m,) exact values there: maxima to second order in the error of the
            surrogate's slope, never above.
    """

    name: str
    values: Array
    points: Points
    log_likelihood: Array


def scan_calls(width: int, differentiable: bool, points: int) -> int:
    """The calls of `checked_scan` of one parameter."""
    return points * (2 + (1 if differentiable else 2 * width))


@dataclass(frozen=True)
class PlannedScan:
    """The profile of a surrogate up to its t = 9: ``values`` (m,), ``points`` (m, d), and
    its ``curvature`` (m, d, d), the Hessian of the log-likelihood there."""

    name: str
    values: Array
    points: Points
    curvature: Array

    @classmethod
    def of(cls, learned: Likelihood, name: str, count: int) -> PlannedScan:
        """By fits of the surrogate alone."""
        values = np.linspace(*likelihood_interval(learned, name, _T_MAX), count)
        points = profile(learned, name, values).points
        return cls(name, values, points, np.array([hessian(learned, row) for row in points]))


def checked_scan(density: CountedLikelihood, plan: PlannedScan) -> CheckedScan:
    """Exact values at and near the profile of a surrogate."""
    points = plan.points.copy()
    heights = density.log_likelihood(points)
    for i, (point, curvature) in enumerate(zip(plan.points, plan.curvature, strict=True)):
        trial = _polished(density, point, curvature, plan.name)
        height = density.log_likelihood(trial[None])[0]
        if height > heights[i]:
            points[i], heights[i] = trial, height
    return CheckedScan(plan.name, plan.values, points, heights)


def _polished(density: CountedLikelihood, point: Array, curvature: Array, name: str) -> Array:
    """One Newton step in all other parameters that are not at a bound."""
    p = density.parameters
    widths = curvature_widths(curvature[None], p.scales)[0]
    slope = central_gradient(density, point, widths)
    free = (point > p.lower) & (point < p.upper)
    free[p.index(name)] = False
    step = np.zeros_like(point)
    if free.any():
        unit = widths[free]
        values, vectors = np.linalg.eigh(-curvature[np.ix_(free, free)] * np.outer(unit, unit))
        # Kinks of a network may bend it the wrong way: no step is longer than ten widths.
        inverse = vectors / np.maximum(values, 1e-2) @ vectors.T
        step[free] = unit * (inverse @ (unit * slope[free]))
    return np.asarray(np.clip(point + step, p.lower, p.upper))
