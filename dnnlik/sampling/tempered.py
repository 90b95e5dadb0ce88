"""A likelihood at a temperature: the same posterior, wider.

Chains of the posterior hardly ever visit where it is low, and there a network that
learned from them alone goes wrong first: at the ends of long intervals, and wherever
another prior moves the posterior to.
"""

from __future__ import annotations

import numpy as np

from dnnlik.parameters import ParameterSet
from dnnlik.typing import DifferentiableLogDensity, Gradients, LogDensity, Points, Values

__all__ = ["TEMPERATURE", "Tempered"]

TEMPERATURE = 2.5
"""A Gaussian posterior is wider by the square root: standard deviations of 1.6."""


class Tempered:
    r"""The density :math:`L^{1/T}\pi`, a power posterior (Friel & Pettitt,
    J. R. Statist. Soc. B 70 (2008) 589, eq. 4), as a `LogDensity`.

    The terms of the likelihood, constraints included, are divided by T; the prior is what
    it was, as are the bounds. It has gradients where the likelihood has them.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 0, (-5, 5), poi=True)],
    ...                            lambda x: -0.5 * x[:, 0] ** 2)
    >>> Tempered(gauss, 2.0).log_likelihood(np.array([[2.0]])).tolist()
    [-1.0]
    """

    def __init__(self, density: LogDensity, temperature: float = TEMPERATURE) -> None:
        self._density, self.temperature = density, temperature
        if isinstance(density, DifferentiableLogDensity):
            self.value_and_gradient = self._value_and_gradient

    @property
    def parameters(self) -> ParameterSet:
        """Those of the likelihood."""
        return self._density.parameters

    def log_main(self, points: Points) -> Values:
        """``log_main / T``, (n, d) → (n,)."""
        return self._density.log_main(points) / self.temperature

    def log_constraint(self, points: Points) -> Values:
        """``log_constraint / T``, (n, d) → (n,)."""
        return self._density.log_constraint(points) / self.temperature

    def log_likelihood(self, points: Points) -> Values:
        """``log_likelihood / T``, (n, d) → (n,)."""
        return self._density.log_likelihood(points) / self.temperature

    def log_prior(self, points: Points) -> Values:
        """The prior as it is, (n, d) → (n,)."""
        return self._density.log_prior(points)

    def log_density(self, points: Points) -> Values:
        """``log_likelihood / T + log_prior``, (n, d) → (n,)."""
        prior = self.log_prior(points)
        inside = np.isfinite(prior)
        if inside.any():
            prior[inside] += self.log_likelihood(points[inside])
        return prior

    def _value_and_gradient(self, points: Points) -> tuple[Values, Gradients]:
        assert isinstance(self._density, DifferentiableLogDensity)  # for the type checker
        value, gradient = self._density.value_and_gradient(points)
        return value / self.temperature, gradient / self.temperature
