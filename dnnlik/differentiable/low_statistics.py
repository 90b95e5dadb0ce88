"""Variations with too few simulated events: a training would fit their fluctuations.

A variation of n effective events, of which N are expected in data, has in every bin a random
relative error of √(N/n) in units of the data's own. What is random looks like an effect of the
nuisance parameter, whatever its true effect is, and an observable trained for the uncertainty
finds the bins in which the fluctuations happen to cancel. At N/n = 0.1 that error is a third of
what the data can see; CMS-MLG-23-005 shows the failure in a control with few events.

A variation that is the nominal events themselves, moved or weighted again, shares their
fluctuations, and only the events that change their bin make noise: it is named from N/n = 1 on.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np

from dnnlik.differentiable.events import Events
from dnnlik.differentiable.named import histograms_of
from dnnlik.differentiable.problem import Problem
from dnnlik.exceptions import LowStatisticsWarning

__all__ = ["FewEvents", "effective_events", "low_statistics", "warn_of_low_statistics"]

RATIO, RATIO_OF_THE_SAME = 0.1, 1.0
"""Expected over effective events, from which on a variation is named: of events of its own, and
of the nominal ones."""

_SAME = 0.5


@dataclass(frozen=True)
class FewEvents:
    """A variation with few simulated events.

    Attributes:
        sample: of the model.
        events: their name in the problem.
        effective: how many there are, see `effective_events`.
        expected: in the data.
        needed: effective events that would be enough.
    """

    sample: str
    events: str
    effective: float
    expected: float
    needed: float

    @property
    def ratio(self) -> float:
        """Variance of the simulation over that of the data."""
        return self.expected / self.effective if self.effective else math.inf


def effective_events(events: Events) -> float:
    """(Σw)²/Σw²: as many events of weight 1 have the same relative error.

    >>> effective_events(Events([[0.0], [0.0]], [1.0, 1.0]))
    2.0
    """
    squares = float(np.square(events.weights).sum())
    return float(events.weights.sum() ** 2) / squares if squares else 0.0


def are_the_same(nominal: Events | None, varied: Events) -> bool:
    """Whether a variation is the nominal events, row by row, moved or weighted again: there are
    as many, and a feature of them is correlated.

    >>> x = np.random.default_rng(1).normal(size=(99, 2))
    >>> are_the_same(Events(x), Events(1.1 * x)), are_the_same(Events(x), Events(x[::-1]))
    (True, False)
    """
    if nominal is None or len(nominal) != len(varied):
        return False
    pairs = [part.features - part.features.mean(axis=0) for part in (nominal, varied)]
    sizes = np.sqrt(np.prod([np.square(part).sum(axis=0) for part in pairs], axis=0))
    return bool(np.any((pairs[0] * pairs[1]).sum(axis=0) > _SAME * sizes))


def low_statistics(problem: Problem) -> tuple[FewEvents, ...]:
    """The variations of a problem with too few effective events for what is expected, the worst
    first."""
    found = {}
    for sample in (s for channel in problem.channels for s in channel["samples"]):
        data = sample["data"]
        nominal = problem.events[data] if isinstance(data, str) else None
        for name, use in histograms_of(sample, statistical=False):
            if use == "nominal":
                continue
            events = problem.events[name]
            same = are_the_same(nominal, events)
            enough = RATIO_OF_THE_SAME if same else RATIO
            expected = abs(problem.expected(name))
            few = FewEvents(
                sample["name"], name, effective_events(events), expected, expected / enough
            )
            if few.effective < few.needed:
                found[name] = few
    return tuple(sorted(found.values(), key=lambda few: -few.ratio))


def warn_of_low_statistics(problem: Problem) -> None:
    """One `LowStatisticsWarning` for the worst of `low_statistics`, if there is any."""
    found = low_statistics(problem)
    if found:
        worst, more = found[0], len(found) - 1
        warnings.warn(
            f"the variation {worst.events} of {worst.sample} has {worst.effective:.0f} effective "
            f"simulated events where {worst.expected:.0f} are expected in data"
            f"{f', and {more} more are like it' if more else ''}: a training would fit "
            f"fluctuations of the simulation; {worst.needed:.0f} or more are safe",
            LowStatisticsWarning,
            stacklevel=3,
        )
