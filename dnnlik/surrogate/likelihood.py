"""A surrogate as a likelihood in TensorFlow: what stands where the exact one stood."""

from __future__ import annotations

import math
from functools import cached_property

import tensorflow as tf
from numpy.typing import ArrayLike

from dnnlik.asimov import AsimovCurve, curve_named
from dnnlik.compiled import CompiledFunction
from dnnlik.documents import digest_of
from dnnlik.exceptions import InvalidInput
from dnnlik.likelihoods.base import Likelihood
from dnnlik.likelihoods.tensor import TensorTerms, tensor_constraint
from dnnlik.surrogate.activations import activation
from dnnlik.surrogate.bends import bent
from dnnlik.surrogate.description import Network, SurrogateDescription
from dnnlik.typing import Gradients, Points, Values

__all__ = ["SurrogateLikelihood"]


class SurrogateLikelihood(Likelihood):
    """The LogDensity of a `SurrogateDescription` in float64.

    Args:
        description: what was trained.
        with_network: without it is the quadratic baseline alone.
        rounding: of a SELU network, see `rounded_selu`. At 0 it is the network that was
            trained, whose slope jumps wherever a unit changes sign: Newton's method ends at
            such places, short of a maximum. Where fits are part of a program, 0.05 rounds
            them off. Validate what you use: this is another function, if only a little.
    """

    def __init__(
        self,
        description: SurrogateDescription,
        *,
        with_network: bool = True,
        rounding: float = 0.0,
    ) -> None:
        if not 0 <= rounding < math.inf:
            raise InvalidInput(f"a rounding is not negative, and finite. Received: {rounding}")
        self.description = description
        self.parameters = description.parameters
        rounded = [rounding] if rounding else []  # files of before know no rounding
        self.digest = digest_of([description.digest(), with_network, *rounded])
        self.rounding = rounding
        self._with_network = with_network

    def log_main_tensor(self, points: tf.Tensor) -> tf.Tensor:
        """The main term as a tensor function of float64, (n, d) → (n,).

        It can be called inside of a trace, and differentiated any number of times; the
        weights are constants of it. Outside of the box of the training points the networks
        keep their value at its edge, and nowhere do they lift the value above the ceiling, see
        `SurrogateDescription`.
        """
        value = tf.zeros_like(points[:, 0])
        if self.description.quadratic is not None:
            value += self._quadratic(points)
        if self._with_network:
            learned = tf.add_n(self._members(points)) / len(self._networks)
            value += self._below_ceiling(learned, value, points)
        if self.description.adds_constraint:
            return value
        # The network learned main and constraint terms together.
        return value - tensor_constraint(self.parameters.constraint_terms, points)

    def _below_ceiling(
        self, learned: tf.Tensor, quadratic: tf.Tensor, points: tf.Tensor
    ) -> tf.Tensor:
        """What the networks add (n,), at most what the ceiling leaves."""
        ceiling = self.description.ceiling
        if ceiling is None:
            return learned
        baseline = quadratic + tensor_constraint(self.parameters.constraint_terms, points)
        return tf.minimum(learned, ceiling.offset - (1.0 - ceiling.steepness) * baseline)

    @property
    def _networks(self) -> tuple[Network, ...]:
        return self.description.networks

    def asimov_curve(self, poi: str) -> AsimovCurve | None:
        """What background-only data would show, from the exact likelihood; None where the
        samples had no such table."""
        return curve_named(self.description.asimov, poi)

    @property
    def has_uncertainty(self) -> bool:
        """Whether it is an ensemble."""
        return len(self._networks) > 1

    def uncertainty(self, points: ArrayLike) -> Values:
        """That of ``log_likelihood``, one standard deviation: the spread of the members of
        an ensemble times its calibrated factor, (n, d) → (n,).

        Raises:
            InvalidInput: a single network, which cannot know.
        """
        if not self.has_uncertainty:
            raise InvalidInput(
                "the uncertainty of a surrogate is the spread of several networks; train with "
                "--members. Received: one network"
            )
        return self._spread.value(self.parameters.points(points))

    def _members(self, points: tf.Tensor) -> list[tf.Tensor]:
        edges = self.description.edges
        seen = points if edges is None else tf.clip_by_value(points, *edges)
        return [_network(network, seen, self.rounding) for network in self._networks]

    @cached_property
    def _spread(self) -> CompiledFunction:
        def spread(points: tf.Tensor) -> tf.Tensor:
            members = tf.stack(self._members(points))
            freedom = len(self._networks) - 1
            square = tf.reduce_sum(tf.square(members - tf.reduce_mean(members, 0)), 0) / freedom
            return self.description.uncertainty_factor * tf.sqrt(square)

        return CompiledFunction(spread, len(self.parameters))

    @cached_property
    def _terms(self) -> TensorTerms:
        return TensorTerms(self.log_main_tensor, self.parameters)

    def _quadratic(self, points: tf.Tensor) -> tf.Tensor:
        q = self.description.quadratic
        assert q is not None  # narrowed by the caller; for the type checker
        step = points - q.centre
        curved = 0.5 * tf.reduce_sum((step @ q.hessian) * step, axis=1)
        return q.value + tf.linalg.matvec(step, tf.constant(q.gradient)) + curved

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


def _network(network: Network, points: tf.Tensor, rounding: float) -> tf.Tensor:
    """One member at points, (n, d) → (n,)."""
    active = activation(network.activation, rounding)
    standardised = (points - network.input_mean) / network.input_scale
    values = tf.concat([standardised, bent(points, network.bends)], axis=1)
    for weights, biases in zip(network.weights[:-1], network.biases[:-1], strict=True):
        values = active(values @ weights + biases)
    last = tf.linalg.matvec(values, tf.constant(network.weights[-1][:, 0]))
    return network.output_mean + network.output_scale * (last + network.biases[-1][0])
