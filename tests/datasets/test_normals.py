"""Two normals: moments, seeds, and the closed form against densities."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dnnlik.datasets.normals import MEANS, YIELDS, log_ratio, normals


@pytest.mark.parametrize("name", MEANS)
def test_moments(name):
    """Means and covariances within four standard errors."""
    sample = normals(40_000, seed=1)[name]
    np.testing.assert_allclose(sample.mean(axis=0), MEANS[name], atol=4 / 200)
    np.testing.assert_allclose(np.cov(sample.T), np.eye(2), atol=4 * np.sqrt(2) / 200)


def test_variations_are_the_events_moved():
    """So that what a variation changes is not lost in noise."""
    events = normals(100, seed=2)
    for side, step in (("up", 1.0), ("down", -1.0)):
        moved = events[f"background_{side}"] - events["background"]
        np.testing.assert_allclose(moved, np.tile([0.0, step], (100, 1)), atol=1e-12)


def test_the_ratio_is_that_of_the_densities():
    """The closed form is the log of densities."""
    points = np.random.default_rng(3).normal(0, 2, (50, 2))
    signal, background = (
        multivariate_normal.logpdf(points, MEANS[n]) for n in ("signal", "background")
    )
    np.testing.assert_allclose(log_ratio(points), signal - background, rtol=1e-10, atol=1e-12)


def test_the_floor_of_the_uncertainty():
    """The unbinned information leaves 0.356 on the signal strength, 0.329 without the variation
    (CMS-MLG-23-005): means and yields are right. By a sum over a fine grid."""
    axis = np.linspace(-8, 9, 700)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    cell = (axis[1] - axis[0]) ** 2
    density = {n: YIELDS[n] * multivariate_normal.pdf(points, MEANS[n]) for n in MEANS}
    slope = 0.5 * (density["background_up"] - density["background_down"])
    total = density["signal"] + density["background"]
    rows = [density["signal"], slope]
    information = np.array([[(a * b / total).sum() * cell for a in rows] for b in rows])
    information[1, 1] += 1.0
    assert 1 / np.sqrt(information[0, 0]) == pytest.approx(0.329, abs=5e-4)
    assert np.sqrt(np.linalg.inv(information)[0, 0]) == pytest.approx(0.356, abs=5e-4)
