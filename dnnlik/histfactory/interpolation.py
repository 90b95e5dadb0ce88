r"""The interpolation codes of HistFactory (CERN-OPEN-2012-016, section 4.1; pyhf).

An interpolation carries a nuisance parameter α from the templates at α = -1, 0, +1
to any α. The additive codes (histosys) all have the form

.. math:: \Delta(\alpha) = S\,o(\alpha) + A\,e(\alpha),\qquad
          S = (I^+-I^-)/2,\quad A = (I^++I^-)/2 - I^0

so that all parameters together are two matrix products; a code is its pair of
functions (o, e). The multiplicative codes (normsys) give one factor for each
(parameter, cell).

The points of a batch are the *last* axis everywhere: it is the long one, along which
vector units work. N counts normsys parameters, C cells, B points. What is said of a
template of shape (...) holds for one of shape (..., B) too: then each point has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

__all__ = ["ADDITIVE", "code1_factor", "code4_coefficients", "code4_factor", "contract"]


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


def contract(templates: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Σ over the rows n of templates (n, m), or (n, m, B), times values (n, B): (m, B)."""
    if len(templates.shape) == 2:
        return tf.matmul(templates, values, transpose_a=True)
    return tf.reduce_sum(templates * values[:, None, :], axis=0)


def _exponential(alpha: tf.Tensor, log_up: tf.Tensor, log_down: tf.Tensor) -> tf.Tensor:
    """Π up^α for α > 0 and Π down^-α for α < 0, as one exponential: (N, B) → (C, B)."""
    # Not by tf.maximum: at 0 its derivative would add the two slopes instead of averaging.
    rising, falling = 0.5 * (tf.abs(alpha) + alpha), 0.5 * (tf.abs(alpha) - alpha)
    return tf.exp(contract(log_up, rising) + contract(log_down, falling))


def code1_factor(alpha: tf.Tensor, log_up: tf.Tensor, log_down: tf.Tensor) -> tf.Tensor:
    """Piecewise exponential: (N, B) and (N, C) → the product over N, (C, B)."""
    return _exponential(alpha, log_up, log_down)


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
    alpha: tf.Tensor, log_up: tf.Tensor, log_down: tf.Tensor, coefficients: tf.Tensor
) -> tf.Tensor:
    """Polynomial inside, exponential outside: (N, B) → the product over N, (C, B).

    The exponentials of all parameters outside ±1 are one exponential of a sum.
    """
    within = tf.abs(alpha) < 1.0
    inside = tf.where(within, alpha, 0.0)
    outside = tf.where(within, tf.zeros_like(alpha), alpha)
    return _product_of_polynomials(inside, coefficients) * _exponential(outside, log_up, log_down)


_TINY = 1e-300


@tf.custom_gradient
def _product_of_polynomials(alpha: tf.Tensor, coefficients: tf.Tensor) -> Any:
    """Π over N of 1 + Σ_k c_k α^k: (N, B) and (6, N, C) → (C, B).

    Its derivative divides each factor out of the product in one pass; the derivative
    that TensorFlow has for a product costs five times as much.
    """
    x, shared = alpha[:, None, :], len(coefficients.shape) == 3
    product = tf.reduce_prod(_polynomials(x, coefficients), axis=0)

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        # By calling itself, so that second derivatives take the same way.
        whole = upstream * _product_of_polynomials(alpha, coefficients)
        factor = _polynomials(x, coefficients)
        # 1/factor, but 0 for the factor of exactly 0 that no fit ever meets twice.
        others = whole * (factor / (factor * factor + _TINY))
        to_alpha = tf.reduce_sum(others * _slopes(x, coefficients), axis=1)
        powers = [others * x**order for order in range(1, 7)]
        to_coefficients = tf.stack([tf.reduce_sum(p, axis=2) if shared else p for p in powers])
        return to_alpha, to_coefficients

    return product, gradient


def _polynomials(x: tf.Tensor, coefficients: tf.Tensor) -> tf.Tensor:
    orders = _by_point(coefficients)
    value = orders[5]
    for order in range(4, -1, -1):
        value = value * x + orders[order]
    return 1.0 + value * x


def _slopes(x: tf.Tensor, coefficients: tf.Tensor) -> tf.Tensor:
    orders = _by_point(coefficients)
    slope = 6.0 * orders[5]
    for order in range(4, -1, -1):
        slope = slope * x + (order + 1.0) * orders[order]
    return slope


def _by_point(coefficients: tf.Tensor) -> tf.Tensor:
    return coefficients[..., None] if len(coefficients.shape) == 3 else coefficients
