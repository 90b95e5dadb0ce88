r"""Test statistics and p-values as tensors (arXiv:1007.1727; CLs: J. Phys. G 28 (2002) 2693).

All are asymptotic and of profiled likelihoods; their gradients use the envelope theorem:
only the explicit dependence at the two maxima counts. On an Asimov dataset the point that
made it is the maximum, so that one fit is enough.

Conventions at the kinks: where a statistic is cut at zero its gradient is zero, and the root
of a statistic of zero has gradient zero.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from dnnlik.differentiable.fits import fit, points_of
from dnnlik.differentiable.model import Data, StatisticalModel
from dnnlik.differentiable.traced import number

__all__ = [
    "asimov_statistic",
    "cls_of",
    "discovery_statistic",
    "expected_cls",
    "limit_statistic",
    "log_normal_tail",
    "normal_tail",
    "root",
    "statistic",
]

Values = Mapping[str, object]


def statistic(model: StatisticalModel, data: Data, tested: Values) -> tf.Tensor:
    r"""t = -2 ln [L(tested, θ̂̂) / L(μ̂, θ̂)], (n,) (eq. 8; t̃, eq. 11, where the bounds of the
    parameter of interest start at zero). Any number of parameters may be tested."""
    return _positive(
        2.0 * (fit(model, data).log_likelihood - fit(model, data, tested).log_likelihood)
    )


def asimov_statistic(model: StatisticalModel, truth: Values, tested: Values) -> tf.Tensor:
    """t of the Asimov data of ``truth`` (other parameters at their inits), (models,).

    It is q or q̃ of a tested signal above the true one, and q₀ of no signal.

    >>> import tensorflow as tf
    >>> from dnnlik.differentiable.model import HistFactoryModel
    >>> mu = {"name": "mu", "type": "normfactor", "data": None}
    >>> model = HistFactoryModel([{"name": "SR", "samples": [
    ...     {"name": "signal", "data": [10.0], "modifiers": [mu]},
    ...     {"name": "background", "data": [50.0], "modifiers": []}]}])
    >>> round(float(asimov_statistic(model, {"mu": 1}, {"mu": 0})[0]), 9)  # 2(60 ln 1.2 - 10)
    1.878586815
    """
    true = points_of(model, truth, model.models)
    data = model.expected_data(true)
    best = model.log_likelihood(true, data)
    return _positive(2.0 * (best - fit(model, data, tested, start=true).log_likelihood))


def limit_statistic(model: StatisticalModel, data: Data, poi: str, tested: object) -> tf.Tensor:
    """q̃, or q where the bounds of the poi allow negative values: t where the fitted signal
    is below the tested one, else 0 (eqs. 14 and 16), (n,)."""
    best = fit(model, data)
    constrained = fit(model, data, {poi: tested})
    fitted = tf.stop_gradient(best.points[:, model.parameters.index(poi)])
    value = _positive(2.0 * (best.log_likelihood - constrained.log_likelihood))
    return tf.where(fitted > number(tested), tf.zeros_like(value), value)


def discovery_statistic(model: StatisticalModel, data: Data, poi: str) -> tf.Tensor:
    """q₀: t at no signal where the fitted signal is positive, else 0 (eq. 12), (n,)."""
    best = fit(model, data)
    constrained = fit(model, data, {poi: 0.0})
    fitted = tf.stop_gradient(best.points[:, model.parameters.index(poi)])
    value = _positive(2.0 * (best.log_likelihood - constrained.log_likelihood))
    return tf.where(fitted < 0, tf.zeros_like(value), value)


def expected_cls(asimov: tf.Tensor, sigmas: float = 0.0) -> tf.Tensor:
    """CLs where the data lie ``sigmas`` standard deviations above the expected background:
    [1 - Φ(√q_A - N)] / Φ(N), of q_A of the Asimov data without signal (eq. 89)."""
    return normal_tail(root(asimov) - sigmas) / normal_tail(number(-sigmas))


def cls_of(observed: tf.Tensor, asimov: tf.Tensor, bounded: bool = True) -> tf.Tensor:
    """CLs of q̃ (``bounded``; eqs. 64 and 65) or q (eq. 57) of data and of Asimov data."""
    here, there = root(observed), root(asimov)
    signal, background = normal_tail(here), normal_tail(here - there)
    if bounded:
        above = observed > asimov
        safe = tf.where(above, there, tf.ones_like(there))
        signal = tf.where(above, normal_tail((observed + asimov) / (2 * safe)), signal)
        background = tf.where(above, normal_tail((observed - asimov) / (2 * safe)), background)
    return signal / background


def normal_tail(z: tf.Tensor) -> tf.Tensor:
    """1 - Φ(z), with all its digits at large z.

    >>> float(normal_tail(tf.constant(5.0, tf.float64)).numpy().round(12))
    2.86652e-07
    """
    return 0.5 * tf.math.erfc(z * 0.5**0.5)


def log_normal_tail(z: tf.Tensor) -> tf.Tensor:
    """ln[1 - Φ(z)], also where the tail itself is too small to be a number.

    >>> log_normal_tail(tf.constant([5.0, 100.0], tf.float64)).numpy().round(6).tolist()
    [-15.064998, -5005.524209]
    """
    far = z > _FAR
    near = tf.math.log(normal_tail(tf.where(far, tf.zeros_like(z), z)))
    x = tf.where(far, z, tf.ones_like(z))
    # Asymptotic series (Abramowitz & Stegun 26.2.12), exact to rounding beyond.
    y = 1.0 / (x * x)
    series = 1.0 - y * (1.0 - 3.0 * y * (1.0 - 5.0 * y * (1.0 - 7.0 * y * (1.0 - 9.0 * y))))
    tail = -0.5 * x * x - tf.math.log(x * (2.0 * np.pi) ** 0.5) + tf.math.log(series)
    return tf.where(far, tail, near)


_FAR = 20.0


def root(statistic: tf.Tensor) -> tf.Tensor:
    """√q, with gradient zero where q is zero."""
    none = statistic <= 0  # false of NaN, which must stay NaN
    some = tf.sqrt(tf.where(none, tf.ones_like(statistic), statistic))
    return tf.where(none, tf.zeros_like(some), some)


def _positive(statistic: tf.Tensor) -> tf.Tensor:
    return tf.where(statistic <= 0, tf.zeros_like(statistic), statistic)
