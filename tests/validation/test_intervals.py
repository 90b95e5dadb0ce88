"""HPDI with Monte Carlo errors, and contents of regions, against Gaussians."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

from dnnlik.validation.coverage import contents
from dnnlik.validation.intervals import Interval, intervals_of, intervals_of_samples

SIGMAS = np.array([1.0, 2.0, 3.0])


def test_ends_and_errors(gaussian, sampled):
    """Ends of a Gaussian within four of their errors; the surrogate's shifted by the shift."""
    exact, moved = gaussian([0.0, 0.0], np.eye(2)), gaussian([0.2, 0.0], np.eye(2))
    samples = sampled(exact, walkers=100, steps=200)
    for found, sigma in zip(intervals_of(moved, samples, seed=1), SIGMAS, strict=True):
        for side in (0, 1):
            end = sigma * (2 * side - 1)
            assert abs(found.exact[side] - end) < 4 * found.exact_error[side] + 0.01
            assert abs(found.surrogate[side] - end - 0.2) < 4 * found.surrogate_error[side] + 0.01
    assert found.source == "reweighted"


def test_the_stated_error_is_the_spread(gaussian, sampled):
    """The bootstrap error of an end agrees with its spread over independent samples."""
    exact = gaussian([0.0, 0.0], np.eye(2))
    found = [intervals_of(exact, sampled(exact, seed=i), seed=i)[1] for i in range(30)]
    spread = np.std([f.exact[1] for f in found])
    assert np.mean([f.exact_error[1] for f in found]) == pytest.approx(spread, rel=0.5)


def test_equal_likelihoods_do_not_differ(gaussian, sampled):
    """Reweighting with equal weights: no difference, and no error of it."""
    exact = gaussian([0.0, 0.0], np.eye(2), pois=2)
    found = intervals_of(exact, sampled(exact))
    assert [f.name for f in found] == ["a"] * 3 + ["b"] * 3
    assert all(f.excess == 0 for f in found)
    assert all(f.difference_error == (0.0, 0.0) for f in found)


def test_two_samples_have_independent_errors(gaussian, sampled):
    """From points of both: errors in quadrature; a shift of a half is far beyond them."""
    exact, moved = gaussian([0.0, 0.0], np.eye(2)), gaussian([0.5, 0.0], np.eye(2))
    found = intervals_of_samples(sampled(exact), sampled(moved, seed=1))[0]
    assert found.source == "sampled"
    both = np.hypot(found.exact_error, found.surrogate_error)
    assert found.difference_error == pytest.approx(both)
    assert 0.1 < found.excess < 0.5


def test_excess_is_beyond_three_errors():
    """The larger shift less three errors, over the width."""
    interval = Interval("a", 0.68, (0, 1), (0.1, 1.5), (0, 0), (0, 0), (0.1, 0.1), 2.0)
    assert interval.excess == pytest.approx((0.5 - 0.3) / 2)


def gaussian_contents(joint):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60_000, 3))
    blocks = np.arange(len(x)) % 60
    if joint:  # the surrogate is wider by 1.2 in all directions
        log_p, log_q = -0.5 * (x**2).sum(axis=1), -0.5 * (x**2).sum(axis=1) / 1.44
        return contents("joint", (log_p, log_q), np.exp(log_q - log_p), blocks, joint=True)
    weights = np.exp(0.5 * x[:, 0])  # the surrogate is moved by a half
    return contents("a", (x[:, 0], x[:, 0]), weights, blocks)


def test_contents_of_shifted_intervals():
    """[0.5-kσ, 0.5+kσ] under N(0,1), and the other way round the same, within errors."""
    found = gaussian_contents(joint=False)
    expected = norm.cdf(SIGMAS + 0.5) - norm.cdf(0.5 - SIGMAS)
    assert [(c.of, c.under) for c in found[::3]] == [
        ("surrogate", "exact"),
        ("exact", "surrogate"),
    ]
    for content, truth in zip(found, np.tile(expected, 2), strict=True):
        assert abs(content.content - truth) < 4 * content.error + 0.002
        assert 0 < content.error < 0.01


def test_contents_of_wider_joint_regions():
    """Balls of a Gaussian wider by 1.2 in three dimensions hold χ² at 1.44 times its quantile."""
    found = gaussian_contents(joint=True)
    for content in found:
        scale = 1.44 if content.of == "surrogate" else 1 / 1.44
        truth = chi2.cdf(scale * chi2.ppf(content.level, 3), 3)
        assert abs(content.content - truth) < 4 * content.error + 0.002


def test_a_region_of_everything_holds_one():
    """Weights that sum with rounding: the content of all points is at most 1."""
    x = np.linspace(0, 1, 30)
    weights = np.random.default_rng(0).uniform(0.1, 3.0, 30)
    found = contents("a", (x, x), weights, np.arange(30) % 2)
    assert max(content.content for content in found) <= 1.0
