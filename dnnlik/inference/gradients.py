"""First and second derivatives of any log-density.

Exact gradients are used where the density offers them; otherwise central
differences, evaluated as one batch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnlik.typing import Gradients, LogDensity, Points, Values

__all__ = ["expansion_of_main", "gradient_function", "hessian"]

STEP = float(np.finfo(float).eps) ** (1 / 3)
"""Relative step of central differences: they lose least at about eps^(1/3)."""


def gradient_function(
    density: LogDensity,
) -> Callable[[Points], tuple[Values, Gradients]]:
    """The log-likelihood and its gradient as one function: (n, d) → (n,), (n, d)."""
    exact = getattr(density, "value_and_gradient", None)
    if exact is not None:
        return exact

    def differences(points: Points) -> tuple[Values, Gradients]:
        rows = [_central(density, point) for point in points]
        return np.array([r[0] for r in rows]), np.array([r[1] for r in rows]).reshape(points.shape)

    return differences


def expansion_of_main(
    density: LogDensity, point: NDArray[np.float64]
) -> tuple[float, Values, NDArray[np.float64]]:
    """``log_main`` at a point (d,) to second order: value, gradient (d,), Hessian (d, d)."""
    value, gradient = _main_gradient(density)(point[None])
    return float(value[0]), gradient[0], hessian(density, point, main_only=True)


def _main_gradient(density: LogDensity) -> Callable[[Points], tuple[Values, Gradients]]:
    whole = gradient_function(density)

    def main(points: Points) -> tuple[Values, Gradients]:
        # The closed-form part goes before differences are taken: it may be huge.
        value, gradient = whole(points)
        p = density.parameters
        return value - p.log_constraint(points), gradient - p.log_constraint_gradient(points)

    return main


def _central(density: LogDensity, point: NDArray[np.float64]) -> tuple[float, Values]:
    p = density.parameters
    step = STEP * np.maximum(p.scales, np.abs(point))
    # At a bound the step is taken inwards: the outside may not be defined.
    above, below = np.minimum(point + step, p.upper), np.maximum(point - step, p.lower)
    batch = np.concatenate([point[None], _moved(point, above), _moved(point, below)])
    values = density.log_likelihood(batch)
    up, down = values[1 : len(point) + 1], values[len(point) + 1 :]
    with np.errstate(invalid="ignore"):  # minus infinity on both sides: no gradient
        return float(values[0]), (up - down) / (above - below)


def _moved(point: NDArray[np.float64], to: NDArray[np.float64]) -> Points:
    """One row a parameter: the point with that parameter replaced."""
    rows = np.tile(point, (len(point), 1))
    np.fill_diagonal(rows, to)
    return rows


def hessian(
    density: LogDensity,
    point: NDArray[np.float64],
    *,
    main_only: bool = False,
    steps: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Second derivatives of the log-likelihood at a point (d,) → (d, d), symmetric.

    Central differences of the gradient, one batch of 2d points. Near a bound the
    stencil is moved inwards. With ``main_only`` those of ``log_main``. Finite ``steps``
    (d,) give the mean curvature over them, which a function with kinks has too.
    """
    p = density.parameters
    function = _main_gradient(density) if main_only else gradient_function(density)
    step = 10 * STEP * np.maximum(p.scales, 1e-3 * np.abs(point))
    if steps is not None:
        step = np.minimum(steps, 0.2 * (p.upper - p.lower))
    # Room for the stencil, and within it for that of the gradient where it is a difference.
    margin = step + 1.1 * STEP * np.maximum(p.scales, np.abs(point))
    centre = np.clip(point, p.lower + margin, p.upper - margin)
    batch = np.concatenate([_moved(point, centre + step), _moved(point, centre - step)])
    _, slopes = function(batch)
    half = len(point)
    raw = (slopes[:half] - slopes[half:]) / (2 * step)[:, None]
    return np.asarray(0.5 * (raw + raw.T))
