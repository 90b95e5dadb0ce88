"""How fast a published likelihood is here and now."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from dnnlik.onnx.runtime import PublishedLikelihood

__all__ = ["BATCH", "Speed", "speed_of"]

BATCH = 1000
"""Points of a call."""

REPEATS = 5
"""Calls of which the fastest counts: others were disturbed."""


@dataclass(frozen=True)
class Speed:
    """Microseconds a point, of the value alone and with the gradient, in calls of `BATCH`."""

    value: float
    value_and_gradient: float


def speed_of(published: PublishedLikelihood) -> Speed:
    """Measure a file at its starting values; the number is of this machine at this moment."""
    points = np.tile(published.parameters.inits, (BATCH, 1))

    def seconds(*outputs: str) -> float:
        start = perf_counter()
        published.evaluate(points, *outputs)
        return perf_counter() - start

    def fastest(*outputs: str) -> float:
        seconds(*outputs)  # memory is taken at the first call
        return min(seconds(*outputs) for _ in range(REPEATS)) / BATCH * 1e6

    return Speed(fastest("log_likelihood"), fastest("log_likelihood", "gradient"))
