"""Fisher information, covariance and what is made of them, as tensors.

The expected information at a point: that of the data which the point predicts.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from dnnlik.differentiable.derivatives import derivatives
from dnnlik.differentiable.linear import positive_definite
from dnnlik.differentiable.model import Data, StatisticalModel, rows_of
from dnnlik.differentiable.statistics import root

__all__ = [
    "covariance",
    "fisher_information",
    "gaussianity",
    "generalised_variance",
    "observed_information",
    "pulls",
    "uncertainties",
]


def fisher_information(model: StatisticalModel, points: tf.Tensor) -> tf.Tensor:
    r"""The information matrix (n, k, k) of the k parameters that are not fixed:
    -∂²ln L/∂θ∂θ on the Asimov data of each point (n, d)."""
    data = model.expected_data(points)
    return observed_information(model, points, data)


def observed_information(model: StatisticalModel, points: tf.Tensor, data: Data) -> tf.Tensor:
    """-∂²ln L/∂θ∂θ (n, k, k) at points (n, d) and data."""
    hessian = derivatives(lambda x: model.log_likelihood(x, data), points).hessian
    columns = np.flatnonzero(~np.asarray(model.fixed))
    return -tf.gather(tf.gather(hessian, columns, axis=1), columns, axis=2)


def covariance(information: tf.Tensor) -> tf.Tensor:
    """The inverse (n, k, k) of an information matrix; scaled first, so that parameters may
    have any units.

    A parameter of which there is no information has an infinite variance; the others are
    as without it. NaN where the matrix is not positive definite.

    >>> covariance(tf.constant([[[4.0, 0.0], [0.0, 0.0]]])).numpy().tolist()
    [[[0.25, 0.0], [0.0, inf]]]
    """
    diagonal = tf.stop_gradient(tf.linalg.diag_part(information))
    unknown = diagonal == 0
    scale = tf.where(unknown, tf.ones_like(diagonal), tf.sqrt(tf.abs(diagonal)))
    outer = scale[:, :, None] * scale[:, None, :]
    unit = tf.linalg.diag(tf.cast(unknown, information.dtype))
    scaled = information / outer + unit
    known = positive_definite(scaled)[:, None, None]
    # An inverse that does not exist is an error, and its derivative NaN: not even tried.
    inverse = tf.linalg.inv(tf.where(known, scaled, tf.eye(unit.shape[-1], dtype=unit.dtype)))
    inverse = tf.where(unit > 0, tf.constant(np.inf, unit.dtype), inverse / outer)
    return tf.where(known, inverse, tf.constant(np.nan, unit.dtype))


def uncertainties(model: StatisticalModel, points: tf.Tensor, data: Data) -> tf.Tensor:
    """Uncertainties of fitted values (n, d), from the curvature there; 0 of fixed parameters.

    >>> from dnnlik.differentiable.fits import fit
    >>> from dnnlik.differentiable.model import HistFactoryModel
    >>> model = HistFactoryModel([{"name": "SR", "samples": [{"name": "signal", "data": [10.0],
    ...     "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]}]}])
    >>> data = Data(tf.constant([[16.0]], tf.float64), tf.zeros([1, 1], tf.float64))
    >>> uncertainties(model, fit(model, data).points, data).numpy().round(9).tolist()
    [[0.4]]
    """
    matrix = covariance(observed_information(model, points, data))
    place = np.eye(len(model.parameters))[np.flatnonzero(~np.asarray(model.fixed))]
    return tf.sqrt(tf.linalg.diag_part(matrix)) @ tf.constant(place)


def pulls(model: StatisticalModel, points: tf.Tensor, data: Data) -> tf.Tensor:
    """(θ̂ - θ₀)/σ₀ of fitted values (n, d), θ₀ ± σ₀ being their normal auxiliary measurements;
    0 of parameters without one."""
    distance = points - rows_of(data.auxiliary, points)
    return distance * root(rows_of(model.precision, points))


def generalised_variance(matrix: tf.Tensor) -> tf.Tensor:
    """The determinant (n,) of a covariance matrix (n, k, k).

    >>> generalised_variance(tf.constant([[[4.0, 0.0], [0.0, 0.25]]])).numpy().tolist()
    [1.0]
    """
    # By its Cholesky decomposition: XLA has no determinant.
    diagonal = tf.linalg.diag_part(tf.linalg.cholesky(matrix))
    return tf.square(tf.reduce_prod(diagonal, axis=1))


def gaussianity(
    model: StatisticalModel, points: tf.Tensor, draws: int = 64, seed: int = 0
) -> tf.Tensor:
    """How far the likelihood of the Asimov data of points (n, d) is from a Gaussian, (n,).

    The mean square difference of ln L - ln L_max from -½ z², over ``draws`` points that are
    normal with the covariance of the expected information (thesis, section 7.3); 0 for a
    Gaussian. Draws that the model forbids (a negative rate) are left out.
    """
    data = model.expected_data(points)
    matrix = covariance(observed_information(model, points, data))
    columns = np.flatnonzero(~np.asarray(model.fixed))
    z = np.random.default_rng(seed).standard_normal((draws, len(columns)))
    factor = tf.linalg.cholesky(0.5 * (matrix + tf.linalg.matrix_transpose(matrix)))
    moves = tf.einsum("nij,rj->rni", factor, tf.constant(z))  # (draws, n, k)
    place = tf.constant(np.eye(len(model.parameters))[columns])
    trials = tf.reshape(points + moves @ place, [-1, len(model.parameters)])
    best = model.log_likelihood(points, data)
    value = tf.reshape(model.log_likelihood(trials, data), [draws, -1])
    allowed = tf.math.is_finite(value)
    difference = tf.where(allowed, value, best) - best + 0.5 * tf.constant((z * z).sum(1)[:, None])
    kept = tf.cast(allowed, tf.float64)
    total = tf.reduce_sum(kept * tf.square(difference), axis=0)
    count = tf.reduce_sum(kept, axis=0)
    return tf.where(count > 0, total / tf.maximum(count, 1.0), tf.constant(np.nan, tf.float64))
