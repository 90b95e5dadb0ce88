"""The HistFactory tensor program: expected events and the main log-likelihood.

Pure functions of (templates, parameters), float64, differentiable in both; there
is no other implementation. The sampler calls them with fixed templates and a
batch of parameters; an analysis that is trained through its own inference, with
templates that are tensors themselves.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.histfactory.interpolation import (
    ADDITIVE,
    code1_factor,
    code4_coefficients,
    code4_factor,
)
from dnnlik.histfactory.layout import Layout, Templates

__all__ = ["Coefficients", "coefficients_of", "expected_events", "log_poisson"]


class Coefficients(NamedTuple):
    """What depends on the templates alone, so that fixed templates pay for it once.

    ``nominal`` (E,), ``odd`` and ``even`` (H, E) of the additive interpolation,
    ``up`` and ``down`` (N, C) and ``polynomial`` (6, N, C) of the multiplicative one.
    """

    nominal: tf.Tensor
    odd: tf.Tensor
    even: tf.Tensor
    up: tf.Tensor
    down: tf.Tensor
    polynomial: tf.Tensor


def coefficients_of(templates: Templates) -> Coefficients:
    """Prepare the interpolation of templates (arrays or tensors, float64)."""
    nominal, up, down, high, low = (tf.convert_to_tensor(t, tf.float64) for t in templates)
    return Coefficients(
        nominal=nominal,
        odd=0.5 * (up - down),
        even=0.5 * (up + down) - nominal,
        up=high,
        down=low,
        polynomial=code4_coefficients(high, low),
    )


def expected_events(layout: Layout, coefficients: Coefficients, parameters: tf.Tensor) -> tf.Tensor:
    """Expected events in each bin: parameters (B, P) → (B, bins).

    Per element: (nominal + Σ histosys) Π normsys Π factors, then the sum over the
    elements of a bin (CERN-OPEN-2012-016, eq. 4).
    """
    elements = coefficients.nominal + _shifts(layout, coefficients, parameters)
    cells = _cell_factors(layout, coefficients, parameters)
    if cells is not None:
        elements = elements * (cells @ _one_hot(layout.element_cell, layout.cells))
    extended = tf.concat([parameters, tf.ones_like(parameters[:, :1])], axis=1)
    for columns in layout.factors:
        elements = elements * (extended @ _one_hot(columns, layout.one + 1))
    return elements @ tf.transpose(_one_hot(layout.element_bin, layout.bins))


def log_poisson(observed: tf.Tensor, expected: tf.Tensor) -> tf.Tensor:
    """Σ over bins of n ln λ - λ - ln Γ(n+1): (B, bins) → (B,).

    A negative rate has no Poisson probability: minus infinity (pyhf: NaN), with a
    gradient of zero rather than NaN. So has a rate of zero where events were seen.
    """
    seen = observed > 0
    allowed = tf.where(seen, expected > 0, expected >= 0)
    safe = tf.where(allowed & seen, expected, tf.ones_like(expected))
    terms = observed * tf.math.log(safe) - expected - tf.math.lgamma(observed + 1.0)
    return tf.reduce_sum(tf.where(allowed, terms, tf.constant(-np.inf, expected.dtype)), axis=1)


def _shifts(layout: Layout, coefficients: Coefficients, parameters: tf.Tensor) -> tf.Tensor:
    if not layout.histosys.size:
        return tf.zeros((), tf.float64)
    alpha = tf.gather(parameters, layout.histosys, axis=1)
    odd, even = ADDITIVE[layout.histosys_code](alpha)
    return odd @ coefficients.odd + even @ coefficients.even


def _cell_factors(
    layout: Layout, coefficients: Coefficients, parameters: tf.Tensor
) -> tf.Tensor | None:
    if not layout.normsys.size:
        return None
    alpha = tf.gather(parameters, layout.normsys, axis=1)
    if layout.normsys_code == "code1":
        return code1_factor(alpha, coefficients.up, coefficients.down)
    return code4_factor(alpha, coefficients.up, coefficients.down, coefficients.polynomial)


def _one_hot(columns: NDArray[np.intp], size: int) -> tf.Tensor:
    """A gather of columns as a matrix (size, len(columns)).

    For the few dozen elements of a model this product, and above all its gradient,
    is faster under XLA than a gather, whose gradient is a scatter.
    """
    return tf.constant(np.eye(size)[:, columns])
