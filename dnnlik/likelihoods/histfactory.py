"""A pyhf workspace as a likelihood: the tensor program at fixed templates."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from dnnlik.compiled import CompiledFunction
from dnnlik.exceptions import InvalidPoints
from dnnlik.histfactory.description import HistFactoryDescription
from dnnlik.histfactory.layout import layout_of, templates_of
from dnnlik.histfactory.rates import (
    Coefficients,
    coefficients_of,
    expected_events,
    log_poisson,
)
from dnnlik.histfactory.specification import Specification
from dnnlik.likelihoods.base import Likelihood
from dnnlik.likelihoods.datasets import (
    DatasetLikelihood,
    DatasetProblems,
    Datasets,
    ModelOfData,
    generate,
)
from dnnlik.likelihoods.tensor import TensorTerms
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Gradients, Points, Values

__all__ = ["HistFactoryLikelihood"]


class HistFactoryLikelihood(Likelihood):
    """A HistFactory model with its data.

    ``parameters`` are the free ones, in pyhf's order; the fixed ones stay at their
    inits (``fixed_values``), and their constraint terms, which are constants, are part
    of ``log_main``, so that ``log_likelihood`` equals pyhf's ``logpdf``.

    Where an expected rate is negative the density is zero (``-inf``; pyhf: NaN).
    """

    def __init__(self, specification: Specification, *, digest: str) -> None:
        free = [not flag for flag in specification.fixed]
        self.specification = specification
        self.digest = digest
        self.parameters = ParameterSet(
            [p for p, flag in zip(specification.parameters, free, strict=True) if flag]
        )
        self._free, self._held = np.flatnonzero(free), np.flatnonzero(specification.fixed)
        self._layout = layout_of(specification)
        self._templates = templates_of(specification, self._layout)

    @property
    def fixed_values(self) -> dict[str, float]:
        """Parameters that the workspace holds fixed, and where."""
        rows = zip(self.specification.parameters, self.specification.fixed, strict=True)
        return {p.name: p.init for p, fixed in rows if fixed}

    @cached_property
    def fixed_constraint(self) -> float:
        """The constraint terms of the fixed parameters: a constant of ``log_main``."""
        rows = zip(self.specification.parameters, self.specification.fixed, strict=True)
        held = [p for p, fixed in rows if fixed and p.constraint is not None]
        return sum(p.constraint.log_density(p.init) for p in held if p.constraint is not None)

    def all_parameters(self, points: Points) -> Points:
        """Points of the free parameters → points of all, in pyhf's order."""
        full = np.tile([p.init for p in self.specification.parameters], (len(points), 1))
        full[:, self._free] = points
        return full

    @property
    def description(self) -> HistFactoryDescription:
        """The likelihood as plain arrays, for other programs (`dnnlik.onnx.exact`)."""
        held = np.array([p.init for p in self.specification.parameters] + [1.0])
        held[self._free] = 0.0
        return HistFactoryDescription(
            parameters=self.parameters,
            columns=self._free,
            held=held,
            layout=self._layout,
            observed=self.specification.observed,
            constant=self.fixed_constraint,
            **self._coefficients._asdict(),
        )

    @cached_property
    def _coefficients(self) -> Coefficients:
        # As arrays, so that they are constants of the compiled program; outside of any
        # trace, because the first to ask may be one.
        with tf.init_scope():
            return Coefficients(*(part.numpy() for part in coefficients_of(self._templates)))

    def expected_events_tensor(self, points: tf.Tensor) -> tf.Tensor:
        """Expected events in each bin as a tensor function: (n, d) → (n, bins)."""
        return expected_events(self._layout, self._coefficients, self.all_columns(points))

    def all_columns(self, points: tf.Tensor) -> tf.Tensor:
        """The free parameters (n, d) with the fixed ones among them, in pyhf's order."""
        inits = np.array([p.init for p in self.specification.parameters])
        order = np.argsort(np.concatenate([self._free, self._held]))
        held = tf.repeat(tf.constant(inits[None, self._held]), tf.shape(points)[0], axis=0)
        return tf.gather(tf.concat([points, held], axis=1), order, axis=1)

    def log_main_tensor(self, points: tf.Tensor) -> tf.Tensor:
        """The main term as a tensor function, (n, d) → (n,)."""
        rates = self.expected_events_tensor(points)
        return log_poisson(self.specification.observed, rates) + self.fixed_constraint

    @cached_property
    def _terms(self) -> TensorTerms:
        return TensorTerms(self.log_main_tensor, self.parameters)

    def expected_events(self, points: ArrayLike) -> np.ndarray:
        """Expected events in each bin, channels in pyhf's order: (n, d) → (n, bins)."""
        return self.expected_events_tensor(tf.constant(self.parameters.points(points))).numpy()

    def _main(self, points: Points) -> Values:
        return self._terms.log_main(points)

    def _likelihood(self, points: Points) -> Values:
        return self._terms.log_likelihood(points)

    def value_and_gradient(self, points: ArrayLike) -> tuple[Values, Gradients]:
        """``log_likelihood`` (n,) and its gradient (n, d)."""
        return self._terms.value_and_gradient(points)

    def hessian_vector(self, points: ArrayLike, vectors: ArrayLike) -> Gradients:
        """The Hessian of ``log_likelihood`` times a vector each, (n, d), (n, d) → (n, d)."""
        return self._terms.hessian_vector(points, vectors)

    @cached_property
    def _model(self) -> ModelOfData:
        return ModelOfData(self.expected_events_tensor, self.parameters, self.fixed_constraint)

    @cached_property
    def _of_data(self) -> CompiledFunction:
        return self._model.compiled(self._layout.bins)

    def with_data(self, datasets: Datasets) -> DatasetProblems:
        """One fit problem for each dataset, to be given to `dnnlik.inference.fit_many`."""
        shapes = datasets.main.shape[1], datasets.auxiliary.shape[1]
        if shapes != (self._layout.bins, len(self.parameters)):
            raise InvalidPoints(
                f"data have {self._layout.bins} bins and {len(self.parameters)} auxiliary values. "
                f"Received: {shapes[0]} and {shapes[1]}"
            )
        return DatasetProblems(self._model, datasets, self._of_data)

    def generate(self, point: ArrayLike, count: int, rng: np.random.Generator) -> Datasets:
        """Random datasets of a point (d,), auxiliary measurements included."""
        rows = self.parameters.points(np.asarray(point, dtype=float)[None])
        return generate(self._possible_rates(rows), rows[0], self.parameters, count, rng)

    def asimov(self, point: ArrayLike) -> DatasetLikelihood:
        """The likelihood of the Asimov dataset of a point (d,): the data that it predicts,
        auxiliary measurements included (arXiv:1007.1727, section 3.2)."""
        rows = self.parameters.points(np.asarray(point, dtype=float)[None])
        auxiliary = self._model.predicted(rows[0])
        datasets = Datasets(self._possible_rates(rows)[None], auxiliary[None])
        return DatasetLikelihood(self.with_data(datasets), self.digest)

    def _possible_rates(self, rows: Points) -> Values:
        rates = self.expected_events(rows)[0]
        if not (rates >= 0).all():
            raise InvalidPoints(
                f"there are no data of a negative rate. Received: {rates.min():.3g} expected events"
            )
        return np.asarray(rates)
