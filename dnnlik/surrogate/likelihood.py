"""A surrogate as a likelihood in TensorFlow: what stands where the exact one stood."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import tensorflow as tf
from numpy.typing import ArrayLike

from dnnlik.documents import digest_of
from dnnlik.likelihoods.base import Likelihood
from dnnlik.likelihoods.tensor import TensorTerms, tensor_constraint
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.surrogate.network import build_network
from dnnlik.typing import Gradients, Points, Values

__all__ = ["SurrogateLikelihood"]


class SurrogateLikelihood(Likelihood):
    """The LogDensity of a `SurrogateDescription`, evaluated by Keras in float64.

    Without a network it is the quadratic baseline alone.
    """

    def __init__(self, description: SurrogateDescription, *, with_network: bool = True) -> None:
        self.description = description
        self.parameters = description.parameters
        self.digest = digest_of([description.digest(), with_network])
        self._with_network = with_network

    def log_main_tensor(self, points: tf.Tensor) -> tf.Tensor:
        """The main term as a tensor function of float64, (n, d) → (n,).

        It can be called inside of a trace, and differentiated any number of times; the
        weights are constants of it. Outside of the domain it extrapolates without a sign.
        """
        value = tf.zeros_like(points[:, 0])
        if self.description.quadratic is not None:
            value += self._quadratic(points)
        if self._with_network:
            value += self._network(points)
        if self.description.adds_constraint:
            return value
        # The network learned main and constraint terms together.
        return value - tensor_constraint(self.parameters.constraint_terms, points)

    @cached_property
    def _terms(self) -> TensorTerms:
        return TensorTerms(self.log_main_tensor, self.parameters)

    def _quadratic(self, points: tf.Tensor) -> tf.Tensor:
        q = self.description.quadratic
        assert q is not None  # narrowed by the caller; for the type checker
        step = points - q.centre
        curved = 0.5 * tf.reduce_sum((step @ q.hessian) * step, axis=1)
        return q.value + tf.linalg.matvec(step, tf.constant(q.gradient)) + curved

    @cached_property
    def _keras(self) -> Any:
        network = self.description.network
        # Outside of any trace, because the first to ask may be one: inside it, setting
        # weights would be traced too.
        with tf.init_scope():
            model = build_network(len(self.parameters), network.layers, dtype="float64")
            pairs = zip(network.weights, network.biases, strict=True)
            model.set_weights([array for pair in pairs for array in pair])
        model.trainable = False  # a tape around an analysis need not watch them
        return model

    def _network(self, points: tf.Tensor) -> tf.Tensor:
        network = self.description.network
        scaled = (points - network.input_mean) / network.input_scale
        return network.output_mean + network.output_scale * self._keras(scaled)[:, 0]

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
