"""One bounded fit by L-BFGS-B, for what Newton steps cannot settle.

Needs no second derivatives along the way, so it serves likelihoods without gradients,
and those with kinks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dnnlik.inference.gradients import hessian
from dnnlik.inference.newton import Solution, projected_slope
from dnnlik.inference.problems import Repeated, hessians
from dnnlik.inference.quadratic import curvature_widths
from dnnlik.typing import Gradients, Problems, Values

__all__ = ["descend"]

Array = NDArray[np.float64]

_RESTARTS = 8
_SLOPE = 1e-5


def descend(problems: Problems, found: Solution, row: int, free: NDArray[np.bool_]) -> None:
    """Improve one row of a solution in place.

    L-BFGS-B (Byrd et al., SIAM J. Sci. Comput. 16 (1995) 1190) in units of the width of
    each parameter with the others held, restarted until it stops improving.
    """
    for _ in range(_RESTARTS):
        found.widths[row] = _widths(problems, found.points[row], row)
        if _largest_slope(problems, found, row, free) < _SLOPE or not free.any():
            break
        point, count = _run(problems, found.points[row], row, free, found.widths[row])
        found.evaluations += count
        value, slope = _at(problems, point, row)
        gain = value[0] - found.values[row]
        if gain >= 0:
            found.points[row], found.values[row], found.slopes[row] = point, value[0], slope[0]
        if not gain > 1e-9:
            break
    found.widths[row] = _widths(problems, found.points[row], row)


def _at(problems: Problems, point: Array, row: int) -> tuple[Values, Gradients]:
    return problems.value_and_gradient(point[None], np.array([row]))


def _largest_slope(problems: Problems, found: Solution, row: int, free: NDArray[np.bool_]) -> float:
    slope = projected_slope(problems, found.points[row], found.slopes[row], free)
    return float(np.max(np.abs(slope) * found.widths[row], initial=0.0))


def _widths(problems: Problems, point: Array, row: int) -> Array:
    if isinstance(problems, Repeated):
        second = hessian(problems.density, point)
    else:
        second = hessians(problems, point[None], np.array([row]))[0]
    return np.asarray(curvature_widths(second[None], problems.parameters.scales)[0])


def _run(
    problems: Problems, point: Array, row: int, free: NDArray[np.bool_], scale: Array
) -> tuple[Array, int]:
    """One run in scaled coordinates from a point to a point, both physical."""
    p = problems.parameters
    reference = float(_at(problems, point, row)[0][0])

    def physical(z: Array) -> Array:
        trial = point.copy()
        trial[free] = np.clip(point[free] + z * scale[free], p.lower[free], p.upper[free])
        return trial

    def objective(z: Array) -> tuple[float, Array]:
        value, gradient = _at(problems, physical(z), row)
        if not np.isfinite(value[0]):
            # A wall: far worse than anything seen, so that the line search turns back.
            return 1e10, np.zeros(z.size)
        return reference - float(value[0]), -gradient[0][free] * scale[free]

    lower = (p.lower[free] - point[free]) / scale[free]
    upper = (p.upper[free] - point[free]) / scale[free]
    result = minimize(
        objective,
        np.zeros(int(free.sum())),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(lower, upper, strict=True)),
        options={"maxcor": 30, "ftol": 1e-15, "gtol": 1e-7, "maxiter": 2000, "maxfun": 5000},
    )
    return physical(result.x), int(result.nfev)
