"""The Gaussian that proposals and trajectories are made relative to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.constraints import ConstraintTerms
from dnnlik.inference import hessian
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity

__all__ = ["Reference", "laplace_reference", "reference_of"]

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
    """The Gaussian with the curvature of the log-density at the maximum of the likelihood.

    Where a parameter is flatter than its natural scales or bounds, it gets those.
    """
    return reference_of(density.parameters, maximum, hessian(density, maximum))


def reference_of(p: ParameterSet, maximum: Array, hessian: Array) -> Reference:
    """The same from the Hessian (d, d) of the log-likelihood, where that is known."""
    widest = np.minimum((p.upper - p.lower) / np.sqrt(12), 1e3 * p.scales)
    prior = ConstraintTerms.of([item.prior for item in p]).precision
    information = (np.diag(prior) - hessian) * np.outer(widest, widest)
    values, vectors = np.linalg.eigh(information)
    # Never wider than the bounds: this also takes care of flat and convex directions.
    factor = widest[:, None] * vectors / np.sqrt(np.maximum(values, 1.0))
    return Reference(maximum, np.asarray(factor))
