"""Upper limits: where CL_s falls to 1 - level; all six curves as one batch of roots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

from dnnlik.exceptions import InvalidInput
from dnnlik.inference.asymptotics import expected_root
from dnnlik.inference.cls import AsimovKind, AsymptoticTests, ClsCurve, LimitStatistic, MaximaPair
from dnnlik.inference.uncertainties import profile_width
from dnnlik.typing import LogDensity

__all__ = ["UpperLimit", "check_level", "upper_limit"]

Array = NDArray[np.float64]

_POINTS = 41
"""Values of the first scan, which brackets the limits and draws the curves."""
_PRECISION = 1e-5
"""Relative precision of a limit."""


@dataclass(frozen=True)
class UpperLimit:
    """Upper limits on a parameter of interest by CL_s.

    Attributes:
        poi: the parameter of interest.
        level: confidence level, such as 0.95.
        observed: the limit; NaN if CL_s stays above 1 - level up to the parameter's bound.
        expected: (5,) limits of background-only data at -2, -1, 0, 1, 2 standard deviations,
            NaN likewise.
        curve: CL_s of the scan that bracketed them, and at the limits.
        asimov: "dataset", "published" or "wald": see `ClsCurve`.
        crossed: (6,) whether CL_s falls below 1 - level within the bounds, for the observed
            and the expected limits.
    """

    poi: str
    level: float
    observed: float
    expected: Array
    curve: ClsCurve
    asimov: AsimovKind
    crossed: NDArray[np.bool_]

    @property
    def reached(self) -> bool:
        """Whether all six limits are inside the bounds."""
        return bool(self.crossed.all())

    @property
    def converged(self) -> bool:
        """Whether all fits converged, and the search for every limit that there is."""
        found = np.isfinite([self.observed, *self.expected])
        return bool(self.curve.converged.all() and (found | ~self.crossed).all())


def upper_limit(
    density: LogDensity,
    *,
    level: float = 0.95,
    poi: str | None = None,
    test_statistic: LimitStatistic = "qtilde",
) -> UpperLimit:
    """The CL_s upper limit, observed and expected (Read, J. Phys. G 28 (2002) 2693).

    A scan brackets the crossings; then one root finder refines all of them together. Of a
    likelihood with a table of Asimov values (``asimov`` "published") the limits are from the
    table if it reaches all six; if not, all six are Wald's ("wald").

    Args:
        density, poi, test_statistic: as of `cls_curve`.
        level: confidence level, between 0 and 1.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 1, (0, 9), poi=True)],
    ...                            lambda x: -0.5 * x[:, 0] ** 2)
    >>> limit = upper_limit(gauss)     # Φ⁻¹(0.975) both, for these data are the expected
    >>> round(limit.observed, 3), limit.expected.round(3).tolist()
    (1.96, [1.052, 1.412, 1.96, 2.727, 3.656])
    """
    alpha = 1 - check_level(level)
    tests = AsymptoticTests.of(density, poi=poi, test_statistic=test_statistic)
    scan = _scan(tests, alpha)
    if tests.published is not None and _ends_early(tests, scan, alpha):
        tests = tests.on_wald()
        scan = _scan(tests, alpha)
    curve = tests.curve(scan)
    crossed = _crossings(tests, scan, alpha)
    limits = _roots(tests, scan, alpha, crossed)
    final = tests.curve(tests.between(scan, limits[np.isfinite(limits)]))
    return UpperLimit(
        poi=tests.poi,
        level=level,
        observed=float(limits[0]),
        expected=limits[1:],
        curve=_joined(curve, final),
        asimov=curve.asimov,
        crossed=np.asarray(crossed.any(axis=0)),
    )


def check_level(level: float) -> float:
    """The confidence level itself, if it is one."""
    if not 0 < level < 1:
        raise InvalidInput(
            f"a confidence level is between 0 and 1, such as 0.95. Received: {level}"
        )
    return level


def _gaps(curve: ClsCurve, alpha: float) -> Array:
    """What is zero at the limits, observed and expected: (m,) → (m, 6).

    Positive below the limit. Nearly linear in μ: ln CL_s, and √q_{μ,A}.
    """
    with np.errstate(divide="ignore"):
        observed = np.log(curve.cls) - np.log(alpha)
    return np.column_stack([observed, expected_root(alpha) - curve.asimov_root[:, None]])


def _scan(tests: AsymptoticTests, alpha: float) -> MaximaPair:
    """Fits at values from 0 to beyond all limits, or to the end of what can be tested."""
    width = profile_width(tests.density, tests.at_zero.point, tests.poi)
    if not np.isfinite(width):
        width = float(tests.density.parameters.scales[tests.density.parameters.index(tests.poi)])
    end = max(tests.best[tests.poi], 0.0) + 1.1 * expected_root(alpha)[-1] * width
    while True:
        end = min(end, tests.end)
        found = tests.fitted(np.linspace(0.0, end, _POINTS))
        if end == tests.end or (_gaps(tests.curve(found), alpha)[-1] < 0).all():
            return found
        end = 1.7 * end


def _ends_early(tests: AsymptoticTests, scan: MaximaPair, alpha: float) -> bool:
    """Whether a table ends before the limits and before the bound of the parameter."""
    if tests.end == tests.density.parameters[tests.poi].bounds[1]:
        return False
    return bool((_gaps(tests.curve(scan), alpha)[-1] >= 0).any())


def _crossings(tests: AsymptoticTests, scan: MaximaPair, alpha: float) -> NDArray[np.bool_]:
    """Between which values of a scan each of the six falls through zero: (m - 1, 6)."""
    gaps = _gaps(tests.curve(scan), alpha)
    return np.asarray((gaps[:-1] >= 0) & (gaps[1:] < 0))


def _roots(
    tests: AsymptoticTests, scan: MaximaPair, alpha: float, crossed: NDArray[np.bool_]
) -> Array:
    """The last crossing of each of the six, refined together: (6,), NaN without one."""
    values = scan.data.values
    which = np.flatnonzero(crossed.any(axis=0))
    before = len(crossed) - 1 - np.argmax(crossed[::-1, which], axis=0)

    def gap(mu: Array, limit: NDArray[np.intp]) -> Array:
        rows = _gaps(tests.curve(tests.between(scan, mu.ravel())), alpha)
        return np.asarray(rows[np.arange(mu.size), limit.ravel()].reshape(mu.shape))

    limits = np.full(6, np.nan)
    if which.size:
        bracket = values[before], values[before + 1]
        found = elementwise.find_root(
            gap, bracket, args=(which,), tolerances={"xrtol": _PRECISION, "xatol": 0.0}
        )
        limits[which] = np.where(found.success, found.x, np.nan)
    return limits


def _joined(first: ClsCurve, second: ClsCurve) -> ClsCurve:
    """Two curves of the same tests as one, in order of the values."""
    order = np.argsort(np.concatenate([first.values, second.values]), kind="stable")
    arrays = (
        "values", "statistic", "asimov_root", "p_sb", "p_b", "cls", "expected", "converged",
    )  # fmt: skip
    joined = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])[order]
        for name in arrays
    }
    return ClsCurve(
        poi=first.poi, test_statistic=first.test_statistic, asimov=first.asimov, **joined
    )
