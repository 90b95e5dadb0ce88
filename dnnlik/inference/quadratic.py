"""The quadratic model of a log-likelihood within bounds, and the step that maximises it.

Batches throughout: n problems of d parameters. The *information* is the negative
Hessian, made positive definite where the likelihood is not concave.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

__all__ = ["QuadraticModel", "curvature_widths", "definite"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDS = 20
_ENOUGH = 1e-3  # of the gain: a step with less left is good enough
_SIZES = (1.0, 0.5, 0.2)
_SHIFTS = 60


@dataclass(frozen=True)
class QuadraticModel:
    """ℓ(x+s) - ℓ(x) ≈ slope·s - ½ s·information·s, for s between ``lower`` and ``upper``.

    ``slope``, ``lower``, ``upper``, ``widths`` (n, d); ``information`` (n, d, d), positive
    definite; ``held`` (n, d): parameters that stay where they are; ``damping`` (n,) adds
    to the information, in units of ``widths``.
    """

    slope: Array
    information: Array
    lower: Array
    upper: Array
    widths: Array
    held: Mask
    damping: Array

    def step(self) -> Array:
        """The step (n, d) that maximises the damped model within the bounds.

        Projected Newton steps on the model (Bertsekas, SIAM J. Control Optim. 20 (1982)
        221): parameters at a bound that the slope pushes out are held, the others solved
        for, and the way there is followed along the bounds to its best point.
        """
        step = np.zeros_like(self.slope)
        rows = np.arange(len(step))
        for _ in range(_ROUNDS):
            part, here = self._rows(rows), step[rows]
            slope = part.slope - part._damped(here)
            direction = part._newton(slope, here)
            # What is left to gain before the next bound is met, and more.
            left = 0.5 * np.einsum("ni,ni->n", slope, direction)
            going = left > _ENOUGH * (part._value(here) + left)
            rows, part, direction = rows[going], part._rows(going), direction[going]
            if not rows.size:
                break
            step[rows] = part._along(here[going], direction)
        return step

    def promise(self, step: Array) -> Array:
        """The gain (n,) in log-likelihood that the undamped model promises for a step."""
        bent = np.einsum("ni,nij,nj->n", step, self.information, step, optimize=True)
        return np.asarray(np.einsum("ni,ni->n", self.slope, step) - 0.5 * bent)

    def _rows(self, rows: Any) -> QuadraticModel:
        return QuadraticModel(*(getattr(self, part.name)[rows] for part in fields(self)))

    def _damped(self, step: Array) -> Array:
        """Damped information times a step, (n, d)."""
        stiff = (self.damping[:, None] / self.widths**2) * step
        return np.asarray(np.matmul(self.information, step[:, :, None])[:, :, 0] + stiff)

    def _value(self, step: Array) -> Array:
        """The damped model, (n,)."""
        return np.asarray(np.einsum("ni,ni->n", self.slope - 0.5 * self._damped(step), step))

    def _newton(self, slope: Array, step: Array) -> Array:
        """The Newton direction of what neither is held nor would leave its bound."""
        at_lower, at_upper = step <= self.lower, step >= self.upper
        held = self.held | (at_lower & (slope <= 0)) | (at_upper & (slope >= 0))
        while True:
            direction = self._solved(slope, held)
            # Its slope points inwards, but together with the others it would go out.
            out = ((at_lower & (direction < 0)) | (at_upper & (direction > 0))) & ~held
            if not out.any():
                return direction
            held = held | out

    def _solved(self, slope: Array, held: Mask) -> Array:
        system = _without(self.information * _outer(self.widths), held)
        diagonal = np.arange(held.shape[1])
        system[:, diagonal, diagonal] += np.where(held, 1.0, self.damping[:, None])
        right = np.where(held, 0.0, self.widths * slope)
        return np.asarray(self.widths * np.linalg.solve(system, right[:, :, None])[:, :, 0])

    def _along(self, step: Array, direction: Array) -> Array:
        """The best of some points along a direction, bent at the bounds.

        The point where the first bound is met always gains; those behind it may gain more.
        """
        room = np.where(direction > 0, self.upper - step, step - self.lower)
        moving = direction != 0
        reach = room / np.where(moving, np.abs(direction), 1.0)
        first = np.min(np.where(moving, reach, np.inf), axis=1, initial=1.0)
        best, value = step, self._value(step)
        for size in (first[:, None], *_SIZES):
            trial = np.clip(step + size * direction, self.lower, self.upper)
            # To the bound exactly, so that it is seen to be there.
            trial = np.where(moving & (reach <= size), self._bound(direction), trial)
            height = self._value(trial)
            best = np.where((height > value)[:, None], trial, best)
            value = np.maximum(height, value)
        return best

    def _bound(self, direction: Array) -> Array:
        return np.where(direction > 0, self.upper, self.lower)


def definite(hessians: Array, widths: Array, held: Mask) -> Array:
    """Information (n, d, d) from Hessians: -H, positive definite.

    Where the part that is not ``held`` is not so, a multiple of the identity, in units
    of ``widths``, is added (Nocedal & Wright, Numerical Optimization, algorithm 3.3).
    """
    usable = np.asarray(np.isfinite(hessians).all(axis=(1, 2)))
    scaled = np.where(usable[:, None, None], -hessians * _outer(widths), np.eye(held.shape[1]))
    systems = _without(scaled, held)
    diagonal = np.arange(held.shape[1])
    systems[:, diagonal, diagonal] += held
    for i in range(len(systems)):
        systems[i, diagonal, diagonal] += _shift(systems[i])
    return np.asarray(systems / _outer(widths))


def _shift(system: Array) -> float:
    """What to add to the diagonal, which is about 1, for a Cholesky decomposition."""
    shift, one = 0.0, np.eye(len(system))
    for _ in range(_SHIFTS):
        if lapack.dpotrf(system + shift * one, lower=1)[1] == 0:
            return shift
        shift = max(2 * shift, 0.01)
    return 0.0


def curvature_widths(hessian: Array, natural: Array) -> Array:
    """The width of each parameter with the others held, (n, d); its natural length where
    the likelihood is not concave."""
    curvature = -np.diagonal(hessian, axis1=1, axis2=2)
    usable = np.isfinite(curvature) & (curvature * natural**2 > 1e-4)
    return np.where(usable, 1 / np.sqrt(np.where(usable, curvature, 1.0)), natural)


def _outer(widths: Array) -> Array:
    return widths[:, :, None] * widths[:, None, :]


def _without(systems: Array, held: Mask) -> Array:
    """Systems with the rows and columns of what is held set to zero."""
    loose = ~held
    return np.where(loose[:, :, None] & loose[:, None, :], systems, 0.0)
