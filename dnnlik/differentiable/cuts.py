r"""Cuts that may be trained: weights of the events between 0 and 1.

A cut at c with slope k is :math:`1/(1+e^{-k(x-c)})`: ½ on the threshold, and within
5 % of the hard cut at a distance of 3/k from it. As k → ∞ it is the hard cut (see
`dnnlik.differentiable.hard`). Several cuts multiply; the product is the ``weights`` of a
histogram, its sum the expected number of events that pass.

Values are of any shape; thresholds and slopes are scalars or of a shape that broadcasts
with it, and everything is in the dtype of the values. A NaN gives NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from dnnlik.differentiable.arguments import as_tensor
from dnnlik.exceptions import InvalidInput

__all__ = ["above", "below", "window"]


def above(values: Any, threshold: Any, slope: Any) -> tf.Tensor:
    """Weights that keep values above a threshold.

    >>> above([1.0, 2.0, 9.0], 2.0, slope=5.0).numpy().round(3).tolist()
    [0.007, 0.5, 1.0]
    """
    values = as_tensor(values)
    return tf.sigmoid(_slope(slope, values.dtype) * _distance(values, threshold))


def below(values: Any, threshold: Any, slope: Any) -> tf.Tensor:
    """Weights that keep values below a threshold: 1 - `above`.

    >>> below([1.0, 2.0, 9.0], 2.0, slope=5.0).numpy().round(3).tolist()
    [0.993, 0.5, 0.0]
    """
    values = as_tensor(values)
    return tf.sigmoid(-_slope(slope, values.dtype) * _distance(values, threshold))


def window(values: Any, low: Any, high: Any, slope: Any) -> tf.Tensor:
    """Weights that keep values between two thresholds: `above` the one, `below` the other.

    >>> window([1.0, 2.5, 9.0], 2.0, 3.0, slope=50.0).numpy().round(3).tolist()
    [0.0, 1.0, 0.0]
    """
    return above(values, low, slope) * below(values, high, slope)


def _distance(values: tf.Tensor, threshold: Any) -> tf.Tensor:
    # Finite, because the derivative in the slope is 0 times it where the sigmoid is flat.
    distance = values - as_tensor(threshold, values.dtype)
    return tf.clip_by_value(distance, values.dtype.min, values.dtype.max)


def _slope(slope: Any, dtype: tf.DType) -> tf.Tensor:
    slope = as_tensor(slope, dtype)
    known = tf.get_static_value(slope)
    if known is not None and not (np.isfinite(known) & (known > 0)).all():
        raise InvalidInput(
            "the slope of a cut is positive and finite; hard cuts are in "
            f"dnnlik.differentiable.hard. Received: {known.tolist()}"
        )
    return slope
