"""A surrogate with a fence round what is known: networks make up maxima where they saw nothing."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.likelihoods.analytic import AnalyticLikelihood
from dnnlik.likelihoods.base import Likelihood
from dnnlik.sampling.reference import Reference
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.typing import Points

__all__ = ["fenced"]

_SLOPE = 2.0  # log-likelihood for each squared standard deviation beyond what is known
_INSIDE = 0.99  # of the points


def fenced(surrogate: SurrogateLikelihood, reference: Reference, known: Points) -> Likelihood:
    """The surrogate, less a parabola beyond the distance (in standard deviations of the
    reference) of 99 % of the known points (n, d); within it nothing is changed."""
    inverse = np.linalg.inv(reference.factor)
    distance = np.linalg.norm((known - reference.mean) @ inverse.T, axis=1)
    limit = float(np.quantile(distance, _INSIDE))

    def log_main(points: NDArray[np.float64]) -> tf.Tensor:
        at = tf.convert_to_tensor(points, tf.float64)
        z = tf.matmul(at - reference.mean, tf.constant(inverse.T))
        beyond = tf.nn.relu(tf.sqrt(tf.reduce_sum(z * z, axis=1) + 1e-12) - limit)
        return surrogate.log_main_tensor(at) - _SLOPE * beyond * beyond

    return AnalyticLikelihood(surrogate.parameters, log_main, digest=surrogate.digest)
