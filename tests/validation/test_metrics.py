"""Metrics against scipy and closed forms."""

import numpy as np
import pytest
from scipy.stats import ks_2samp, norm

from dnnlik.validation.metrics import error_bands, marginals, reweighting, weighted_ks


def test_unit_weights_give_the_ordinary_two_sample_test():
    """With weights of one, distance and p-value are those of scipy's asymptotic test."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=700), rng.normal(0.1, 1.1, size=500)
    expected = ks_2samp(a, b, method="asymp")
    distance, p_value = weighted_ks(a, b, np.ones(500))
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    # scipy adds a finite-size correction to the same limit distribution.
    assert p_value == pytest.approx(expected.pvalue, rel=0.15)


def test_ties_count_once():
    """Equal values in both samples are no distance."""
    a = np.array([0.0, 0.0, 1.0, 1.0])
    assert weighted_ks(a, np.array([0.0, 1.0]), np.ones(2))[0] == pytest.approx(0.0)


def test_weights_move_one_distribution_to_another():
    """Reweighting N(0,1) to N(0.3,1) is accepted; leaving the weights out is not."""
    rng = np.random.default_rng(2)
    target, sample = rng.normal(0.3, 1, 4000), rng.normal(0, 1, 4000)
    weights = norm.pdf(sample, 0.3) / norm.pdf(sample)
    assert weighted_ks(target, sample, weights)[1] > 0.01
    assert weighted_ks(target, sample, np.ones(4000))[1] < 1e-6


def test_misaligned_weights_are_noticed():
    """Weights in another order than their points fail the test: alignment matters."""
    rng = np.random.default_rng(3)
    target, sample = rng.normal(1, 1, 4000), rng.normal(0, 1, 4000)
    weights = norm.pdf(sample, 1) / norm.pdf(sample)
    assert weighted_ks(target, sample, np.roll(weights, 1))[1] < 1e-6


def test_p_values_of_equal_distributions_are_uniform():
    """Over many repetitions the p-value is below 0.1 in about a tenth of them."""
    rng = np.random.default_rng(4)
    p_values = [
        weighted_ks(rng.normal(size=300), rng.normal(size=300), np.ones(300))[1] for _ in range(400)
    ]
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.05)


def test_effective_fraction_of_a_gaussian_error():
    """An error N(0, s) leaves the fraction exp(-s²) of the points, any offset all."""
    error = np.random.default_rng(5).normal(size=200_000) * 0.3
    assert reweighting(error).fraction == pytest.approx(np.exp(-0.09), abs=0.003)
    assert reweighting(np.full(10, 1e4)).fraction == pytest.approx(1.0)
    assert reweighting(error).weights.mean() == pytest.approx(1.0)


def test_error_bands_are_nested():
    """Each band holds the points below its drop; None holds all; empty bands are zero."""
    error, drop = np.array([1.0, -2.0, 3.0]), np.array([1.0, 6.0, 30.0])
    five, twenty, everything = error_bands(error, drop)
    assert (five.points, twenty.points, everything.points) == (1, 2, 3)
    assert five.rms == pytest.approx(1.0)
    assert twenty.rms == pytest.approx(np.sqrt(2.5))
    assert everything.largest == 3.0
    assert everything.spread == pytest.approx(np.std(error))
    assert error_bands(error, drop, [0.5])[0].points == 0


def test_marginals_keep_names_and_alignment():
    """One test a parameter, by name; a shifted column alone is found."""
    rng = np.random.default_rng(6)
    points, blocks = rng.normal(size=(2000, 3)), np.arange(2000) % 50
    points[blocks % 2 == 1, 1] += 1.0
    found = {m.name: m.p_value for m in marginals(["a", "b", "c"], points, np.ones(2000), blocks)}
    assert found["b"] < 1e-6
    assert min(found["a"], found["c"]) > 1e-3


def test_halves_of_marginals_share_no_walker():
    """Five walkers that stand still: were one in both halves, these would look alike."""
    walker = np.arange(100) % 5
    found = marginals(["a"], walker[:, None].astype(float), np.ones(100), walker)
    assert found[0].distance == pytest.approx(1 / 3)
