"""The maximum of a likelihood and its curvature there, from few calls.

With gradients the inference room's fit is frugal enough. Without, every gradient of that
fit costs 2d calls and every Hessian 4d² of them. Here a quasi-Newton method on one-sided
differences (d + 1 calls) comes close, and one stencil of d² + d + 1 values gives
gradient and Hessian for the last Newton steps. Differences are a part of the width of a
parameter apart, so that a numerical likelihood may have some noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from dnnlik.exceptions import NotConverged
from dnnlik.inference import FitResult, FitStatus, expansion_of_main, fit, hessian
from dnnlik.inference.quadratic import curvature_widths
from dnnlik.refinement.budget import CountedLikelihood
from dnnlik.sampling.samples import Maximum

__all__ = ["Peak", "central_gradient", "peak_of", "stencil_calls"]

Array = NDArray[np.float64]

_STEP = 1e-3  # of a natural scale, one-sided
_STENCIL = 0.3  # of a width with the others held
_SLOW = 0.1  # gain of an iteration at which the quasi-Newton method is left
_NEWTON = 6
_SMALL = 2e-3  # gain that a Newton step promises, below which the maximum is found


@dataclass(frozen=True)
class Peak:
    """The maximum: a fit, the expansion of ``log_main``, and the Hessian (d, d) of the
    log-likelihood."""

    best: FitResult
    expansion: Maximum
    hessian: Array


def stencil_calls(width: int) -> int:
    """Values that gradient and Hessian of d parameters need."""
    return width * width + width + 1


def peak_of(density: CountedLikelihood) -> Peak:
    """The maximum of the log-likelihood and its curvature.

    Raises:
        NotConverged: no maximum was found.
        BudgetExhausted: it would cost too many calls.
    """
    if density.differentiable:
        best = fit(density).checked()
        expansion = Maximum(best.point, *expansion_of_main(density, best.point))
        return Peak(best, expansion, hessian(density, best.point))
    return _from_values(density)


def _from_values(density: CountedLikelihood) -> Peak:
    p, before = density.parameters, density.made
    point = _climb(density, np.clip(p.inits, p.lower, p.upper))
    widths = _widths(density, point)
    expansion = _expansion(density, point, widths)
    for _ in range(_NEWTON):
        slope, curvature = _whole(density, expansion)
        step = _newton_step(density, expansion.point, slope, curvature)
        promise = step @ slope + 0.5 * step @ curvature @ step
        if promise < _SMALL:
            best = _fit(density, expansion, slope, curvature, before)
            return Peak(best, expansion, curvature)
        point = _best_on(density, expansion.point, step)
        if (point == expansion.point).all():
            break  # the curvature there is not that of the way
        # A far step needs another Hessian, a near one but the slope.
        expansion = _expansion(density, point, _conditional(density, curvature))
    raise NotConverged(
        "the maximum of a likelihood without gradients was not found; start closer to it (init). "
        f"Received: {promise:.2g} left to gain after {density.made - before} calls"
    )


def _fit(
    density: CountedLikelihood, expansion: Maximum, slope: Array, curvature: Array, before: int
) -> FitResult:
    p, point = density.parameters, expansion.point
    value = float(density.log_likelihood(point[None])[0])
    held = ((point <= p.lower) & (slope < 0)) | ((point >= p.upper) & (slope > 0))
    lifted = np.abs(slope * _conditional(density, curvature))[~held]
    return FitResult(
        parameters=p,
        point=point,
        log_likelihood=value,
        projected_gradient=float(np.max(lifted, initial=0.0)),
        evaluations=density.made - before,
        status=FitStatus.CONVERGED,
    )


def _climb(density: CountedLikelihood, start: Array) -> Array:
    """L-BFGS-B with one-sided differences in units of the natural scales, until it is slow."""
    p = density.parameters
    reference = float(density.log_likelihood(start[None])[0])
    if not np.isfinite(reference):
        raise NotConverged(
            f"the log-likelihood must be finite where the fit starts (init). Received: {reference}"
        )
    seen = [np.inf]

    def objective(z: Array) -> tuple[float, Array]:
        point = np.clip(start + z * p.scales, p.lower, p.upper)
        step = np.where(point + _STEP * p.scales > p.upper, -_STEP, _STEP)
        values = density.log_main(np.concatenate([point[None], point + np.diag(step * p.scales)]))
        if not np.isfinite(values).all():
            return 1e10, np.zeros(z.size)  # a wall: the line search turns back
        slope = (values[1:] - values[0]) / step
        slope += p.log_constraint_gradient(point[None])[0] * p.scales
        value = float(values[0] + p.log_constraint(point[None])[0])
        return reference - value, -slope

    def slow(intermediate_result) -> None:  # type: ignore[no-untyped-def]
        seen.append(float(intermediate_result.fun))
        if seen[-2] - seen[-1] < _SLOW:
            raise StopIteration

    bounds = list(zip((p.lower - start) / p.scales, (p.upper - start) / p.scales, strict=True))
    found = minimize(
        objective, np.zeros(start.size), jac=True, method="L-BFGS-B", bounds=bounds, callback=slow
    )
    return np.clip(start + found.x * p.scales, p.lower, p.upper)


def _widths(density: CountedLikelihood, point: Array) -> Array:
    """The width of each parameter with the others held, by second differences: 2d calls."""
    p = density.parameters
    step = np.minimum(0.1 * p.scales, 0.2 * (p.upper - p.lower))
    centre = np.clip(point, p.lower + step, p.upper - step)
    rows = np.concatenate([centre + np.diag(step), centre - np.diag(step)])
    # The others stay where they are, so that the middle is another point for each.
    rows = np.where(np.tile(np.eye(len(p), dtype=bool), (2, 1)), rows, point)
    middle = np.where(np.eye(len(p), dtype=bool), centre, point)
    values = density.log_likelihood(np.concatenate([rows, middle])).reshape(3, -1)
    with np.errstate(invalid="ignore"):  # no width from a wall
        second = (values[0] + values[1] - 2 * values[2]) / step**2
    return _conditional(density, np.diag(second))


def _conditional(density: CountedLikelihood, curvature: Array) -> Array:
    return np.asarray(curvature_widths(curvature[None], density.parameters.scales)[0])


def _expansion(density: CountedLikelihood, point: Array, widths: Array) -> Maximum:
    """``log_main`` to second order from d² + d + 1 values; one more where the stencil had to
    be moved away from a bound."""
    p, d = density.parameters, len(point)
    step = np.minimum(_STENCIL * widths, 0.2 * (p.upper - p.lower))
    centre = np.clip(point, p.lower + step, p.upper - step)
    i, j = np.triu_indices(d, 1)
    single = np.diag(step)
    moves = np.concatenate([single, single[i] + single[j]])
    values = density.log_main(np.concatenate([centre[None], centre + moves, centre - moves]))
    if not np.isfinite(values).all():
        raise NotConverged(
            "the log-likelihood must be finite around its maximum. "
            f"Received: {int((~np.isfinite(values)).sum())} of {values.size} values that are not"
        )
    up, down = values[1 : 1 + len(moves)], values[1 + len(moves) :]
    even, odd = up + down - 2 * values[0], (up - down)[:d] / (2 * step)
    second = np.diag(even[:d] / step**2)
    second[i, j] = second[j, i] = (even[d:] - even[i] - even[j]) / (2 * step[i] * step[j])
    value = float(density.log_main(point[None])[0])
    return Maximum(point, value, odd + second @ (point - centre), second)


def _whole(density: CountedLikelihood, expansion: Maximum) -> tuple[Array, Array]:
    """Slope (d,) and Hessian (d, d) of the log-likelihood, constraints in closed form."""
    p = density.parameters
    slope = expansion.gradient + p.log_constraint_gradient(expansion.point[None])[0]
    return slope, expansion.hessian + constraint_hessian(density, expansion.point)


def constraint_hessian(density: CountedLikelihood, point: Array) -> Array:
    """Of the closed-form terms, by differences of their gradients: no calls."""
    p = density.parameters
    step = 1e-4 * p.scales
    centre = np.clip(point, p.lower + step, p.upper - step)
    above = p.log_constraint_gradient(centre + np.diag(step))
    below = p.log_constraint_gradient(centre - np.diag(step))
    return np.diag(np.diag(above - below) / (2 * step))


def _newton_step(density: CountedLikelihood, point: Array, slope: Array, curvature: Array) -> Array:
    """The Newton step within the bounds: parameters that it would push out are held."""
    p = density.parameters
    held = ((point <= p.lower) & (slope < 0)) | ((point >= p.upper) & (slope > 0))
    widths = _conditional(density, curvature)
    step = np.zeros_like(point)
    for _ in range(len(point)):
        free = np.flatnonzero(~held)
        if not free.size:
            break
        scaled = -curvature[np.ix_(free, free)] * np.outer(widths[free], widths[free])
        values, vectors = np.linalg.eigh(scaled)
        # Directions without curvature get that of their natural scales.
        inverse = vectors / np.where(values > 1e-3, values, 1.0) @ vectors.T
        # What is held at a bound has moved there, and the others follow it.
        push = slope[free] + curvature[np.ix_(free, np.flatnonzero(held))] @ step[held]
        step[free] = widths[free] * (inverse @ (widths[free] * push))
        out = ~held & ((point + step < p.lower) | (point + step > p.upper))
        if not out.any():
            break
        step[out] = np.clip(point + step, p.lower, p.upper)[out] - point[out]
        held |= out
    return step


def _best_on(density: CountedLikelihood, point: Array, step: Array) -> Array:
    """The first of ever shorter steps that gains; the point itself if none does."""
    value = density.log_likelihood(point[None])[0]
    p = density.parameters
    for size in (1.0, 0.5, 0.25, 0.1, 0.03):
        trial = np.clip(point + size * step, p.lower, p.upper)
        if density.log_likelihood(trial[None])[0] > value:
            return trial
    return point


def central_gradient(density: CountedLikelihood, point: Array, widths: Array) -> Array:
    """The gradient (d,) of the log-likelihood: one call, or differences of 2d values that
    are taken inwards at a bound."""
    if density.differentiable:
        return np.asarray(density.value_and_gradient(point[None])[1][0])
    p = density.parameters
    step = np.minimum(_STENCIL * widths, 0.2 * (p.upper - p.lower))
    above, below = np.minimum(point + step, p.upper), np.maximum(point - step, p.lower)
    eye = np.eye(len(point), dtype=bool)
    rows = np.concatenate([np.where(eye, above, point), np.where(eye, below, point)])
    up, down = density.log_main(rows).reshape(2, -1)
    main = (up - down) / (above - below)
    return np.asarray(main + p.log_constraint_gradient(point[None])[0])
