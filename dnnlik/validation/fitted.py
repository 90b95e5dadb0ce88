"""Best fit, uncertainties and pulls of exact likelihood and surrogate, side by side.

The maximum of a SELU network is often at a kink, where second derivatives say nothing (they
may even be of the wrong sign). Uncertainties of both are therefore from the mean curvature
over half a standard deviation to either side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.inference import FitResult, Pulls, fit, pulls, uncertainties
from dnnlik.typing import LogDensity

__all__ = ["Fitted", "best_fits", "fitted"]

Array = NDArray[np.float64]

_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Fitted:
    """Two fits of the same d parameters.

    Attributes:
        names: (d,) of the parameters.
        exact, surrogate: (d,) where the maxima are.
        exact_error, surrogate_error: (d,) one standard deviation from the curvature; NaN at
            a bound, or where there is no concave maximum.
        shift: (d,) surrogate minus exact in units of the exact error.
        exact_pulls, surrogate_pulls: of the parameters with an auxiliary measurement, in
            units of its width; ``constraints`` are post-fit over pre-fit widths.
        t_at_surrogate: exact t (factor 2 included) of the surrogate's maximum as a whole: 0 if
            the maxima are the same.
        exact_converged, surrogate_converged: whether the fits were.
    """

    names: tuple[str, ...]
    exact: Array
    surrogate: Array
    exact_error: Array
    surrogate_error: Array
    shift: Array
    exact_pulls: Pulls
    surrogate_pulls: Pulls
    t_at_surrogate: float
    exact_converged: bool
    surrogate_converged: bool

    @property
    def error_ratio(self) -> Array:
        """(d,) surrogate over exact uncertainty."""
        return np.asarray(self.surrogate_error / self.exact_error)


def best_fits(
    exact: LogDensity, surrogate: LogDensity, start: ArrayLike
) -> tuple[FitResult, FitResult]:
    """Global maxima of both: the surrogate's from ``start`` (d,) and from the exact one,
    because its fits may stop at a kink."""
    best = fit(exact, start=start)
    found = [fit(surrogate, start=point) for point in (best.point, start)]
    return best, max(found, key=lambda result: result.log_likelihood)


def fitted(exact: LogDensity, surrogate: LogDensity, best: FitResult, learned: FitResult) -> Fitted:
    """Compare two maxima and the curvatures there.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> one, two = (AnalyticLikelihood([Parameter("mu", 0, (-9, 9), poi=True)],
    ...             lambda x, m=m: -0.125 * (x[:, 0] - m) ** 2) for m in (0.0, 1.0))
    >>> found = fitted(one, two, *best_fits(one, two, [0.0]))
    >>> found.shift.round(4).tolist(), round(found.t_at_surrogate, 4)
    ([0.5], 0.25)
    """
    steps = _steps(exact, best)
    a, b = (uncertainties(x, at, steps=steps) for x, at in ((exact, best), (surrogate, learned)))
    above = best.log_likelihood - exact.log_likelihood(learned.point[None])[0]
    return Fitted(
        names=exact.parameters.names,
        exact=best.point,
        surrogate=learned.point,
        exact_error=a.errors,
        surrogate_error=b.errors,
        shift=(learned.point - best.point) / a.errors,
        exact_pulls=pulls(a),
        surrogate_pulls=pulls(b),
        t_at_surrogate=2.0 * float(above),
        exact_converged=best.converged,
        surrogate_converged=learned.converged,
    )


def _steps(exact: LogDensity, best: FitResult) -> Array:
    """Half an exact standard deviation of each parameter; what is held, a natural length."""
    errors, scales = uncertainties(exact, best).errors, exact.parameters.scales
    return np.asarray(_STEP * np.where(np.isfinite(errors), errors, scales))
