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

__all__ = ["Problems", "Repeated", "has_gradient", "hessians", "problems_of", "selected"]

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


@dataclass(frozen=True)
class _Selected:
    problems: Problems
    chosen: Rows

    @property
    def parameters(self) -> ParameterSet:
        return self.problems.parameters

    def __len__(self) -> int:
        return len(self.chosen)

    def value_and_gradient(self, points: Points, rows: Rows) -> tuple[Values, Gradients]:
        return self.problems.value_and_gradient(points, self.chosen[rows])


def selected(problems: Problems, rows: Rows) -> Problems:
    """Some problems of a batch, numbered anew."""
    if isinstance(problems, Repeated):
        # Still known for what it is: without gradients it is fitted in another way.
        return Repeated(problems.density, len(rows))
    return _Selected(problems, rows)


def problems_of(density: LogDensity | Problems, count: int) -> Problems:
    """A batch as it is; a single likelihood ``count`` times."""
    return density if isinstance(density, Problems) else Repeated(density, count)


def has_gradient(problems: Problems) -> bool:
    """Whether gradients are exact, rather than differences."""
    return not isinstance(problems, Repeated) or hasattr(problems.density, "value_and_gradient")


def hessians(
    problems: Problems, points: Points, rows: Rows, slopes: Gradients | None = None
) -> NDArray[np.float64]:
    """Second derivatives at points (m, d) of problems (m,): (m, d, d), symmetric.

    Central differences of gradients, 2d points for each, in batches. With the gradients
    ``slopes`` (m, d) at the points, one-sided ones: half the cost, good to about 1e-4,
    which is plenty for a search.
    """
    d = points.shape[1]
    at_once = max(1, _LARGEST_BATCH // (2 * d))
    parts = []
    for i in range(0, len(points), at_once):
        some = slice(i, i + at_once)
        if slopes is None:
            parts.append(_central(problems, points[some], rows[some]))
        else:
            parts.append(_one_sided(problems, points[some], rows[some], slopes[some]))
    raw = np.concatenate(parts) if parts else np.empty((0, d, d))
    return np.asarray(0.5 * (raw + raw.transpose(0, 2, 1)))


def _central(problems: Problems, points: Points, rows: Rows) -> NDArray[np.float64]:
    p = problems.parameters
    step = np.minimum(_steps(p, points), 0.5 * (p.upper - p.lower))
    # At a bound the stencil moves inwards: the outside may not be defined.
    centre = np.clip(points, p.lower + step, p.upper - step)
    above, below = (_slopes(problems, centre, sign * step, rows) for sign in (1, -1))
    return (above - below) / (2 * step)[:, :, None]


def _one_sided(
    problems: Problems, points: Points, rows: Rows, slopes: Gradients
) -> NDArray[np.float64]:
    p = problems.parameters
    step = _steps(p, points)
    step = np.where(points + step > p.upper, -step, step)
    moved = _slopes(problems, points, step, rows)
    return (moved - slopes[:, None, :]) / step[:, :, None]


def _steps(parameters: ParameterSet, points: Points) -> Points:
    return np.asarray(10 * STEP * np.maximum(parameters.scales, 1e-3 * np.abs(points)))


def _slopes(problems: Problems, centre: Points, step: Points, rows: Rows) -> NDArray[np.float64]:
    """Gradients with each parameter moved in turn: (m, d) → (m, d, d)."""
    count, d = centre.shape
    stencil = np.repeat(centre[:, None, :], d, axis=1)
    columns = np.arange(d)
    stencil[:, columns, columns] += step
    _, slopes = problems.value_and_gradient(stencil.reshape(-1, d), np.repeat(rows, d))
    return slopes.reshape(count, d, d)
