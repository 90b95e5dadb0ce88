r"""Histograms in which every event is a normal density (binned kernel density estimate).

The yield of a bin from ``lo`` to ``hi`` is (arXiv:2203.05570, section 3)

.. math:: \nu = \sum_i w_i\,\bigl[\Phi((hi-x_i)/h) - \Phi((lo-x_i)/h)\bigr]

with the bandwidth h. It is the histogram as h → 0 and has a derivative in everything
else. A normal sample of variance 1 gets the yields of one of variance 1 + h².
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from dnnlik.differentiable.arguments import (
    as_edges,
    as_events,
    as_scale,
    as_weights,
    check_outside,
)

__all__ = ["bin_shares", "kernel_histogram", "open_ends"]


def kernel_histogram(
    values: Any, edges: Any, bandwidth: Any, weights: Any = None, *, outside: str = "drop"
) -> tf.Tensor:
    """Smooth bin yields: values (n,), edges (m+1,) → (m,), in the dtype of the values.

    Samples of equally many events may be counted together: (samples, n) → (samples, m).

    Args:
        values: one number an event. An infinite one lies outside, a NaN makes all yields NaN.
        edges: strictly ascending; may be a trained tensor.
        bandwidth: the width h of the kernel, a scalar or (m,): with which events enter
            each bin. At 0 it is the histogram, an event on an edge half in either bin.
        weights: of the shape of the values, of any sign; 1 by default.
        outside: ``"drop"`` loses what lies or leaks beyond the outer edges; ``"include"``
            extends the first and the last bin to infinity (underflow, overflow);
            ``"reflect"`` mirrors it back at the outer edges, and puts what lies further
            out than the length of the range into the bin where the mirror image ends.

    With a scalar bandwidth ``"include"`` and ``"reflect"`` keep the sum of the weights.

    >>> kernel_histogram([0.5], [0.0, 1.0, 2.0], 0.5).numpy().round(6).tolist()
    [0.682689, 0.157305]
    >>> kernel_histogram([0.5], [0.0, 1.0, 2.0], 0.5, outside="include").numpy().sum()
    np.float64(1.0)
    """
    check_outside(outside)
    values = as_events("values", values)
    edges = as_edges(edges, values.dtype)
    bins = None if edges.shape.rank is None or edges.shape[0] is None else edges.shape[0] - 1
    bandwidth = as_scale("bandwidth", bandwidth, values.dtype, bins)
    weights = as_weights(weights, values, values.dtype)
    flat = tf.reshape(values, [-1])
    if outside == "drop":
        return _sums(bin_shares(flat, edges, bandwidth), weights)
    if outside == "include":
        return _sums(bin_shares(flat, open_ends(edges), bandwidth), weights)
    images = tf.concat([_mirrored(edges, 0)[:-1], edges, _mirrored(edges, -1)[1:]], 0)
    widths = bandwidth
    if bandwidth.shape.rank == 1:
        widths = tf.concat([bandwidth[::-1], bandwidth, bandwidth[::-1]], 0)
    below, within, above = tf.split(bin_shares(flat, open_ends(images), widths), 3)
    return _sums(below[::-1] + within + above[::-1], weights)


def _sums(shares: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Σ of shares (m, events) times weights, (n,) or (samples, n): (m,) or (samples, m)."""
    if weights.shape.rank == 1:
        return tf.linalg.matvec(shares, weights)
    return tf.einsum("msn,sn->sm", tf.reshape(shares, [-1, *weights.shape]), weights)


def _mirrored(edges: tf.Tensor, end: int) -> tf.Tensor:
    """The edges mirrored at the first or the last of them, ascending again."""
    return 2.0 * edges[end] - edges[::-1]


def open_ends(edges: tf.Tensor) -> tf.Tensor:
    """The edges with the outer ones at infinity."""
    infinity = tf.constant([math.inf], edges.dtype)
    return tf.concat([-infinity, edges[1:-1], infinity], 0)


def bin_shares(values: tf.Tensor, edges: tf.Tensor, bandwidth: tf.Tensor) -> tf.Tensor:
    """Φ(hi) - Φ(lo) of each event in each bin: (n,), (m+1,), () or (m,) → (m, n).

    The events are the last axis: it is the long one, along which vector units work.
    """
    # An infinite value less an infinite edge would be NaN.
    values = tf.clip_by_value(values, values.dtype.min, values.dtype.max)
    distance = edges[:, None] - values[None, :]
    step = tf.cast(distance >= 0, values.dtype)
    if bandwidth.shape.rank == 0:
        tail = _tail(distance, bandwidth)
        low, high = tail[:-1], tail[1:]
    else:
        low = _tail(distance[:-1], bandwidth[:, None])
        high = _tail(distance[1:], bandwidth[:, None])
    return (step[1:] - step[:-1]) + (low - high)


# Where the normal density is 0 in float64, and the erfc is as well.
_FAR = 38.5


def _tail(distance: tf.Tensor, bandwidth: tf.Tensor) -> tf.Tensor:
    """What Φ(d/h) lacks to the step function at 0: positive for d ≥ 0, negative below.

    Differences of it keep their digits in far tails, where those of Φ are 1 - 1 and even
    come out negative. It vanishes where it is too far to compute, and so do derivatives:
    the division never sees such a distance, so that nothing is 0·∞ in its derivative.
    """
    far = tf.abs(distance) >= _FAR * bandwidth
    pull = tf.where(far, tf.zeros_like(distance), distance) / bandwidth
    sign = tf.where(distance >= 0, tf.ones_like(distance), -tf.ones_like(distance))
    half = 0.5 * sign * tf.math.erfc(sign * pull * math.sqrt(0.5))
    return tf.where(far, tf.zeros_like(distance), half)
