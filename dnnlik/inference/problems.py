"""Many fits as one batch: what the solver maximises.

A *problem* is one log-likelihood to maximise. A batch may repeat one likelihood (scans,
impacts) or have another dataset in each problem (toys); all share the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from dnnlik.inference.gradients import STEP, gradient_function
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Gradients, LogDensity, Points, Problems, Values

__all__ = ["Problems", "Repeated", "has_gradient", "hessians", "problems_of"]

Rows = NDArray[np.intp]

_LARGEST_BATCH = 60_000
"""Points evaluated at once for Hessians: bounds the memory."""


@dataclass(frozen=True)
class Repeated:
    """The same likelihood ``count`` times."""

    density: LogDensity
    count: int

    @property
    def parameters(self) -> ParameterSet:
        return self.density.parameters

    def __len__(self) -> int:
        return self.count

    @cached_property
    def _both(self):  # type: ignore[no-untyped-def]
        return gradient_function(self.density)

    def value_and_gradient(self, points: Points, rows: Rows) -> tuple[Values, Gradients]:
        value, gradient = self._both(points)
        return value, gradient


def problems_of(density: LogDensity | Problems, count: int) -> Problems:
    """A batch as it is; a single likelihood ``count`` times."""
    return density if isinstance(density, Problems) else Repeated(density, count)


def has_gradient(problems: Problems) -> bool:
    """Whether gradients are exact, rather than differences."""
    return not isinstance(problems, Repeated) or hasattr(problems.density, "value_and_gradient")


def hessians(problems: Problems, points: Points, rows: Rows) -> NDArray[np.float64]:
    """Second derivatives at points (m, d) of problems (m,): (m, d, d), symmetric.

    Central differences of gradients, 2d points for each, in batches.
    """
    count, d = points.shape
    at_once = max(1, _LARGEST_BATCH // (2 * d))
    parts = [
        _hessians(problems, points[i : i + at_once], rows[i : i + at_once])
        for i in range(0, count, at_once)
    ]
    return np.concatenate(parts) if parts else np.empty((0, d, d))


def _hessians(problems: Problems, points: Points, rows: Rows) -> NDArray[np.float64]:
    p, (count, d) = problems.parameters, points.shape
    step = 10 * STEP * np.maximum(p.scales, 1e-3 * np.abs(points))
    # At a bound the stencil moves inwards: the outside may not be defined.
    margin = np.minimum(step, 0.5 * (p.upper - p.lower))
    centre = np.clip(points, p.lower + margin, p.upper - margin)
    stencil = np.repeat(centre[:, None, :], 2 * d, axis=1)
    columns = np.arange(d)
    stencil[:, columns, columns] += margin
    stencil[:, d + columns, columns] -= margin
    _, slopes = problems.value_and_gradient(stencil.reshape(-1, d), np.repeat(rows, 2 * d))
    slopes = slopes.reshape(count, 2 * d, d)
    raw = (slopes[:, :d] - slopes[:, d:]) / (2 * margin)[:, :, None]
    return np.asarray(0.5 * (raw + raw.transpose(0, 2, 1)))
