"""Array aliases with their shapes, and the protocols that rooms share.

Throughout, ``n`` counts points, ``d`` parameters. All logarithms are natural.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dnnlik.parameters import ParameterSet

if TYPE_CHECKING:
    from dnnlik.asimov import AsimovCurve

Points = NDArray[np.float64]
"""Parameter points, shape (n, d), columns in the order of a ParameterSet."""

Values = NDArray[np.float64]
"""One number a point, shape (n,)."""

Gradients = NDArray[np.float64]
"""Derivatives with respect to the parameters, shape (n, d)."""

JSON = dict[str, Any]
"""A JSON object."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much of it is done, of how much)."""


def no_progress(text: str, done: int, total: int) -> None:
    """Report nothing."""


@runtime_checkable
class LogDensity(Protocol):
    """What can be fitted, profiled, sampled and learned.

    The terms, natural logarithms all (shapes: ``points (n, d) -> (n,)``):

    - ``log_main``: the data term of the main measurement;
    - ``log_constraint``: the auxiliary measurements;
    - ``log_likelihood = log_main + log_constraint`` (what pyhf calls logpdf);
    - ``log_prior``: of the parameters that no auxiliary measurement constrains,
      and minus infinity outside any parameter's bounds;
    - ``log_density = log_likelihood + log_prior``: what MCMC samples.

    Implementations may also offer ``value_and_gradient(points)``, giving the
    log-likelihood ``(n,)`` and its gradient ``(n, d)``; without it, the
    inference room takes finite differences.
    """

    @property
    def parameters(self) -> ParameterSet:
        """The free parameters, in the order of the columns of ``points``."""

    def log_main(self, points: Points) -> Values: ...

    def log_constraint(self, points: Points) -> Values: ...

    def log_likelihood(self, points: Points) -> Values: ...

    def log_prior(self, points: Points) -> Values: ...

    def log_density(self, points: Points) -> Values: ...


@runtime_checkable
class DifferentiableLogDensity(LogDensity, Protocol):
    """A LogDensity that knows the gradient of its log-likelihood."""

    def value_and_gradient(self, points: Points) -> tuple[Values, Gradients]: ...


@runtime_checkable
class Problems(Protocol):
    """Log-likelihoods with common parameters, numbered; each point belongs to one.

    Scans and impacts repeat one likelihood; toys have other data in each problem.
    """

    @property
    def parameters(self) -> ParameterSet: ...

    def __len__(self) -> int: ...

    def value_and_gradient(
        self, points: Points, rows: NDArray[np.intp]
    ) -> tuple[Values, Gradients]:
        """Log-likelihood (m,) and gradient (m, d) at points (m, d) of problems rows (m,)."""


@runtime_checkable
class Generative(LogDensity, Protocol):
    """A LogDensity that knows the probability of *other* data: Asimov datasets, toys."""

    def asimov(self, point: Values) -> LogDensity:
        """The likelihood of the data that a point (d,) predicts."""

    def generate(self, point: Values, count: int, rng: np.random.Generator) -> Any:
        """Random datasets of a point (d,), for `with_data`."""

    def with_data(self, datasets: Any) -> Problems:
        """One problem for each dataset."""


@runtime_checkable
class WithAsimovCurve(LogDensity, Protocol):
    """A LogDensity of the observed data alone, with a table of what others would show."""

    def asimov_curve(self, poi: str) -> AsimovCurve | None:
        """The table of a parameter of interest; None where it has none."""
