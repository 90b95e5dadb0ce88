"""Where a surrogate may be trusted: the region of its training points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.data import split
from dnnlik.surrogate.description import Domain

__all__ = ["domain_of"]

Array = NDArray[np.float64]


def domain_of(samples: Samples) -> Domain:
    """The box of the training points, and the smallest ellipsoid of the posterior's
    shape that holds them."""
    train = samples.rows(split(samples).train)
    posterior = train.points[train.unbiased] if train.unbiased.any() else train.points
    centre = posterior.mean(axis=0)
    precision = _precision(posterior)
    step = train.points - centre
    distance2 = np.einsum("nd,nd->n", step @ precision, step)
    return Domain(
        lower=train.points.min(axis=0),
        upper=train.points.max(axis=0),
        centre=centre,
        precision=precision,
        max_distance2=float(distance2.max()),
    )


def _precision(points: Array) -> Array:
    """Inverse covariance, computed in units of the widths."""
    widths = np.maximum(points.std(axis=0), 1e-300)
    correlation = np.atleast_2d(np.corrcoef(points, rowvar=False))
    inverse = np.linalg.inv(correlation) / np.outer(widths, widths)
    return np.asarray(0.5 * (inverse + inverse.T))
