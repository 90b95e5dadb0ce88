"""Highest-posterior-density intervals of exact likelihood and surrogate, with their Monte
Carlo errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference import LEVELS, hpdi
from dnnlik.sampling.samples import Samples
from dnnlik.typing import LogDensity
from dnnlik.validation.blocks import blocks_of, bootstrap_error
from dnnlik.validation.metrics import reweighting

__all__ = ["Interval", "intervals_of", "intervals_of_samples"]

Array = NDArray[np.float64]
Ends = tuple[float, float]

MOST_POINTS = 200_000
"""Points that the bootstrap draws from; errors of more points are scaled from these."""


@dataclass(frozen=True)
class Interval:
    """HPDI of one parameter of interest at one level.

    Attributes:
        exact, surrogate: the ends.
        exact_error, surrogate_error: Monte Carlo errors of the ends.
        difference_error: of surrogate minus exact. Smaller than those of the ends where both
            come from the same points, for they move together.
        width: standard deviation of the exact posterior, to compare differences with.
        source: "reweighted" points of the exact posterior, or "sampled" from the surrogate.
    """

    name: str
    level: float
    exact: Ends
    surrogate: Ends
    exact_error: Ends
    surrogate_error: Ends
    difference_error: Ends
    width: float
    source: str = "reweighted"

    @property
    def excess(self) -> float:
        """Larger shift of an end beyond three Monte Carlo errors, in standard deviations."""
        ends = zip(self.exact, self.surrogate, self.difference_error, strict=True)
        return max(max(0.0, abs(b - a) - 3 * error) for a, b, error in ends) / self.width


def intervals_of(surrogate: LogDensity, samples: Samples, *, seed: int = 0) -> tuple[Interval, ...]:
    """Exact HPDI from all posterior points, and the surrogate's from the same, reweighted.

    From all points, not the held-out ones: the ends of the widest need the statistics, and
    the weights of training points are no better than those of the others to within it.
    """
    posterior = samples.rows(samples.unbiased)
    error = surrogate.log_likelihood(posterior.points) - posterior.log_likelihood
    weights = reweighting(error).weights
    found: list[Interval] = []
    for name in samples.parameters.poi_names:
        values = posterior.points[:, samples.parameters.index(name)]
        found += _reweighted(name, values, weights, blocks_of(posterior), seed)
    return tuple(found)


def _reweighted(
    name: str, values: Array, weights: Array, blocks: NDArray[np.intp], seed: int
) -> list[Interval]:
    ends = np.stack([hpdi(values), hpdi(values, weights=weights)])  # (2, levels, 2)
    x, w, b, scale = _thinned(values, weights, blocks)

    def both(counts: Array) -> Array:
        a, s = hpdi(x, weights=counts), hpdi(x, weights=counts * w)
        return np.stack([a, s, s - a])

    error = scale * bootstrap_error(both, b, rng=seed)
    return _rows(name, LEVELS, ends, error, float(values.std()), "reweighted")


def intervals_of_samples(
    samples: Samples, drawn: Samples, *, seed: int = 0
) -> tuple[Interval, ...]:
    """The same with points drawn from the surrogate itself: errors are independent."""
    found: list[Interval] = []
    for name in samples.parameters.poi_names:
        ends, errors = [], []
        for chain, shift in ((samples, 0), (drawn, 1)):
            posterior = chain.rows(chain.unbiased)
            values = posterior.points[:, chain.parameters.index(name)]
            ends.append(hpdi(values))
            errors.append(_error(values, blocks_of(posterior), seed + shift))
        both = np.stack([*errors, np.hypot(*errors)])
        column = samples.points[samples.unbiased, samples.parameters.index(name)]
        found += _rows(name, LEVELS, np.stack(ends), both, float(column.std()), "sampled")
    return tuple(found)


def _error(values: Array, blocks: NDArray[np.intp], seed: int) -> Array:
    x, _, b, scale = _thinned(values, values, blocks)
    return scale * bootstrap_error(lambda counts: hpdi(x, weights=counts), b, rng=seed)


def _thinned(
    values: Array, weights: Array, blocks: NDArray[np.intp]
) -> tuple[Array, Array, NDArray[np.intp], float]:
    """Whole blocks up to a number of points, and what their errors are to be multiplied by."""
    fraction = min(1.0, MOST_POINTS / values.size)
    kept = blocks < max(2, int(fraction * (blocks.max() + 1)))
    return values[kept], weights[kept], blocks[kept], float(np.sqrt(kept.mean()))


def _rows(
    name: str, levels: Sequence[float], ends: Array, error: Array, width: float, source: str
) -> list[Interval]:
    def pair(of: Array, i: int) -> Ends:
        return float(of[i, 0]), float(of[i, 1])

    return [
        Interval(
            name,
            level,
            pair(ends[0], i),
            pair(ends[1], i),
            pair(error[0], i),
            pair(error[1], i),
            pair(error[2], i),
            width,
            source,
        )
        for i, level in enumerate(levels)
    ]
