"""Likelihoods whose main term is a tensor function: compiled, with gradients."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dnnlik.compiled import CompiledFunction
from dnnlik.constraints import ConstraintTerms
from dnnlik.histfactory.rates import log_ratio_minus_step, poisson_terms
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Gradients, Points, Values

__all__ = ["TensorTerms", "auxiliary_term", "tensor_constraint"]


class TensorTerms:
    """A main term in TensorFlow with the constraints of its parameters, compiled.

    Args:
        log_main: maps a float64 tensor (n, d) to (n,), row by row.
        parameters: their closed-form constraints are added by `log_likelihood`.
    """

    def __init__(
        self, log_main: Callable[[tf.Tensor], tf.Tensor], parameters: ParameterSet
    ) -> None:
        self._log_main, self.parameters = log_main, parameters

    def log_likelihood_tensor(self, points: tf.Tensor) -> tf.Tensor:
        """``log_main + log_constraint`` as a tensor function, (n, d) → (n,)."""
        return self._log_main(points) + tensor_constraint(self.parameters.constraint_terms, points)

    @cached_property
    def _main(self) -> CompiledFunction:
        return CompiledFunction(self._log_main, len(self.parameters))

    @cached_property
    def _whole(self) -> CompiledFunction:
        return CompiledFunction(self.log_likelihood_tensor, len(self.parameters))

    def log_main(self, points: Points) -> Values:
        """The main term alone, (n, d) → (n,)."""
        return self._main.value(points)

    def log_likelihood(self, points: Points) -> Values:
        """Main term and constraints, (n, d) → (n,)."""
        return self._whole.value(points)

    def value_and_gradient(self, points: ArrayLike) -> tuple[Values, Gradients]:
        """``log_likelihood`` (n,) and its gradient (n, d)."""
        return self._whole.value_and_gradient(self.parameters.points(points))

    def hessian_vector(self, points: ArrayLike, vectors: ArrayLike) -> Gradients:
        """The Hessian of ``log_likelihood`` at each point times a vector, (n, d)."""
        rows = self.parameters.points(points)
        return self._whole.hessian_vector(rows, self.parameters.points(vectors))


def tensor_constraint(terms: ConstraintTerms, points: tf.Tensor) -> tf.Tensor:
    """`ConstraintTerms.value` in TensorFlow, (n, d) → (n,); the same formula."""
    step = points - terms.centre
    total = terms.constant - 0.5 * tf.linalg.matvec(step * step, tf.constant(terms.precision))
    columns = terms.poisson_columns
    if columns.size:
        chosen = tf.gather(points, columns, axis=1)
        ratio = chosen * terms.inverse_centre[columns]
        u = (chosen - terms.centre[columns]) * terms.inverse_centre[columns]
        # A `where` differentiates both its branches: neither may be infinite.
        safe = tf.where(ratio > 0, ratio, tf.ones_like(ratio))
        shape = log_ratio_minus_step(tf.where(ratio > 0, u, tf.zeros_like(u)), safe)
        value = tf.where(ratio > 0, terms.observed[columns] * shape, -np.inf)
        total += tf.reduce_sum(value, axis=1)
    counted_none = np.flatnonzero(terms.slope > 0)
    if counted_none.size:
        chosen = tf.gather(points, counted_none, axis=1)
        value = tf.where(chosen >= 0, -terms.slope[counted_none] * chosen, -np.inf)
        total += tf.reduce_sum(value, axis=1)
    return total


def auxiliary_term(
    points: tf.Tensor,
    data: tf.Tensor,
    precision: tf.Tensor,
    factor: tf.Tensor,
    poisson: NDArray[np.intp],
) -> tf.Tensor:
    """The auxiliary measurements as a function of their data, without what depends on the
    data alone: (n, d) → (n,).

    ``data`` (n, d): the measured value of a normal one, the count of a Poisson one.
    ``precision``: 1/σ² of the normal ones, 0 elsewhere; ``factor``: expectation of the
    Poisson ones at 1; both (d,) or (n, d). ``poisson``: the columns of these.
    """
    step = points - data
    total = -0.5 * tf.reduce_sum(precision * step * step, axis=1)
    if not poisson.size:
        return total
    counts = tf.gather(data, poisson, axis=1)
    rates = tf.gather(points * factor, poisson, axis=1)
    # Relative to the largest value, as `ConstraintTerms`: counts may be 10¹¹.
    return total + tf.reduce_sum(poisson_terms(counts, rates, relative=True), axis=1)
