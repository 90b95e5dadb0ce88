"""σ of the parameter of interest from the observed likelihood alone.

For likelihoods that know no data but their own: copies, and analytic functions. Wald's
approximation says t_μ = (μ - μ̂)²/σ² (arXiv:1007.1727, sect. 3.1), so that each tested
value gives its σ, and √q_{μ,A} = μ/σ for background-only data (sect. 3.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference.gradients import gradient_function
from dnnlik.inference.maxima import Maxima
from dnnlik.inference.uncertainties import profile_width
from dnnlik.typing import LogDensity

__all__ = ["wald_root"]

Array = NDArray[np.float64]

_NEAR = 1e-3
"""t below which σ is taken from the curvature: a ratio of two small numbers is none."""


def wald_root(density: LogDensity, found: Maxima) -> Array:
    """√q_{μ,A} = μ/σ of the tested values, (m,); NaN where the likelihood has no width.

    If μ̂ is at a bound, the profile has a slope there: t_μ = g (μ - μ̂) + (μ - μ̂)²/σ².
    """
    p = density.parameters
    column = p.index(found.poi)
    step = found.values - found.fitted
    slope = 0.0
    if not p.lower[column] < found.fitted < p.upper[column]:
        _, gradient = gradient_function(density)(found.best.point[None])
        slope = -2.0 * float(gradient[0, column])
    parabola = 2.0 * (found.best.log_likelihood - found.held) - slope * step
    far = parabola > _NEAR
    sigma = np.full(step.shape, np.nan)
    sigma[far] = np.abs(step[far]) / np.sqrt(parabola[far])
    if not far.all():
        sigma[~far] = profile_width(density, found.best.point, found.poi)
    return found.values / sigma
