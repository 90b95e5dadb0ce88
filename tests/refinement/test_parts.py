"""Proposals, choice, the independence chain and the checked scan, each on its own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dnnlik.exceptions import InvalidInput, NotConverged
from dnnlik.inference import profile
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter, ParameterSet
from dnnlik.refinement.acquisition import chosen
from dnnlik.refinement.advice import advice, seconds_a_call
from dnnlik.refinement.budget import CountedLikelihood
from dnnlik.refinement.held_out import (
    PlannedScan,
    checked_scan,
    independence_chains,
    scan_calls,
)
from dnnlik.refinement.proposals import around_maximum
from dnnlik.refinement.settings import RefinementSettings, small_data_settings
from dnnlik.sampling.reference import Reference


def test_the_first_round_is_wider_than_the_posterior_and_within_bounds():
    """Student's t about the reference; a part of it reaches t = 12 of the parameter of
    interest; whatever is beyond a bound is mirrored."""
    parameters = ParameterSet(
        [Parameter("mu", 0, (-50, 50), poi=True), Parameter("x", 0, (-1, 50))]
    )
    reference = Reference(np.zeros(2), np.array([[2.0, 0.0], [1.0, 1.0]]))
    points = around_maximum(parameters, reference, 20_000, np.random.default_rng(1))
    assert parameters.inside(points).all()
    assert points[:, 1].min() < -0.99
    on_line = points[:6000]
    assert 0.1 < (np.abs(on_line[:, 0]) > 2 * np.sqrt(9)).mean() < 0.25
    others = points[6000:, 0]
    expected = stats.t(6).std() * 2
    assert others.std() == pytest.approx(expected, rel=0.05)


def test_draws_in_proportion_to_the_power_of_the_score():
    """One draw of five by brute force, against score^power over its sum."""
    scores, rng = np.array([1.0, 2.0, 3.0, 4.0, 0.0]), np.random.default_rng(3)
    for power in (0.0, 1.0, 2.0):
        first = [chosen(scores, 1, power, rng)[0] for _ in range(20_000)]
        found = np.bincount(first, minlength=5) / 20_000
        weights = np.where(scores > 0, scores**power, 1.0 if power == 0 else 0.0)
        np.testing.assert_allclose(found, weights / weights.sum(), atol=0.015)


def test_no_point_is_chosen_twice_and_a_runaway_is_no_more_than_ten():
    """Draws are without replacement; a score of 10⁹ counts as ten times the median."""
    scores = np.ones(1000)
    scores[7] = 1e9
    rows = chosen(scores, 500, 1.0, np.random.default_rng(0))
    assert len(set(rows)) == 500
    rng = np.random.default_rng(1)
    hits = np.mean([7 in chosen(scores, 20, 1.0, rng) for _ in range(2000)])
    assert hits == pytest.approx(1 - (1 - 10 / 1009) ** 20, abs=0.04)


def test_the_independence_chain_follows_the_exact_distribution():
    """Proposals from N(0, 1.5²), weights of N(0.4, 1): mean, width and K-S against it."""
    rng = np.random.default_rng(5)
    x = 1.5 * rng.normal(size=60_000)
    log_weight = stats.norm(0.4, 1).logpdf(x) - stats.norm(0, 1.5).logpdf(x)
    rows, acceptance = independence_chains(log_weight, 6, rng)
    assert rows.shape == (10_000, 6)
    assert 0.5 < acceptance < 0.9
    chain = x[rows].ravel()
    distance = stats.kstest(chain, stats.norm(0.4, 1).cdf).statistic
    assert stats.kstwobign.sf(distance * np.sqrt(len(chain) / 3)) > 1e-3


def test_where_the_exact_density_is_zero_the_chain_never_is():
    """Weights of minus infinity are refused, at the start too; equal weights all accepted."""
    log_weight = np.where(np.arange(600) % 2 == 0, -np.inf, 0.0)
    rows, acceptance = independence_chains(log_weight, 6, np.random.default_rng(0))
    assert (rows % 2 == 1).all()
    assert acceptance == pytest.approx(0.5)
    rows, acceptance = independence_chains(np.zeros(60), 6, np.random.default_rng(0))
    assert acceptance == 1.0
    assert (rows.ravel() == np.arange(60)).all()
    with pytest.raises(NotConverged, match="Received: 60 draws"):
        independence_chains(np.full(60, -np.inf), 6, np.random.default_rng(0))


def test_a_checked_scan_repairs_a_wrong_profile(counting, tmp_path):
    """The surrogate's profile is off by half a width in the other parameters: its exact
    values miss t by 0.1 and more, after the Newton step by a hundredth; and never below."""
    function, exact = counting
    wrong = AnalyticLikelihood(
        exact.parameters, lambda x: exact.log_main(x - np.array([0, 0.4, 0.1])), digest="wrong"
    )
    plan = PlannedScan.of(wrong, "mu", 5)
    function.calls = 0
    density = CountedLikelihood(exact, 1000, tmp_path / "calls")
    found = checked_scan(density, plan)
    assert function.calls <= scan_calls(3, False, 5)
    truth = profile(exact, "mu", plan.values).log_likelihood
    assert (found.log_likelihood <= truth + 1e-6).all()
    assert (truth - exact.log_likelihood(plan.points)).max() > 0.05
    np.testing.assert_allclose(found.log_likelihood, truth, atol=0.03)
    np.testing.assert_array_equal(found.points[:, 0], plan.values)
    np.testing.assert_allclose(found.log_likelihood, exact.log_likelihood(found.points))


def test_advice_only_where_it_takes_long():
    """Nothing below ten minutes; the way out depends on what the likelihood offers."""
    assert advice(1e-3, False, 10_000) == ()
    cost, remedy = advice(0.05, False, 100_000)
    assert "50 ms" in cost
    assert "4.2 hours" in cost
    assert "--calls 20000" in remedy
    assert "TensorFlow" in remedy
    _, with_gradients = advice(0.05, True, 100_000)
    assert "--sampler hamiltonian" in with_gradients
    _, already = advice(0.05, True, 100_000, sampler="hamiltonian")
    assert "--sampler" not in already
    assert all("\n" not in line for line in advice(10.0, True, 5000))


def test_the_cost_of_a_call_is_measured(counting):
    """Within a factor of the sleep of each point; a handful of calls."""
    import time

    function, exact = counting

    def slow(x):
        time.sleep(0.01 * len(x))
        return function(x)

    likelihood = AnalyticLikelihood(exact.parameters, slow, digest="slow")
    function.calls = 0
    assert 0.009 < seconds_a_call(likelihood) < 0.05
    assert function.calls <= 9


def test_compiling_is_not_counted(counting):
    """A program that is compiled for each number of points: the sleep of a size that is new."""
    import time

    function, exact = counting
    known = set()

    def compiled(x):
        time.sleep(0.0 if len(x) in known else 0.4)
        known.add(len(x))
        return function(x)

    assert seconds_a_call(AnalyticLikelihood(exact.parameters, compiled, digest="new")) < 0.05


def test_a_call_of_an_hour_is_timed_once(counting, monkeypatch):
    """By a clock that says so: one point, no more."""
    function, exact = counting
    hours = iter((0.0, 3600.0))
    monkeypatch.setattr("time.perf_counter", lambda: next(hours))
    likelihood = AnalyticLikelihood(exact.parameters, function, digest="hour")
    function.calls = 0  # building it costs some
    assert seconds_a_call(likelihood) == 3600.0
    assert function.calls == 1


@pytest.mark.parametrize(
    "change", [{"rounds": 0}, {"candidates": 0}, {"first": 0.0}, {"held_out": 1.5}, {"power": -1}]
)
def test_wrong_settings_are_refused(change):
    """One line that names the setting."""
    with pytest.raises(InvalidInput, match=f"{next(iter(change))} must .*Received: "):
        RefinementSettings(**change)
    assert small_data_settings(500).batch_size < small_data_settings(500_000).batch_size
