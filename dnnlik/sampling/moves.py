"""Proposals for emcee that know the shape of the posterior.

emcee's stretch move needs hundreds of steps in tens of dimensions. Likelihoods are
nearly Gaussian after a linear map, so the main move here proposes relative to a
Gaussian reference N(m, C) and accepts by the ratio of what is *not* Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import emcee
import numpy as np
from numpy.typing import NDArray

from dnnlik.inference import hessian
from dnnlik.typing import LogDensity

__all__ = ["Reference", "laplace_reference", "mixture_of_moves", "random_walk", "sampler_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """A Gaussian N(mean, factor factorᵀ): mean (d,), factor (d, d)."""

    mean: Array
    factor: Array

    @classmethod
    def of_sample(cls, points: Array) -> Reference:
        """The Gaussian with the mean and covariance of points (n, d)."""
        covariance = np.atleast_2d(np.cov(points, rowvar=False))
        return cls(points.mean(axis=0), _square_root(covariance))


def _square_root(covariance: Array) -> Array:
    """A square root of a covariance, in units of its own widths for precision.

    Directions in which it is not positive get a width of a thousandth.
    """
    widths = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(widths, widths)
    values, vectors = np.linalg.eigh(correlation)
    return np.asarray(widths[:, None] * vectors * np.sqrt(np.maximum(values, 1e-6)))


def laplace_reference(density: LogDensity, maximum: Array) -> Reference:
    """The Gaussian with the curvature of the log-likelihood at its maximum.

    Where a parameter is flatter than its natural scales or bounds, it gets those.
    """
    p = density.parameters
    widest = np.minimum((p.upper - p.lower) / np.sqrt(12), 1e3 * p.scales)
    information = -hessian(density, maximum) * np.outer(widest, widest)
    values, vectors = np.linalg.eigh(information)
    # Never wider than the bounds: this also takes care of flat and convex directions.
    factor = widest[:, None] * vectors / np.sqrt(np.maximum(values, 1.0))
    return Reference(maximum, np.asarray(factor))


def mixture_of_moves(reference: Reference) -> list[tuple[Any, float]]:
    """emcee moves with their weights, for any number of dimensions.

    Mostly preconditioned Crank-Nicolson steps (arXiv:1202.0709, eq. 4.9) about the
    reference, of random size; and the ensemble move of differential evolution (ter
    Braak 2006), which follows curved or bounded posteriors where the reference fails.
    """
    return [
        (emcee.moves.MHMove(_crank_nicolson(reference)), 0.8),
        (emcee.moves.DEMove(), 0.2),
    ]


def _crank_nicolson(reference: Reference) -> Any:
    inverse = np.linalg.inv(reference.factor)

    def propose(coords: Array, rng: Any) -> tuple[Array, Array]:
        z = (coords - reference.mean) @ inverse.T
        # Any size keeps detailed balance with the reference; a mixture of sizes serves
        # both nearly Gaussian posteriors (1 is an independent draw) and others.
        size = np.exp(rng.uniform(np.log(0.1), 0.0, size=(len(z), 1)))
        proposed = np.sqrt(1 - size**2) * z + size * rng.normal(size=z.shape)
        # The proposal is reversible with respect to the reference density.
        log_ratio = 0.5 * ((proposed**2).sum(axis=1) - (z**2).sum(axis=1))
        return reference.mean + proposed @ reference.factor.T, log_ratio

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
