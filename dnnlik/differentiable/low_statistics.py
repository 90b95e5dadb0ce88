"""Variations with too few simulated events: a training would fit their fluctuations.

A variation of n effective events, of which N are expected in data, has in every bin a random
relative error of √(N/n) in units of the data's own. What is random looks like an effect of the
nuisance parameter, whatever its true effect is, and an observable trained for the uncertainty
finds the bins in which the fluctuations happen to cancel. At N/n = 0.1 that error is a third of
what the data can see; CMS-MLG-23-005 shows the failure in a control with few events.

What matters is the number of *different* events: a variation that is the nominal events moved,
or weighted again, shares their fluctuations, and is less in danger than this says.
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

RATIO = 0.1
"""Expected over effective events, from which on a variation is named."""


@dataclass(frozen=True)
class FewEvents:
    """A variation with few simulated events.

    Attributes:
        sample: of the model.
        events: their name in the problem.
        effective: how many there are, see `effective_events`.
        expected: in the data.
    """

    sample: str
    events: str
    effective: float
    expected: float

    @property
    def ratio(self) -> float:
        """Variance of the simulation over that of the data."""
        return self.expected / self.effective if self.effective else math.inf


def effective_events(events: Events) -> float:
    """(Σw)²/Σw²: as many events of weight 1 have the same relative error.

    >>> effective_events(Events([[0.0], [0.0]], [1.0, 1.0]))
    2.0
    """
    return float(events.weights.sum() ** 2 / np.square(events.weights).sum())


def low_statistics(problem: Problem, ratio: float = RATIO) -> tuple[FewEvents, ...]:
    """The variations of a problem with more than ``ratio`` expected per effective event, the
    worst first."""
    found = {}
    for sample in (s for channel in problem.channels for s in channel["samples"]):
        for name, use in histograms_of(sample, statistical=False):
            if use == "nominal":
                continue
            few = FewEvents(
                sample["name"],
                name,
                effective_events(problem.events[name]),
                abs(problem.expected(name)),
            )
            if few.expected > ratio * few.effective:
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
            f"fluctuations of the simulation; {worst.expected / RATIO:.0f} or more are safe",
            LowStatisticsWarning,
            stacklevel=3,
        )
