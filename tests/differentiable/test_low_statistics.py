"""Warnings of variations with few simulated events."""

import math
import warnings

import numpy as np
import pytest
from analyses import SHAPE, channel, cut_problem, events_of, problem_of

from dnnlik.differentiable import Events, Shift, variation
from dnnlik.differentiable.low_statistics import (
    effective_events,
    low_statistics,
    warn_of_low_statistics,
)
from dnnlik.differentiable.problems import blobs_problem, mixture_problem, normals_problem
from dnnlik.exceptions import LowStatisticsWarning


def test_effective_events_are_the_relative_error_of_the_sum():
    """1/√n_eff is the spread of a sum of weights over its mean, when the number of events is
    Poisson: Σw² = Var."""
    weights = np.random.default_rng(1).gamma(2.0, 1.0, 400)
    found = effective_events(Events(np.zeros((400, 1)), weights))
    rng = np.random.default_rng(2)
    sums = rng.poisson(np.ones((20_000, 400))) @ weights
    assert 1 / math.sqrt(found) == pytest.approx(sums.std() / sums.mean(), rel=0.03)


@pytest.mark.parametrize("size", [900, 1100])
def test_ten_times_what_is_expected_is_enough(size):
    """A hundred expected events: 1100 are enough, 900 are not; the worst is named first, and
    nominal events are not variations."""
    events = {**events_of(size=5000), "background": events_of(size=5)["background"]}
    events["up"] = events_of(size=size)["up"]
    found = low_statistics(problem_of(events=events, yields=dict.fromkeys(events, 100.0)))
    assert [few.events for few in found] == (["up"] if size == 900 else [])
    if found:
        assert found[0].ratio == pytest.approx(1 / 9)
        assert found[0].sample == "background"


def test_shipped_problems_have_enough():
    """No warning for what ships, and one line for the control with few events."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for problem in (blobs_problem(0), mixture_problem(0, 4), normals_problem(0)):
            warn_of_low_statistics(problem)
    expected = "100 effective .* where 1050 are expected.* and 1 more .* 10500 or more are safe"
    with pytest.warns(LowStatisticsWarning, match=expected):
        warn_of_low_statistics(normals_problem(0, 10_000, control="low_statistics"))


@pytest.mark.parametrize("size", [90, 110])
def test_moved_events_need_fewer(size):
    """A variation made of the nominal events: as many as are expected, whatever moves them."""
    nominal = events_of(size=size)["background"]
    up, down = variation(nominal, Shift(0), up=0.3, down=-0.3)
    events = {**events_of(size=5000), "background": nominal, "up": up, "down": down}
    found = low_statistics(problem_of(events=events, yields=dict.fromkeys(events, 100.0)))
    assert [few.needed for few in found] == ([100, 100] if size == 90 else [])


def test_weights_that_cancel_are_no_events():
    """Weights of +1 and -1 have no sum: nothing is divided by zero."""
    events = {**events_of(size=4), "up": Events(np.zeros((2, 2)), [1.0, -1.0])}
    problem = problem_of(events=events)
    assert low_statistics(problem)[0].ratio == math.inf


@pytest.mark.filterwarnings("error")
def test_weights_of_nothing_are_no_events():
    """Zero, without a warning of NumPy."""
    assert effective_events(Events([[0.0], [1.0]], [0.0, 0.0])) == 0.0


def test_only_variations_count():
    """Templates that are numbers, and analyses without variations, have no events to count."""
    fixed = {**SHAPE, "data": {"hi_data": [1.0, 2.0], "lo_data": [1.0, 2.0]}}
    assert low_statistics(problem_of(channels=[channel(fixed)])) == ()
    assert low_statistics(cut_problem()) == ()
    numbers = [channel(SHAPE, background=[3.0, 4.0])]
    found = low_statistics(problem_of(channels=numbers, events=events_of(size=900)))
    assert {few.events for few in found} == {"up", "down"}
