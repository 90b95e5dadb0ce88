"""Networks for observables; any other Keras model does as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from dnnlik.differentiable.events import Events
from dnnlik.exceptions import InvalidInput

__all__ = ["dense_network"]


def dense_network(
    events: Sequence[Events],
    layers: Sequence[int] = (128, 128, 128, 128),
    *,
    activation: str = "relu",
    output: str = "sigmoid",
    outputs: int = 1,
    seed: int = 0,
) -> keras.Model:
    """A dense network (n, k) → (n, outputs) of features that it standardises itself.

    Args:
        events: whose means and widths standardise the features.
        layers: units of the hidden layers (the default is that of N. Simpson's thesis).
        activation, output: of the hidden layers and of the last one.
        outputs: units of the last one.
        seed: of the initial weights.

    Raises:
        InvalidInput: a layer without units.

    >>> dense_network([Events([[0.0, 1.0], [2.0, 5.0]])], (8,)).count_params()
    33
    """
    if min(layers, default=1) < 1:
        raise InvalidInput(f"a layer has at least one unit. Received: {tuple(layers)}")
    features = np.concatenate([sample.features for sample in events])
    seeds = np.random.default_rng([seed, 2]).integers(2**31, size=len(layers) + 1)
    inputs = keras.Input((features.shape[1],), name="features")
    spread = features.std(axis=0, dtype=np.float64)
    scale = 1.0 / np.where(spread > 0, spread, 1.0)
    offset = -features.mean(axis=0, dtype=np.float64) * scale
    # As a rescaling: it needs no state, and exports as one multiplication and one addition.
    values = keras.layers.Rescaling(scale.astype(np.float32), offset.astype(np.float32))(inputs)
    for units, own in zip(layers, seeds, strict=False):
        values = _dense(int(units), activation, int(own))(values)
    return keras.Model(inputs, _dense(outputs, output, int(seeds[-1]))(values))


def _dense(units: int, activation: str, seed: int) -> Any:
    return keras.layers.Dense(
        units, activation=activation, kernel_initializer=keras.initializers.GlorotUniform(seed)
    )
