"""Relativistic kinematics of made-up events: momenta, two-body decays, ΔR.

Natural units; z is along the beams. All arrays have one row an event.

>>> along_z = decayed(np.array([2.0]), np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]))
>>> along_z.tolist()
[[[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]]
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["decayed", "directions", "distance", "momenta"]

Array = NDArray[np.float64]


def momenta(transverse: Array, rapidity: Array, azimuth: Array) -> Array:
    """Momenta (n, 3) from transverse momentum, pseudorapidity and azimuth."""
    parts = [np.cos(azimuth), np.sin(azimuth), np.sinh(rapidity)]
    return np.asarray(transverse[:, None] * np.stack(parts, axis=-1))


def directions(events: int, generator: np.random.Generator, forward: float = 0.0) -> Array:
    """Unit vectors (n, 3), isotropic, or closer to ± z: cos θ → its sign times |cos θ|^(1 - f)."""
    cosine = generator.uniform(-1.0, 1.0, events)
    cosine = np.sign(cosine) * np.abs(cosine) ** (1.0 - forward)
    azimuth, sine = generator.uniform(-math.pi, math.pi, events), np.sqrt(1.0 - cosine**2)
    return np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=-1)


def decayed(mass: Array, parent: Array, direction: Array) -> Array:
    """Momenta (n, 2, 3) of the two massless daughters of parents of momentum (n, 3) and mass (n,),
    back to back along ``direction`` (n, 3) where the parent is at rest."""
    own = 0.5 * mass[:, None] * direction
    energy = np.sqrt(mass**2 + (parent**2).sum(axis=-1))
    along = (own * parent).sum(axis=-1) / (mass * (energy + mass))
    shift = own + along[:, None] * parent
    return np.stack([0.5 * parent + shift, 0.5 * parent - shift], axis=1)


def distance(jets: Array) -> Array:
    """ΔR of two jets (n, 2, 3) → (n,)."""
    eta = np.arcsinh(jets[..., 2] / np.linalg.norm(jets[..., :2], axis=-1))
    azimuth = np.arctan2(jets[..., 1], jets[..., 0])
    turn = (azimuth[:, 0] - azimuth[:, 1] + math.pi) % (2.0 * math.pi) - math.pi
    return np.asarray(np.hypot(eta[:, 0] - eta[:, 1], turn))
