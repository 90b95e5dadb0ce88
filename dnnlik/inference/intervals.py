"""Credible intervals of weighted samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidPoints

__all__ = ["LEVELS", "effective_sample_size", "hpdi"]

LEVELS = (0.6827, 0.9545, 0.9973)
"""One, two and three standard deviations, as arXiv:1911.03305 quotes them."""


def effective_sample_size(weights: NDArray[np.float64]) -> float:
    """(Σw)²/Σw² of non-negative weights (Kish).

    >>> effective_sample_size(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    total = float(np.sum(weights))
    return total * total / float(np.sum(weights * weights)) if total > 0 else 0.0


def hpdi(
    sample: NDArray[np.float64],
    levels: Sequence[float] = LEVELS,
    *,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Highest-posterior-density intervals of one parameter, shape (levels, 2).

    The shortest interval that holds the wanted fraction of the weight: the highest
    posterior density set of a distribution with one mode.

    Args:
        sample: (n,) values.
        levels: fractions between 0 and 1.
        weights: (n,) non-negative; equal by default.

    >>> hpdi(np.arange(101.0), [0.5]).round().tolist()
    [[0.0, 50.0]]
    """
    sample = np.asarray(sample, dtype=float)
    weights = np.ones(sample.size) if weights is None else np.asarray(weights, dtype=float)
    if sample.ndim != 1 or sample.size < 2 or weights.shape != sample.shape:
        raise InvalidPoints(
            "an interval needs at least two values and one weight for each. "
            f"Received: shapes {sample.shape} and {weights.shape}"
        )
    _check_numbers(sample, weights, levels)
    order = np.argsort(sample, kind="stable")
    ordered, cumulative = sample[order], np.cumsum(weights[order]) / weights.sum()
    return np.array([_shortest(ordered, cumulative, level) for level in levels])


def _check_numbers(
    sample: NDArray[np.float64], weights: NDArray[np.float64], levels: Sequence[float]
) -> None:
    if not np.isfinite(sample).all():
        raise InvalidPoints("the values of an interval must be finite. Received: NaN or infinity")
    # Written so that NaN fails too.
    if not (weights.min() >= 0 and 0 < weights.sum() < np.inf):
        raise InvalidPoints(
            "weights must be finite, none negative and not all zero. "
            f"Received: from {weights.min()} to {weights.max()}, sum {weights.sum()}"
        )
    if not all(0 < level <= 1 for level in levels):
        raise InvalidPoints(f"levels are fractions above 0, up to 1. Received: {list(levels)}")


def _shortest(
    ordered: NDArray[np.float64], cumulative: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    before = np.concatenate([[0.0], cumulative[:-1]])
    # For each first value, the first last value that makes up the level.
    last = np.searchsorted(cumulative, before + level - 1e-12)
    first = np.flatnonzero(last < ordered.size)
    widths = ordered[last[first]] - ordered[first]
    best = first[int(np.argmin(widths))]
    return np.array([ordered[best], ordered[last[best]]])
