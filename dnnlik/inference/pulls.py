"""Pulls and constraints: what the data say about what auxiliary measurements said before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.constraints import Constraint, Poisson
from dnnlik.inference.uncertainties import Uncertainties

__all__ = ["Pulls", "pulls"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Pulls:
    """The k parameters with an auxiliary measurement, after a fit, in units of its width.

    Attributes:
        names: of the parameters, in column order.
        measured: (k,) what the auxiliary measurement alone gives.
        widths: (k,) one standard deviation of it (a Poisson count a: √max(a,1)/τ).
        pulls: (k,) (fitted - measured) / width.
        constraints: (k,) post-fit over pre-fit width; NaN at a bound.
    """

    names: tuple[str, ...]
    measured: Array
    widths: Array
    pulls: Array
    constraints: Array


def pulls(fitted: Uncertainties) -> Pulls:
    """Pulls and constraints of all parameters that have an auxiliary measurement.

    >>> from dnnlik.constraints import Normal
    >>> from dnnlik.inference import fit, uncertainties
    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("jes", 0, (-5, 5), Normal(0, 1))],
    ...                            lambda x: -0.5 * (x[:, 0] - 1) ** 2)
    >>> found = pulls(uncertainties(gauss, fit(gauss)))
    >>> found.pulls.round(4).tolist(), found.constraints.round(4).tolist()
    ([0.5], [0.7071])
    """
    terms = [(i, p.name, p.constraint) for i, p in enumerate(fitted.parameters)]
    constrained = [(i, name, c) for i, name, c in terms if c is not None]
    columns = [i for i, _, _ in constrained]
    measured = np.array([measured_value(c) for _, _, c in constrained])
    widths = np.array([c.scale for _, _, c in constrained])
    return Pulls(
        names=tuple(name for _, name, _ in constrained),
        measured=measured,
        widths=widths,
        pulls=(fitted.point[columns] - measured) / widths,
        constraints=fitted.errors[columns] / widths,
    )


def measured_value(constraint: Constraint) -> float:
    """Where an auxiliary measurement alone has its maximum."""
    if isinstance(constraint, Poisson):
        return float(constraint.observed / constraint.factor)
    return float(constraint.mean)
