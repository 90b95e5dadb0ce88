"""Published ways to train an observable, by name: which histogram, what for, and how long.

A method is nothing but settings of what is here anyway; everything in it can be chosen alone. The
histogram and the loss are those of the papers; how to train is what did best here. INFERNO's paper
has 10 bins, a temperature of 0.1 and plain gradient descent at 1e-6 on 1000 events of either class,
SANNT trains on all events at once as it is done here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dnnlik.differentiable.binning import HardBinning, check_bins
from dnnlik.differentiable.network import dense_network
from dnnlik.differentiable.observables import (
    CategoryObservable,
    NetworkObservable,
    Observable,
    SoftmaxObservable,
    category_edges,
)
from dnnlik.differentiable.problem import Problem
from dnnlik.differentiable.settings import Settings
from dnnlik.exceptions import InvalidInput

__all__ = [
    "METHODS",
    "Method",
    "category_observable",
    "hard_observable",
    "settings_of",
    "softmax_observable",
]

_ALL_EVENTS = 10**9


def softmax_observable(
    problem: Problem,
    bins: int = 20,
    *,
    layers: Sequence[int] = (100, 100),
    seed: int = 0,
    temperature: float = 1.0,
) -> SoftmaxObservable:
    """A dense network of ReLU units, by itself those of arXiv:1806.04743, with an output a bin.

    >>> from dnnlik.differentiable.problems import blobs_problem
    >>> softmax_observable(blobs_problem(0, events=50), 3, layers=(8,)).bins
    3
    """
    check_bins(bins)
    events = [problem.events[name] for name in problem.names]
    network = dense_network(events, layers, output="linear", outputs=bins, seed=seed)
    return SoftmaxObservable(network, temperature)


def hard_observable(
    problem: Problem,
    bins: int = 8,
    *,
    layers: Sequence[int] = (100,),
    seed: int = 0,
    gradient: str = "linear",
) -> NetworkObservable:
    """A network of ReLU units, by itself those of CMS-MLG-23-005, and a sigmoid, in equal bins
    that are hard in training too.

    >>> from dnnlik.differentiable.problems import blobs_problem
    >>> hard_observable(blobs_problem(0, events=50), 3, layers=(8,)).binning.bins
    3
    """
    check_bins(bins)
    events = [problem.events[name] for name in problem.names]
    network = dense_network(events, layers, seed=seed)
    return NetworkObservable(network, HardBinning(np.linspace(0.0, 1.0, bins + 1), gradient))


def category_observable(
    problem: Problem,
    bins: int = 8,
    *,
    layers: Sequence[int] = (100,),
    seed: int = 0,
    gradient: str = "linear",
) -> CategoryObservable:
    """As `hard_observable`, with a category for the background and for the signal of each
    parameter of interest, each in equal bins."""
    names = ("background", *problem.pois)
    events = [problem.events[name] for name in problem.names]
    network = dense_network(events, layers, output="linear", outputs=len(names), seed=seed)
    binning = HardBinning(category_edges(len(names), bins), gradient)
    return CategoryObservable(network, binning, names)


def _sannt_observable(problem: Problem, bins: int = 8, **options: Any) -> Observable:
    make = hard_observable if len(problem.pois) == 1 else category_observable
    return make(problem, bins, **options)


@dataclass(frozen=True)
class Method:
    """A way to train.

    Attributes:
        observable: makes it from a problem, a number of bins and a seed.
        bins: how many are good.
        settings: the objective, and how to train for it.
        source: where it comes from.
    """

    observable: Callable[..., Observable]
    bins: int
    settings: Settings
    source: str


METHODS: Mapping[str, Method] = {
    "inferno": Method(
        softmax_observable,
        20,
        Settings("sigma_mu", epochs=32, batch_size=4000, learning_rate=2e-3),
        "arXiv:1806.04743",
    ),
    "sannt": Method(
        _sannt_observable,
        8,
        Settings(
            "sigma_sum", epochs=100, batch_size=_ALL_EVENTS, learning_rate=2e-2, pretraining=30
        ),
        "CMS-MLG-23-005",
    ),
}
"""By name."""


def settings_of(objective: str, seed: int = 0, **given: Any) -> Settings:
    """The settings of a method, or of an objective, with what is given in place of its own.

    Raises:
        InvalidInput: a name that neither has.

    >>> settings_of("inferno", epochs=5, batch_size=None).batch_size
    4000
    """
    own = METHODS[objective].settings if objective in METHODS else _of_objective(objective)
    changes = {name: value for name, value in given.items() if value is not None}
    return replace(own, seed=seed, **changes)


def _of_objective(text: str) -> Settings:
    """Those by default; what is no objective may have been meant for a method."""
    try:
        return Settings(text)
    except InvalidInput as error:
        if set(METHODS) & set(re.findall(r"\w+", text)):
            raise InvalidInput(
                f"a method ({', '.join(METHODS)}) has a histogram of its own and stands alone. "
                f"Received: {text!r}"
            ) from error
        raise InvalidInput(f"no method ({', '.join(METHODS)}), and {error}") from error
