"""Networks that learned the same calls, and the density they agree on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.likelihoods.analytic import AnalyticLikelihood
from dnnlik.likelihoods.base import Likelihood
from dnnlik.refinement.settings import small_data_settings
from dnnlik.sampling.reference import Reference
from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.ensemble import train
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.typing import Points, Progress

__all__ = ["common_density", "trained_members"]

Array = NDArray[np.float64]

_ROUNDING = 0.05  # of kinks, at which fits would stop
_FENCE = 2.0  # log-likelihood for each squared standard deviation beyond what is known
_INSIDE = 0.99  # of the points


def trained_members(
    samples: Samples, count: int, seed: int, progress: Progress
) -> list[SurrogateLikelihood]:
    """Surrogates of the same samples that differ by their seeds."""
    members = []
    for member in range(count):
        progress(f"training network {member + 1} of {count}", member, count)
        settings = small_data_settings(len(samples), seed=seed + member)
        members.append(SurrogateLikelihood(train(samples, settings), rounding=_ROUNDING))
    return members


def common_density(
    members: Sequence[SurrogateLikelihood], reference: Reference, known: Points
) -> Likelihood:
    """The mean of the members, with a fence round what is known.

    Beyond the distance (in standard deviations of the reference) of 99 % of the known
    points a parabola is taken off: networks make up maxima where they saw nothing.
    """
    inverse = np.linalg.inv(reference.factor)
    distance = np.linalg.norm((known - reference.mean) @ inverse.T, axis=1)
    limit = float(np.quantile(distance, _INSIDE))

    def log_main(points: Array) -> tf.Tensor:
        at = tf.convert_to_tensor(points, tf.float64)
        total = tf.add_n([member.log_main_tensor(at) for member in members]) / len(members)
        z = tf.matmul(at - reference.mean, tf.constant(inverse.T))
        beyond = tf.nn.relu(tf.sqrt(tf.reduce_sum(z * z, axis=1) + 1e-12) - limit)
        return total - _FENCE * beyond * beyond

    return AnalyticLikelihood(members[0].parameters, log_main, digest=members[0].digest)
