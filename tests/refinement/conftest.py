"""A likelihood without gradients whose calls are counted by the tests themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter

OBSERVED = np.array([22.0, 15.0, 8.0])
SIGNAL = np.array([2.0, 5.0, 6.0])
BACKGROUND = np.array([20.0, 11.0, 4.0])
PARAMETERS = [
    Parameter("mu", 0.5, (-1, 6), poi=True),
    Parameter("jes", 0, (-5, 5), Normal(0, 1)),
    Parameter("norm", 1, (0.2, 3)),
]


def log_main(x):
    """Three Poisson counts, mildly non-Gaussian."""
    mu, jes, norm = x[:, :1], x[:, 1:2], x[:, 2:]
    rates = mu * SIGNAL * np.exp(0.1 * jes) + norm * BACKGROUND * np.exp(0.3 * jes)
    safe = np.maximum(rates, 1e-300)
    value = (OBSERVED * np.log(safe) - rates).sum(axis=1)
    return np.where((rates > 0).all(axis=1), value, -np.inf)


@dataclass
class Counting:
    """The function, and how many points it was asked for; stops after ``stop``."""

    calls: int = 0
    stop: int = 10**9
    points: list = field(default_factory=list)

    def __call__(self, x):
        if self.calls + len(x) > self.stop:
            raise KeyboardInterrupt
        self.calls += len(x)
        self.points.append(np.array(x))
        return log_main(np.asarray(x))


def counting_likelihood():
    """The function that counts, and its likelihood; building it costs two calls."""
    function = Counting()
    likelihood = AnalyticLikelihood(PARAMETERS, function, digest="counting")
    function.calls, function.points = 0, []
    return function, likelihood


@pytest.fixture
def counting():
    return counting_likelihood()


@pytest.fixture(scope="module")
def counted_once():
    """The same, for what is made once a module."""
    return counting_likelihood()
