"""A network with one output, in bins of it (neos, arXiv:2203.05570; SANNT, CMS-MLG-23-005)."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from dnnlik.differentiable.binning import Binning
from dnnlik.differentiable.observables.binned import BinnedNetwork
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["NetworkObservable"]


class NetworkObservable(BinnedNetwork):
    """A network with one output, in bins of that output.

    Args:
        network: any Keras model (n, k) → (n, 1).
        binning: of its output.
    """

    classes = 2

    def __init__(self, network: Any, binning: Binning) -> None:
        outputs = network.output_shape[-1] if network.built else "a network that is not built"
        if outputs != 1:
            raise InvalidInput(
                "the network of a binned observable has a known number of inputs and one output. "
                f"Received: {outputs}"
            )
        super().__init__(network, binning)

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output of the network, (n, k) → (n,)."""
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
