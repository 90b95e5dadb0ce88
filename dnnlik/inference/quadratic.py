"""The quadratic model of a log-likelihood within bounds, and the step that maximises it.

Batches throughout: n problems of d parameters. The *information* is the negative
Hessian, made positive definite where the likelihood is not concave.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

__all__ = ["QuadraticModel", "curvature_widths", "definite"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ACTIVE_SETS = 8
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

        An active set: parameters that the step would carry out stop at their bound, and
        the others are solved for again (Bertsekas, SIAM J. Control Optim. 20 (1982) 221).
        """
        step, held = np.zeros_like(self.slope), self.held
        for _ in range(_ACTIVE_SETS):
            step = self._solve(held, step)
            out = ((step < self.lower) | (step > self.upper)) & ~held
            step = np.clip(step, self.lower, self.upper)
            if not out.any():
                break
            held = held | out
        return step

    def promise(self, step: Array) -> Array:
        """The gain (n,) in log-likelihood that the undamped model promises for a step."""
        bent = np.einsum("ni,nij,nj->n", step, self.information, step, optimize=True)
        return np.asarray(np.einsum("ni,ni->n", self.slope, step) - 0.5 * bent)

    def _solve(self, held: Mask, fixed: Array) -> Array:
        """Maximise over what is not held, with the held at their ``fixed`` step."""
        fixed = np.where(held, fixed, 0.0)
        carried = np.matmul(self.information, fixed[:, :, None])[:, :, 0]
        right = np.where(held, 0.0, self.widths * (self.slope - carried))
        system = _without(self.information * _outer(self.widths), held)
        diagonal = np.arange(held.shape[1])
        system[:, diagonal, diagonal] += np.where(held, 1.0, self.damping[:, None])
        solved = np.linalg.solve(system, right[:, :, None])[:, :, 0]
        return np.where(held, fixed, self.widths * solved)


def definite(hessians: Array, widths: Array, held: Mask) -> Array:
    """Information (n, d, d) from Hessians: -H, positive definite.

    Where the part that is not ``held`` is not so, a multiple of the identity, in units
    of ``widths``, is added (Nocedal & Wright, Numerical Optimization, algorithm 3.3).
    """
    systems = _without(-hessians * _outer(widths), held)
    diagonal = np.arange(held.shape[1])
    systems[:, diagonal, diagonal] += held
    for system in systems:
        system[diagonal, diagonal] += _shift(system)
    return systems / _outer(widths)


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
