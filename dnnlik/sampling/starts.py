"""Where the chains of the posterior start."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import NotConverged
from dnnlik.parameters import ParameterSet
from dnnlik.sampling.reference import Reference
from dnnlik.typing import LogDensity, Points, Values

__all__ = ["mirrored", "starting_points"]


_ROOM = 10.0  # of the log-density, for few parameters


def starting_points(
    density: LogDensity, reference: Reference, count: int, rng: np.random.Generator
) -> tuple[Points, Values]:
    """Draws (count, d) from the reference within the bounds, and their log-density.

    Where the density is far below that of a Gaussian, or zero, they are drawn again,
    closer to the reference's mean: chains that start in a stiff corner stay there.

    Raises:
        NotConverged: there is no such start even very close to it.
    """
    width = len(reference.mean)
    points = np.empty((count, width))
    log_density = np.full(count, -np.inf)
    # Of a Gaussian the drop from the mean is d/2 with a standard deviation of sqrt(d/2).
    lowest = density.log_density(reference.mean[None])[0] - width - _ROOM
    size = 1.0
    while (missing := np.flatnonzero(~(log_density > lowest))).size:
        step = rng.normal(size=(missing.size, width)) @ reference.factor.T
        points[missing] = mirrored(density.parameters, reference.mean + size * step)
        log_density[missing] = density.log_density(points[missing])
        size *= 0.9
        if size < 1e-4:
            raise NotConverged(
                "no start of a usable log-density was found around the maximum. "
                f"Received: {missing.size} of {count} walkers without one"
            )
    return points, log_density


def mirrored(p: ParameterSet, points: Points) -> NDArray[np.float64]:
    """Points (n, d) mirrored into the bounds, so that starts are not all at a bound."""
    inside = np.where(points < p.lower, 2 * p.lower - points, points)
    inside = np.where(inside > p.upper, 2 * p.upper - inside, inside)
    return np.asarray(np.clip(inside, p.lower, p.upper))
