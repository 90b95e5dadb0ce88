"""A network that deals every event out over bins (INFERNO, arXiv:1806.04743, section 3)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from dnnlik.differentiable.hard import hard_argmax_histogram
from dnnlik.differentiable.observables.outputs import check_features, check_logits, outputs_of
from dnnlik.differentiable.softmax import softmax_histogram
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["SoftmaxObservable"]


class SoftmaxObservable:
    """A network with one output a bin; the analysis puts an event into the bin of the largest.

    Args:
        network: any Keras model (n, k) → (n, bins), without a softmax of its own.
        temperature: outputs are divided by it before the softmax of the training: the lower,
            the harder the bins. A network can learn to scale its outputs itself, so that this
            decides how training begins.

    Raises:
        InvalidInput: a network that is not built, or with a softmax; a temperature of 0.

    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    >>> observable = SoftmaxObservable(network)
    >>> summary = observable.summary(tf.constant([[0.2], [-0.4]]))
    >>> float(tf.reduce_sum(observable.hard(summary, tf.constant([1.0, 2.0]))))
    3.0
    """

    learning_rate = 2e-3

    def __init__(self, network: Any, temperature: float = 1.0) -> None:
        outputs = outputs_of(network)
        if outputs is None:
            raise InvalidInput(
                "the network of a softmax observable has a known number of inputs, and one output "
                "a bin. Received: a network that is not built"
            )
        check_logits(network)
        if not temperature > 0:
            raise InvalidInput(f"a temperature is positive. Received: {temperature}")
        self.network, self.temperature, self.bins = network, float(temperature), outputs

    @property
    def trainable_variables(self) -> list[Any]:
        return list(self.network.trainable_variables)

    @property
    def variables(self) -> list[Any]:
        return [*self.trainable_variables, *self.network.non_trainable_variables]

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The outputs of the network, (n, k) → (n, bins)."""
        check_features(self.network.input_shape[-1], features)
        return self.network(features, training=training)

    def smooth(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Shares of events in each bin, by the softmax of the outputs."""
        return softmax_histogram(summary, self.temperature, weights)

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The events whose largest output is that of the bin."""
        return hard_argmax_histogram(summary, weights)

    def exportable(self) -> keras.Model:
        """From ``features`` (n, k) to ``bin_probabilities`` (n, bins)."""
        inputs = keras.Input(self.network.input_shape[1:], name="features")
        outputs = keras.layers.Rescaling(1.0 / self.temperature)(self.network(inputs))
        return keras.Model(inputs, keras.layers.Softmax(name="bin_probabilities")(outputs))

    def describe(self) -> dict[str, float]:
        """Nothing but the network is trained."""
        return {}

    def to_json(self) -> JSON:
        """The bins are the network's: an event is in that of its largest probability."""
        return {"observable": "softmax", "bins": self.bins, "temperature": self.temperature}
