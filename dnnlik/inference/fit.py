"""One maximum-likelihood fit with bounds and fixed parameters, on any LogDensity."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike

from dnnlik.inference.fits import fit_many
from dnnlik.inference.result import FitResult
from dnnlik.typing import LogDensity

__all__ = ["fit"]


def fit(
    density: LogDensity,
    *,
    fixed: Mapping[str, float] | None = None,
    start: ArrayLike | None = None,
) -> FitResult:
    """Maximise ``log_likelihood`` within the bounds: `fit_many` for one problem.

    Args:
        density: any LogDensity, exact or surrogate.
        fixed: parameters to hold, by name, e.g. ``{"mu": 1.0}``.
        start: (d,) where to start; the inits by default.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 0, (-5, 5), poi=True)],
    ...                            lambda x: -0.5 * (x[:, 0] - 1) ** 2)
    >>> round(fit(gauss)["mu"], 6)
    1.0
    """
    return fit_many(density, fixed=fixed, starts=start)[0]
