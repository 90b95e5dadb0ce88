r"""The interpolation codes of HistFactory (CERN-OPEN-2012-016, section 4.1; pyhf).

An interpolation carries a nuisance parameter α from the templates at α = -1, 0, +1
to any α. The additive codes (histosys) all have the form

.. math:: \Delta(\alpha) = S\,o(\alpha) + A\,e(\alpha),\qquad
          S = (I^+-I^-)/2,\quad A = (I^++I^-)/2 - I^0

so that all parameters together are two matrix products; a code is its pair of
functions (o, e). The multiplicative codes (normsys) give one factor for each
(parameter, cell).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

__all__ = ["ADDITIVE", "code1_factor", "code4_coefficients", "code4_factor"]


def code0(alpha: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Piecewise linear."""
    return alpha, tf.abs(alpha)


def code2(alpha: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Quadratic inside, linear outside; with the jumps at ±1 that pyhf 0.7 has.

    Its linear part is (b+2a)(α-1) above 1, as in its documentation, and (b-2a)α
    below -1, where the documentation has (b-2a)(α+1).
    """
    above, below = alpha > 1.0, alpha < -1.0
    odd = tf.where(above, alpha - 1.0, alpha)
    even = tf.where(above, 2.0 * (alpha - 1.0), tf.where(below, -2.0 * alpha, alpha * alpha))
    return odd, even


def code4p(alpha: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Sixth-order polynomial inside, linear outside; twice differentiable."""
    square = tf.minimum(alpha * alpha, 1.0)
    inside = 0.125 * square * (15.0 + square * (3.0 * square - 10.0))
    return alpha, tf.where(tf.abs(alpha) < 1.0, inside, tf.abs(alpha))


ADDITIVE: dict[str, Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]] = {
    "code0": code0,
    "code2": code2,
    "code4p": code4p,
}
"""The functions (o, e) of each additive code."""


def _product(factors: tf.Tensor) -> tf.Tensor:
    """Product over axis 1 of a (B, N, C) tensor by halving.

    Its derivative multiplies siblings and never divides, so a factor of zero is as
    good as any other, and it costs less than that of `tf.reduce_prod`.
    """
    while factors.shape[1] > 1:
        half, odd = divmod(factors.shape[1], 2)
        halved = factors[:, :half] * factors[:, half : 2 * half]
        factors = tf.concat([halved, factors[:, 2 * half :]], axis=1) if odd else halved
    return factors[:, 0]


def _exponential(alpha: tf.Tensor, up: tf.Tensor, down: tf.Tensor) -> tf.Tensor:
    """Π up^α for α > 0 and Π down^-α for α < 0, as one exponential: (B, N) → (B, C)."""
    # Not by tf.maximum: at 0 its derivative would add the two slopes instead of averaging.
    rising, falling = 0.5 * (tf.abs(alpha) + alpha), 0.5 * (tf.abs(alpha) - alpha)
    return tf.exp(rising @ tf.math.log(up) + falling @ tf.math.log(down))


def code1_factor(alpha: tf.Tensor, up: tf.Tensor, down: tf.Tensor) -> tf.Tensor:
    """Piecewise exponential: (B, N) and (N, C) → the product over N, (B, C)."""
    return _exponential(alpha, up, down)


# f(±1), f'(±1) and f''(±1) of a polynomial without constant term, orders 1 to 6.
_ORDERS = np.arange(1, 7)
_CONDITIONS = np.array(
    [
        np.ones(6),
        (-1.0) ** _ORDERS,
        _ORDERS,
        _ORDERS * (-1.0) ** (_ORDERS - 1),
        _ORDERS * (_ORDERS - 1),
        _ORDERS * (_ORDERS - 1) * (-1.0) ** _ORDERS,
    ]
)
_SOLUTION = np.linalg.inv(_CONDITIONS)


def code4_coefficients(up: tf.Tensor, down: tf.Tensor) -> tf.Tensor:
    """The polynomials that meet the exponentials at ±1 in value and two derivatives.

    (N, C) and (N, C) → (6, N, C), orders 1 to 6.
    """
    log_up, log_down = tf.math.log(up), tf.math.log(down)
    conditions = tf.stack(
        [
            up - 1.0,
            down - 1.0,
            up * log_up,
            -down * log_down,
            up * log_up**2,
            down * log_down**2,
        ]
    )
    return tf.tensordot(tf.constant(_SOLUTION), conditions, axes=1)


def code4_factor(
    alpha: tf.Tensor, up: tf.Tensor, down: tf.Tensor, coefficients: tf.Tensor
) -> tf.Tensor:
    """Polynomial inside, exponential outside: the product over N, (B, C).

    The exponentials of all parameters outside ±1 are one exponential of a sum.
    """
    within = tf.abs(alpha) < 1.0
    inside = tf.where(within, alpha, 0.0)[:, :, None]
    polynomial = coefficients[5]
    for order in range(4, -1, -1):
        polynomial = polynomial * inside + coefficients[order]
    outside = tf.where(within, tf.zeros_like(alpha), alpha)
    return _product(1.0 + polynomial * inside) * _exponential(outside, up, down)
