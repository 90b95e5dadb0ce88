"""Variations of simulated events: what a nuisance parameter does to them.

A transform takes events and the value of a parameter, and gives the events as they would be:
`Shift` and `Scale` move a feature, `Fraction` and `Weight` weight the events again; any other
function of that form will do. `variation` makes the pair that a histosys needs, of the *same*
events, so that the difference of two histograms is free of the noise of different ones::

    up, down = variation(background, Shift(feature=0), up=0.2, down=-0.2)
    Problem(events={"background": background, "shift_up": up, "shift_down": down, ...}, ...)

INFERNO (arXiv:1806.04743, section 5.1) differentiates templates in the parameters at the nominal
point; here that derivative is the central difference of the pair, whose error is of second order
in its width, and the analysis that is published has the same pair in it. Both are differentiated
in the network alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dnnlik.differentiable.events import Events
from dnnlik.exceptions import InvalidInput

__all__ = ["Fraction", "Scale", "Shift", "Transform", "Weight", "variation"]

Transform = Callable[[Events, float], Events]
"""Events and the value of a parameter → the events as they are for that value."""


@dataclass(frozen=True)
class Shift:
    """A feature (its column) plus the value, in the units of the feature; nominal: 0.

    >>> Shift(feature=1)(Events([[1.0, 2.0]]), 0.5).features.tolist()
    [[1.0, 2.5]]
    """

    feature: int

    def __call__(self, events: Events, value: float) -> Events:
        return _moved(events, self.feature, lambda x: x + value)


@dataclass(frozen=True)
class Scale:
    """A feature (its column) times the value, without unit; nominal: 1.

    >>> Scale(feature=0)(Events([[2.0, 2.0]]), 1.5).features.tolist()
    [[3.0, 2.0]]
    """

    feature: int

    def __call__(self, events: Events, value: float) -> Events:
        return _moved(events, self.feature, lambda x: x * value)


@dataclass(frozen=True, eq=False)
class Fraction:
    """The value is the share that marked events have of the sum of all weights, from 0 to 1.

    Args:
        marked: (n,) bool, the events of one of two components.

    >>> Fraction([True, False, False])(Events(np.ones((3, 1))), 0.5).weights.tolist()
    [1.5, 0.75, 0.75]
    """

    marked: ArrayLike

    def __call__(self, events: Events, value: float) -> Events:
        marked = np.asarray(self.marked, dtype=bool)
        if marked.shape != events.weights.shape:
            raise InvalidInput(
                f"marks are one an event, ({len(events)},). Received: shape {marked.shape}"
            )
        if not 0 <= value <= 1:
            raise InvalidInput(f"a fraction is from 0 to 1. Received: {value}")
        total, part = events.weights.sum(), events.weights[marked].sum()
        if part == 0 or part == total:
            raise InvalidInput(
                "a fraction is one of two components, both with a sum of weights. "
                f"Received: {part:g} of {total:g} in the marked events"
            )
        factors = np.where(marked, value * total / part, (1 - value) * total / (total - part))
        return Events(events.features, events.weights * factors)


@dataclass(frozen=True)
class Weight:
    """Weights times a function of the features (n, k) float64 and the value → (n,).

    Such as a ratio of densities, or scale factors of an efficiency.

    >>> tilt = Weight(lambda x, slope: 1 + slope * x[:, 0])
    >>> tilt(Events([[0.0], [1.0]]), 0.25).weights.tolist()
    [1.0, 1.25]
    """

    factor: Callable[[NDArray[np.float64], float], Any]

    def __call__(self, events: Events, value: float) -> Events:
        factors = np.asarray(self.factor(events.features.astype(np.float64), value))
        if factors.shape not in ((), events.weights.shape):
            raise InvalidInput(
                f"factors of weights are one an event, ({len(events)},). "
                f"Received: shape {factors.shape}"
            )
        return Events(events.features, events.weights * factors)


def variation(
    events: Events, transform: Transform, *, up: float, down: float
) -> tuple[Events, Events]:
    """The events for two values of a parameter: those of ``hi_data`` and of ``lo_data``.

    Raises:
        InvalidInput: two equal values, or a transform that leaves no finite events.

    >>> up, down = variation(Events([[2.0]]), Scale(0), up=1.5, down=0.5)
    >>> up.features.tolist(), down.features.tolist()
    ([[3.0]], [[1.0]])
    """
    if up == down:
        raise InvalidInput(f"a variation has two values. Received: {up} twice")
    return transform(events, float(up)), transform(events, float(down))


def _moved(
    events: Events, feature: int, move: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Events:
    width = events.features.shape[1]
    if not 0 <= feature < width:
        raise InvalidInput(f"events have the features 0 to {width - 1}. Received: {feature}")
    features = events.features.astype(np.float64)
    features[:, feature] = move(features[:, feature])
    return Events(features, events.weights)
