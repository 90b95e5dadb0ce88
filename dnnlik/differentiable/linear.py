"""Systems of equations that may have no solution: no error, which on a CPU would end the
whole batch of which one matrix is singular."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

__all__ = ["positive_definite", "solve"]


def positive_definite(matrices: tf.Tensor) -> tf.Tensor:
    """Which of the symmetric matrices (n, k, k) are, as booleans (n,); one with NaN is not.

    >>> positive_definite(tf.constant([[[2.0, 1.0], [1.0, 2.0]], [[1.0, 1.0], [1.0, 1.0]]]))
    <tf.Tensor: shape=(2,), dtype=bool, numpy=array([ True, False])>
    """
    return _regular(tf.linalg.cholesky(tf.stop_gradient(matrices)))


def solve(matrices: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """A⁻¹ b of positive definite matrices (n, k, k) and vectors (n, k); NaN where one is not.

    >>> solve(tf.constant([[[4.0]], [[0.0]]]), tf.constant([[6.0], [6.0]])).numpy().tolist()
    [[1.5], [nan]]
    """
    factor = tf.linalg.cholesky(matrices)
    regular = _regular(factor)
    factor = tf.where(regular[:, None, None], factor, tf.eye(factor.shape[-1], dtype=factor.dtype))
    solution = tf.linalg.cholesky_solve(factor, right[..., None])[..., 0]
    return tf.where(regular[:, None], solution, tf.constant(np.nan, solution.dtype))


def _regular(factor: tf.Tensor) -> tf.Tensor:
    # A decomposition that fails leaves NaN or zeros.
    diagonal = tf.linalg.diag_part(factor)
    return tf.reduce_all((diagonal > 0) & tf.math.is_finite(diagonal), axis=1)
