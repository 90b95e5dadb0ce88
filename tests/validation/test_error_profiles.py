"""Where errors are: bins of distance and parameters, and beyond the domain."""

import numpy as np
import pytest

from dnnlik.surrogate.description import Domain
from dnnlik.validation.error_profiles import (
    binned,
    by_drop,
    by_parameter,
    by_radius,
    extrapolation,
)


def test_bins_have_equally_many_points():
    """Every point is in one bin, in order; mean, rms and quantile are those of its errors."""
    rng = np.random.default_rng(0)
    where, error = rng.normal(size=1000), rng.normal(size=1000)
    profile = binned("x", where, error, 7)
    assert sum(b.points for b in profile.bins) == 1000
    assert max(b.points for b in profile.bins) - min(b.points for b in profile.bins) <= 1
    assert all(a.high <= b.low for a, b in zip(profile.bins, profile.bins[1:], strict=False))
    inside = (where >= profile.bins[2].low) & (where <= profile.bins[2].high)
    assert profile.bins[2].rms == pytest.approx(np.sqrt(np.mean(error[inside] ** 2)))
    assert profile.bins[2].quantile95 == pytest.approx(np.quantile(np.abs(error[inside]), 0.95))


def test_an_error_that_grows_with_distance():
    """An error equal to the drop has the drop as its mean in each bin."""
    drop = np.linspace(0, 10, 1001)
    for one in by_drop(drop, drop).bins:
        assert one.low <= one.mean <= one.high


def test_the_radius_is_in_units_of_the_covariance():
    """Points on an ellipse of the covariance are all at the same radius."""
    angle = np.linspace(0, 2 * np.pi, 100)
    covariance = np.array([[4.0, 1.0], [1.0, 2.0]])
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = 3 + 2.5 * circle @ np.linalg.cholesky(covariance).T
    profile = by_radius(np.zeros(100), points, np.array([3.0, 3.0]), covariance)
    assert profile.bins[0].low == pytest.approx(2.5)
    assert profile.bins[-1].high == pytest.approx(2.5)


def test_parameters_are_ranked_by_how_the_error_varies():
    """An error along one parameter and a noise that grows with another: these come first."""
    rng = np.random.default_rng(1)
    points = rng.uniform(-1, 1, size=(5000, 4))
    error = 2 * points[:, 2] + 0.5 * np.abs(points[:, 0]) * rng.normal(size=5000)
    found = by_parameter(error, points, ["a", "b", "c", "d"])
    assert found[0].name == "c"
    assert found[0].variation == pytest.approx(2 * 2 * 0.9, rel=0.05)
    # Beyond the first, the rms of bins of "a" varies, but is led by the error along "c".
    assert {p.name for p in found} == {"a", "b", "c", "d"}


def test_noise_that_grows_along_a_parameter_is_ranked_too():
    """Only the rms varies with the parameter: the mean alone would not show it."""
    rng = np.random.default_rng(2)
    points = rng.uniform(0, 1, size=(5000, 3))
    error = points[:, 1] * rng.normal(size=5000)
    assert by_parameter(error, points, ["a", "b", "c"])[0].name == "b"


def test_extrapolation_follows_the_rays(gaussian):
    """Against a wider Gaussian the error grows as the square of the factor; the domain flags
    what leaves it, and the errors of both kinds add up to all."""
    exact = gaussian([0.0, 0.0], np.eye(2))
    wide = gaussian([0.0, 0.0], 2 * np.eye(2))
    angle = np.linspace(0, 6, 50)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    domain = Domain(np.full(2, -1.6), np.full(2, 1.6), np.zeros(2), np.eye(2), 1.55**2)
    found = extrapolation(exact, wide, points, np.zeros(2), domain=domain, factors=(1, 1.5, 2))
    assert [row.flagged for row in found] == [0, 0, 50]
    for row in found:
        rms = row.rms_flagged if row.flagged else row.rms_unflagged
        assert rms == pytest.approx(0.25 * row.factor**2)
    assert found[0].rms_flagged is None
    assert found[2].rms_unflagged is None


def test_extrapolation_stops_at_bounds_and_zero_density(gaussian):
    """Beyond the bounds nothing is evaluated; without a domain nothing is flagged."""
    exact = gaussian([0.0, 0.0], np.eye(2), bounds=(-1.0, 1.0))
    wide = gaussian([0.0, 0.0], 2 * np.eye(2), bounds=(-1.0, 1.0))
    found = extrapolation(exact, wide, np.array([[0.9, 0.0]]), np.zeros(2), factors=(3,))[0]
    assert found.largest == pytest.approx(0.25)
    assert found.flagged == 0
