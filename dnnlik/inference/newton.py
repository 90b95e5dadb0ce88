"""Bounded maximisation of many log-likelihoods at once by damped Newton steps.

Every problem goes its own way: the same number of numerical operations is done for
all that are still on theirs, as one batch of evaluations and one of linear systems.

A step maximises the quadratic model within the bounds, by an active set: parameters
at a bound that the gradient pushes outwards are held; those that the step would carry
out stop at the bound, and the others are solved for again (Bertsekas, SIAM J. Control
Optim. 20 (1982) 221). Damping follows Levenberg and Marquardt (Nocedal & Wright,
Numerical Optimization, ch. 10). Where the Hessian is not negative definite, its
eigenvalues are made so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference.problems import hessians
from dnnlik.typing import Points, Problems

__all__ = ["Solution", "curvature_widths", "maximise", "projected_slope"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

GAIN_TOLERANCE = 1e-9
"""A maximum is one where the quadratic model promises less than this in log-likelihood."""
_ITERATIONS = 100
_ROUNDING = 8 * float(np.finfo(float).eps)
_NO_DAMPING, _LARGEST_DAMPING = 1e-3, 1e12
_ACTIVE_SETS = 8
_GOOD_MODEL = 0.2  # |gain / promise - 1| below which the Hessian is used once more


@dataclass
class Solution:
    """Where each of n problems stands: arrays of length n, or (n, d)."""

    points: Array
    values: Array
    slopes: Array
    widths: Array  # of each parameter with the others held, from the last Hessian
    promise: Array  # what the quadratic model still promises within the bounds
    damping: Array
    age: NDArray[np.int64]  # steps since the Hessian was made; -1 to have it made
    evaluations: int

    @classmethod
    def at(cls, problems: Problems, starts: Points) -> Solution:
        """Before the first step."""
        count = len(starts)
        values, slopes = problems.value_and_gradient(starts, np.arange(count))
        widths = np.tile(problems.parameters.scales, (count, 1))
        return cls(
            starts.copy(),
            values,
            slopes,
            widths,
            promise=np.full(count, np.inf),
            damping=np.zeros(count),
            age=np.full(count, -1),
            evaluations=count,
        )

    @property
    def settled(self) -> Mask:
        """Whether an undamped model promises nothing more, beyond rounding, (n,)."""
        small = np.abs(self.promise) <= GAIN_TOLERANCE + _ROUNDING * np.abs(self.values)
        return np.asarray(small & (self.damping < _NO_DAMPING))


def maximise(problems: Problems, starts: Points, free: Mask) -> Solution:
    """Maximise each problem from its start (n, d) over its free parameters (n, d).

    Starts must be inside the bounds and have a finite log-likelihood; where they have
    not, they stay where they are.
    """
    now = Solution.at(problems, starts)
    curvature = np.empty((*starts.shape, starts.shape[1]))
    going = np.flatnonzero(np.isfinite(now.values))
    for _ in range(_ITERATIONS):
        old = going[now.age[going] < 0]
        curvature[old] = hessians(problems, now.points[old], old)
        now.evaluations += 2 * starts.shape[1] * old.size
        now.age[old] = 0
        now.widths[going] = curvature_widths(curvature[going], problems.parameters.scales)
        step, now.promise[going] = _steps(problems, now, curvature, free, going)
        left = ~now.settled[going] & (now.damping[going] < _LARGEST_DAMPING)
        going, step = going[left], step[left]
        if not going.size:
            break
        _advance(problems, now, going, step)
    return now


def _advance(problems: Problems, now: Solution, rows: NDArray[np.intp], step: Array) -> None:
    """Try the steps; take those that gain, and adapt the damping to how much they do."""
    p = problems.parameters
    trial = np.clip(now.points[rows] + step, p.lower, p.upper)
    values, slopes = problems.value_and_gradient(trial, rows)
    now.evaluations += rows.size
    defined = np.isfinite(values) & np.isfinite(slopes).all(axis=1)
    gain = np.where(defined, values, -np.inf) - now.values[rows]
    promise, rounding = now.promise[rows], _ROUNDING * np.abs(now.values[rows])
    # Gains below rounding are taken for what the model says; a step cut at a bound may
    # promise none.
    ratio = np.where(promise > rounding, gain / np.maximum(promise, rounding + 1e-30), -1.0)
    ratio = np.where(defined & (np.abs(promise) <= rounding), 1.0, ratio)
    taken = ratio > 1e-4
    moved = rows[taken]
    now.points[moved], now.values[moved], now.slopes[moved] = (
        trial[taken],
        values[taken],
        slopes[taken],
    )
    # A Hessian that foresaw the gain serves once more. One that did not, and is not of
    # this point, is made again before the damping is blamed.
    fits = np.abs(ratio - 1) < _GOOD_MODEL
    fresh = now.age[rows] == 0
    now.age[rows] = np.where(taken, np.where(fits, now.age[rows] + 1, -1), np.where(fresh, 0, -1))
    more = (ratio < 0.25) & (taken | fresh)
    damping = now.damping[rows]
    damping = np.where(more, np.maximum(10 * damping, _NO_DAMPING), damping)
    damping = np.where(ratio > 0.75, 0.1 * damping, damping)
    now.damping[rows] = np.where(damping < 0.1 * _NO_DAMPING, 0.0, damping)


def _steps(
    problems: Problems,
    now: Solution,
    curvature: Array,
    free: Mask,
    rows: NDArray[np.intp],
) -> tuple[Array, Array]:
    """The step (m, d) of each problem, and the gain (m,) that the model promises for it."""
    p = problems.parameters
    points, slope, hessian = now.points[rows], now.slopes[rows], curvature[rows]
    scale, damping = now.widths[rows], now.damping[rows]
    held = ~free[rows] | ((points <= p.lower) & (slope < 0)) | ((points >= p.upper) & (slope > 0))
    step = np.zeros_like(points)
    for _ in range(_ACTIVE_SETS):
        step = _solve(hessian, slope, damping, scale, held, step)
        target = points + step
        out = ((target < p.lower) | (target > p.upper)) & ~held
        if not out.any():
            break
        # These stop at their bound; the next round solves for the others.
        step = np.clip(target, p.lower, p.upper) - points
        held = held | out
    step = np.clip(points + step, p.lower, p.upper) - points
    bent = np.einsum("ni,nij,nj->n", step, hessian, step)
    return step, np.einsum("ni,ni->n", slope, step) + 0.5 * bent


def _solve(
    hessian: Array, slope: Array, damping: Array, scale: Array, held: Mask, fixed: Array
) -> Array:
    """Maximise the model over what is not held, with the held at their ``fixed`` step."""
    fixed = np.where(held, fixed, 0.0)
    right = np.where(held, 0.0, scale * (slope + np.einsum("nij,nj->ni", hessian, fixed)))
    loose = ~held
    system = -hessian * (scale[:, :, None] * scale[:, None, :])
    system = np.where(loose[:, :, None] & loose[:, None, :], system, 0.0)
    diagonal = np.arange(held.shape[1])
    system[:, diagonal, diagonal] += np.where(held, 1.0, damping[:, None])
    return np.where(held, fixed, scale * _solve_definite(system, right))


def _solve_definite(systems: Array, right: Array) -> Array:
    """Solve (n, d, d) and (n, d); those that are not positive definite, one by one."""
    if not len(systems):
        return right
    try:
        np.linalg.cholesky(systems)
        return np.asarray(np.linalg.solve(systems, right[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        if len(systems) == 1:
            return _solve_any(systems[0], right[0])[None]
        half = len(systems) // 2
        parts = [_solve_definite(systems[s], right[s]) for s in (slice(half), slice(half, None))]
        return np.concatenate(parts)


def _solve_any(system: Array, right: Array) -> Array:
    """Solve one symmetric system as if its eigenvalues were positive, and not tiny."""
    values, vectors = np.linalg.eigh(system)
    positive = np.maximum(np.abs(values), 1e-8 * max(1.0, float(np.abs(values).max())))
    return np.asarray(vectors @ ((vectors.T @ right) / positive))


def curvature_widths(hessian: Array, natural: Array) -> Array:
    """The width of each parameter with the others held, (n, d); its natural length where
    the likelihood is not concave."""
    curvature = -np.diagonal(hessian, axis1=1, axis2=2)
    usable = np.isfinite(curvature) & (curvature * natural**2 > 1e-4)
    return np.where(usable, 1 / np.sqrt(np.where(usable, curvature, 1.0)), natural)


def projected_slope(problems: Problems, points: Array, slopes: Array, free: Mask) -> Array:
    """The gradient (n, d) without the components that a bound, or a user, holds."""
    p = problems.parameters
    held = ((points <= p.lower) & (slopes < 0)) | ((points >= p.upper) & (slopes > 0)) | ~free
    return np.where(held, 0.0, slopes)
