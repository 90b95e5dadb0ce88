"""Fits of a statistical model to data, with gradients through them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from dnnlik.differentiable.implicit import fitted_values
from dnnlik.differentiable.maximum import maximise
from dnnlik.differentiable.model import Data, StatisticalModel
from dnnlik.differentiable.traced import number

__all__ = ["Fitted", "fit", "points_of"]


class Fitted(NamedTuple):
    """n fits.

    ``points`` (n, d): fitted values, differentiable by the implicit function theorem.
    ``log_likelihood`` (n,) there (natural log, without terms of the data alone),
    differentiable by the envelope theorem: its gradient needs no linear solve. NaN where
    the fit did not converge: nothing that is made of it can be mistaken for a number; minus
    infinity where the model forbids the data.
    ``converged`` (n,).
    """

    points: tf.Tensor
    log_likelihood: tf.Tensor
    converged: tf.Tensor


def points_of(model: StatisticalModel, values: Mapping[str, object], rows: int = 1) -> tf.Tensor:
    """Points (rows, d) at the inits but for some values: numbers, or tensors () or (rows,).

    Raises:
        InvalidParameters: there is no parameter of such a name.
    """
    columns = {model.parameters.index(name): value for name, value in values.items()}
    return tf.stack(
        [
            tf.broadcast_to(number(columns.get(c, init)), [rows])
            for c, init in enumerate(model.parameters.inits)
        ],
        axis=1,
    )


def fit(
    model: StatisticalModel,
    data: Data,
    held: Mapping[str, object] | None = None,
    start: tf.Tensor | None = None,
) -> Fitted:
    """Maximise the likelihood over all parameters that are neither fixed nor held.

    Args:
        model: exact or surrogate.
        data: rows (n, ...), one fit each; n a multiple of ``model.models``.
        held: values of parameters that are not fitted, numbers or tensors () or (n,).
        start: (n, d); by default the inits.

    >>> from dnnlik.differentiable.model import HistFactoryModel
    >>> model = HistFactoryModel([{"name": "SR", "samples": [{"name": "signal", "data": [10.0],
    ...     "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}]}])
    >>> counts = tf.constant([[13.0]], tf.float64)
    >>> float(fit(model, Data(counts, tf.zeros([1, 1], tf.float64))).points[0, 0].numpy().round(9))
    1.3
    """
    rows = int(data.main.shape[0])
    if start is None:
        start = points_of(model, {}, rows)
    free = ~np.asarray(model.fixed)
    if held:
        columns = [model.parameters.index(name) for name in held]
        free[columns] = False
        start = tf.where(free, start, points_of(model, held, rows))

    def function(points: tf.Tensor) -> tf.Tensor:
        return model.log_likelihood(points, data)

    maximum = maximise(function, start, model.parameters, free)
    points = fitted_values(function, maximum, start, free)
    there = tf.where(free, tf.stop_gradient(maximum.points), start)
    value = function(there)
    # Where no point is allowed, minus infinity is right.
    failed = ~maximum.converged & tf.math.is_finite(value)
    value = tf.where(failed, tf.constant(np.nan, tf.float64), value)
    return Fitted(points, value, maximum.converged)
