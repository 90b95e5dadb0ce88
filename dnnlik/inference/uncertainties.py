"""Uncertainties of a fit from second derivatives: covariance, correlation, Fisher information."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.inference.generative import generative
from dnnlik.inference.gradients import hessian
from dnnlik.inference.result import FitResult
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity

__all__ = ["Uncertainties", "fisher_information", "profile_width", "uncertainties"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Uncertainties:
    """The normal approximation of a likelihood at its maximum.

    Attributes:
        parameters: the parameter set.
        point: (d,) the maximum.
        held: (d,) parameters at a bound, or fixed: they have no uncertainty here.
        covariance: (d, d), the inverse of minus the Hessian of the others; zero in rows
            and columns of what is held, NaN where the likelihood is not concave.
    """

    parameters: ParameterSet = field(repr=False)
    point: Array
    held: Mask
    covariance: Array = field(repr=False)

    @property
    def errors(self) -> Array:
        """One standard deviation of each parameter, (d,); NaN for what is held."""
        return _errors(self.covariance)

    @property
    def correlation(self) -> Array:
        """(d, d), 1 on the diagonal; NaN in rows and columns of what is held."""
        errors = self.errors
        return np.asarray(self.covariance / (errors[:, None] * errors[None, :]))

    def error(self, name: str) -> float:
        """One standard deviation of a parameter by name."""
        return float(self.errors[self.parameters.index(name)])

    @property
    def response(self) -> Array:
        """(d, d): how far parameter j moves with parameter i, dθ_j/dθ_i in row i, where all
        but i are fitted again. Rows of what is held are zero."""
        variance = np.diagonal(self.covariance)
        usable = variance > 0
        ratio = self.covariance / np.where(usable, variance, 1.0)[:, None]
        return np.where(usable[:, None], ratio, 0.0)


def _errors(covariance: Array) -> Array:
    variance = np.diagonal(covariance)
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def uncertainties(
    density: LogDensity,
    best: FitResult,
    *,
    fixed: Iterable[str] = (),
    steps: Array | None = None,
) -> Uncertainties:
    """Standard deviations and correlations from the Hessian at a maximum.

    Args:
        density: any LogDensity.
        best: a maximum of it.
        fixed: names that the fit held.
        steps: (d,) over which the curvature is taken; by default as small as is precise.

    >>> from dnnlik.inference import fit
    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 0, (-9, 9), poi=True)],
    ...                            lambda x: -0.5 * ((x[:, 0] - 1) / 0.5) ** 2)
    >>> round(uncertainties(gauss, fit(gauss)).error("mu"), 4)
    0.5
    """
    p, point = density.parameters, best.point
    held = (point <= p.lower) | (point >= p.upper)
    held[[p.index(name) for name in fixed]] = True
    return Uncertainties(p, point, held, _inverse(-hessian(density, point, steps=steps), ~held))


def profile_width(density: LogDensity, point: Array, name: str) -> float:
    """One standard deviation of a parameter from the curvature of its profile at a point
    (d,), even if it is at its own bound; others at theirs are held. NaN if not concave."""
    p = density.parameters
    column, free = p.index(name), (point > p.lower) & (point < p.upper)
    free[column] = True
    return float(_errors(_inverse(-hessian(density, point), free))[column])


def fisher_information(density: LogDensity, point: ArrayLike) -> Array:
    """The expected information at a point (d,) → (d, d), auxiliary measurements included.

    Minus the Hessian of the Asimov dataset's log-likelihood at its own parameters: for
    Poisson counts and normal measurements that is exactly the expectation over datasets
    (arXiv:1007.1727, sect. 3.2).

    Raises:
        InvalidInput: a likelihood that cannot make datasets, such as a surrogate.
    """
    at = np.asarray(point, dtype=float)
    asimov = generative(density, "Fisher's information").asimov(at)
    return -hessian(asimov, at)


def _inverse(information: Array, free: Mask) -> Array:
    """The inverse of the free block, in units of the widths; NaN where it is not positive."""
    covariance = np.zeros_like(information)
    block = np.ix_(free, free)
    diagonal = np.diagonal(information)[free]
    covariance[block] = np.nan
    if (diagonal > 0).all() and free.any():
        width = 1 / np.sqrt(diagonal)
        units = width[:, None] * width[None, :]
        scaled = information[block] * units
        try:
            np.linalg.cholesky(scaled)
            covariance[block] = np.linalg.inv(scaled) * units
        except np.linalg.LinAlgError:
            pass  # a direction without a maximum: no uncertainty to give
    return covariance
