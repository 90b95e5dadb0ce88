"""The hard versions of the histograms and cuts: what a trained analysis is evaluated with.

They are the limits of `kernel_histogram` (bandwidth 0), `softmax_histogram`
(temperature 0) and the cuts (infinite slope), but for events exactly on an edge: those
fall into the upper bin, and into the last one on the last edge, as in NumPy. They have no
derivative but in the weights.

A NaN belongs to no bin and passes no cut, whatever ``outside`` says.

Sums are in the dtype of the weights, or of the values where that is wider. In float32 a
bin stops counting at 2²⁴ events: give weights in float64 for as many.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from dnnlik.differentiable.arguments import (
    as_edges,
    as_events,
    as_rows,
    as_tensor,
    as_weights,
    check_outside,
)

__all__ = [
    "hard_above",
    "hard_argmax_histogram",
    "hard_below",
    "hard_histogram",
    "hard_window",
]


def hard_histogram(
    values: Any, edges: Any, weights: Any = None, *, outside: str = "drop"
) -> tf.Tensor:
    """Bin counts, `numpy.histogram` of tensors: values (n,), edges (m+1,) → (m,).

    Samples of equally many events may be counted together: (samples, n) → (samples, m).

    Args:
        values: one number an event.
        edges: strictly ascending. They meet the values in the wider dtype of the two.
        weights: of the shape of the values, of any sign; 1 by default.
        outside: ``"drop"`` as in NumPy; ``"include"`` counts values outside in the first
            or last bin; ``"reflect"`` mirrors them at the nearest edge, and those further
            out than the length of the range to the other end of it.

    >>> hard_histogram([0.5, 1.0, 2.0, 2.5], [0.0, 1.0, 2.0]).numpy().tolist()
    [1.0, 2.0]
    >>> hard_histogram([0.5, 1.0, 2.0, 2.5], [0.0, 1.0, 2.0], outside="include").numpy().tolist()
    [1.0, 3.0]
    """
    check_outside(outside)
    values, edges = as_events("values", values), as_edges(edges)
    weights = as_weights(weights, values)
    sums = _wider(values.dtype, weights.dtype)
    common = _wider(values.dtype, edges.dtype)
    values, edges = tf.cast(values, common), tf.cast(edges, common)
    low, high = edges[0], edges[-1]
    known = tf.logical_not(tf.math.is_nan(values))
    if outside == "drop":
        known &= (values >= low) & (values <= high)
    if outside == "reflect":
        values = tf.where(values < low, tf.minimum(2.0 * low - values, high), values)
        values = tf.where(values > high, tf.maximum(2.0 * high - values, low), values)
    # By the inner edges alone the last edge is closed, and what lies outside is at the ends.
    flat = tf.reshape(tf.where(known, values, low), [-1])
    bins = tf.reshape(tf.searchsorted(edges[1:-1], flat, side="right"), tf.shape(values))
    return _counts(bins, known, tf.cast(weights, sums), tf.shape(edges)[0] - 1)


def hard_argmax_histogram(logits: Any, weights: Any = None) -> tf.Tensor:
    """Counts of the largest logit of each event, of the first of equals: (n, m) → (m,).

    Samples of equally many events may be counted together: (samples, n, m) → (samples, m).

    >>> hard_argmax_histogram([[0.1, 0.2], [3.0, 1.0], [2.0, 2.0]]).numpy().tolist()
    [2.0, 1.0]
    """
    logits = as_rows("logits", logits)
    weights = as_weights(weights, logits, rows=True)
    known = tf.logical_not(tf.reduce_any(tf.math.is_nan(logits), axis=-1))
    bins = tf.argmax(logits, axis=-1, output_type=tf.int32)
    weights = tf.cast(weights, _wider(logits.dtype, weights.dtype))
    return _counts(bins, known, weights, tf.shape(logits)[-1])


def hard_above(values: Any, threshold: Any) -> tf.Tensor:
    """1 for values at or above a threshold, 0 below it, in the dtype of the values.

    >>> hard_above([1.0, 2.0, 9.0], 2.0).numpy().tolist()
    [0.0, 1.0, 1.0]
    """
    values = as_tensor(values)
    return tf.cast(values >= as_tensor(threshold, values.dtype), values.dtype)


def hard_below(values: Any, threshold: Any) -> tf.Tensor:
    """1 for values below a threshold, 0 at or above it, in the dtype of the values.

    >>> hard_below([1.0, 2.0, 9.0], 2.0).numpy().tolist()
    [1.0, 0.0, 0.0]
    """
    values = as_tensor(values)
    return tf.cast(values < as_tensor(threshold, values.dtype), values.dtype)


def hard_window(values: Any, low: Any, high: Any) -> tf.Tensor:
    """1 for values from ``low`` up to below ``high``, as in a bin, 0 for others.

    >>> hard_window([1.0, 2.0, 2.5, 3.0], 2.0, 3.0).numpy().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    return hard_above(values, low) * hard_below(values, high)


def _counts(bins: tf.Tensor, known: tf.Tensor, weights: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Sums of the weights in each bin, (n,) → (size,) or (samples, n) → (samples, size); events
    not known go into one that is cut off."""
    bins = tf.where(known, bins, size)
    if bins.shape.rank == 1:
        return tf.math.unsorted_segment_sum(weights, bins, size + 1)[:-1]
    samples = tf.shape(bins)[0]  # each has bins of its own
    bins += (size + 1) * tf.range(samples)[:, None]
    sums = tf.math.unsorted_segment_sum(weights, bins, (size + 1) * samples)
    return tf.reshape(sums, [samples, size + 1])[:, :-1]


def _wider(one: tf.DType, other: tf.DType) -> tf.DType:
    return one if one.size >= other.size else other
