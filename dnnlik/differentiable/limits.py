r"""Expected upper limits as tensors, with gradients.

The limit solves CLs(μ) = 1 - confidence level. On Asimov data without signal that is
√q_A(μ) = z with a number z; the root is found by Newton steps whose slope the envelope
theorem gives, and differentiated by the implicit function theorem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.stats import norm

from dnnlik.differentiable.fits import fit, points_of
from dnnlik.differentiable.information import covariance, fisher_information
from dnnlik.differentiable.model import StatisticalModel
from dnnlik.differentiable.statistics import root
from dnnlik.exceptions import InvalidParameters

__all__ = ["expected_limit"]

_STEPS = 30
_ACCURACY = 1e-8  # of the limit, relative; the last step, which is differentiated, squares it


def _free_column(model: StatisticalModel, poi: str) -> int:
    column = model.parameters.index(poi)
    if model.fixed[column]:
        raise InvalidParameters(f"a limit needs a parameter that is not fixed. Received: {poi!r}")
    return int(np.count_nonzero(~model.fixed[:column]))


class _State(NamedTuple):
    step: tf.Tensor
    limit: tf.Tensor
    change: tf.Tensor


def expected_limit(
    model: StatisticalModel, poi: str, confidence: float = 0.95, sigmas: float = 0.0
) -> tf.Tensor:
    r"""The expected upper limit by CLs, (models,): where no signal is true, and the data lie
    ``sigmas`` standard deviations above its median (arXiv:1007.1727, eq. 89).

    NaN where there is none: no sensitivity, or a rate that runs out of its domain. A limit
    beyond the upper bound of ``poi`` is a limit all the same.

    >>> from dnnlik.differentiable.model import HistFactoryModel
    >>> mu = {"name": "mu", "type": "normfactor", "data": None}
    >>> model = HistFactoryModel([{"name": "SR", "samples": [
    ...     {"name": "signal", "data": [10.0], "modifiers": [mu]},
    ...     {"name": "background", "data": [50.0], "modifiers": []}]}])
    >>> round(float(expected_limit(model, "mu")[0]), 6)
    1.516803
    """
    column = _free_column(model, poi)
    target = _target(confidence, sigmas)
    none = points_of(model, {poi: 0.0}, model.models)
    data = model.expected_data(none)
    best = model.log_likelihood(none, data)
    variance = covariance(fisher_information(model, none))[:, column, column]
    first = tf.stop_gradient(target * tf.sqrt(variance))

    def distance(limit: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """√q_A - z at a tested signal, and its slope there."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(limit)
            value = root(2.0 * (best - fit(model, data, {poi: limit}, start=none).log_likelihood))
        return value - target, tape.gradient(value, limit)

    limit = tf.stop_gradient(_root_of(distance, first))
    value, slope = distance(limit)
    found = tf.abs(value) < 1e-6
    slope = tf.where(found, tf.stop_gradient(slope), tf.ones_like(slope))
    solved = limit - value / slope
    return tf.where(found, solved, tf.constant(np.nan, tf.float64))


def _target(confidence: float, sigmas: float) -> float:
    """[1 - Φ(√q - N)] / Φ(N) = 1 - confidence, solved for √q."""
    return float(norm.isf((1.0 - confidence) * norm.cdf(sigmas)) + sigmas)


def _root_of(
    distance: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]], first: tf.Tensor
) -> tf.Tensor:
    """Where a rising function, given with its slope, is zero: (n,), by Newton steps."""

    def goes_on(*state: tf.Tensor) -> tf.Tensor:
        now = _State(*state)
        moving = tf.abs(now.change) > _ACCURACY * tf.abs(now.limit)
        return (now.step < _STEPS) & tf.reduce_any(moving)

    def advanced(*state: tf.Tensor) -> _State:
        now = _State(*state)
        value, slope = distance(now.limit)
        # q is convex, but its root may bend either way: no step to below half, or beyond
        # twice, of where it is.
        full = now.limit - value / slope
        limit = tf.clip_by_value(full, 0.5 * now.limit, 2.0 * now.limit)
        return _State(now.step + 1, limit, limit - now.limit)

    return _State(*tf.while_loop(goes_on, advanced, _State(tf.constant(0), first, first))).limit
