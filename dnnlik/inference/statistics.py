"""Test statistics from maximised log-likelihoods: pure functions, arXiv:1007.1727, sect. 2.

Arguments are natural logarithms of likelihoods and broadcast against each other:
``held`` is the maximum with the parameter of interest held at the tested value μ,
``best`` the global one, at μ̂; ``at_zero`` that with μ = 0. Results have the factor 2.
Below zero, where fits are not exact, they are clipped at zero, as pyhf does.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["STATISTICS", "StatisticName", "q_0", "q_mu", "qtilde_mu", "t_mu", "ttilde_mu"]

Array = NDArray[np.float64]

StatisticName = Literal["t", "ttilde", "q0", "q", "qtilde"]
"""Short names of test statistics, pyhf's where pyhf has one."""

STATISTICS = get_args(StatisticName)


def t_mu(held: ArrayLike, best: ArrayLike) -> Array:
    r"""t_μ = -2 ln λ(μ), eq. 8: two-sided, for intervals.

    >>> t_mu([-3.0, -1.0], -1.0).tolist()
    [4.0, 0.0]
    """
    return np.maximum(2.0 * (np.asarray(best, float) - np.asarray(held, float)), 0.0)


def ttilde_mu(held: ArrayLike, best: ArrayLike, fitted: ArrayLike, at_zero: ArrayLike) -> Array:
    r"""t̃_μ = -2 ln λ̃(μ), eq. 11: of signals that are not negative.

    With λ̃ of eq. 10: where μ̂ < 0, the best that a signal μ ≥ 0 can do is μ = 0.
    """
    return t_mu(held, np.where(np.asarray(fitted) < 0, at_zero, best))


def q_0(at_zero: ArrayLike, best: ArrayLike, fitted: ArrayLike) -> Array:
    r"""q_0, eq. 12: against μ = 0, for a discovery; 0 where μ̂ < 0."""
    return np.where(np.asarray(fitted) < 0, 0.0, t_mu(at_zero, best))


def q_mu(mu: ArrayLike, held: ArrayLike, best: ArrayLike, fitted: ArrayLike) -> Array:
    r"""q_μ, eq. 14: for upper limits; 0 where μ̂ > μ. For it, μ̂ must be free to be negative.

    >>> q_mu([0.5, 2.0], [-2.0, -3.0], -1.0, 1.0).tolist()
    [0.0, 4.0]
    """
    return np.where(np.asarray(fitted) > np.asarray(mu), 0.0, t_mu(held, best))


def qtilde_mu(
    mu: ArrayLike, held: ArrayLike, best: ArrayLike, fitted: ArrayLike, at_zero: ArrayLike
) -> Array:
    r"""q̃_μ, eq. 16: for upper limits on signals that are not negative.

    >>> qtilde_mu(1.0, -3.0, -1.0, -0.5, -1.5).tolist()   # μ̂ < 0: relative to μ = 0
    3.0
    """
    t = ttilde_mu(held, best, fitted, at_zero)
    return np.where(np.asarray(fitted) > np.asarray(mu), 0.0, t)
