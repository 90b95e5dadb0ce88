"""The HistFactory tensor program: expected events and the main log-likelihood.

Pure functions of (templates, parameters), float64, differentiable in both; there
is no other implementation. The sampler calls them with fixed templates and a
batch of parameters; an analysis that is trained through its own inference, with
templates that are tensors themselves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.histfactory.interpolation import (
    ADDITIVE,
    code1_factor,
    code4_coefficients,
    code4_factor,
    contract,
)
from dnnlik.histfactory.layout import Layout, Templates

__all__ = [
    "Coefficients",
    "coefficients_of",
    "expected_events",
    "gather_rows",
    "log_poisson",
    "log_ratio_minus_step",
    "poisson_terms",
]


class Coefficients(NamedTuple):
    """What depends on the templates alone, so that fixed templates pay for it once.

    ``nominal`` (E,), ``odd`` and ``even`` (H, E) of the additive interpolation,
    ``log_up`` and ``log_down`` (N, C) and ``polynomial`` (6, N, C) of the
    multiplicative one. Tensors, or arrays: those become constants of a compiled program.
    All with a last axis (B) more where each of B points has templates of its own.
    """

    nominal: tf.Tensor
    odd: tf.Tensor
    even: tf.Tensor
    log_up: tf.Tensor
    log_down: tf.Tensor
    polynomial: tf.Tensor


def coefficients_of(templates: Templates) -> Coefficients:
    """Prepare the interpolation of templates (arrays or tensors, float64), each of which
    may have a last axis of points more."""
    nominal, up, down, high, low = (tf.convert_to_tensor(t, tf.float64) for t in templates)
    return Coefficients(
        nominal=nominal,
        odd=0.5 * (up - down),
        even=0.5 * (up + down) - nominal,
        log_up=tf.math.log(high),
        log_down=tf.math.log(low),
        polynomial=code4_coefficients(high, low),
    )


def expected_events(layout: Layout, coefficients: Coefficients, parameters: tf.Tensor) -> tf.Tensor:
    """Expected events in each bin: parameters (B, P) → (B, bins).

    Per element: (nominal + Σ histosys) Π normsys Π factors, then the sum over the
    elements of a bin (CERN-OPEN-2012-016, eq. 4).
    """
    # One row a parameter from here on: the points are the last axis.
    rows = tf.transpose(parameters)
    nominal = coefficients.nominal
    nominal = nominal[:, None] if len(nominal.shape) == 1 else nominal
    elements = nominal + _shifts(layout, coefficients, rows)
    cells = _cell_factors(layout, coefficients, rows)
    if cells is not None:
        elements = elements * _spread(cells, layout.element_cell)
    extended = tf.concat([rows, tf.ones_like(rows[:1])], axis=0)
    for columns in layout.factors:
        elements = elements * _spread(extended, columns)
    return tf.transpose(_one_hot(layout.element_bin, layout.bins) @ elements)


def gather_rows(rows: tf.Tensor, positions: NDArray[np.intp]) -> tf.Tensor:
    """Rows of a tensor (n, B) at fixed positions (m,), each taken at most once: (m, B)."""
    size = int(rows.shape[0])
    if np.array_equal(positions, np.arange(size)):
        return rows
    place = np.full(size, len(positions))
    place[positions] = np.arange(len(positions))

    @tf.custom_gradient
    def gather(rows: tf.Tensor) -> Any:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            # A gather as well; TensorFlow's own derivative is a loop over the rows.
            return tf.gather(tf.concat([upstream, tf.zeros_like(upstream[:1])], axis=0), place)

        return tf.gather(rows, positions), gradient

    return gather(rows)


def _spread(rows: tf.Tensor, positions: NDArray[np.intp]) -> tf.Tensor:
    """Rows of a tensor (n, B), each taken any number of times: (m,) → (m, B).

    The derivative is a matrix product, and that on purpose also where a gather would do:
    XLA does not merge it with the loops before it, which would then repeat its inputs.
    """
    size = int(rows.shape[0])

    @tf.custom_gradient
    def gather(rows: tf.Tensor) -> Any:
        return tf.gather(rows, positions), lambda upstream: _one_hot(positions, size) @ upstream

    return gather(rows)


def _one_hot(positions: NDArray[np.intp], size: int) -> tf.Tensor:
    """The matrix (size, len(positions)) that adds rows up at their positions."""
    return tf.constant(np.eye(size)[:, positions])


def log_poisson(observed: tf.Tensor, expected: tf.Tensor) -> tf.Tensor:
    """Σ over bins of n ln λ - λ - ln Γ(n+1): (B, bins) → (B,).

    A negative rate has no Poisson probability: minus infinity (pyhf: NaN), with a
    gradient of zero rather than NaN. So has a rate of zero where events were seen.
    """
    terms = poisson_terms(observed, expected) - tf.math.lgamma(observed + 1.0)
    return tf.reduce_sum(terms, axis=1)


def poisson_terms(observed: tf.Tensor, expected: tf.Tensor, relative: bool = False) -> tf.Tensor:
    """n ln λ - λ, elementwise, minus infinity where λ is impossible.

    With ``relative`` less its largest value n ln n - n, as n [ln(1+u) - u] with
    u = λ/n - 1, which keeps its digits for any count.
    """
    seen = observed > 0
    allowed = tf.where(seen, expected > 0, expected >= 0)
    # A `where` differentiates both its branches: neither may be infinite.
    safe = tf.where(allowed & seen, expected, tf.ones_like(expected))
    if relative:
        count = tf.where(seen, observed, tf.ones_like(expected))
        ratio = safe / count
        terms = tf.where(
            seen, count * log_ratio_minus_step((safe - count) / count, ratio), -expected
        )
    else:
        terms = observed * tf.math.log(safe) - expected
    return tf.where(allowed, terms, tf.constant(-np.inf, expected.dtype))


@tf.custom_gradient
def log_ratio_minus_step(u: tf.Tensor, ratio: tf.Tensor) -> Any:
    """ln(1+u) - u, where ``ratio`` is 1+u with its digits where u is near -1.

    The derivative -u/(1+u) is written out, all of it to u: as 1/(1+u) - 1 it would keep
    no digits where it is multiplied by a count of 10¹¹.
    """
    near = u > -0.5
    value = tf.where(near, tf.math.log1p(tf.where(near, u, 0.0)), tf.math.log(ratio)) - u
    return value, lambda upstream: (-upstream * u / ratio, tf.zeros_like(upstream))


def _shifts(layout: Layout, coefficients: Coefficients, rows: tf.Tensor) -> tf.Tensor:
    if not layout.histosys.size:
        return tf.zeros((), tf.float64)
    odd, even = ADDITIVE[layout.histosys_code](gather_rows(rows, layout.histosys))
    return contract(coefficients.odd, odd) + contract(coefficients.even, even)


def _cell_factors(layout: Layout, coefficients: Coefficients, rows: tf.Tensor) -> tf.Tensor | None:
    if not layout.normsys.size:
        return None
    alpha = gather_rows(rows, layout.normsys)
    if layout.normsys_code == "code1":
        return code1_factor(alpha, coefficients.log_up, coefficients.log_down)
    return code4_factor(alpha, coefficients.log_up, coefficients.log_down, coefficients.polynomial)
