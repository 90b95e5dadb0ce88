"""The auxiliary measurements that constrain single parameters, in closed form.

Two kinds cover HistFactory (CERN-OPEN-2012-016, section 4) and most analytic
likelihoods: a normal measurement of the parameter itself, and a Poisson count
whose expectation is proportional to it. Both are written so that every
parameter of a set fits the *same* formula (see `ConstraintTerms`): one line in
NumPy here, in TensorFlow in the tensor program, and in the ONNX graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidParameters

__all__ = ["Constraint", "ConstraintTerms", "Normal", "Poisson", "constraint_from_json"]


@dataclass(frozen=True)
class Normal:
    r"""A normal measurement ``mean`` ± ``sigma`` of a parameter θ.

    Its term is :math:`-\frac12((\theta-m)/\sigma)^2-\ln\sigma-\frac12\ln 2\pi`.

    >>> Normal(0, 1).log_density(0.0)
    -0.9189385332046727
    """

    mean: float
    sigma: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.sigma) and self.sigma > 0):
            raise InvalidParameters(
                "a normal constraint needs a finite mean and a positive width. "
                f"Received: Normal({self.mean}, {self.sigma})"
            )

    @property
    def scale(self) -> float:
        """The width that the constraint alone gives the parameter."""
        return float(self.sigma)

    def log_density(self, value: float) -> float:
        """Natural log of the normal density, normalisation included."""
        pull = (value - self.mean) / self.sigma
        return -0.5 * pull * pull - math.log(self.sigma) - 0.5 * math.log(2 * math.pi)

    def to_json(self) -> dict[str, Any]:
        return {"type": "normal", "mean": float(self.mean), "sigma": float(self.sigma)}


@dataclass(frozen=True)
class Poisson:
    r"""A Poisson count ``observed`` with expectation ``factor`` · θ.

    Its term is :math:`a\ln(\tau\theta)-\tau\theta-\ln\Gamma(a+1)`; ``observed``
    (a) need not be an integer, as in pyhf's shapesys.

    >>> round(Poisson(observed=4, factor=4).log_density(1.0), 6)
    -1.632876
    """

    observed: float
    factor: float

    def __post_init__(self) -> None:
        finite = math.isfinite(self.observed) and math.isfinite(self.factor)
        if not (finite and self.observed >= 0 and self.factor > 0):
            raise InvalidParameters(
                "a Poisson constraint needs a count of at least zero and a positive factor. "
                f"Received: Poisson({self.observed}, {self.factor})"
            )

    @property
    def scale(self) -> float:
        """The width that the constraint alone gives the parameter."""
        return math.sqrt(max(float(self.observed), 1.0)) / float(self.factor)

    def log_density(self, value: float) -> float:
        """Natural log of the Poisson probability; minus infinity below zero."""
        rate = self.factor * value
        if rate < 0 or (rate == 0 and self.observed > 0):
            return -math.inf
        log_rate = math.log(rate) if rate > 0 else 0.0
        return self.observed * log_rate - rate - math.lgamma(self.observed + 1)

    def to_json(self) -> dict[str, Any]:
        return {"type": "poisson", "observed": float(self.observed), "factor": float(self.factor)}


Constraint = Normal | Poisson


def constraint_from_json(document: dict[str, Any] | None) -> Constraint | None:
    """The inverse of ``to_json``; ``None`` stays ``None``.

    >>> constraint_from_json({"type": "normal", "mean": 0, "sigma": 1})
    Normal(mean=0.0, sigma=1.0)
    """
    if document is None:
        return None
    try:
        if document["type"] == "normal":
            return Normal(float(document["mean"]), float(document["sigma"]))
        if document["type"] == "poisson":
            return Poisson(float(document["observed"]), float(document["factor"]))
    except (KeyError, TypeError) as error:
        raise InvalidParameters(f"a constraint lacks {error}. Received: {document}") from error
    raise InvalidParameters(
        f"a constraint is 'normal' or 'poisson'. Received: {document['type']!r}"
    )


@dataclass(frozen=True)
class ConstraintTerms:
    r"""All constraints of ``d`` parameters as arrays of one formula.

    .. math:: \sum_i -\tfrac12 p_i(\theta_i-m_i)^2 + a_i\ln(\tau_i\theta_i+o_i)
              - \tau_i\theta_i + c

    A parameter without a normal term has p = 0; one without a Poisson term has
    a = τ = 0 and o = 1, so that its logarithm vanishes. Shapes are (d,).
    """

    precision: NDArray[np.float64]
    mean: NDArray[np.float64]
    observed: NDArray[np.float64]
    factor: NDArray[np.float64]
    offset: NDArray[np.float64]
    constant: float

    @classmethod
    def of(cls, constraints: Sequence[Constraint | None]) -> ConstraintTerms:
        """Stack the constraints of a parameter list, ``None`` for no constraint."""
        size = len(constraints)
        precision, mean, observed, factor = (np.zeros(size) for _ in range(4))
        offset, constant = np.ones(size), 0.0
        for i, constraint in enumerate(constraints):
            if isinstance(constraint, Normal):
                precision[i], mean[i] = constraint.sigma**-2.0, constraint.mean
                constant += constraint.log_density(constraint.mean)
            elif isinstance(constraint, Poisson):
                observed[i], factor[i], offset[i] = constraint.observed, constraint.factor, 0.0
                constant -= math.lgamma(constraint.observed + 1)
        return cls(precision, mean, observed, factor, offset, constant)

    @property
    def poisson_columns(self) -> NDArray[np.intp]:
        """Positions of the parameters with a Poisson term."""
        return np.flatnonzero(self.offset == 0)

    def value(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of all terms, (n, d) → (n,)."""
        total = self.constant - 0.5 * ((points - self.mean) ** 2 @ self.precision)
        columns = self.poisson_columns
        if columns.size:
            rate = points[:, columns] * self.factor[columns]
            with np.errstate(divide="ignore", invalid="ignore"):
                counted = np.where(self.observed[columns] > 0, np.log(rate), 0.0)
                terms = self.observed[columns] * counted - rate
            total = total + np.where(rate < 0, -np.inf, terms).sum(axis=1)
        return np.asarray(total)

    def gradient(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivative of `value` with respect to each parameter, (n, d) → (n, d)."""
        slope = -self.precision * (points - self.mean) - self.factor
        columns = self.poisson_columns
        if columns.size:
            with np.errstate(divide="ignore", invalid="ignore"):
                counted = np.where(
                    self.observed[columns] > 0, self.observed[columns] / points[:, columns], 0.0
                )
            slope[:, columns] += counted
        return np.asarray(slope)
