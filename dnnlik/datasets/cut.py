"""One cut on one observable: a falling background, and a signal on its tail.

>>> events = cut_events(seed=1)
>>> events["signal"].shape, events["background"].shape
((100,), (1000,))
>>> passed = [(events[name] > BEST_CUT).sum() for name in ("signal", "background")]
>>> bool(4.5 < asimov_significance(*passed) < 6.5)
True
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BEST_CUT", "BEST_SIGNIFICANCE", "asimov_significance", "cut_events"]

BEST_CUT = 1.4277
"""Where the significance of the *expected* events above a cut is largest. In one sample of
events the best cut is at 1.46 ± 0.12."""

BEST_SIGNIFICANCE = 5.3309
"""The significance of the expected events there; at most 1 % less from 1.30 to 1.54."""


def cut_events(
    *, seed: int | np.random.Generator, scale: int = 1
) -> dict[str, NDArray[np.float64]]:
    """1000 background events of an exponential smeared by 0.1, 100 signal events of N(2, 0.5);
    ``scale`` times as many of both."""
    generator = np.random.default_rng(seed)
    background = generator.exponential(1.0, 1000 * scale)
    background += generator.normal(0.0, 0.1, 1000 * scale)
    return {"background": background, "signal": generator.normal(2.0, 0.5, 100 * scale)}


def asimov_significance(signal: ArrayLike, background: ArrayLike) -> NDArray[np.float64]:
    r"""The median significance of a known background (arXiv:1007.1727, equation 97).

    .. math:: Z_A = \sqrt{2 \sum_i \bigl[(s_i+b_i)\ln(1+s_i/b_i) - s_i\bigr]}

    summed over the last axis, the bins: (..., m) → (...), and scalars are one bin. Without
    signal it is 0, without background where there is signal infinite.

    >>> asimov_significance([10.0, 20.0], [100.0, 50.0]).round(4).tolist()
    2.8415
    >>> asimov_significance(0.0, 0.0).tolist(), asimov_significance(1.0, 0.0).tolist()
    (0.0, inf)
    """
    s, b = np.atleast_1d(*np.broadcast_arrays(signal, background))
    some = b > 0
    b = np.where(some, b, 1.0)
    terms = np.where(some, b * _excess(np.where(some, s / b, 0.0)), np.where(s > 0, np.inf, 0.0))
    return np.asarray(np.sqrt(2.0 * terms.sum(axis=-1)))


def _excess(r: NDArray[np.float64]) -> NDArray[np.float64]:
    """(1+r) ln(1+r) - r, by its series where the difference cancels."""
    small = np.abs(r) < 1e-3
    near, far = np.where(small, r, 0.0), np.where(small, 0.0, r)
    series = near * near * (1 / 2 - near * (1 / 6 - near * (1 / 12 - near / 20)))
    return np.asarray(np.where(small, series, (1.0 + far) * np.log1p(far) - far))
