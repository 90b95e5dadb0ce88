"""The grid of settings and the scores of trials."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product

import numpy as np
import pytest

from dnnlik.exceptions import InvalidInput
from dnnlik.surrogate.data import split
from dnnlik.surrogate.search import grid, parse_values, score_of, some_of
from dnnlik.surrogate.settings import TrainingSettings


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("layers", "64", ((64,),)),
        ("layers", "128,128 / 200,200,200", ((128, 128), (200, 200, 200))),
        ("seed", "0, 1,2", (0, 1, 2)),
        ("seed", "3,3,1,3", (3, 1)),
        ("peak_weight", "1,2.5e1", (1.0, 25.0)),
        ("optimizer", "muon,adam", ("muon", "adam")),
        ("baseline", "none,best", ("none", "best")),
        ("standardise", "true,false", (True, False)),
        ("learning_rate", "none,0.01", (None, 0.01)),
        ("max_epochs", "none,7", (None, 7)),
    ],
)
def test_values_have_the_kind_of_their_setting(name, text, expected):
    """One syntax for all; repeated values count once."""
    found = parse_values(name, text)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_every_setting_can_be_varied():
    """What a default is written as is read back as that default."""
    for field in fields(TrainingSettings):
        value = getattr(TrainingSettings(), field.name)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        assert parse_values(field.name, text) == (value,), field.name


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("speed", "1,2", r"that can be varied are layers, activation.*seed"),
        ("seed", "1,two", "seed: expected whole numbers separated by commas"),
        ("seed", "1.5", "seed: expected whole numbers"),
        ("seed", "", "seed: expected whole numbers"),
        ("seed", "none", "seed: expected whole numbers"),
        ("seed", "-1", "seed must not be negative"),
        ("peak_weight", "1/5", "peak_weight: expected numbers"),
        ("peak_weight", "nan", "peak_weight: expected numbers"),
        ("learning_rate", "inf", "learning_rate: expected numbers"),
        ("layers", "128,x", r"layers: expected networks separated by '/'"),
        ("layers", "0", "hidden layers"),
        ("optimizer", "sgd", "optimizer must be one of muon, adam"),
        ("standardise", "yes", "standardise: expected true, false"),
    ],
)
def test_wrong_values_say_what_there_is(name, text, complaint):
    """One line, ended by what was received."""
    with pytest.raises(InvalidInput, match=f"{complaint}.*Received: ") as caught:
        parse_values(name, text)
    assert "\n" not in str(caught.value)


def test_the_grid_is_the_product():
    """All combinations, each once; what is not varied stays that of the base."""
    base = TrainingSettings(steps=77)
    varied = {"peak_weight": (1.0, 5.0), "seed": (0, 1, 2)}
    found = grid(base, varied)
    assert [(s.peak_weight, s.seed) for s in found] == list(product(*varied.values()))
    assert {s.steps for s in found} == {77}
    for empty in ({}, {"seed": ()}):
        with pytest.raises(InvalidInput, match=r"varies settings.*Received: "):
            grid(base, empty)


def test_random_choices_are_of_the_grid():
    """Distinct, the same for the same seed, each equally often; all where more are asked."""
    trials = grid(TrainingSettings(), {"seed": tuple(range(6))})
    assert some_of(trials, 2, 5) == some_of(trials, 2, 5)
    counts = np.zeros(6)
    for seed in range(600):
        chosen = some_of(trials, 2, seed)
        assert len(set(chosen)) == 2
        counts[[s.seed for s in chosen]] += 1
    assert np.abs(counts - 200).max() < 5 * np.sqrt(200 * 2 / 3)
    assert some_of(trials, None, 0) == some_of(trials, 9, 0) == trials
    with pytest.raises(InvalidInput, match=r"at least one.*Received: 0"):
        some_of(trials, 0, 0)


def test_scores_are_those_of_validation_points(samples, trained):
    """A constant taken from one layer's bias is the error it makes, on every kind of point (one
    that is added would be cut off by the ceiling); other rows than those of validation do not
    count; the seconds are those of the history."""
    network = trained.networks[0]
    last = network.biases[-1] - 50.0 / network.output_scale
    shifted = replace(network, biases=(*network.biases[:-1], last))
    score = score_of(samples, replace(trained, networks=(shifted,)))
    assert score.rms_posterior == pytest.approx(50, abs=1)
    assert score.rms_near_maximum == pytest.approx(50, abs=1)
    wrong = samples.log_main + np.where(split(samples).validation, 0, 1e6)
    assert score_of(replace(samples, log_main=wrong), trained) == score_of(samples, trained)
    assert score.seconds == pytest.approx(sum(r["seconds"] for r in trained.history), abs=0.01)


def test_near_the_maximum_and_without_a_posterior(samples, trained):
    """Near the maximum only small drops count; samples without draws of the posterior are
    judged on all points, and without any near point there is no such number."""
    from dnnlik.surrogate.likelihood import SurrogateLikelihood

    rows = samples.rows(split(samples).validation)
    error = SurrogateLikelihood(trained).log_likelihood(rows.points) - rows.log_likelihood
    score = score_of(samples, trained)
    assert score.rms_posterior == pytest.approx(np.sqrt(np.mean(error[rows.unbiased] ** 2)))
    near = rows.drop < 5
    assert score.rms_near_maximum == pytest.approx(np.sqrt(np.mean(error[near] ** 2)))
    none = replace(samples, strategy=np.ones_like(samples.strategy))
    assert score_of(none, trained).rms_posterior == pytest.approx(np.sqrt(np.mean(error**2)))
    far = samples.rows(samples.drop >= 5)
    assert score_of(far, trained).rms_near_maximum is None
