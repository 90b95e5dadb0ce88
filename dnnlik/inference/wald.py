"""What background-only data would show, from the observed likelihood alone.

For likelihoods that know no data but their own: copies, and analytic functions. Wald's
approximation says t_μ = (μ - μ̂)²/σ² (arXiv:1007.1727, sect. 3.1), a parabola, of which
background-only data have the same σ and the minimum at 0 (sect. 3.2):

    q_{μ,A} = μ²/σ² = t_μ - t_0 - μ t'_0

with the slope t'_0 of the profile at μ = 0. It is exact if the data are the expected ones
and holds with the maximum at a bound. For one count n over a known background b it is n/b
times the Asimov value, for any μ.
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

_SMALL = 1e-3
"""q below which μ/σ is taken from the curvature: the difference has no digits left."""


def wald_root(density: LogDensity, found: Maxima) -> Array:
    """√q_{μ,A} of the tested values, (m,); NaN where the likelihood has no width."""
    zero = found.at_zero
    _, gradient = gradient_function(density)(zero.point[None])
    # At a maximum with μ held, the slope of the profile is the partial derivative.
    slope = -2.0 * float(gradient[0, density.parameters.index(found.poi)])
    parabola = 2.0 * (zero.log_likelihood - found.held) - slope * found.values
    large = parabola > _SMALL
    root = np.sqrt(np.where(large, parabola, np.nan))
    if not large.all():
        small = found.values / profile_width(density, zero.point, found.poi)
        # Where the parabola says little but the curvature much, there is no parabola.
        root = np.where(large | (small**2 > 4 * _SMALL), root, small)
    return np.asarray(root)
