"""Two bins whose background variations are two numbers u and d: a landscape of objectives.

One nuisance parameter (a histosys of code 4p) moves the background of 50 and 50 by +u and
-u when it is up, by +d and -d when it is down. Equal variations up and down cancel out of
the shape; opposite ones are the usual systematic uncertainty.

>>> [template.tolist() for template in templates(10.0, -10.0)]
[[5.0, 11.0], [50.0, 50.0], [60.0, 40.0], [40.0, 60.0]]
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["TABLE", "Objectives", "templates"]

SIGNAL = np.array([5.0, 11.0])
BACKGROUND = np.array([50.0, 50.0])
DIRECTION = np.array([1.0, -1.0])


class Objectives(NamedTuple):
    """What the templates of u and d give.

    CLs tests μ = 1 on the expected data of μ = 0; p₀, the error of μ and the determinant
    of the covariance of (μ, nuisance parameter), from the Fisher information, are those of
    the expected data of μ = 1.
    """

    u: float
    d: float
    cls: float
    p0: float
    sigma_mu: float
    determinant: float


TABLE = (
    Objectives(0, 0, 0.1080, 0.0488, 0.6404, 0.4101),
    Objectives(5, 5, 0.1103, 0.0488, 0.6404, 0.4101),
    Objectives(5, -5, 0.1161, 0.0542, 0.6550, 0.2301),
    Objectives(10, -10, 0.1226, 0.0573, 0.6654, 0.0993),
    Objectives(10, 0, 0.1199, 0.0518, 0.6550, 0.2301),
)
"""The objectives at five places, to four decimals."""


def templates(u: Any, d: Any) -> tuple[Any, Any, Any, Any]:
    """Signal, background, background up and background down, (2,) each.

    The variations are tensors where u and d are scalar tensors, arrays where they are numbers.
    """
    return SIGNAL.copy(), BACKGROUND.copy(), BACKGROUND + u * DIRECTION, BACKGROUND + d * DIRECTION
