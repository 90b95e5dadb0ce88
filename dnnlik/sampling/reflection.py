"""Motion about a Gaussian reference that is mirrored at the bounds.

In coordinates z in which the reference is N(0, 1) its own motion is a rotation,
z cos t + v sin t, with v cos t - z sin t for the velocity. It conserves the reference
exactly, and so does a mirror that turns the velocity round at a wall of the box of the
bounds: exact Hamiltonian dynamics of a truncated Gaussian (arXiv:1208.4118). Nothing is
rejected at a bound, and no correlation with a bounded parameter is bent by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dnnlik.parameters import ParameterSet
from dnnlik.sampling.reference import Reference

__all__ = ["Arcs"]

Array = NDArray[np.float64]

_MIRRORINGS = 100  # more than these in one turn: stuck in a corner of the box


@dataclass(frozen=True, eq=False)
class Arcs:
    """Turns of ``(z, v)`` about a reference within a box, reversible and volume preserving.

    ``x = mean + factor z``; ``lower`` and ``upper`` (d,), possibly infinite.

    >>> one = Reference(np.zeros(1), np.eye(1))
    >>> arcs = Arcs(one, np.array([-np.inf]), np.array([0.5]))
    >>> z, v = arcs.turn(np.array([[0.0]]), np.array([[1.0]]), np.array([np.pi / 3]))
    >>> z.round(6).tolist(), v.round(6).tolist()   # there and back: mirrored at 30°
    ([[0.0]], [[-1.0]])
    """

    reference: Reference
    lower: Array
    upper: Array

    @classmethod
    def within(cls, reference: Reference, parameters: ParameterSet) -> Arcs:
        """Within the bounds of the parameters."""
        return cls(reference, parameters.lower, parameters.upper)

    def points(self, z: Array) -> Array:
        """Coordinates → points, (n, d) → (n, d); rounding is cut at the bounds."""
        points = self.reference.mean + z @ self.reference.factor.T
        return np.asarray(np.clip(points, self.lower, self.upper))

    @cached_property
    def _inverse(self) -> Array:
        return np.asarray(np.linalg.inv(self.reference.factor), dtype=np.float64)

    def coordinates(self, points: Array) -> Array:
        """The inverse of `points`."""
        return np.asarray((points - self.reference.mean) @ self._inverse.T)

    def turn(self, z: Array, v: Array, angle: Array) -> tuple[Array, Array]:
        """Move coordinates (n, d) with velocities (n, d) through angles (n,) below 2π.

        Where a row does not get out of a corner its velocity becomes NaN.
        """
        moved, velocity = _rotated(z, v, angle)
        rows = np.flatnonzero(self._first_wall(z, v)[0] < angle)
        if rows.size:
            moved[rows], velocity[rows] = self._bounced(z[rows], v[rows], angle[rows])
        return moved, velocity

    def _bounced(self, z: Array, v: Array, left: Array) -> tuple[Array, Array]:
        """From wall to wall until no angle is left."""
        z, v, left = z.copy(), v.copy(), left.copy()
        rows = np.arange(len(z))
        for _ in range(_MIRRORINGS):
            first, wall = self._first_wall(z[rows], v[rows])
            hit = first < left[rows]
            step = np.minimum(first, left[rows])
            z[rows], v[rows] = _rotated(z[rows], v[rows], step)
            left[rows] -= step
            rows, normal = rows[hit], self._normals[wall[hit]]
            if not rows.size:
                return z, v
            v[rows] -= 2 * np.einsum("ni,ni->n", v[rows], normal)[:, None] * normal
        v[rows] = np.nan
        return z, v

    @cached_property
    def _bounded(self) -> NDArray[np.intp]:
        return np.flatnonzero(np.isfinite(self.lower) | np.isfinite(self.upper))

    @cached_property
    def _normals(self) -> Array:
        """Unit normals of the walls in z, one a bounded parameter."""
        rows = self.reference.factor[self._bounded]
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    @cached_property
    def _walls(self) -> tuple[Array, Array]:
        """Their distances from the mean, along the normals: lower and upper."""
        widths = np.linalg.norm(self.reference.factor[self._bounded], axis=1)
        mean = self.reference.mean[self._bounded]
        low, high = self.lower[self._bounded], self.upper[self._bounded]
        return (low - mean) / widths, (high - mean) / widths

    def _first_wall(self, z: Array, v: Array) -> tuple[Array, NDArray[np.intp]]:
        """Angle to the first wall, infinite if there is none, and which: (n,), (n,)."""
        first = np.full(len(z), np.inf)
        wall = np.zeros(len(z), dtype=np.intp)
        if not self._bounded.size:
            return first, wall
        along, speed = z @ self._normals.T, v @ self._normals.T
        radius2 = along**2 + speed**2
        low, high = self._walls
        # Most circles reach few walls: only those are looked at in detail.
        reached = (radius2 > low**2) | (radius2 > high**2)
        rows, columns = np.nonzero(reached)
        angles = _angles(along[rows, columns], speed[rows, columns], low[columns], high[columns])
        # Latest first, so that the earliest is what remains.
        order = np.argsort(-angles, kind="stable")
        first[rows[order]] = angles[order]
        wall[rows[order]] = columns[order]
        return first, wall


def _rotated(z: Array, v: Array, angle: Array) -> tuple[Array, Array]:
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return z * cos + v * sin, v * cos - z * sin


def _angles(along: Array, speed: Array, low: Array, high: Array) -> Array:
    """When ``along cos t + speed sin t = r cos(t - phase)`` next rises through ``high`` or
    falls through ``low``, in [0, 2π), infinite if never; all (k,)."""
    radius, phase = np.hypot(along, speed), np.arctan2(speed, along)
    with np.errstate(invalid="ignore", divide="ignore"):  # arccos of more than 1: no wall there
        rises = np.mod(phase - np.arccos(high / radius), 2 * np.pi)
        falls = np.mod(phase + np.arccos(low / radius), 2 * np.pi)
    return np.asarray(np.nan_to_num(np.fmin(rises, falls), nan=np.inf))
