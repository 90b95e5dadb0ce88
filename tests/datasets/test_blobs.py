"""The Gaussian blobs: moments, seeds, and the closed forms against densities."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dnnlik.datasets.blobs import MEANS, YIELDS, blobs, log_ratio_all, log_ratio_nominal

POINTS = np.random.default_rng(3).normal(0, 2, (50, 2))


def density(name, points):
    return multivariate_normal.pdf(points, MEANS[name], np.eye(2))


@pytest.mark.parametrize("name", MEANS)
def test_moments(name):
    """Means and covariances are those of the blobs, within four standard errors."""
    sample = blobs(40_000, seed=1)[name]
    assert sample.shape == (40_000, 2)
    np.testing.assert_allclose(sample.mean(axis=0), MEANS[name], atol=4 / 200)
    np.testing.assert_allclose(np.cov(sample.T), np.eye(2), atol=4 * np.sqrt(2) / 200)


def test_the_seed_is_the_sample():
    """A seed gives one sample, another seed another, a generator goes on, blobs differ."""
    one, again, other = blobs(seed=1), blobs(seed=1), blobs(seed=2)
    generator = np.random.default_rng(1)
    first, second = blobs(seed=generator), blobs(seed=generator)
    for name in MEANS:
        assert one[name].shape == (10_000, 2)
        np.testing.assert_array_equal(one[name], again[name])
        np.testing.assert_array_equal(one[name], first[name])
        assert not np.any(one[name] == other[name])
        assert not np.any(one[name] == second[name])
    noise = np.array([np.ravel(one[name] - MEANS[name]) for name in MEANS])
    assert np.abs(np.corrcoef(noise) - np.eye(4)).max() < 4 / np.sqrt(20_000)


def test_ratios_are_those_of_the_densities():
    """Both closed forms are the log of densities over densities."""
    backgrounds = [density(name, POINTS) for name in MEANS if name != "signal"]
    signal = density("signal", POINTS)
    expected = np.log(signal / backgrounds[0])
    np.testing.assert_allclose(log_ratio_nominal(POINTS), expected, rtol=1e-10, atol=1e-12)
    expected = np.log(signal / np.mean(backgrounds, axis=0))
    np.testing.assert_allclose(log_ratio_all(POINTS), expected, rtol=1e-10, atol=1e-12)


def test_ratios_take_one_point_and_far_ones():
    """A single point is a scalar; far away, where densities are 0, the ratio is finite."""
    assert log_ratio_nominal([-1.0, 1.0]) == pytest.approx(4.0)
    assert np.isfinite(log_ratio_all([[1e3, -1e3], [-1e3, -1e3]])).all()


def test_the_floor_of_the_uncertainty():
    """The unbinned Fisher information leaves an error of 0.2559 on the signal strength.

    By a sum over a fine grid; known from elsewhere, so that means and yields are right.
    """
    x = np.arange(-9, 9, 0.05)
    grid = np.stack(np.meshgrid(x, x), axis=-1)
    rates = {name: YIELDS[name] * density(name, grid) for name in MEANS}
    slopes = [rates["signal"], 0.5 * (rates["background_up"] - rates["background_down"])]
    total = rates["signal"] + rates["background"]
    information = np.array([[np.sum(a * b / total) for a in slopes] for b in slopes]) * 0.05**2
    information[1, 1] += 1
    assert np.sqrt(np.linalg.inv(information)[0, 0]) == pytest.approx(0.2559, abs=1e-4)
