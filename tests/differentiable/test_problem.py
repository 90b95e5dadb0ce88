"""What is to be optimised: events that fit each other, and channels that name them."""

import numpy as np
import pytest
from analyses import MU, SHAPE, STAT, YIELDS, channel, events_of, problem_of

from dnnlik.differentiable import Events, Problem
from dnnlik.differentiable.analysis import drawn_rows
from dnnlik.differentiable.named import histograms_in, with_histograms
from dnnlik.exceptions import InvalidInput

NUMBERS = {"name": "CR", "samples": [
    {"name": "signal", "data": [1.0, 2.0], "modifiers": [MU]},
    {"name": "background", "data": [30.0, 40.0], "modifiers": [
        {"name": "shape", "type": "histosys",
         "data": {"hi_data": [31.0, 44.0], "lo_data": [29.0, 37.0]}}]},
]}  # fmt: skip


def one_line(error, received):
    """A message of one line that ends with what was received."""
    assert "\n" not in str(error.value)
    assert received in str(error.value).split("Received: ")[1]


def test_events_have_weight_one_by_default():
    """Features are float32, weights float64; rows are chosen together."""
    events = Events([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert (events.features.dtype, events.weights.dtype) == (np.float32, np.float64)
    assert events.weights.tolist() == [1, 1, 1]
    assert events[[2, 0]].features.tolist() == [[5, 6], [1, 2]]
    assert len(events[[1]]) == 1


def test_events_are_a_copy():
    """What becomes of the arrays that were given changes nothing; nor can they be written to."""
    features, weights = np.ones((2, 1), np.float32), np.ones(2)
    events = Events(features, weights)
    features[0] = weights[0] = np.nan
    assert np.isfinite(events.features).all()
    assert np.isfinite(events.weights).all()
    for array in (events.features, events.weights):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 3.0
    assert events != Events(events.features)


def test_a_part_stands_for_all():
    """A share of it, of a part a share of that; what is chosen without saying so is a whole."""
    events = Events(np.arange(12.0).reshape(12, 1))
    half = events.part(slice(0, 6))
    assert (events.share, half.share, half.part([0, 1]).share) == (1.0, 0.5, pytest.approx(1 / 6))
    assert half[:3].share == 1.0
    np.testing.assert_array_equal(half.features, events[:6].features)


BAD_EVENTS = {
    "one axis": ([1.0, 2.0], None, "(2,)"),
    "none": (np.zeros((0, 2)), None, "(0, 2)"),
    "weights of other events": ([[1.0]], [1.0, 2.0], "(2,)"),
    "NaN in features": ([[1.0], [np.nan], [2.0]], None, "in 1 events, the first in row 1"),
    "infinity in features": ([[np.inf], [1.0]], None, "first in row 0"),
    "too large for float32": ([[1e300]], None, "first in row 0"),
    "NaN in weights": ([[1.0], [1.0]], [1.0, np.nan], "first in row 1"),
    "text": ([["a"]], None, "could not convert"),
    "no features": (np.zeros((3, 0)), None, "(3, 0)"),
    "ragged": ([[1.0], [1.0, 2.0]], None, "inhomogeneous"),
    "weights of text": ([[1.0]], ["a"], "could not convert"),
}


@pytest.mark.parametrize("kind", BAD_EVENTS)
def test_events_that_are_refused(kind):
    """One line, with the row where it is a single event."""
    features, weights, received = BAD_EVENTS[kind]
    with pytest.raises(InvalidInput) as error:
        Events(features, weights)
    one_line(error, received)


def named(*path, value):
    """The channel with one entry replaced, or left out where ``value`` is None."""
    found = channel({**SHAPE, "data": dict(SHAPE["data"])})
    place = found
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return {"channels": [found]}


MODIFIER = ("samples", 1, "modifiers", 0)
BAD_PROBLEMS = {
    "an unknown name": (named("samples", 0, "data", value="signals"), "none for signals"),
    "an unknown variation": (named(*MODIFIER, "data", "hi_data", value="upp"), "none for upp"),
    "no names": ({"channels": [NUMBERS]}, "0"),
    "no channels": ({"channels": []}, "0"),
    "channels of another kind": ({"channels": 3}, "TypeError"),
    "channels by name": ({"channels": {"SR": []}}, "TypeError"),
    "a channel without name": (named("name", value=None), "KeyError 'name'"),
    "a channel without samples": (named("samples", value=None), "KeyError 'samples'"),
    "a sample without data": (named("samples", 0, "data", value=None), "KeyError 'data'"),
    "a sample without modifiers": (named("samples", 0, "modifiers", value=None), "'modifiers'"),
    "a modifier without name": (named(*MODIFIER, "name", value=None), "KeyError 'name'"),
    "a modifier without type": (named(*MODIFIER, "type", value=None), "KeyError 'type'"),
    "half a variation": (named(*MODIFIER, "data", "lo_data", value=None), "KeyError 'lo_data'"),
    "yields of nothing": ({"yields": {"ttbar": 3.0}}, "ttbar"),
    "yields that are NaN": ({"yields": {"signal": np.nan}}, "nan"),
    "negative yields": ({"yields": {"signal": -2.0}}, "-2"),
    "a negative floor": ({"floor": -1.0}, "-1"),
    "arrays for events": ({"events": {**events_of(), "up": np.zeros((5, 2))}}, "'up': 'ndarray'"),
    "arrays held out": (
        {"held_out": {**events_of(), "up": np.zeros((5, 2))}}, "'up': 'ndarray'"),
    "arrays for events, others held out": (
        {"events": {**events_of(), "up": np.zeros((5, 2))}, "held_out": events_of()}, "'ndarray'"),
    "no parameter of interest": ({"poi": ()}, "()"),
    "nothing for it": ({"poi": None}, "None"),
    "one twice": ({"poi": ("mu", "mu")}, "('mu', 'mu')"),
    "different features": (
        {"events": {**events_of(), "up": Events(np.zeros((5, 3)))}}, "'up': 3"),
    "held-out events of other features": ({"held_out": events_of(features=3)}, "'up, held out': 3"),
    "held-out events missing": (
        {"held_out": {"signal": events_of()["signal"]}}, "none for background, down, up"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_PROBLEMS)
def test_problems_that_are_refused(kind):
    """One line that says what is wrong, before anything is computed."""
    change, received = BAD_PROBLEMS[kind]
    with pytest.raises(InvalidInput) as error:
        problem_of(**change)
    one_line(error, received)


def test_names_in_channels():
    """Each once, in the order of the channels; those of uncertainties, and of each class."""
    problem = problem_of(SHAPE, STAT, channels=[channel(SHAPE, STAT), NUMBERS])
    assert problem.names == ("signal", "background", "up", "down")
    assert list(histograms_in([NUMBERS])) == []
    assert problem.statistical == {"background"}
    assert problem.classes(variations=False) == (("background",), ("signal",))
    assert problem.classes(variations=True) == (("background", "up", "down"), ("signal",))


def test_names_are_replaced_and_numbers_stay():
    """`with_histograms` leaves the channels that it is given as they are."""
    before = [channel(SHAPE, STAT), NUMBERS]
    filled = with_histograms(before, lambda n: ("yield", n), lambda n: ("uncertainty", n))
    background = filled[0]["samples"][1]
    assert background["data"] == ("yield", "background")
    assert background["modifiers"][0]["data"] == {
        "hi_data": ("yield", "up"),
        "lo_data": ("yield", "down"),
    }
    assert background["modifiers"][1]["data"] == ("uncertainty", "background")
    assert filled[1] == NUMBERS
    assert before == [channel(SHAPE, STAT), NUMBERS]


def test_expected_events():
    """Those given, or the sum of the weights."""
    events = events_of(weights=True)
    problem = Problem(events, [channel(SHAPE)], {"signal": 7.0})
    assert problem.expected("signal") == 7
    assert problem.expected("background") == events["background"].weights.sum()


def test_arrays_become_plain_numbers():
    """Numbers of channels, yields and parameters may be arrays; files get lists of them."""
    array = {**NUMBERS, "samples": [{**NUMBERS["samples"][0], "data": np.array([1.0, 2.0])}]}
    problem = problem_of(
        channels=[channel(SHAPE), array],
        yields={"signal": np.int64(20)},
        parameters=[{"name": "mu", "inits": np.ones(1)}],
    )
    assert problem.channels[1]["samples"][0]["data"] == [1.0, 2.0]
    assert type(problem.yields["signal"]) is int
    assert problem.parameters == [{"name": "mu", "inits": [1.0]}]


@pytest.mark.parametrize("size", [2, 3, 60])
def test_a_quarter_is_held_out(size):
    """Every event is on one side, the seed says on which."""
    events = events_of(size=size)
    problem = problem_of(events=events, yields=YIELDS)
    train, held_out = problem.split(1)
    for name, sample in events.items():
        both = np.concatenate([train[name].features, held_out[name].features])
        np.testing.assert_array_equal(np.sort(both, 0), np.sort(sample.features, 0))
        assert len(held_out[name]) == max(1, size // 4)
    if size == 60:
        again, other = problem.split(1)[1], problem.split(2)[1]
        np.testing.assert_array_equal(again["up"].features, held_out["up"].features)
        assert not np.array_equal(other["up"].features, held_out["up"].features)


def test_held_out_events_of_the_user():
    """Then all others are for training."""
    events, own = events_of(), events_of(seed=5, size=7)
    train, held_out = problem_of(events=events, held_out=own).split(0)
    assert {n: len(s) for n, s in train.items()} == dict.fromkeys(events, 60)
    assert held_out["up"] is own["up"]


def test_one_event_cannot_be_split():
    """The sample is named."""
    events = {**events_of(), "up": Events([[0.0, 0.0]])}
    with pytest.raises(InvalidInput) as error:
        problem_of(events=events).split(0)
    one_line(error, "1 in up")


def test_variations_stay_beside_their_events():
    """Samples of equally many events are split and drawn alike: a variation that is the
    nominal events has no effect in either part, nor in any batch."""
    x = np.random.default_rng(1).normal(size=(40, 1))
    events = {name: Events(x + shift) for name, shift in
              (("signal", 1.0), ("background", 0.0), ("up", 0.0), ("down", 0.5))}  # fmt: skip
    shape = {"hi_data": "up", "lo_data": "down"}
    problem = Problem(
        events=events,
        channels=[{"name": "SR", "samples": [
            {"name": "signal", "data": "signal",
             "modifiers": [{"name": "mu", "type": "normfactor", "data": None}]},
            {"name": "background", "data": "background",
             "modifiers": [{"name": "shape", "type": "histosys", "data": shape}]}]}],
    )  # fmt: skip
    for part in problem.split(3):
        np.testing.assert_array_equal(part["up"].features, part["background"].features)
        np.testing.assert_allclose(part["down"].features, part["up"].features + 0.5, rtol=1e-6)
    rows = drawn_rows([30, 30], 8, 4, [3, 1])
    np.testing.assert_array_equal(rows[0], rows[1])
