"""The bent inputs of a network in TensorFlow, and which parameters have them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from dnnlik.constraints import Normal
from dnnlik.parameters import ParameterSet
from dnnlik.surrogate.description import Bends

__all__ = ["bends_of", "bent"]


def bends_of(parameters: ParameterSet) -> Bends:
    """One for each parameter with a normal constraint, in units of its width.

    >>> from dnnlik.parameters import Parameter
    >>> jes = Parameter("jes", 0, (-5, 5), Normal(0, 2))
    >>> bends_of(ParameterSet([Parameter("mu", 1, (0, 5), poi=True), jes])).columns.tolist()
    [1]
    """
    found = [
        (column, item.constraint.mean, item.constraint.sigma)
        for column, item in enumerate(parameters)
        if isinstance(item.constraint, Normal)
    ]
    columns, centre, width = zip(*found, strict=True) if found else ((), (), ())
    return Bends(np.array(columns, np.int64), np.array(centre, float), np.array(width, float))


def bent(points: tf.Tensor, bends: Bends) -> tf.Tensor:
    """`Bends.of` with gradients, (n, d) → (n, k)."""
    kind = points.dtype
    a = tf.gather(points, bends.columns, axis=1) - tf.constant(bends.centre, kind)
    a /= tf.constant(bends.width, kind)
    t2 = tf.square(tf.clip_by_value(a, -1, 1))
    return t2 * (15 - 10 * t2 + 3 * t2 * t2) / 8 + tf.nn.relu(tf.abs(a) - 1)
