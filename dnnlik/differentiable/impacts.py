r"""Expected impacts: which part of an uncertainty is statistical, and which nuisance parameter
makes the rest.

From the expected information at the nominal signal in hard bins, without fits. With C the
covariance of all parameters, the impact of parameter j on the parameter of interest s is

.. math:: \Delta_j = C_{sj}/\sqrt{C_{jj}},

how far the fitted s moves with j by one post-fit standard deviation of it, with its sign. The
statistical part of σ_s is that with everything held that has an auxiliary measurement; what
only the data measure floats in it. The systematic part is the rest in quadrature. Impacts of
correlated parameters do not add up to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from dnnlik.constraints import Poisson
from dnnlik.differentiable.analysis import analysed, batches
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.information import covariance, fisher_information
from dnnlik.differentiable.model import StatisticalModel
from dnnlik.differentiable.objectives import Trained
from dnnlik.differentiable.observables import Observable
from dnnlik.differentiable.problem import Problem
from dnnlik.typing import JSON

__all__ = ["ExpectedImpacts", "expected_impacts", "impacts_of_model"]


@dataclass(frozen=True)
class ExpectedImpacts:
    """Parts of the expected uncertainty of a parameter of interest, in its units.

    Attributes:
        poi: its name.
        total: its uncertainty.
        statistical: with all parameters held that have an auxiliary measurement.
        impacts: of every other parameter that floats, by name; with sign.
    """

    poi: str
    total: float
    statistical: float
    impacts: Mapping[str, float]

    @property
    def systematic(self) -> float:
        """What the statistical part leaves of the total, in quadrature."""
        return float(np.sqrt(max(self.total**2 - self.statistical**2, 0.0)))

    def to_json(self) -> JSON:
        """Impacts from the largest to the smallest."""
        order = sorted(self.impacts, key=lambda name: -abs(self.impacts[name]))
        return {
            "poi": self.poi,
            "total": self.total,
            "statistical": self.statistical,
            "systematic": self.systematic,
            "impacts": {name: self.impacts[name] for name in order},
        }


def expected_impacts(
    problem: Problem, observable: Observable, events: Mapping[str, Events]
) -> tuple[ExpectedImpacts, ...]:
    """For each parameter of interest, from events in hard bins.

    >>> import numpy as np
    >>> from dnnlik.differentiable import Cut, CutObservable
    >>> mu = {"name": "mu", "type": "normfactor", "data": None}
    >>> rate = {"name": "rate", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}
    >>> samples = [{"name": "signal", "data": "signal", "modifiers": [mu]},
    ...            {"name": "background", "data": "background", "modifiers": [rate]}]
    >>> events = {"signal": Events(np.full((9, 1), 2.0)), "background": Events(np.ones((9, 1)))}
    >>> problem = Problem(events, [{"name": "SR", "samples": samples}],
    ...                   yields={"signal": 10, "background": 90})
    >>> found, = expected_impacts(problem, CutObservable([Cut(0, 0.0, 1.0)]), events)
    >>> round(found.statistical, 6), round(found.systematic, 3)  # 10/10, and nearly 9/10
    (1.0, 0.901)
    """
    samples = batches(problem, events)
    model = analysed(problem, observable, samples, hard=True).model
    return impacts_of_model(model)


def impacts_of_model(model: StatisticalModel) -> tuple[ExpectedImpacts, ...]:
    """For each parameter of interest of a statistical model at its nominal signal."""
    trained = Trained(model)
    columns = trained.columns
    information = fisher_information(model, trained.nominal)
    every = np.asarray(trained.covariance)
    precision = np.broadcast_to(np.asarray(model.precision), (1, len(model.parameters)))[0]
    # Poisson measurements (shapesys) have no width in the model, but are measurements.
    counted = [isinstance(p.constraint, Poisson) for p in model.parameters]
    unmeasured = [i for i, c in enumerate(columns) if precision[c] == 0 and not counted[c]]
    names = [model.parameters.names[column] for column in columns]
    found = []
    for poi in model.parameters.poi_names:
        place = trained.column(poi)
        kept = unmeasured if place in unmeasured else [*unmeasured, place]
        free = np.asarray(covariance(_rows(information, kept))[0])
        found.append(
            ExpectedImpacts(
                poi,
                total=float(np.sqrt(every[place, place])),
                statistical=float(np.sqrt(free[kept.index(place), kept.index(place)])),
                impacts={
                    name: float(every[place, i] / np.sqrt(every[i, i]))
                    for i, name in enumerate(names)
                    if i != place
                },
            )
        )
    return tuple(found)


def _rows(information: tf.Tensor, kept: list[int]) -> tf.Tensor:
    """Of the information, the rows and columns of some parameters."""
    return tf.gather(tf.gather(information, kept, axis=1), kept, axis=2)
