"""The auxiliary measurements that constrain single parameters, in closed form.

Two kinds cover HistFactory (CERN-OPEN-2012-016, section 4) and most analytic
likelihoods: a normal measurement of the parameter itself, and a Poisson count
whose expectation is proportional to it. Both are written so that every
parameter of a set fits the *same* formula (see `ConstraintTerms`): one line in
NumPy here, and the same in the ONNX graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidParameters

__all__ = [
    "Constraint",
    "ConstraintTerms",
    "Normal",
    "Poisson",
    "constraint_from_json",
    "log_poisson_at_maximum",
]


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
        _make_floats(self, "mean", "sigma")
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
        _make_floats(self, "observed", "factor")
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
        return float(ConstraintTerms.of([self]).value(np.array([[value]]))[0])

    def to_json(self) -> dict[str, Any]:
        return {"type": "poisson", "observed": float(self.observed), "factor": float(self.factor)}


Constraint = Normal | Poisson


def _make_floats(constraint: Constraint, *names: str) -> None:
    for name in names:
        value = getattr(constraint, name)
        try:
            object.__setattr__(constraint, name, float(value))
        except (TypeError, ValueError) as error:
            raise InvalidParameters(
                f"the {name} of a constraint must be a number. Received: {value!r}"
            ) from error


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
    except KeyError as error:
        raise InvalidParameters(f"a constraint lacks {error}. Received: {document}") from error
    except (TypeError, ValueError) as error:
        raise InvalidParameters(
            f"a constraint is an object of a type and numbers. Received: {document!r}"
        ) from error
    raise InvalidParameters(
        f"a constraint is 'normal' or 'poisson'. Received: {document['type']!r}"
    )


# Counts below this are none: their reciprocal would overflow.
_NO_COUNT = 1e-300


@dataclass(frozen=True, eq=False)
class ConstraintTerms:
    r"""All constraints of ``d`` parameters as arrays of one formula.

    .. math:: \sum_i -\tfrac12 p_i(\theta_i-m_i)^2
              + a_i\left[\ln(1+u_i)-u_i\right] - s_i\theta_i + c,
              \qquad u_i = r_i(\theta_i-m_i)

    A normal term has p; a Poisson term has its count a, m = a/τ where it is largest
    and r = 1/m (or, for a count of zero, only the slope s = τ). What a parameter does
    not have is zero. Written around the maximum, because workspaces hold Poisson
    terms with counts of 10¹¹, where a ln θ - τθ loses all its digits. Shapes (d,).
    """

    precision: NDArray[np.float64]
    centre: NDArray[np.float64]
    observed: NDArray[np.float64]
    inverse_centre: NDArray[np.float64]
    slope: NDArray[np.float64]
    constant: float

    @classmethod
    def of(cls, constraints: Sequence[Constraint | None]) -> ConstraintTerms:
        """Stack the constraints of a parameter list, ``None`` for no constraint."""
        size = len(constraints)
        precision, centre, observed, inverse, slope = (np.zeros(size) for _ in range(5))
        constant = 0.0
        for i, constraint in enumerate(constraints):
            if isinstance(constraint, Normal):
                precision[i], centre[i] = constraint.sigma**-2.0, constraint.mean
                constant += constraint.log_density(constraint.mean)
            elif isinstance(constraint, Poisson) and constraint.observed > _NO_COUNT:
                observed[i] = constraint.observed
                centre[i] = constraint.observed / constraint.factor
                inverse[i] = constraint.factor / constraint.observed
                constant += float(log_poisson_at_maximum(np.array(constraint.observed)))
            elif isinstance(constraint, Poisson):
                slope[i] = constraint.factor
        return cls(precision, centre, observed, inverse, slope, constant)

    @property
    def poisson_columns(self) -> NDArray[np.intp]:
        """Positions of the parameters with a Poisson term of a count above zero."""
        return np.flatnonzero(self.observed)

    def value(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of all terms, (n, d) → (n,); minus infinity at a negative rate."""
        step = points - self.centre
        total = self.constant - 0.5 * (step**2 @ self.precision) - points @ self.slope
        columns = self.poisson_columns
        if columns.size:
            u = step[:, columns] * self.inverse_centre[columns]
            ratio = points[:, columns] * self.inverse_centre[columns]
            with np.errstate(divide="ignore", invalid="ignore"):
                # Both are ln(1+u); each keeps its digits on its own side.
                logarithm = np.where(u > -0.5, np.log1p(u), np.log(ratio))
                terms = self.observed[columns] * (logarithm - u)
            total = total + np.where(ratio <= 0, -np.inf, terms).sum(axis=1)
        counted_none = self.slope > 0
        if counted_none.any():
            total = np.where((points[:, counted_none] < 0).any(axis=1), -np.inf, total)
        return np.asarray(total)

    def gradient(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivative of `value` with respect to each parameter, (n, d) → (n, d)."""
        step = points - self.centre
        slope = -self.precision * step - self.slope
        columns = self.poisson_columns
        if columns.size:
            inverse = self.inverse_centre[columns]
            u = step[:, columns] * inverse
            with np.errstate(divide="ignore", invalid="ignore"):
                slope[:, columns] -= self.observed[columns] * u / points[:, columns]
        return np.asarray(slope)


def log_poisson_at_maximum(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """a ln a - a - ln Γ(a+1), of any shape; by Stirling's series where the difference cancels."""
    large = counts > 1e3
    a = np.where(large, counts, 1e3)
    series = -0.5 * np.log(2 * np.pi * a) - (1 / (12 * a) - 1 / (360 * a**3))
    small = np.where(large, 0.0, counts)
    logarithm = np.log(np.where(small > 0, small, 1.0))
    factorial = np.vectorize(math.lgamma, otypes=[float])(small + 1)
    return np.where(large, series, small * logarithm - small - factorial)
