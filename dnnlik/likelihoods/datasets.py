"""The same HistFactory model with other data: toys and Asimov datasets.

The data enter the compiled program as an argument, so that one program serves every
dataset, and thousands of toys are one batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.special import gammaln

from dnnlik.compiled import CompiledFunction
from dnnlik.constraints import Normal, Poisson, log_poisson_at_maximum
from dnnlik.documents import digest_of
from dnnlik.exceptions import InvalidPoints
from dnnlik.histfactory.rates import poisson_terms
from dnnlik.likelihoods.base import Likelihood
from dnnlik.likelihoods.tensor import auxiliary_term
from dnnlik.parameters import Parameter, ParameterSet
from dnnlik.typing import Gradients, Points, Values

__all__ = ["DatasetLikelihood", "DatasetProblems", "Datasets", "ModelOfData", "generate"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Datasets:
    """n datasets of one model.

    Attributes:
        main: (n, bins) counts, channels in the order of the model; not rounded, so that
            Asimov datasets are datasets too.
        auxiliary: (n, d) for each parameter what its auxiliary measurement gave: the
            measured value of a normal one, the count of a Poisson one; 0 without one.
    """

    main: Array
    auxiliary: Array

    def __post_init__(self) -> None:
        for name, least in (("main", 0.0), ("auxiliary", -np.inf)):
            array = getattr(self, name)
            if array.ndim != 2 or not np.isfinite(array).all() or (array < least).any():
                raise InvalidPoints(
                    f"{name} data are finite numbers (n, columns), counts not negative. "
                    f"Received: shape {array.shape}"
                )
        if len(self.main) != len(self.auxiliary):
            raise InvalidPoints(
                "main and auxiliary data are equally many. "
                f"Received: {len(self.main)} and {len(self.auxiliary)}"
            )

    def __len__(self) -> int:
        return len(self.main)


class ModelOfData:
    """The log-likelihood as a function of parameters and data, compiled once.

    Args:
        rates: maps a tensor (n, d) to expected events (n, bins).
        parameters: with their constraints; the *data* of these are replaced.
        constant: what depends on neither.
    """

    def __init__(
        self, rates: Callable[[tf.Tensor], tf.Tensor], parameters: ParameterSet, constant: float
    ) -> None:
        self.parameters, self._rates, self._constant = parameters, rates, constant
        kinds = [p.constraint for p in parameters]
        self._sigma = np.array([c.sigma if isinstance(c, Normal) else np.inf for c in kinds])
        self._factor = np.array([c.factor if isinstance(c, Poisson) else 0.0 for c in kinds])
        self._normal, self._poisson = np.isfinite(self._sigma), self._factor > 0

    def compiled(self, bins: int) -> CompiledFunction:
        """(points (n, d), data (n, bins + d)) → (n,), without what the data alone give."""

        def log_likelihood(points: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
            main = tf.reduce_sum(poisson_terms(data[:, :bins], self._rates(points)), axis=1)
            return main + self._auxiliary_term(points, data[:, bins:])

        return CompiledFunction(log_likelihood, len(self.parameters), bins + len(self.parameters))

    def _auxiliary_term(self, points: tf.Tensor, data: tf.Tensor) -> tf.Tensor:
        columns = np.flatnonzero(self._poisson)
        return auxiliary_term(points, data, self._sigma**-2.0, self._factor, columns)

    def constants(self, datasets: Datasets) -> Values:
        """What the data alone give: normalisations and factorials, (n,)."""
        counts = datasets.auxiliary[:, self._poisson]
        normal = np.log(self._sigma[self._normal]).sum() + 0.5 * np.log(2 * np.pi) * sum(
            self._normal
        )
        return np.asarray(
            self._constant
            - normal
            - gammaln(datasets.main + 1).sum(axis=1)
            + log_poisson_at_maximum(counts).sum(axis=1)
        )

    def predicted(self, point: Array) -> Array:
        """What the auxiliary measurements give at a point without fluctuations, (d,)."""
        return np.where(self._poisson, self._factor * point, np.where(self._normal, point, 0.0))

    def replaced(self, auxiliary: Array) -> ParameterSet:
        """The parameters with other auxiliary data (d,)."""
        return ParameterSet(
            [_measured(p, float(a)) for p, a in zip(self.parameters, auxiliary, strict=True)]
        )


def _measured(parameter: Parameter, data: float) -> Parameter:
    constraint = parameter.constraint
    if constraint is None:
        return parameter
    if isinstance(constraint, Normal):
        constraint = Normal(data, constraint.sigma)
    else:
        constraint = Poisson(data, constraint.factor)
    return Parameter(
        parameter.name, parameter.init, parameter.bounds, constraint, parameter.poi, parameter.prior
    )


@dataclass(frozen=True)
class DatasetProblems:
    """One fit problem for each dataset; a `dnnlik.typing.Problems`."""

    model: ModelOfData
    datasets: Datasets
    _compiled: CompiledFunction

    @property
    def parameters(self) -> ParameterSet:
        return self.model.parameters

    def __len__(self) -> int:
        return len(self.datasets)

    @cached_property
    def _data(self) -> Array:
        return np.concatenate([self.datasets.main, self.datasets.auxiliary], axis=1)

    @cached_property
    def _constants(self) -> Values:
        return self.model.constants(self.datasets)

    def value_and_gradient(
        self, points: Points, rows: NDArray[np.intp]
    ) -> tuple[Values, Gradients]:
        """Log-likelihood (m,) and gradient (m, d) at points (m, d) of datasets rows (m,)."""
        value, gradient = self._compiled.value_and_gradient(points, self._data[rows])
        return value + self._constants[rows], gradient


class DatasetLikelihood(Likelihood):
    """The likelihood of one dataset, such as an Asimov dataset."""

    def __init__(self, problems: DatasetProblems, origin: str) -> None:
        self._problems = problems
        main, auxiliary = problems.datasets.main[0], problems.datasets.auxiliary[0]
        self.parameters = problems.model.replaced(auxiliary)
        self.digest = digest_of([origin, main.tolist(), auxiliary.tolist()])

    def _likelihood(self, points: Points) -> Values:
        return self.value_and_gradient(points)[0]

    def _main(self, points: Points) -> Values:
        return self._likelihood(points) - self.parameters.constraint_terms.value(points)

    def value_and_gradient(self, points: Points) -> tuple[Values, Gradients]:
        """``log_likelihood`` (n,) and its gradient (n, d)."""
        array = self.parameters.points(points)
        return self._problems.value_and_gradient(array, np.zeros(len(array), dtype=np.intp))


def generate(
    rates: Values, point: Array, parameters: ParameterSet, count: int, rng: np.random.Generator
) -> Datasets:
    """Random datasets: Poisson counts of rates (bins,), auxiliary data of a point (d,)."""
    auxiliary = np.zeros((count, len(parameters)))
    for column, parameter in enumerate(parameters):
        constraint, value = parameter.constraint, point[column]
        if isinstance(constraint, Normal):
            auxiliary[:, column] = rng.normal(value, constraint.sigma, count)
        elif isinstance(constraint, Poisson):
            auxiliary[:, column] = rng.poisson(constraint.factor * value, count)
    return Datasets(rng.poisson(rates, (count, rates.size)).astype(float), auxiliary)
