"""The loss: squared error of the value and, where it is known, of the gradient.

A gradient tells a network d numbers a point instead of one (Sobolev training,
arXiv:1706.04859), and automatic differentiation of the likelihood gives it at the
cost of two or three values. Where the likelihood is steep, far out in a heavy tail, the
gradient's error counts relative to its length: without that, a per cent of the points has most
of the loss.
"""

from __future__ import annotations

import math
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

    .. math:: \\Big\\langle w\\,\\Big[(f-y)^2
              + \\lambda\\frac{|\\nabla f - g|^2}{1+|g|^2/k^2}\\Big]\\Big\\rangle

    with λ = ``gradient_weight`` and k = ``knee``. Weights are those of the network.
    """

    def __init__(
        self, network: keras.Sequential, gradient_weight: float, knee: float = math.inf
    ) -> None:
        super().__init__()
        self.network = network
        self._gradient_weight = gradient_weight
        self._steepness = 1 / knee**2
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
            slope_error /= 1 + self._steepness * tf.reduce_sum(tf.square(targets[:, 1:]), axis=1)
            loss = tf.reduce_mean(weights * (error + self._gradient_weight * slope_error))
        variables = self.network.trainable_variables
        self.optimizer.apply(outer.gradient(loss, variables), variables)
        # What is reported is the error of the value: comparable with and without slopes.
        self._value_error.update_state(tf.reduce_mean(weights * error))
        return {VALUE_ERROR: self._value_error.result()}


def trainer(
    network: keras.Sequential, points: Points, gradient_weight: float, knee: float | None = None
) -> tuple[keras.Model, np.ndarray]:
    """The model to fit, not compiled, and its targets (n,) or (n, 1 + d).

    ``gradient_weight`` and ``knee`` are those of the settings: relative to what the loss is
    of a network that is flat, and in units of the median length of the gradients.
    """
    if points.slopes is None or gradient_weight == 0:
        return network, points.targets
    square = np.sum(points.slopes.astype(np.float64) ** 2, axis=1)
    length = math.inf if knee is None else knee * math.sqrt(np.median(square)) or math.inf
    flat = float(np.mean(square / (1 + square / length**2)))
    model = GradientTrainer(network, gradient_weight / (flat or 1.0), length)
    return model, np.concatenate([points.targets[:, None], points.slopes], axis=1)
