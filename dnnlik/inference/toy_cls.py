"""CL_s from random datasets of both hypotheses, with Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from dnnlik.inference.asymptotics import BANDS
from dnnlik.inference.cls import LimitStatistic, check_limit_statistic, tested_values
from dnnlik.inference.generative import generative
from dnnlik.inference.limits import check_level
from dnnlik.inference.maxima import maxima
from dnnlik.inference.poi import poi_of
from dnnlik.inference.toys import TIE, proportion, toy_statistics
from dnnlik.typing import LogDensity, Progress, no_progress

__all__ = ["ToyCls", "crossing", "toy_cls"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ToyCls:
    """Tests of m values of the parameter of interest with toys of either hypothesis.

    Attributes:
        poi: the parameter of interest.
        test_statistic: "qtilde" or "q".
        values: (m,) tested.
        statistic: (m,) of the data, factor 2 included.
        p_sb, p_b, cls: (m,) as `ClsCurve`, as fractions of toys.
        p_sb_error, p_b_error, cls_error: (m,) their standard deviations from the numbers
            of toys.
        expected: (m, 5) CL_s of the background-only toys at the probabilities of -2, -1,
            0, 1, 2 standard deviations, as pyhf.
        toys: of each hypothesis, for each value.
        failed: (m,) toys of both hypotheses whose fits did not converge.
    """

    poi: str
    test_statistic: LimitStatistic
    values: Array
    statistic: Array
    p_sb: Array
    p_sb_error: Array
    p_b: Array
    p_b_error: Array
    cls: Array
    cls_error: Array
    expected: Array
    toys: int
    failed: NDArray[np.int64]

    def limit(self, level: float = 0.95) -> tuple[float, Array]:
        """Observed limit and expected limits (5,), between the tested values; NaN beyond."""
        alpha = 1 - check_level(level)
        expected = [crossing(self.values, band, alpha) for band in self.expected.T]
        return crossing(self.values, self.cls, alpha), np.array(expected)


def toy_cls(
    density: LogDensity,
    values: Sequence[float] | Array,
    *,
    count: int,
    rng: np.random.Generator | int,
    poi: str | None = None,
    test_statistic: LimitStatistic = "qtilde",
    progress: Progress = no_progress,
) -> ToyCls:
    """CL_s of tested values from ``count`` toys of each hypothesis for each value.

    As pyhf's ``calctype="toybased"``: nuisance parameters of the toys are those of the
    conditional fits to the data, and auxiliary data fluctuate.

    Args:
        density: a likelihood that can make other data.
        values: (m,) tested, not negative.
        count: toys of each hypothesis, for each value.
        rng: generator, or a seed.
        poi, test_statistic: as of `cls_curve`.
        progress: called after each block.

    Raises:
        InvalidInput: a likelihood that cannot make other data, such as a surrogate.
    """
    likelihood = generative(density, "a toy")
    name = poi_of(density.parameters, poi)
    check_limit_statistic(test_statistic, density.parameters, name)
    data = maxima(density, tested_values(values), poi=name)
    observed = data.statistic(test_statistic)
    generator, rows, failed = np.random.default_rng(rng), [], []
    for value, statistic, point in zip(data.values, observed, data.points, strict=True):
        samples = [
            toy_statistics(
                likelihood, test_statistic, float(value), truth, count, generator,
                poi=name, progress=progress,
            )
            for truth in (point, data.at_zero.point)
        ]  # fmt: skip
        rows.append(_row(float(statistic), samples[0][0], samples[1][0]))
        failed.append(samples[0][1] + samples[1][1])
    return ToyCls(
        poi=name,
        test_statistic=test_statistic,
        values=data.values,
        statistic=observed,
        toys=count,
        failed=np.array(failed, dtype=np.int64),
        **_columns(rows),
    )


_COLUMNS = ("p_sb", "p_sb_error", "p_b", "p_b_error", "cls", "cls_error")


def _columns(rows: list[list[float]]) -> dict[str, Array]:
    """The rows of `_row` as arrays by name."""
    table = np.array(rows).reshape(-1, len(_COLUMNS) + len(BANDS))
    named = {name: table[:, i] for i, name in enumerate(_COLUMNS)}
    return {**named, "expected": table[:, len(_COLUMNS) :]}


def _row(observed: float, sb: Array, b: Array) -> list[float]:
    """p_sb, error, p_b, error, CL_s, error and the band, from the toys of both hypotheses."""
    p_sb, p_sb_error = proportion((sb >= observed - TIE).sum(), sb.size)
    p_b, p_b_error = proportion((b >= observed - TIE).sum(), b.size)
    cls = p_sb / p_b if p_b > 0 else 0.0
    # Independent fractions; that of the background is a denominator, not below one toy.
    floor = max(float(p_b), 1 / b.size)
    error = float(np.hypot(p_sb_error, cls * p_b_error)) / floor
    numbers = [p_sb, p_sb_error, p_b, p_b_error, cls, error]
    return [*map(float, numbers), *_band(sb, b)]


def _band(sb: Array, b: Array) -> list[float]:
    """CL_s of every background-only toy, at the probabilities of the band."""
    ordered_sb, ordered_b = np.sort(sb), np.sort(b)
    p_sb = 1 - np.searchsorted(ordered_sb, b - TIE) / sb.size
    p_b = 1 - np.searchsorted(ordered_b, b - TIE) / b.size
    return [float(x) for x in np.quantile(p_sb / p_b, ndtr(np.array(BANDS, dtype=float)))]


def crossing(values: Array, cls: Array, alpha: float) -> float:
    """The last value at which CL_s falls through alpha, by ln CL_s linear between values.

    >>> round(crossing(np.array([1.0, 2.0]), np.array([0.1, 0.025]), 0.05), 6)
    1.5
    """
    order = np.argsort(values)
    x, y = values[order], np.log(np.maximum(cls[order], 1e-9) / alpha)
    down = np.flatnonzero((y[:-1] >= 0) & (y[1:] < 0))
    if not down.size:
        return float("nan")
    i = int(down[-1])
    return float(x[i] + (x[i + 1] - x[i]) * y[i] / (y[i] - y[i + 1]))
