"""The surrogate's error on the points that its training has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.sampling.samples import Samples
from dnnlik.surrogate.data import split
from dnnlik.typing import LogDensity
from dnnlik.validation.blocks import blocks_of
from dnnlik.validation.metrics import Marginal, marginals, reweighting

__all__ = ["HeldOut", "held_out_points", "independence_of", "marginals_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Test points, errors and weights, row by row; natural logs, no factor 2.

    Attributes:
        drop: (n,) exact ln L below its maximum.
        error: (n,) surrogate minus exact ln L.
        unbiased: (n,) which rows follow the posterior.
        points: (n, d).
        weights: (n,) to the surrogate's posterior, mean 1; 0 where not unbiased.
        log_density: (n,) the exact one.
        blocks: (n,) of `dnnlik.validation.blocks`.
    """

    drop: Array
    error: Array
    unbiased: NDArray[np.bool_]
    points: Array
    weights: Array
    log_density: Array
    blocks: NDArray[np.intp]


def held_out_points(surrogate: LogDensity, samples: Samples) -> HeldOut:
    """Evaluate a surrogate on the walkers that were held out of its training."""
    test = samples.rows(split(samples).test)
    error = surrogate.log_likelihood(test.points) - test.log_likelihood
    weights = np.zeros(len(test))
    weights[test.unbiased] = reweighting(error[test.unbiased]).weights
    return HeldOut(
        test.drop,
        error,
        test.unbiased,
        test.points,
        weights,
        test.log_density,
        blocks_of(test),
    )


def independence_of(samples: Samples) -> float:
    """Effective over actual points of the posterior, at most 1."""
    effective = samples.diagnostics.get("effective_points", 0.0)
    return float(min(1.0, effective / max(1, int(samples.unbiased.sum())))) or 1.0


def marginals_of(samples: Samples, held_out: HeldOut) -> tuple[Marginal, ...]:
    """The Kolmogorov-Smirnov test of each parameter on the held-out posterior points."""
    rows = held_out.unbiased
    return marginals(
        samples.parameters.names,
        held_out.points[rows],
        held_out.weights[rows],
        held_out.blocks[rows],
        independence=independence_of(samples),
    )
