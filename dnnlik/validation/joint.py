r"""The joint distribution: how well can the best possible classifier tell the two apart?

A classifier two-sample test asks for the classifier that separates points of p from points
of q best. Between the posteriors of an exact likelihood (p) and of its surrogate (q) no
training is needed: the optimal score is ln q/p (Neyman and Pearson), which is the
surrogate's error up to a constant. From it follow, as expectations over points of p with
w = q/p,

.. math:: TV = \tfrac12 E_p|w-1|, \quad KL(p\|q) = -E_p \ln w, \quad KL(q\|p) = E_p\, w\ln w

and the accuracy ½ + TV/2 of the best classifier, which no other test on single points can
beat. Natural logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.validation.blocks import bootstrap_error

__all__ = ["Divergence", "Measured", "divergence"]

Array = NDArray[np.float64]

_LOWEST = -700.0


@dataclass(frozen=True)
class Measured:
    """A number and its Monte Carlo error."""

    value: float
    error: float


@dataclass(frozen=True)
class Divergence:
    """How far the surrogate's posterior q is from the exact p.

    Attributes:
        total_variation: the largest difference of probability of any region.
        accuracy: of the optimal classifier with as many points of p as of q, ½ to 1.
        auc: area under its ROC curve, ½ to 1: the probability that a point of q has the
            higher score than one of p.
        kl_exact_surrogate, kl_surrogate_exact: KL(p||q) and KL(q||p), natural log.
        points: that the expectations were taken over.
        source: "exact" or "surrogate", whose points these were.
    """

    total_variation: Measured
    accuracy: Measured
    auc: Measured
    kl_exact_surrogate: Measured
    kl_surrogate_exact: Measured
    points: int
    source: str


def divergence(
    log_ratio: Array, blocks: NDArray[np.intp], *, seed: int, source: str = "exact"
) -> Divergence:
    """From ln L of the surrogate minus that of the exact likelihood, (n,), up to a constant.

    Args:
        log_ratio: at points of the posterior that ``source`` names.
        blocks: (n,) see `dnnlik.validation.blocks`.
        seed: of the bootstrap that gives the errors.
        source: points of "exact" are weighted to the surrogate, those of "surrogate" back.

    >>> x = np.random.default_rng(0).normal(size=100_000)
    >>> found = divergence(0.2 * x, np.arange(100_000) % 50, seed=1)  # N(0,1) and N(0.2,1)
    >>> round(found.total_variation.value, 2), round(found.kl_exact_surrogate.value, 2)
    (0.08, 0.02)
    """
    towards = log_ratio if source == "exact" else -log_ratio
    order = np.argsort(towards, kind="stable")
    score, labels = towards[order], blocks[order]
    value = _measures(score, np.ones(score.size))
    error = bootstrap_error(lambda counts: _measures(score, counts), labels, rng=seed)
    tv, auc, forward, backward = (
        Measured(float(v), float(e)) for v, e in zip(value, error, strict=True)
    )
    if source != "exact":
        forward, backward = backward, forward
    accuracy = Measured(0.5 + tv.value / 2, tv.error / 2)
    return Divergence(tv, accuracy, auc, forward, backward, score.size, source)


def _measures(score: Array, counts: Array) -> Array:
    """TV, AUC and both KL of p (rows count ``counts``) and q (times w); scores ascending."""
    # Where one density is zero the score is infinite: e^-700 says as much, and is a number.
    bounded = np.maximum(score - score.max(), _LOWEST)
    p = counts / counts.sum()
    q = p * np.exp(bounded)
    total = q.sum()
    q, log_w = q / total, bounded - np.log(total)  # total is E_p of exp(bounded)
    below = np.cumsum(p) - 0.5 * p
    return np.array([0.5 * np.abs(q - p).sum(), q @ below, -(p @ log_w), q @ log_w])
