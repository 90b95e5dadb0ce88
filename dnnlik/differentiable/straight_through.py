r"""Histograms that are hard in value, with a derivative that is chosen (SANNT, CMS-MLG-23-005).

A histogram has no derivative in the values: a small step of an event changes nothing. Here the
yields are those of `hard_histogram`, and derivatives those of

.. math:: \nu_k = \sum_i w_i\,B_k(x_i)

with a shape B_k for each bin of centre c and width w, and :math:`u = 2(x-c)/w`, which is ± 1 at
its edges:

============  ============================================  ====================================
name          B                                             derivative in the bin
============  ============================================  ====================================
``linear``    :math:`1-u^2` inside, 0 outside               linear: pulls towards the centre
``tent``      :math:`1-|u|` inside, 0 outside               constant on either side of it
``identity``  x inside, 0 outside                           1
``gaussian``  :math:`e^{-u^2/2}`, everywhere                that of a Gaussian (arXiv:2003.07186)
``kernel``    that of a kernel histogram, everywhere        two Gaussians, at its edges
============  ============================================  ====================================

The bandwidth of ``kernel`` is a quarter of the bin's width (`dnnlik.differentiable.kernel`). Unlike
the others it moves events across the inner edges only, which is where yields change. The slides of
SANNT say "a linear function inside the bin and zero outside": ``linear`` is the reading in which
that is the derivative, ``tent`` the one in which it is B. The derivative in a weight is the
exact one, 1 in the bin of the event; edges have none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from dnnlik.differentiable.arguments import as_edges, as_events, as_weights
from dnnlik.differentiable.hard import hard_histogram
from dnnlik.differentiable.kernel import bin_shares, open_ends
from dnnlik.exceptions import InvalidInput

__all__ = ["SHAPES", "straight_through_histogram"]

Shape = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def _linear(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    u, inside = _places(values, edges)
    return tf.where(inside, 1.0 - tf.square(_masked(u, inside)), tf.zeros_like(u))


def _tent(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    u, inside = _places(values, edges)
    return tf.where(inside, 1.0 - tf.abs(u), tf.zeros_like(u))


def _identity(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    u, inside = _places(values, edges)
    return tf.where(inside, values[None, :], tf.zeros_like(u))


def _gaussian(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    u, _ = _places(values, edges)
    return tf.exp(-0.5 * tf.square(u))


def _kernel(values: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    # The end bins reach to infinity, as they do for counts: an event at the end of the range,
    # where a sigmoid puts many, has no reason to move.
    return bin_shares(values, open_ends(edges), (edges[1:] - edges[:-1]) / 4.0)


SHAPES: Mapping[str, Shape] = {
    "linear": _linear,
    "tent": _tent,
    "identity": _identity,
    "gaussian": _gaussian,
    "kernel": _kernel,
}
"""B by name: values (n,), edges (m+1,) → (m, n)."""


def straight_through_histogram(
    values: Any, edges: Any, weights: Any = None, *, gradient: str = "linear"
) -> tf.Tensor:
    """Bin counts with a chosen derivative: values (n,), edges (m+1,) → (m,).

    Samples of equally many events may be counted together: (samples, n) → (samples, m). Values
    outside of the edges are counted in the first or last bin, and have no derivative.

    Args:
        values: one number an event.
        edges: strictly ascending.
        weights: of the shape of the values, of any sign; 1 by default.
        gradient: a name of `SHAPES`.

    >>> x = tf.constant([0.25, 0.5, 1.4], tf.float64)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     first = straight_through_histogram(x, [0.0, 1.0, 2.0])[0]
    >>> float(first), tape.gradient(first, x).numpy().tolist()
    (2.0, [2.0, 0.0, 0.0])
    """
    if gradient not in SHAPES:
        raise InvalidInput(
            f"the gradient of a hard histogram is one of {', '.join(SHAPES)}. "
            f"Received: {gradient!r}"
        )
    values = as_events("values", values)
    edges = tf.stop_gradient(as_edges(edges, values.dtype))
    weights = as_weights(weights, values)
    hard = hard_histogram(tf.stop_gradient(values), edges, weights, outside="include")
    flat = tf.reshape(values, [-1])
    shares = SHAPES[gradient](flat, edges)
    fixed = tf.cast(tf.stop_gradient(weights), hard.dtype)
    shares = tf.reshape(tf.cast(shares, hard.dtype), [-1, *weights.shape])
    smooth = tf.einsum("m...n,...n->...m", shares, fixed)
    return hard + (smooth - tf.stop_gradient(smooth))


def _places(values: tf.Tensor, edges: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """u, and whether inside of each bin: (n,), (m+1,) → (m, n), (m, n)."""
    low, high = edges[:-1, None], edges[1:, None]
    u = (2.0 * values[None, :] - (low + high)) / (high - low)
    fixed = tf.stop_gradient(values)[None, :]
    last = tf.range(tf.shape(low)[0])[:, None] == tf.shape(low)[0] - 1
    inside = (fixed >= low) & ((fixed < high) | (last & (fixed <= high)))
    return u, inside


def _masked(u: tf.Tensor, inside: tf.Tensor) -> tf.Tensor:
    """0 outside, where a square would overflow, and its gradient of 0 times infinity be NaN."""
    return tf.where(inside, u, tf.zeros_like(u))
