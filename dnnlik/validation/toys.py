"""What confidence random datasets give to the ends of likelihood intervals.

At each end of the interval where t_μ reaches 1 or 4, of the exact likelihood and of the
surrogate, toys of the exact likelihood are made (nuisance parameters as fitted to the data
there). The share of toys with a t_μ below the exact one of the data is the confidence level of
that end. A good surrogate's ends have the confidence of the exact ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from dnnlik.exceptions import DnnlikError
from dnnlik.inference import FitResult, likelihood_interval, profile
from dnnlik.inference.toys import TIE, proportion, toy_statistics
from dnnlik.typing import Generative, LogDensity, Progress, no_progress
from dnnlik.validation.skipped import Skipped

__all__ = ["ToyEnd", "toy_coverage"]


@dataclass(frozen=True)
class ToyEnd:
    """Confidence of one end of a likelihood interval.

    Attributes:
        name: the parameter of interest.
        of: whose interval, "exact" or "surrogate".
        level: nominal, of the normal approximation.
        value: where the end is; ``t`` the exact t_μ of the data there.
        confidence, error: from toys, with its binomial error.
        toys, failed: how many, and how many of their fits did not converge.
    """

    name: str
    of: str
    level: float
    value: float
    t: float
    confidence: float
    error: float
    toys: int
    failed: int


def toy_coverage(
    exact: LogDensity,
    surrogate: LogDensity,
    names: Sequence[str],
    *,
    best: FitResult,
    learned: FitResult,
    count: int,
    seed: int,
    t_values: Sequence[float] = (1.0, 4.0),
    progress: Progress = no_progress,
) -> tuple[tuple[ToyEnd, ...], tuple[Skipped, ...]]:
    """Confidence of both ends of both intervals of each named parameter, ``count`` toys each.

    Ends at a bound, where t does not reach its value, are left out. An exact likelihood that
    cannot make other data gives nothing, and says so.
    """
    if not isinstance(exact, Generative):
        reason = f"a {type(exact).__name__} cannot make other data than the observed"
        return (), (Skipped("coverage from toys", reason),)
    found: list[ToyEnd] = []
    skipped: list[Skipped] = []
    for i, name in enumerate(names):
        for j, t in enumerate(t_values):
            for of, who, maximum in (
                ("exact", exact, best),
                ("surrogate", surrogate, learned),
            ):
                ends = likelihood_interval(who, name, t, best=maximum)
                try:
                    found += _ends(exact, name, of, t, ends, best, count, [seed, i, j], progress)
                except DnnlikError as error:
                    skipped.append(Skipped(f"toys at the interval of {name} ({of})", str(error)))
    return tuple(found), tuple(skipped)


def _ends(
    exact: Generative,
    name: str,
    of: str,
    t: float,
    ends: tuple[float, float],
    best: FitResult,
    count: int,
    seed: list[int],
    progress: Progress,
) -> list[ToyEnd]:
    inside = [end for end in ends if end not in exact.parameters[name].bounds]
    if not inside:
        return []
    scan = profile(exact, name, inside, best=best)
    level, found = float(1 - 2 * ndtr(-np.sqrt(t))), []
    rows = zip(scan.values, scan.t, scan.points, strict=True)
    for side, (value, observed, truth) in enumerate(rows):
        # The same random numbers for both intervals: what differs is not chance.
        rng = np.random.default_rng([*seed, side])
        toys, failed = toy_statistics(
            exact, "t", float(value), truth, count, rng, poi=name, progress=progress
        )
        share, error = proportion((toys < observed - TIE).sum(), max(toys.size, 1))
        found.append(
            ToyEnd(
                name, of, level, float(value), float(observed), float(share), float(error),
                int(toys.size), failed,
            )
        )  # fmt: skip
    return found
