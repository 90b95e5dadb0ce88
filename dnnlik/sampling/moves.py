"""Proposals for emcee that know the shape of the posterior.

emcee's stretch move needs hundreds of steps in tens of dimensions. Likelihoods are
nearly Gaussian after a linear map, so the main move here proposes relative to a
Gaussian reference N(m, C), mirrored at the bounds, and accepts by the ratio of what is
*not* Gaussian.
"""

from __future__ import annotations

from typing import Any

import emcee
import numpy as np
from numpy.typing import NDArray

from dnnlik.sampling.reference import Reference
from dnnlik.sampling.reflection import Arcs
from dnnlik.typing import LogDensity

__all__ = ["mixture_of_moves", "random_walk", "sampler_of"]

Array = NDArray[np.float64]


def mixture_of_moves(arcs: Arcs) -> list[tuple[Any, float]]:
    """emcee moves with their weights, for any number of dimensions.

    Mostly preconditioned Crank-Nicolson steps (arXiv:1202.0709, eq. 4.9) about the
    reference, of random size and mirrored at the bounds; and the ensemble move of
    differential evolution (ter Braak 2006), which follows curved posteriors where the
    reference fails.
    """
    return [
        (emcee.moves.MHMove(_crank_nicolson(arcs)), 0.8),
        (emcee.moves.DEMove(), 0.2),
    ]


def _crank_nicolson(arcs: Arcs) -> Any:
    def propose(coords: Array, rng: Any) -> tuple[Array, Array]:
        z = arcs.coordinates(coords)
        # Any size keeps detailed balance with the reference; a mixture of sizes serves
        # both nearly Gaussian posteriors (1 is an independent draw) and others.
        size = np.exp(rng.uniform(np.log(0.1), 0.0, size=len(z)))
        proposed, velocity = arcs.turn(z, rng.normal(size=z.shape), np.arcsin(size))
        # The proposal is reversible with respect to the reference density.
        log_ratio = 0.5 * ((proposed**2).sum(axis=1) - (z**2).sum(axis=1))
        stuck = np.isnan(velocity).any(axis=1)
        return arcs.points(proposed), np.where(stuck, -np.inf, log_ratio)

    return propose


def random_walk(reference: Reference, size: float) -> Any:
    """A Gaussian step with ``size`` times the reference's factor, symmetric."""

    def propose(coords: Array, rng: Any) -> tuple[Array, Array]:
        step = rng.normal(size=coords.shape) @ reference.factor.T
        return coords + size * step, np.zeros(len(coords))

    return emcee.moves.MHMove(propose)


def sampler_of(density: LogDensity, walkers: int, moves: Any) -> Any:
    """emcee on the log-density, all walkers in one call."""
    width = len(density.parameters)
    sampler = emcee.EnsembleSampler(
        walkers, width, density.log_density, moves=moves, vectorize=True
    )
    # emcee's own wrapper prints points and a traceback before an error goes on.
    sampler.log_prob_fn = density.log_density
    return sampler
