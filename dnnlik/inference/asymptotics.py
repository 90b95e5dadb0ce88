"""Large-sample distributions of the test statistics: pure functions, arXiv:1007.1727, sect. 3.

Wald's approximation has one number that data do not give at once, σ of μ̂. It comes in
as a = √q_{μ,A} = μ/σ, the statistic of the background-only Asimov dataset (sect. 3.2).

CL_s = p_{s+b}/p_b with p_b the probability of a statistic at least as large with
background alone (Read, J. Phys. G 28 (2002) 2693; pyhf calls it CL_b).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri_exp
from scipy.stats import norm

__all__ = [
    "BANDS",
    "PValues",
    "expected_cls",
    "expected_root",
    "limit_p_values",
    "p_value_q0",
    "p_value_t",
    "p_value_ttilde",
    "significance",
]

Array = NDArray[np.float64]

BANDS = (-2, -1, 0, 1, 2)
"""Standard deviations of the expected band: its first entry is the smallest CL_s and limit."""


class PValues(NamedTuple):
    """Probabilities of data at least as incompatible with μ, (m,) each."""

    p_sb: Array
    p_b: Array
    cls: Array


def p_value_t(t: ArrayLike) -> Array:
    """p of t_μ, sect. 3.3: that of χ² with one degree of freedom.

    >>> p_value_t([1.0, 4.0]).round(4).tolist()
    [0.3173, 0.0455]
    """
    return np.asarray(2 * ndtr(-np.sqrt(t)))


def p_value_ttilde(t: ArrayLike, root_asimov: ArrayLike) -> Array:
    """p of t̃_μ with a = μ/σ, sect. 3.4; as that of t_μ as long as t̃ ≤ a²."""
    t, a = np.asarray(t, float), np.asarray(root_asimov, float)
    return ndtr(-np.sqrt(t)) + ndtr(-_above(t, a))


def p_value_q0(q0: ArrayLike) -> Array:
    """p of q_0, sect. 3.5: Φ(-√q_0), one half for a deficit."""
    return np.asarray(ndtr(-np.sqrt(q0)))


def significance(p: ArrayLike) -> Array:
    """Z = Φ⁻¹(1 - p), sect. 1: a p-value in standard deviations, one-sided.

    >>> significance([0.5, 0.158655]).round(3).tolist()
    [0.0, 1.0]
    """
    return np.asarray(norm.isf(p))


def limit_p_values(q: ArrayLike, root_asimov: ArrayLike, *, tilde: bool) -> PValues:
    """p-values and CL_s of q_μ (sect. 3.6) or, with ``tilde``, q̃_μ (sect. 3.7).

    Args:
        q: the statistic of the data, factor 2 included.
        root_asimov: a = √q_{μ,A}, which is μ/σ.

    >>> [float(p.round(4)) for p in limit_p_values(4.0, 2.0, tilde=True)]
    [0.0228, 0.5, 0.0455]
    """
    q, a = np.asarray(q, float), np.asarray(root_asimov, float)
    root = np.sqrt(q)
    # At μ = 0 both hypotheses are one, and CL_s is 1 whatever rounding leaves of q.
    sb = np.where(tilde & (root > a) & (a > 0), _above(q, a), root)
    return _p_values(sb, sb - a)


def _above(t: Array, a: Array) -> Array:
    """(t + a²)/2a, the standard deviations of a tilde statistic beyond a²; √t up to there."""
    return np.where(np.sqrt(t) > a, (t + a**2) / (2 * np.where(a > 0, a, 1e-300)), np.sqrt(t))


def _p_values(sb: Array, b: Array) -> PValues:
    """Tails beyond ``sb`` and ``b`` standard deviations, and their ratio from logarithms."""
    return PValues(ndtr(-sb), ndtr(-b), np.exp(log_ndtr(-sb) - log_ndtr(-b)))


def expected_cls(root_asimov: ArrayLike) -> Array:
    """CL_s of background-only data whose μ̂ is N σ off, (m,) → (m, 5) for N = -2 ... 2.

    As pyhf's band: in units of σ, μ̂ = N, so that p_b = Φ(N) and p_{s+b} = Φ(N - a)
    (sect. 4.3; the statistic is not cut at μ̂ > μ or μ̂ < 0).

    >>> expected_cls([2.0]).round(4).tolist()
    [[0.0014, 0.0085, 0.0455, 0.1886, 0.5116]]
    """
    a, n = np.asarray(root_asimov, float)[..., None], np.array(BANDS, float)
    return np.exp(log_ndtr(n - a) - log_ndtr(n))


def expected_root(alpha: float) -> Array:
    """The a = √q_{μ,A} at which the expected CL_s of each band is ``alpha``, (5,).

    From Φ(N - a) = α Φ(N).

    >>> expected_cls(expected_root(0.05)).diagonal().round(6).tolist()
    [0.05, 0.05, 0.05, 0.05, 0.05]
    """
    n = np.array(BANDS, float)
    return n - ndtri_exp(np.log(alpha) + log_ndtr(n))
