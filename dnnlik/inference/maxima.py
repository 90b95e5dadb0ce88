"""The maxima that test statistics compare: global, with μ held, and with μ = 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.inference.fit import fit
from dnnlik.inference.fits import fit_many
from dnnlik.inference.poi import poi_of
from dnnlik.inference.profile import profile
from dnnlik.inference.result import FitResult, FitStatus
from dnnlik.inference.statistics import (
    STATISTICS,
    StatisticName,
    q_0,
    q_mu,
    qtilde_mu,
    t_mu,
    ttilde_mu,
)
from dnnlik.parameters import ParameterSet
from dnnlik.typing import LogDensity

__all__ = ["Maxima", "check_statistic", "maxima", "needs_zero", "statistic", "statistic_of"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Maxima:
    """Maxima of one log-likelihood; natural logs, no factor 2.

    Attributes:
        poi: the parameter of interest.
        values: (m,) where it was held.
        points: (m, d) the maxima with it held.
        held: (m,) their log-likelihoods.
        best: the global maximum, within the bounds of the parameters.
        at_zero: the maximum with the parameter of interest at 0; of `best` where 0 is
            outside its bounds and was not asked for.
        converged: (m,) whether these three fits converged.
    """

    poi: str
    values: Array
    points: Array
    held: Array
    best: FitResult
    at_zero: FitResult
    converged: NDArray[np.bool_]

    @property
    def fitted(self) -> float:
        """μ̂."""
        return self.best[self.poi]

    def between(self, density: LogDensity, values: Array) -> Maxima:
        """The same at other values, each from its two known neighbours; the better counts.

        Two, because a profile changes valleys: between them an interpolated start belongs to
        neither, and may end in the worse one.
        """
        order = np.argsort(self.values)
        known, points = self.values[order], self.points[order]
        above = np.clip(np.searchsorted(known, values), 1, len(known) - 1)
        fixed = {self.poi: values}
        found = fit_many(density, fixed=fixed, starts=points[above - 1])
        found = found.or_better(fit_many(density, fixed=fixed, starts=points[above]))
        return replace(
            self,
            values=values,
            points=found.points,
            held=found.log_likelihood,
            converged=found.converged & self.best.converged & self.at_zero.converged,
        )

    def statistic(self, name: StatisticName) -> Array:
        """A test statistic of each value, (m,); of q0 the same for all."""
        best, zero = self.best.log_likelihood, self.at_zero.log_likelihood
        return statistic_of(name, self.values, self.held, best, self.fitted, zero)


def statistic_of(
    name: StatisticName,
    mu: float | Array,
    held: Array,
    best: float | Array,
    fitted: float | Array,
    at_zero: float | Array,
) -> Array:
    """A test statistic by name, from maximised log-likelihoods (see `statistics`)."""
    if name == "t":
        return t_mu(held, best)
    if name == "ttilde":
        return ttilde_mu(held, best, fitted, at_zero)
    if name == "q":
        return q_mu(mu, held, best, fitted)
    if name == "qtilde":
        return qtilde_mu(mu, held, best, fitted, at_zero)
    return np.broadcast_to(q_0(at_zero, best, fitted), np.shape(held))


def needs_zero(name: StatisticName) -> bool:
    """Whether a statistic compares with the maximum at μ = 0."""
    return name in ("q0", "ttilde", "qtilde")


def check_statistic(name: str, parameters: ParameterSet, poi: str) -> None:
    """Refuse unknown names, and statistics that the bounds of the poi do not allow.

    q_μ needs a poi that may be negative, the tilde statistics and q_0 one that may be 0.
    """
    lower, upper = parameters[poi].bounds
    if name not in STATISTICS:
        raise InvalidInput(
            f"a test statistic is one of {', '.join(STATISTICS)}. Received: {name!r}"
        )
    if name == "q" and not lower < 0:
        raise InvalidParameters(
            f"q_mu needs a lower bound of {poi!r} below 0, so that its fit can be negative; use "
            f"qtilde. Received: bounds [{lower}, {upper}]"
        )
    if name != "t" and not lower <= 0 <= upper:
        raise InvalidParameters(
            f"the test statistic needs 0 within the bounds of {poi!r}: the background alone. "
            f"Received: {name!r} and bounds [{lower}, {upper}]"
        )


def maxima(
    density: LogDensity,
    values: Sequence[float] | Array,
    *,
    poi: str | None = None,
    best: FitResult | None = None,
) -> Maxima:
    """Fit globally, at 0 and at each of ``values``, as one batch.

    Raises:
        NotConverged: the likelihood is not finite where fits start.
    """
    name = poi_of(density.parameters, poi)
    lower, upper = density.parameters[name].bounds
    zero = [0.0] if lower <= 0 <= upper else []
    grid = np.asarray(values, dtype=float)
    best = fit(density) if best is None else best
    if best.status is FitStatus.UNDEFINED:
        best.checked()
    scan = profile(density, name, np.concatenate([zero, grid]), best=best)
    skip = len(zero)
    # From where the scan ended: converged already, and a result of its own.
    at_zero = fit(density, fixed={name: 0.0}, start=scan.points[0]) if zero else scan.best
    return Maxima(
        poi=name,
        values=grid,
        points=scan.points[skip:],
        held=scan.log_likelihood[skip:],
        best=scan.best,
        at_zero=at_zero,
        converged=scan.converged[skip:] & scan.best.converged & at_zero.converged,
    )


def statistic(
    density: LogDensity,
    name: StatisticName,
    values: Sequence[float] | Array = (0.0,),
    *,
    poi: str | None = None,
) -> Array:
    """A test statistic of the data for each tested value of the poi, (m,).

    The tilde statistics are those of a poi that is not negative, whatever its bounds (pyhf:
    those of its bounds, with a warning where the lower is not 0).

    Args:
        density: any LogDensity.
        name: "t", "ttilde", "q0", "q" or "qtilde".
        values: (m,) tested values; not used by q0.
        poi: the parameter of interest; the one that is marked by default.

    >>> from dnnlik.likelihoods import AnalyticLikelihood
    >>> from dnnlik.parameters import Parameter
    >>> gauss = AnalyticLikelihood([Parameter("mu", 1, (-5, 5), poi=True)],
    ...                            lambda x: -0.5 * (x[:, 0] + 1) ** 2)
    >>> [statistic(gauss, name, [2.0]).round(5).tolist()[0] for name in ("t", "qtilde", "q0")]
    [9.0, 8.0, 0.0]
    """
    column = poi_of(density.parameters, poi)
    check_statistic(name, density.parameters, column)
    tested = [0.0] if name == "q0" else values
    return maxima(density, tested, poi=column).statistic(name)
