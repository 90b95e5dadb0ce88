r"""Histograms in which a network deals every event out over the bins (INFERNO).

.. math:: \nu_k = \sum_i w_i\,\frac{e^{f_k(x_i)/T}}{\sum_j e^{f_j(x_i)/T}}

(arXiv:1806.04743, equation 6). As the temperature T → 0 every event falls into the bin
of its largest output, see `dnnlik.differentiable.hard.hard_argmax_histogram`.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from dnnlik.differentiable.arguments import as_rows, as_scale, as_weights

__all__ = ["softmax_histogram"]


def softmax_histogram(logits: Any, temperature: Any = 1.0, weights: Any = None) -> tf.Tensor:
    """Smooth yields of m bins: logits (n, m) → (m,), in the dtype of the logits.

    Samples of equally many events may be counted together: (samples, n, m) → (samples, m).

    Args:
        logits: a row of m numbers an event. Minus infinity closes a bin to an event.
        temperature: a scalar; at 0 equal largest logits share the event.
        weights: (n,), or (samples, n), of any sign; 1 by default.

    >>> softmax_histogram([[0.0, 0.0], [0.0, 50.0]]).numpy().tolist()
    [0.5, 1.5]
    """
    logits = as_rows("logits", logits)
    temperature = as_scale("temperature", temperature, logits.dtype)
    weights = as_weights(weights, logits, logits.dtype, rows=True)
    shares = tf.nn.softmax(_exponents(logits, temperature), axis=-1)
    return tf.linalg.matvec(shares, weights, transpose_a=True)


# Where exp is 0 in float64.
_FAR = 800.0


def _exponents(logits: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
    """Logits over temperature, less the largest of the event: (..., m) → (..., m), none above 0.

    What is too far below to count never meets the division, so that the derivative in
    the temperature is not 0·∞ there.
    """
    largest = tf.stop_gradient(tf.reduce_max(logits, axis=-1, keepdims=True))
    below = logits - largest
    far = below <= -_FAR * temperature
    near = tf.where(far, tf.zeros_like(below), below) / temperature
    return tf.where(far, tf.fill(tf.shape(below), tf.constant(-_FAR, below.dtype)), near)
