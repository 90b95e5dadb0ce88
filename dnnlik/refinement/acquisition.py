"""Which of many candidates are worth a call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["chosen"]

Array = NDArray[np.float64]


def chosen(scores: Array, count: int, power: float, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows drawn without replacement, in proportion to ``scores ** power`` (n,).

    The best ones alone would sit in one corner. Weighted draws without replacement are the
    largest of ln w plus a Gumbel number each (P. Efraimidis & P. Spirakis, Inf. Process.
    Lett. 97 (2006) 181). Scores are cut at ten times their median: a surrogate that
    runs away says nothing of where it is needed.

    >>> rng = np.random.default_rng(0)
    >>> sorted(chosen(np.array([1.0, 0.0, 1.0]), 2, 1.0, rng).tolist())
    [0, 2]
    """
    weights = np.minimum(scores, 10 * np.median(scores) + 1e-300) + 1e-300
    keys = power * np.log(weights) + rng.gumbel(size=scores.size)
    return np.argsort(-keys, kind="stable")[:count]
