"""The architecture: a multilayer perceptron in Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.surrogate.bends import bent
from dnnlik.surrogate.description import NO_BENDS, Bends

__all__ = ["OUTPUT", "build_network", "network_arrays"]

OUTPUT = "surrogate_output"
"""Name of the last layer."""


def build_network(
    width: int,
    layers: Sequence[int],
    *,
    activation: str = "selu",
    bends: Bends = NO_BENDS,
    seed: int = 0,
    dtype: str = "float32",
) -> keras.Sequential:
    """A network (n, width) → (n, 1): hidden layers with lecun_normal (arXiv:1706.02515),
    linear output. ``bends`` are those of its inputs.

    >>> build_network(3, (8, 8)).count_params()
    113
    """
    seeds = np.random.default_rng([seed, 1]).integers(2**31, size=len(layers) + 1)
    model = keras.Sequential([keras.Input((width,), dtype=dtype)])
    if bends.columns.size:
        model.add(_WithBends(bends, dtype=dtype))
    for units, own in zip(layers, seeds, strict=False):
        initializer = keras.initializers.LecunNormal(seed=int(own))
        model.add(
            keras.layers.Dense(
                units, activation=activation, kernel_initializer=initializer, dtype=dtype
            )
        )
    last = keras.initializers.LecunNormal(seed=int(seeds[-1]))
    model.add(keras.layers.Dense(1, kernel_initializer=last, dtype=dtype, name=OUTPUT))
    return model


def network_arrays(
    weights: Sequence[NDArray[np.floating]],
) -> tuple[tuple[NDArray[np.float64], ...], tuple[NDArray[np.float64], ...]]:
    """Keras' flat list of weights as (kernels, biases) in float64."""
    arrays = [np.asarray(weight, dtype=np.float64) for weight in weights]
    return tuple(arrays[0::2]), tuple(arrays[1::2])


class _WithBends(keras.layers.Layer):
    """A layer without weights: inputs (n, d) with their bends behind, (n, d + k)."""

    def __init__(self, bends: Bends, **options: Any) -> None:
        super().__init__(**options)
        self._bends = bends

    def call(self, inputs: Any) -> Any:
        return tf.concat([inputs, bent(inputs, self._bends)], axis=1)
