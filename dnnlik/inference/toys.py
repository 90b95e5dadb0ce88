"""Test statistics of random datasets, all fits of a block as one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.exceptions import InvalidInput
from dnnlik.inference.fits import Fits, fit_many
from dnnlik.inference.generative import generative
from dnnlik.inference.maxima import check_statistic, maxima, needs_zero, statistic_of
from dnnlik.inference.poi import poi_of
from dnnlik.inference.problems import selected
from dnnlik.inference.statistics import StatisticName
from dnnlik.typing import Generative, LogDensity, Problems, Progress, no_progress

__all__ = ["TIE", "ToyTest", "proportion", "toy_statistics", "toy_test"]

Array = NDArray[np.float64]

_NUMBERS_AT_ONCE = 4_000_000
"""Second derivatives held at once: bounds the memory of a block of toys."""

TIE = 1e-6
"""Statistics closer than this are equal: fits of equal data differ by less, and counts make
equal data likely."""


@dataclass(frozen=True)
class ToyTest:
    """A p-value from random datasets of the tested hypothesis.

    Attributes:
        statistic: of the data, factor 2 included.
        p_value: fraction of toys with a statistic at least as large.
        error: its standard deviation from the number of toys.
        toys: (n,) statistics of the toys that could be fitted.
        failed: toys whose fits did not converge; those without a value are left out.
    """

    statistic: float
    p_value: float
    error: float
    toys: Array
    failed: int


def toy_test(
    density: LogDensity,
    name: StatisticName,
    value: float,
    *,
    count: int,
    rng: np.random.Generator | int,
    poi: str | None = None,
    progress: Progress = no_progress,
) -> ToyTest:
    """The p-value of a tested value (0 for q0) from toys of its conditional fit.

    Args:
        density: a likelihood that can make other data.
        name: the test statistic.
        value: the tested value of the parameter of interest.
        count: number of toys.
        rng: generator, or a seed.
        poi: the parameter of interest; the one that is marked by default.
        progress: called after each block.

    Raises:
        InvalidInput: a likelihood that cannot make other data, such as a surrogate.
    """
    likelihood = generative(density, "a toy")
    column = poi_of(density.parameters, poi)
    check_statistic(name, density.parameters, column)
    tested = 0.0 if name == "q0" else float(value)
    data = maxima(density, [tested], poi=column)
    generator = np.random.default_rng(rng)
    toys, failed = toy_statistics(
        likelihood, name, tested, data.points[0], count, generator, poi=column, progress=progress
    )
    observed = float(data.statistic(name)[0])
    p, error = proportion((toys >= observed - TIE).sum(), toys.size)
    return ToyTest(observed, float(p), float(error), toys, failed)


def proportion(hits: ArrayLike, count: int) -> tuple[Array, Array]:
    """A fraction and its binomial error, which is not zero for none or all of them.

    >>> [float(x.round(4)) for x in proportion(50, 100)]
    [0.5, 0.0495]
    """
    hits = np.asarray(hits, dtype=float)
    likely = (hits + 1) / (count + 2)  # Laplace's rule
    return hits / count, np.sqrt(likely * (1 - likely) / (count + 2))


def toy_statistics(
    likelihood: Generative,
    name: StatisticName,
    value: float,
    truth: ArrayLike,
    count: int,
    rng: np.random.Generator,
    *,
    poi: str,
    progress: Progress = no_progress,
) -> tuple[Array, int]:
    """Test statistics of ``count`` datasets of the point ``truth`` (d,).

    Returns those that could be fitted, and how many fits did not converge.
    """
    if count < 1:
        raise InvalidInput(f"toys are at least one. Received: {count}")
    point = np.asarray(truth, dtype=float)
    block = max(16, _NUMBERS_AT_ONCE // point.size**2)
    parts, failed, done = [], 0, 0
    while done < count:
        size = min(block, count - done)
        problems = likelihood.with_data(likelihood.generate(point, size, rng))
        values, converged = _statistics(problems, name, value, point, poi)
        parts.append(values[np.isfinite(values)])
        failed += int((~converged).sum())
        done += size
        progress(f"toys of {poi} = {point[likelihood.parameters.index(poi)]:.4g}", done, count)
    return np.concatenate(parts), failed


def _statistics(
    problems: Problems, name: StatisticName, value: float, truth: Array, poi: str
) -> tuple[Array, NDArray[np.bool_]]:
    held = fit_many(problems, fixed={poi: value}, starts=truth)
    best = _at_least(problems, fit_many(problems, starts=truth), held)
    converged, at_zero = held.converged & best.converged, held
    if value != 0 and needs_zero(name):
        at_zero = fit_many(problems, fixed={poi: 0.0}, starts=truth)
        converged &= at_zero.converged
    values = statistic_of(
        name,
        value,
        held.log_likelihood,
        best.log_likelihood,
        best.values_of(poi),
        at_zero.log_likelihood,
    )
    return values, converged


def _at_least(problems: Problems, best: Fits, held: Fits) -> Fits:
    """Global fits again from the conditional ones, where these are higher."""
    rows = np.flatnonzero(held.log_likelihood > best.log_likelihood + 1e-9)
    if not rows.size:
        return best
    again = fit_many(selected(problems, rows), starts=held.points[rows])
    points, values, status = best.points.copy(), best.log_likelihood.copy(), best.status.copy()
    points[rows], values[rows], status[rows] = again.points, again.log_likelihood, again.status
    slopes = best.projected_gradient.copy()
    slopes[rows] = again.projected_gradient
    return Fits(
        best.parameters, points, values, slopes, status, best.evaluations + again.evaluations
    )
