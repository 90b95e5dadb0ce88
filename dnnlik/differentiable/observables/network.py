"""A network with one output, in bins of it (neos, arXiv:2203.05570; SANNT, CMS-MLG-23-005)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from dnnlik.differentiable.binning import Binning
from dnnlik.differentiable.observables.binned import BinnedNetwork
from dnnlik.differentiable.observables.outputs import check_features, is_probability, outputs_of
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["NetworkObservable"]


class NetworkObservable(BinnedNetwork):
    """A network with one output, in bins of that output.

    Args:
        network: any Keras model (n, k) → (n, 1).
        binning: of its output.

    A sigmoid at the end makes it a classifier, which has a cross-entropy.

    Raises:
        InvalidInput: a network that is not built, or has another number of outputs.

    >>> network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, "sigmoid")])
    >>> observable = NetworkObservable(network, Binning([0.0, 0.5, 1.0], bandwidth=0.1))
    >>> summary = observable.summary(tf.constant([[0.3, -1.0], [2.0, 0.0]]))
    >>> round(float(tf.reduce_sum(observable.smooth(summary, tf.constant([1.0, 2.0])))), 5)
    3.0
    """

    def __init__(self, network: Any, binning: Binning) -> None:
        outputs = outputs_of(network)
        if outputs != 1:
            raise InvalidInput(
                "the network of a binned observable has a known number of inputs and one output. "
                f"Received: {outputs or 'a network that is not built'}"
            )
        super().__init__(network, binning)
        self.classes = 2 if is_probability(network) else 1

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output of the network, (n, k) → (n,)."""
        check_features(self.network.input_shape[-1], features)
        return self.network(features, training=training)[:, 0]

    def smooth(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The kernel histogram of the output."""
        return self.binning.smooth(summary, weights)

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The histogram of the output."""
        return self.binning.hard(summary, weights)

    def probabilities(self, summary: tf.Tensor) -> tf.Tensor:
        """The output as that of the signal beside that of all else: (n,) → (n, 2)."""
        return tf.stack([1.0 - summary, summary], axis=-1)

    def exportable(self) -> keras.Model:
        """From ``features`` (n, k) to ``summary`` (n,)."""
        inputs = keras.Input(self.network.input_shape[1:], name="features")
        return keras.Model(inputs, keras.layers.Reshape((), name="summary")(self.network(inputs)))

    def to_json(self) -> JSON:
        """The bins of the output."""
        return {"observable": "network", **self.binning.to_json()}
