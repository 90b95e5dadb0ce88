"""How good is a surrogate? Pure functions from arrays to frozen results.

Errors are surrogate minus exact log-likelihood, natural log, no factor 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstwobign

from dnnlik.inference import effective_sample_size
from dnnlik.validation.blocks import halves

__all__ = [
    "ErrorBand",
    "Marginal",
    "Reweighting",
    "error_bands",
    "marginals",
    "reweighting",
    "weighted_ks",
]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ErrorBand:
    """The error for points whose log-likelihood is less than ``drop`` below the maximum.

    ``rms`` includes a constant offset, which fits and posteriors do not see;
    ``spread`` is the standard deviation without it. ``drop`` None means all points.
    """

    drop: float | None
    points: int
    rms: float
    spread: float
    largest: float


def error_bands(
    error: Array, drop: Array, limits: Sequence[float | None] = (5.0, 20.0, None)
) -> tuple[ErrorBand, ...]:
    """Errors (n,) in bands of the drop (n,) of the exact log-likelihood from its maximum.

    >>> band = error_bands(np.array([0.0, 2.0]), np.array([1.0, 30.0]), limits=[5.0])[0]
    >>> band.points, band.rms
    (1, 0.0)
    """
    rows = []
    for limit in limits:
        inside = error if limit is None else error[drop < limit]
        if inside.size:
            rms, largest = np.sqrt(np.mean(inside**2)), np.max(np.abs(inside))
            rows.append(
                ErrorBand(limit, inside.size, float(rms), float(inside.std()), float(largest))
            )
        else:
            rows.append(ErrorBand(limit, 0, 0.0, 0.0, 0.0))
    return tuple(rows)


@dataclass(frozen=True)
class Reweighting:
    """Weights that carry posterior points from the exact to the surrogate likelihood.

    ``weights`` (n,) with mean 1; ``fraction`` effective over actual points.
    """

    weights: Array
    fraction: float


def reweighting(error: Array) -> Reweighting:
    """exp(error), normalised; error (n,) of points that follow the exact posterior."""
    weights = np.exp(error - error.max())
    weights /= weights.mean()
    return Reweighting(weights, effective_sample_size(weights) / weights.size)


@dataclass(frozen=True)
class Marginal:
    """Two-sample Kolmogorov-Smirnov test of one parameter's marginal."""

    name: str
    distance: float
    p_value: float


def weighted_ks(
    first: Array, second: Array, weights: Array, *, independence: float = 1.0
) -> tuple[float, float]:
    """Distance and p-value between a sample and a weighted one.

    With effective sizes: n of the first, (Σw)²/Σw² of the second, both times
    ``independence``, the effective over the actual points of the chains. The p-value
    is the asymptotic one, Q(D sqrt(n₁n₂/(n₁+n₂))).

    >>> distance, p = weighted_ks(np.arange(4.0), np.arange(4.0), np.ones(4))
    >>> float(distance), float(p)
    (0.0, 1.0)
    """
    grid = np.sort(np.concatenate([first, second]))
    order = np.argsort(second)
    cumulative = np.concatenate([[0.0], np.cumsum(weights[order]) / weights.sum()])
    below_first = np.searchsorted(np.sort(first), grid, side="right") / first.size
    below_second = cumulative[np.searchsorted(second[order], grid, side="right")]
    distance = min(1.0, float(np.max(np.abs(below_first - below_second))))
    n, m = first.size * independence, effective_sample_size(weights) * independence
    return distance, float(kstwobign.sf(distance * np.sqrt(n * m / (n + m))))


def marginals(
    names: Sequence[str],
    points: Array,
    weights: Array,
    blocks: NDArray[np.intp],
    *,
    independence: float = 1.0,
) -> tuple[Marginal, ...]:
    """K-S of every marginal: half of the blocks stand for the exact posterior, the other
    half, weighted, for the surrogate's. So the two samples are independent.

    ``points`` (n, d), ``weights`` (n,) and ``blocks`` (n,), see `dnnlik.validation.blocks`,
    belong to each other row by row.
    """
    first, second = halves(blocks)
    exact, surrogate = points[first], points[second]
    tests = [
        weighted_ks(exact[:, i], surrogate[:, i], weights[second], independence=independence)
        for i in range(points.shape[1])
    ]
    return tuple(Marginal(name, *test) for name, test in zip(names, tests, strict=True))
