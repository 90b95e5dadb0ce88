"""Does the spread of an ensemble say how wrong its mean is?

Members share their points and their architecture, so they share errors too: their spread
alone is too small. One factor, measured on points that no member was trained on, sets it
right on average; whether it then also follows the error from point to point is what
``rank_correlation`` says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr

from dnnlik.exceptions import InvalidInput

__all__ = ["Calibration", "calibrate"]

Array = NDArray[np.float64]

_ONE_SIGMA = float(norm.cdf(1) - norm.cdf(-1))
_TWO_SIGMA = float(norm.cdf(2) - norm.cdf(-2))


@dataclass(frozen=True)
class Calibration:
    """How a spread and the errors of the mean belong together.

    Attributes:
        factor: spread times factor holds the error at 68.27 % of the points.
        one_sigma, two_sigma: fractions of errors within one and two times ``factor`` times
            the spread; of a normal distribution 0.683 and 0.954.
        rank_correlation: Spearman's, of spread and absolute error; 0 if the spread knows
            nothing of where the error is large.
        points: how many were used.
    """

    factor: float
    one_sigma: float
    two_sigma: float
    rank_correlation: float
    points: int


def calibrate(errors: Array, spread: Array, *, factor: float | None = None) -> Calibration:
    """Measure the factor, or how well a given one does on other points.

    Args:
        errors: mean of the members minus truth, (n,).
        spread: their standard deviation, (n,).
        factor: to be judged; None to be found here.

    Raises:
        InvalidInput: numbers that are not finite, no points, or a spread of zero.

    >>> rng = np.random.default_rng(1)
    >>> spread = rng.uniform(1, 2, 10_000)
    >>> round(calibrate(3 * spread * rng.normal(size=10_000), spread).factor, 1)
    3.0
    """
    errors, spread = np.asarray(errors, float), np.asarray(spread, float)
    if errors.shape != spread.shape or errors.ndim != 1 or not errors.size:
        raise InvalidInput(
            "errors and spread are one number a point each. "
            f"Received: shapes {errors.shape} and {spread.shape}"
        )
    if not (np.isfinite(errors).all() and np.isfinite(spread).all() and (spread > 0).all()):
        raise InvalidInput(
            "errors and spread are finite, and no spread is zero. Received: "
            f"{int((~np.isfinite(errors) | ~np.isfinite(spread) | (spread <= 0)).sum())} that are "
            "not"
        )
    ratios = np.abs(errors) / spread
    found = float(np.quantile(ratios, _ONE_SIGMA)) if factor is None else factor
    return Calibration(
        factor=found,
        one_sigma=float(np.mean(ratios <= found)),
        two_sigma=float(np.mean(ratios <= 2 * found)),
        rank_correlation=float(spearmanr(spread, np.abs(errors)).statistic),
        points=errors.size,
    )
