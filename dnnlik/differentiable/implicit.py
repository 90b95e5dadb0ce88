r"""Gradients of fitted values by the implicit function theorem.

At a maximum the gradient of the log-likelihood ℓ(θ, φ) vanishes for any φ, so that

.. math:: \frac{\mathrm{d}\hat\theta}{\mathrm{d}\phi}
          = -\Big(\frac{\partial^2\ell}{\partial\theta^2}\Big)^{-1}
            \frac{\partial^2\ell}{\partial\theta\,\partial\phi}

(arXiv:2203.05570, section 2.4). Going backwards this is one linear solve, however many
iterations the fit took; what φ is need not be known, only that the gradient is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.differentiable.derivatives import gradient
from dnnlik.differentiable.linear import solve
from dnnlik.differentiable.maximum import Maximum

__all__ = ["fitted_values"]

_RIDGE = 1e-12  # directions without any effect together must not make the system singular


def fitted_values(
    function: Callable[[tf.Tensor], tf.Tensor],
    maximum: Maximum,
    start: tf.Tensor,
    free: NDArray[np.bool_],
) -> tf.Tensor:
    """The points (n, d) of a maximum, with gradients to everything the function is made of.

    Args:
        function: what was maximised, (n, d) → (n,).
        maximum: the result of `dnnlik.differentiable.maximum.maximise`.
        start: what was given to it; parameters that are not free carry its gradient.
        free: (d,) what was given to it.

    What a bound holds does not move, and has no gradient; nor has a parameter that does
    nothing, nor any where no maximum was found.
    """
    # Held values may depend on φ themselves, such as a limit; free ones, here, do not.
    points = tf.where(free, tf.stop_gradient(maximum.points), start)
    slope = gradient(function, points)
    return points + _attached(tf.stop_gradient(maximum.hessian), maximum.held, slope)


@tf.custom_gradient
def _attached(hessian: tf.Tensor, held: tf.Tensor, slope: tf.Tensor) -> Any:
    """Zero, with the derivative -H⁻¹ in ``slope``."""
    curvature = -tf.linalg.diag_part(hessian)
    moves = ~held & (curvature != 0)
    loose = tf.cast(moves, slope.dtype)

    def backward(upstream: tf.Tensor) -> tuple[None, None, tf.Tensor]:
        scale = tf.where(moves, tf.sqrt(tf.abs(curvature)), tf.ones_like(curvature))
        system = -hessian * loose[:, :, None] * loose[:, None, :]
        scaled = system / (scale[:, :, None] * scale[:, None, :])
        scaled += tf.linalg.diag(1.0 - loose + _RIDGE)
        solved = solve(scaled, loose * upstream / scale)
        return None, None, loose * tf.where(tf.math.is_finite(solved), solved, 0.0) / scale

    return tf.zeros_like(slope), backward
