"""The terms that every exact likelihood shares, whatever its main term is."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from dnnlik.exceptions import InvalidLikelihood
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Points, Values

__all__ = ["Likelihood"]


class Likelihood(ABC):
    """A `dnnlik.typing.LogDensity`: a main term plus closed-form constraint and prior.

    Natural logarithms, no factor 2. Subclasses give ``parameters``, ``digest``
    and ``_main``. Points outside the bounds have ``log_density`` minus infinity;
    their main term is not looked at.
    """

    parameters: ParameterSet
    digest: str
    """SHA-256 that identifies the likelihood in everything made from it."""

    @abstractmethod
    def _main(self, points: Points) -> Values:
        """The main term at checked points, (n, d) → (n,)."""

    def log_main(self, points: ArrayLike) -> Values:
        """The data term, (n, d) → (n,); an error where it is NaN or +infinity."""
        array = self.parameters.points(points)
        return checked_values(self._main(array), array, self.parameters)

    def log_constraint(self, points: ArrayLike) -> Values:
        """The auxiliary measurements, (n, d) → (n,)."""
        return self.parameters.log_constraint(points)

    def log_likelihood(self, points: ArrayLike) -> Values:
        """``log_main + log_constraint``, (n, d) → (n,)."""
        array = self.parameters.points(points)
        return checked_values(self._likelihood(array), array, self.parameters)

    def _likelihood(self, points: Points) -> Values:
        """Main term and constraints at checked points, (n, d) → (n,)."""
        return self._main(points) + self.parameters.constraint_terms.value(points)

    def log_prior(self, points: ArrayLike) -> Values:
        """Prior of the unconstrained parameters; -inf outside bounds, (n, d) → (n,)."""
        return self.parameters.log_prior(points)

    def log_density(self, points: ArrayLike) -> Values:
        """``log_likelihood + log_prior``, (n, d) → (n,)."""
        array = self.parameters.points(points)
        prior = self.log_prior(array)
        inside = np.isfinite(prior)
        if inside.any():
            prior[inside] += self.log_likelihood(array[inside])
        return prior


def checked_values(values: Values, points: Points, parameters: ParameterSet) -> Values:
    """Refuse NaN and +infinity, naming the first such point inside the bounds.

    Outside the bounds the density is zero, whatever the function says there.
    """
    if np.isfinite(values).all():
        return values
    wrong = np.isnan(values) | (values == np.inf)
    if not wrong.any():
        return values
    inside = parameters.inside(points)
    if (wrong & inside).any():
        row = int(np.flatnonzero(wrong & inside)[0])
        first = ", ".join(
            f"{name}={value:.6g}"
            for name, value in zip(parameters.names[:6], points[row, :6], strict=True)
        )
        raise InvalidLikelihood(
            "the log-likelihood must be a number, or minus infinity where the density is zero. "
            f"Received: {values[row]} at {first}{', ...' if len(parameters) > 6 else ''}"
        )
    return np.where(wrong, -np.inf, values)
