"""Hamiltonian trajectories of many chains at once.

The energy -log_density(x) + v²/2 is split into that of a Gaussian reference, whose
motion is solved exactly and mirrored at the bounds (`reflection`), and the rest, which
kicks the velocities (arXiv:1106.5941, section 3). With no rest every trajectory is
exact; the leapfrog splits off the free motion instead and needs small steps in tens of
dimensions even then. Each part is reversible and conserves volume, whatever the
gradient is worth: only the acceptance suffers from a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from dnnlik.constraints import ConstraintTerms
from dnnlik.likelihoods.base import checked_values
from dnnlik.sampling.reflection import Arcs
from dnnlik.typing import DifferentiableLogDensity, Gradients, Points, Values

__all__ = ["Position", "Transition", "log_terms", "position", "trajectory", "transition"]

Array = NDArray[np.float64]

LARGEST_ENERGY_ERROR = 1000.0
"""Beyond it a trajectory has diverged (arXiv:1701.02434, section 6.2; Stan's limit)."""

_FARTHEST = 1e6  # widths of the reference: there functions overflow


@dataclass(frozen=True)
class Position:
    """Where the chains are: whitened coordinates and what was evaluated there."""

    z: Array  # (n, d)
    points: Points  # (n, d)
    log_likelihood: Values  # (n,)
    gradient: Gradients  # (n, d), of log_likelihood by the parameters
    log_density: Values  # (n,)
    force: Array  # (n, d), of the energy beyond the reference's, by z

    def or_else(self, other: Position, keep: NDArray[np.bool_]) -> Position:
        """Its own rows where ``keep`` (n,), those of the other elsewhere."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Position(*(np.where(keep if a.ndim == 1 else keep[:, None], a, b) for a, b in pairs))


@dataclass(frozen=True)
class Transition:
    """One Markov step of each chain."""

    position: Position
    acceptance: Values  # (n,) probability of it
    diverged: NDArray[np.bool_]  # (n,) energy error beyond its limit
    impossible: NDArray[np.bool_]  # (n,) of these, those that ended where the density is zero

    @property
    def mean_acceptance(self) -> float:
        """Of the trajectories that ended where something is possible: no step is small
        enough not to run into a wall that no gradient announces."""
        possible = self.acceptance[~self.impossible]
        return float(possible.mean()) if possible.size else 0.0


def position(density: DifferentiableLogDensity, arcs: Arcs, z: Array) -> Position:
    """Evaluate at coordinates (n, d).

    Raises:
        InvalidLikelihood: the log-likelihood is NaN or +infinity.
    """
    points = arcs.points(z)
    value, slope = density.value_and_gradient(points)
    value = checked_values(value, points, density.parameters)
    prior = ConstraintTerms.of([item.prior for item in density.parameters])
    whitened = (slope + prior.gradient(points)) @ arcs.reference.factor
    # Where the density is zero its slope may be anything: the reference's motion goes on.
    force = np.where(np.isfinite(whitened).all(axis=1, keepdims=True), whitened + z, 0.0)
    return Position(z, points, value, slope, value + density.log_prior(points), force)


def log_terms(density: DifferentiableLogDensity, where: Position) -> Mapping[str, Array]:
    """What a sample file keeps of a position, without evaluating the likelihood again."""
    p, points = density.parameters, where.points
    constraint = density.log_constraint(points)
    return {
        "log_main": where.log_likelihood - constraint,
        "log_constraint": constraint,
        "gradient": where.gradient - p.log_constraint_gradient(points),
    }


def trajectory(
    density: DifferentiableLogDensity,
    arcs: Arcs,
    start: Position,
    velocity: Array,
    angle: Array,
    kicks: int,
) -> tuple[Position, Array]:
    """``kicks`` steps of half kick, turn, half kick; ``angle`` (n,) of each turn.

    Reversible: from the end with the velocity negated it leads back.
    """
    half, here = angle[:, None] / 2, start
    for _ in range(kicks):
        velocity = velocity + half * here.force
        z, velocity = arcs.turn(here.z, velocity, angle)
        # What ran away stays where it was, and its energy is NaN: rejected. Turns conserve
        # z² + v², so that the way back would be lost at the same place.
        lost = ~((z**2 + velocity**2).sum(axis=1, keepdims=True) < _FARTHEST**2)
        z, velocity = np.where(lost, here.z, z), np.where(lost, np.nan, velocity)
        here = position(density, arcs, z)
        velocity = velocity + half * here.force
    return here, velocity


def transition(
    density: DifferentiableLogDensity,
    arcs: Arcs,
    start: Position,
    rng: np.random.Generator,
    angle: Array,
    kicks: int,
) -> Transition:
    """A trajectory with a fresh velocity, accepted by its energy error."""
    velocity = rng.normal(size=start.z.shape)
    threshold = np.log(rng.uniform(size=len(velocity)))
    with np.errstate(over="ignore", invalid="ignore"):
        end, final = trajectory(density, arcs, start, velocity, angle, kicks)
        gain = end.log_density - 0.5 * (final**2).sum(axis=1)
        gain -= start.log_density - 0.5 * (velocity**2).sum(axis=1)
    gain = np.where(np.isnan(gain), -np.inf, gain)
    return Transition(
        position=end.or_else(start, threshold < gain),
        acceptance=np.exp(np.minimum(gain, 0.0)),
        diverged=gain < -LARGEST_ENERGY_ERROR,
        impossible=end.log_density == -np.inf,
    )
