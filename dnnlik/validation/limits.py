"""CL_s curves and 95 % upper limits of exact likelihood and surrogate by one convention.

What users of a surrogate compute is compared with what users of the exact likelihood do: a
surrogate with a table of Asimov values (`dnnlik.asimov`) with the exact one and its Asimov
dataset. A surrogate without one knows no data but the observed, and Wald's approximation
remains: it is compared with the exact likelihood in the same approximation, and beside it
stands the exact one with its Asimov dataset, where it can make one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import DnnlikError
from dnnlik.inference import UpperLimit, upper_limit
from dnnlik.parameters import ParameterSet
from dnnlik.typing import Generative, LogDensity, Points, Values, WithAsimovCurve
from dnnlik.validation.skipped import Skipped

__all__ = ["LEVEL", "LimitComparison", "Observed", "limits_of"]

Array = NDArray[np.float64]

LEVEL = 0.95


class Observed:
    """A likelihood that keeps to the observed data: without toys and Asimov datasets.

    Any `LogDensity` goes in, and whatever gradients it has come out.
    """

    def __init__(self, density: LogDensity) -> None:
        self._density = density
        if hasattr(density, "value_and_gradient"):
            self.value_and_gradient = density.value_and_gradient

    @property
    def parameters(self) -> ParameterSet:
        return self._density.parameters

    def log_main(self, points: Points) -> Values:
        return self._density.log_main(points)

    def log_constraint(self, points: Points) -> Values:
        return self._density.log_constraint(points)

    def log_likelihood(self, points: Points) -> Values:
        return self._density.log_likelihood(points)

    def log_prior(self, points: Points) -> Values:
        return self._density.log_prior(points)

    def log_density(self, points: Points) -> Values:
        return self._density.log_density(points)


@dataclass(frozen=True, eq=False)
class LimitComparison:
    """95 % CL_s upper limits on one parameter of interest, others profiled (q̃_μ).

    Attributes:
        exact, surrogate: with the Asimov dataset and the table of it, or both with Wald's
            approximation; ``exact.asimov`` and ``surrogate.asimov`` say which.
        asimov: beside Wald's approximation the exact one with its Asimov dataset; None where
            it cannot make one, or ``exact`` is that already.
    """

    name: str
    exact: UpperLimit
    surrogate: UpperLimit
    asimov: UpperLimit | None

    @property
    def difference(self) -> float:
        """Surrogate over exact observed limit, minus 1; NaN without both."""
        return float(self.surrogate.observed / self.exact.observed - 1)

    @property
    def expected_difference(self) -> float:
        """The same of the median expected limit."""
        return float(self.surrogate.expected[2] / self.exact.expected[2] - 1)

    @property
    def largest_cls_difference(self) -> float:
        """Largest |ΔCL_s| over the values that both curves cover."""
        a, b = self.exact.curve, self.surrogate.curve
        common = a.values <= b.values.max()
        learned = np.interp(a.values[common], b.values, b.cls)
        return float(np.max(np.abs(learned - a.cls[common])))


def limits_of(
    exact: LogDensity, surrogate: LogDensity, names: Sequence[str]
) -> tuple[tuple[LimitComparison, ...], tuple[Skipped, ...]]:
    """Upper limits of each named parameter, and those that there are not, with reasons.

    A curve that does not fall to 5 % within the bounds is kept, without a limit.
    """
    found, skipped = [], []
    for name in names:
        try:
            found.append(_limit(exact, surrogate, name))
        except DnnlikError as error:
            skipped.append(Skipped(f"limit of {name}", str(error)))
            continue
        if not np.isfinite(found[-1].exact.observed):
            reason = f"the exact CL_s of {name} stays above {1 - LEVEL:.2g} within its bounds"
            skipped.append(Skipped(f"limit of {name}", reason))
    return tuple(found), tuple(skipped)


def _limit(exact: LogDensity, surrogate: LogDensity, name: str) -> LimitComparison:
    full = upper_limit(exact, level=LEVEL, poi=name) if isinstance(exact, Generative) else None
    if full is not None and isinstance(surrogate, WithAsimovCurve):
        learned = upper_limit(surrogate, level=LEVEL, poi=name)
        if learned.asimov == "published":
            return LimitComparison(name, full, learned, None)
    return LimitComparison(
        name,
        upper_limit(Observed(exact), level=LEVEL, poi=name),
        upper_limit(Observed(surrogate), level=LEVEL, poi=name),
        full,
    )
