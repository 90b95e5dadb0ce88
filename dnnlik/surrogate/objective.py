"""The loss: squared error of the value and, where it is known, of the gradient.

A gradient tells a network d numbers a point instead of one (Sobolev training,
arXiv:1706.04859), and automatic differentiation of the likelihood gives it at the
cost of two or three values.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dnnlik.surrogate.data import Points

__all__ = ["VALUE_ERROR", "GradientTrainer", "trainer"]

VALUE_ERROR = "value_error"
"""What a trainer reports: mean squared error of the value over the epoch."""


class GradientTrainer(keras.Model):
    """A network (n, d) → (n, 1) that is trained on values and gradients.

    Targets are columns: the value, then d derivatives by the inputs. The loss is

    .. math:: \\langle w\\,[(f-y)^2 + \\lambda\\,|\\nabla f - g|^2]\\rangle

    with λ = ``gradient_weight``. Weights are those of the network.
    """

    def __init__(self, network: keras.Sequential, gradient_weight: float) -> None:
        super().__init__()
        self.network = network
        self._gradient_weight = gradient_weight
        self._value_error = keras.metrics.Mean(name=VALUE_ERROR)

    def call(self, inputs: Any) -> Any:
        return self.network(inputs)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One step of the optimizer; Keras calls it for every batch."""
        inputs, targets, weights = data
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                value = self.network(inputs, training=True)[:, 0]
            slope = inner.gradient(value, inputs)
            error = tf.square(value - targets[:, 0])
            slope_error = tf.reduce_sum(tf.square(slope - targets[:, 1:]), axis=1)
            loss = tf.reduce_mean(weights * (error + self._gradient_weight * slope_error))
        variables = self.network.trainable_variables
        self.optimizer.apply(outer.gradient(loss, variables), variables)
        # What is reported is the error of the value: comparable with and without slopes.
        self._value_error.update_state(tf.reduce_mean(weights * error))
        return {VALUE_ERROR: self._value_error.result()}


def trainer(
    network: keras.Sequential, points: Points, gradient_weight: float
) -> tuple[keras.Model, np.ndarray]:
    """The model to fit, not compiled, and its targets (n,) or (n, 1 + d)."""
    if points.slopes is None or gradient_weight == 0:
        return network, points.targets
    mean_square = float(np.mean(np.sum(points.slopes.astype(np.float64) ** 2, axis=1)))
    model = GradientTrainer(network, gradient_weight / (mean_square or 1.0))
    return model, np.concatenate([points.targets[:, None], points.slopes], axis=1)
