"""Are two samples of a joint distribution the same? Tests in whitened space.

Both samples are whitened by the mean and covariance of the exact one; then the radius and
many fixed random directions are tested by Kolmogorov-Smirnov, each with the effective sizes
of its own chains, and all together with Bonferroni's correction. Random directions see
correlations that marginals do not, the radius sees tails in all directions at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstwobign

from dnnlik.sampling.effective import bulk_size
from dnnlik.sampling.samples import Samples

__all__ = [
    "WhitenedTest",
    "WhitenedTests",
    "chains_of",
    "rows_of_chains",
    "two_sample",
    "whitened_tests",
]

Array = NDArray[np.float64]

LEAST_DIRECTIONS, MOST_DIRECTIONS = 32, 128
SIGNIFICANCE = 0.001
"""Of all tests together: what chance alone exceeds once in a thousand validations."""


@dataclass(frozen=True)
class WhitenedTest:
    """One two-sample test.

    Attributes:
        name: "radius", "log-ratio", or the number of a direction.
        distance: largest difference of the two cumulative distributions.
        critical: the distance that chance alone exceeds in 0.001 / (number of tests).
        p_value: asymptotic, of this test alone.
        exact_size, surrogate_size: effective points.
    """

    name: str
    distance: float
    critical: float
    p_value: float
    exact_size: float
    surrogate_size: float

    @property
    def excess(self) -> float:
        """Probability that the surrogate moves beyond what chance explains."""
        return max(0.0, self.distance - self.critical)


@dataclass(frozen=True)
class WhitenedTests:
    """All of them; ``p_value`` is the smallest times their number, at most 1."""

    tests: tuple[WhitenedTest, ...]

    @property
    def p_value(self) -> float:
        return min(1.0, len(self.tests) * min(test.p_value for test in self.tests))

    @property
    def excess(self) -> float:
        return max(test.excess for test in self.tests)

    @property
    def worst(self) -> WhitenedTest:
        """The one that departs most, in units of what chance explains."""
        return max(self.tests, key=lambda test: test.distance / test.critical)


def chains_of(samples: Samples) -> Array:
    """The points of the posterior as (steps, walkers, d)."""
    return np.asarray(samples.points[rows_of_chains(samples)])


def rows_of_chains(samples: Samples) -> NDArray[np.intp]:
    """Which rows the points of the posterior are, (steps, walkers); one column if walkers
    have unequally many of them."""
    rows = np.flatnonzero(samples.unbiased)
    chain, walker = samples.chain[rows], samples.walker[rows]
    _, counts = np.unique(np.stack([chain, walker], axis=1), axis=0, return_counts=True)
    ordered = rows[np.lexsort((samples.step[rows], walker, chain))]
    if np.ptp(counts):  # a choice of rows: no chains any more
        return ordered[:, None]
    return ordered.reshape(len(counts), -1).T


def whitened_tests(
    exact: Array,
    surrogate: Array,
    *,
    seed: int,
    scores: tuple[Array, Array] | None = None,
    independence: tuple[float, float] = (1.0, 1.0),
) -> WhitenedTests:
    """Test two samples of chains, (steps, walkers, d) each.

    Args:
        exact, surrogate: the chains.
        seed: of the directions.
        scores: ln of the ratio of the densities at points of both, (steps, walkers) each, not
            necessarily the same points: the most powerful single number, tested as well.
        independence: effective over actual points at most, of either.
    """
    centre, root = _whitening(exact.reshape(-1, exact.shape[2]))
    white = [np.linalg.solve(root, (x - centre)[..., None])[..., 0] for x in (exact, surrogate)]
    directions = _directions(exact.shape[2], seed)
    radii = [np.sqrt((z**2).sum(axis=2)) for z in white]
    pairs: list[tuple[str, Array, Array]] = [("radius", radii[0], radii[1])]
    if scores is not None:
        pairs.append(("log-ratio", *scores))
    pairs += [(f"direction {i}", white[0] @ u, white[1] @ u) for i, u in enumerate(directions)]
    return WhitenedTests(
        tuple(two_sample(name, a, b, len(pairs), independence) for name, a, b in pairs)
    )


def _whitening(points: Array) -> tuple[Array, Array]:
    """Mean and Cholesky factor of the covariance, in units of the widths for precision."""
    widths = np.maximum(points.std(axis=0), 1e-300)
    correlation = np.atleast_2d(np.corrcoef(points, rowvar=False))
    return points.mean(axis=0), widths[:, None] * np.linalg.cholesky(correlation)


def _directions(width: int, seed: int) -> Array:
    """Unit vectors (k, d), k = 2d within 32 and 128; the first ones see every parameter."""
    count = min(max(2 * width, LEAST_DIRECTIONS), MOST_DIRECTIONS)
    drawn = np.random.default_rng(seed).normal(size=(count, width))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def two_sample(
    name: str, a: Array, b: Array, tests: int, independence: tuple[float, float]
) -> WhitenedTest:
    """One test of two chains (steps, walkers), one of ``tests``."""
    n, m = (_size(x, share) for x, share in zip((a, b), independence, strict=True))
    root = np.sqrt(n * m / (n + m))
    distance = _distance(a.ravel(), b.ravel())
    critical = float(kstwobign.isf(SIGNIFICANCE / tests) / root)
    return WhitenedTest(name, distance, critical, float(kstwobign.sf(distance * root)), n, m)


def _size(chains: Array, share: float) -> float:
    if np.ptp(chains) == 0:
        return float(chains.size * share)
    return float(max(1.0, min(bulk_size(chains), share * chains.size)))


def _distance(a: Array, b: Array) -> float:
    grid = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(x), grid, side="right") / x.size for x in (a, b)]
    return float(np.max(np.abs(below[0] - below[1])))
