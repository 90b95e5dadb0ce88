"""Many bounded maximum-likelihood fits at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.exceptions import InvalidInput, InvalidParameters, NotConverged
from dnnlik.inference.descent import descend
from dnnlik.inference.newton import Solution, maximise, projected_slope
from dnnlik.inference.problems import has_gradient, problems_of, selected
from dnnlik.inference.result import FitResult, FitStatus
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity, Points, Problems

__all__ = ["Fits", "fit_many", "fit_rows"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_NUMBERS_AT_ONCE = 10_000_000  # in the Hessians of a block: 80 MB, and a few copies

GRADIENT_TOLERANCE = 1e-3
"""Largest slope at a maximum, in units of log-likelihood a width of the parameter with
the others held: what such a slope leaves out is half its square."""


@dataclass(frozen=True)
class Fits:
    """The maxima of n problems, in their order.

    Attributes:
        parameters: the parameter set.
        points: (n, d) where they are, fixed parameters included.
        log_likelihood: (n,) their values (natural log, no factor 2).
        projected_gradient: (n,) largest component of the gradient that bounds do not
            hold, times the width of its parameter with the others held.
        status: (n,) a `FitStatus` each.
        evaluations: calls of value and gradient, of all together.
    """

    parameters: ParameterSet
    points: Points
    log_likelihood: Array
    projected_gradient: Array
    status: NDArray[np.object_]
    evaluations: int

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, i: int) -> FitResult:
        return FitResult(
            parameters=self.parameters,
            point=self.points[i],
            log_likelihood=float(self.log_likelihood[i]),
            projected_gradient=float(self.projected_gradient[i]),
            evaluations=self.evaluations // max(len(self), 1),
            status=self.status[i],
        )

    def __iter__(self) -> Iterator[FitResult]:
        return (self[i] for i in range(len(self)))

    @property
    def converged(self) -> Mask:
        """(n,) which of them converged."""
        return np.asarray(self.status == FitStatus.CONVERGED)

    @classmethod
    def of(cls, results: Sequence[FitResult], parameters: ParameterSet) -> Fits:
        """Single fits as one."""
        status = np.empty(len(results), dtype=object)
        status[:] = [result.status for result in results]
        return cls(
            parameters=parameters,
            points=np.array([r.point for r in results]).reshape(-1, len(parameters)),
            log_likelihood=np.array([r.log_likelihood for r in results]),
            projected_gradient=np.array([r.projected_gradient for r in results]),
            status=status,
            evaluations=sum(r.evaluations for r in results),
        )

    def or_better(self, other: Fits) -> Fits:
        """The higher of two maxima of each problem."""
        better = other.log_likelihood > self.log_likelihood
        return Fits(
            parameters=self.parameters,
            points=np.where(better[:, None], other.points, self.points),
            log_likelihood=np.where(better, other.log_likelihood, self.log_likelihood),
            projected_gradient=np.where(better, other.projected_gradient, self.projected_gradient),
            status=np.where(better, other.status, self.status),
            evaluations=self.evaluations + other.evaluations,
        )

    def values_of(self, name: str) -> Array:
        """The fitted values of one parameter, (n,)."""
        return np.asarray(self.points[:, self.parameters.index(name)])

    def checked(self) -> Fits:
        """Itself if all converged, else `NotConverged`, saying how many did not and why."""
        failed = np.flatnonzero(~self.converged)
        if failed.size:
            first = self[int(failed[0])]
            raise NotConverged(
                f"{failed.size} of {len(self)} fits did not converge; the first: "
                f"{first.status.value}. Received: fit {failed[0]}, projected gradient "
                f"{first.projected_gradient:.2g}"
            )
        return self


def fit_many(
    density: LogDensity | Problems,
    *,
    fixed: Mapping[str, ArrayLike] | None = None,
    starts: ArrayLike | None = None,
) -> Fits:
    """Maximise ``log_likelihood`` within the bounds, for many problems at once.

    Args:
        density: any LogDensity, exact or surrogate; or `Problems`, such as the datasets
            of ``likelihood.with_data(...)``.
        fixed: parameters to hold, by name: one value for all problems, or (n,).
        starts: (n, d) or (d,) where to start; the inits by default.

    Newton steps from exact gradients (see `dnnlik.inference.newton`); what does not
    settle so, and likelihoods without gradients, go through L-BFGS-B one by one.

    Raises:
        InvalidParameters: a value outside the bounds, an unknown name.
        InvalidInput: numbers of problems that do not match.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood(
    ...     [Parameter("mu", 0, (-5, 5), poi=True), Parameter("x", 0, (-5, 5))],
    ...     lambda p: -0.5 * (p[:, 0] - 1) ** 2 - 2 * (p[:, 1] - p[:, 0]) ** 2)
    >>> fits = fit_many(gauss, fixed={"mu": [0.0, 1.0, 2.0]})
    >>> fits.values_of("x").round(5).tolist(), fits.log_likelihood.round(6).tolist()
    ([0.0, 1.0, 2.0], [-0.5, 0.0, -0.5])
    """
    p = density.parameters
    columns = {name: np.asarray(value, dtype=float) for name, value in (fixed or {}).items()}
    start = np.asarray(p.inits if starts is None else starts, dtype=float)
    count = _count(density, columns, start)
    points = np.array(np.broadcast_to(start, (count, len(p))))
    free = np.ones((count, len(p)), dtype=bool)
    for name, value in columns.items():
        column = p.index(name)
        _check_values(p, column, value)
        points[:, column], free[:, column] = value, False
    return fit_rows(problems_of(density, count), points, free)


def _count(density: LogDensity | Problems, columns: Mapping[str, Array], start: Array) -> int:
    sizes = {value.size for value in columns.values() if value.ndim}
    sizes |= {len(start)} if start.ndim == 2 else set()
    sizes |= {len(density)} if isinstance(density, Problems) else set()
    if len(sizes) > 1 or start.shape[-1] != len(density.parameters):
        raise InvalidInput(
            f"starts are (n, {len(density.parameters)}), and fixed values, starts and problems "
            f"are equally many. Received: numbers {sorted(sizes)}, starts of shape {start.shape}"
        )
    return sizes.pop() if sizes else 1


def _check_values(parameters: ParameterSet, column: int, values: Array) -> None:
    lower, upper = parameters.lower[column], parameters.upper[column]
    outside = ~((values >= lower) & (values <= upper))
    if outside.any():
        raise InvalidParameters(
            f"{parameters.names[column]!r} must be held within its bounds [{lower}, {upper}]. "
            f"Received: {values[outside].flat[0] if values.ndim else float(values)}"
        )


def fit_rows(problems: Problems, starts: Points, free: Mask) -> Fits:
    """Fit problems from starts (n, d); what is not ``free`` (n, d) stays at its start.

    As many at once as their second derivatives fit into a bounded memory.
    """
    at_once = max(16, _NUMBERS_AT_ONCE // starts.shape[1] ** 2)
    if len(starts) <= at_once:
        return _fit_block(problems, starts, free)
    blocks = np.split(np.arange(len(starts)), range(at_once, len(starts), at_once))
    parts = [_fit_block(selected(problems, rows), starts[rows], free[rows]) for rows in blocks]
    return Fits(
        parameters=problems.parameters,
        points=np.concatenate([part.points for part in parts]),
        log_likelihood=np.concatenate([part.log_likelihood for part in parts]),
        projected_gradient=np.concatenate([part.projected_gradient for part in parts]),
        status=np.concatenate([part.status for part in parts]),
        evaluations=sum(part.evaluations for part in parts),
    )


def _fit_block(problems: Problems, starts: Points, free: Mask) -> Fits:
    p = problems.parameters
    starts = _defined(problems, np.where(free, np.clip(starts, p.lower, p.upper), starts), free)
    if has_gradient(problems):
        found = maximise(problems, starts, free)
    else:
        found = Solution.at(problems, starts)
    for row in np.flatnonzero(~found.settled & np.isfinite(found.values)):
        descend(problems, found, int(row), free[row])
    slope = np.abs(projected_slope(problems, found.points, found.slopes, free)) * found.widths
    largest = slope.max(axis=1, initial=0.0)
    return Fits(
        parameters=p,
        points=found.points,
        log_likelihood=found.values,
        projected_gradient=largest,
        status=_status(found, largest),
        evaluations=found.evaluations,
    )


def _status(found: Solution, slope: Array) -> NDArray[np.object_]:
    status = np.full(len(slope), FitStatus.STALLED, dtype=object)
    status[slope < GRADIENT_TOLERANCE] = FitStatus.CONVERGED
    status[~np.isfinite(found.values)] = FitStatus.UNDEFINED
    return status


def _defined(problems: Problems, starts: Points, free: Mask) -> Points:
    """Starts at which the log-likelihood is finite: moved towards the inits if need be."""
    starts = starts.copy()
    inits = np.where(free, problems.parameters.inits, starts)
    rows = np.arange(len(starts))
    for fraction in (0.5, 0.25, 0.1, 0.0):
        values, _ = problems.value_and_gradient(starts[rows], rows)
        rows = rows[~np.isfinite(values)]
        if not rows.size:
            break
        starts[rows] = inits[rows] + fraction * (starts[rows] - inits[rows])
    return starts
