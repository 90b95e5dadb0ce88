"""Derivatives of batched tensor functions, as tensors that can be differentiated again.

A function maps points (n, d) to (n,), row by row. Hessians are made by giving it each point
several times, once for each row of the result: the same program, a wider batch, nothing to
vectorise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

__all__ = ["Derivatives", "derivatives", "gradient"]

Function = Callable[[tf.Tensor], tf.Tensor]


class Derivatives(NamedTuple):
    """Values (n,), gradients (n, d) and Hessians (n, d, d)."""

    values: tf.Tensor
    gradient: tf.Tensor
    hessian: tf.Tensor


def gradient(function: Function, points: tf.Tensor) -> tf.Tensor:
    """The gradient (n, d) of a function (n, d) → (n,).

    >>> gradient(lambda x: x[:, 0] ** 2, tf.constant([[3.0]])).numpy().tolist()
    [[6.0]]
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(points)
        values = function(points)
    return tape.gradient(values, points, unconnected_gradients="zero")


def derivatives(function: Function, points: tf.Tensor) -> Derivatives:
    """Values, gradients and Hessians of a function (n, d) → (n,).

    >>> d = derivatives(lambda x: x[:, 0] * x[:, 1], tf.constant([[3.0, 4.0]]))
    >>> d.gradient.numpy().tolist(), d.hessian.numpy().tolist()
    ([[4.0, 3.0]], [[[0.0, 1.0], [1.0, 0.0]]])
    """
    count, width = (int(size) for size in points.shape)
    tiled = tf.tile(points, [width, 1])
    # Row n + i·count belongs to point n and to parameter i.
    directions = tf.repeat(tf.eye(width, dtype=points.dtype), count, axis=0)
    with tf.GradientTape(watch_accessed_variables=False) as outer:
        outer.watch(tiled)
        with tf.GradientTape(watch_accessed_variables=False) as inner:
            inner.watch(tiled)
            values = function(tiled)
        slopes = inner.gradient(values, tiled, unconnected_gradients="zero")
        along = tf.reduce_sum(slopes * directions)
    rows = outer.gradient(along, tiled, unconnected_gradients="zero")
    hessian = tf.transpose(tf.reshape(rows, [width, count, width]), [1, 0, 2])
    return Derivatives(values[:count], slopes[:count], hessian)
