"""Two signals and a background: moments, seeds, the best classifier, and what it leaves."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from dnnlik.datasets.two_signals import CLASSES, MEANS, YIELDS, log_densities, two_signals

AXIS = np.linspace(-7, 8, 500)
POINTS = np.stack(np.meshgrid(AXIS, AXIS, indexing="ij"), -1)
CELL = (AXIS[1] - AXIS[0]) ** 2
EXPECTED = {n: CELL * YIELDS[n] * multivariate_normal.pdf(POINTS, MEANS[n]) for n in MEANS}


@pytest.mark.parametrize("name", MEANS)
def test_moments(name):
    """Means and covariances within four standard errors."""
    sample = two_signals(40_000, seed=1)[name]
    np.testing.assert_allclose(sample.mean(axis=0), MEANS[name], atol=4 / 200)
    np.testing.assert_allclose(np.cov(sample.T), np.eye(2), atol=4 * np.sqrt(2) / 200)


def test_variations_are_the_events_moved():
    """So that what a variation changes is not lost in noise; samples are not each other's."""
    events = two_signals(100, seed=2)
    for name in ("background", "right"):
        for side, step in (("up", 0.5), ("down", -0.5)):
            moved = events[f"{name}_{side}"] - events[name]
            np.testing.assert_allclose(moved, np.tile([step, 0.0], (100, 1)), atol=1e-12)
    assert abs(np.corrcoef(events["left"][:, 0], events["right"][:, 0])[0, 1]) < 0.5


def test_the_seed_decides():
    """The same events of the same seed, others of another."""
    first, again, other = (two_signals(5, seed=seed)["left"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


def test_densities():
    """The closed form is scipy's, a column a class."""
    points = np.random.default_rng(3).normal(0, 2, (50, 2))
    expected = [multivariate_normal.logpdf(points, MEANS[name]) for name in CLASSES]
    np.testing.assert_allclose(log_densities(points), np.transpose(expected), rtol=1e-10)


def sigma_sum(counted, width=1.0):
    """Σ σ of the two signals by the information of histograms (bins,), which ``counted`` makes of
    expected events on the grid."""
    found = {name: counted(events) for name, events in EXPECTED.items()}
    slopes = [0.5 * (found[f"{n}_up"] - found[f"{n}_down"]) for n in ("background", "right")]
    rows = np.stack([found["left"], found["right"], *slopes])
    total = sum(found[name] for name in CLASSES)
    rows, total = rows[:, total > 0], total[total > 0]
    information = (rows / total) @ rows.T + np.diag([0.0, 0.0, 1.0, 1.0]) / width**2
    return np.sqrt(np.diag(np.linalg.inv(information)))[:2].sum()


def best_classes(bins):
    """Bins of the most probable class, from its probability."""
    odds = np.exp(log_densities(POINTS))
    probability = odds / odds.sum(axis=-1, keepdims=True)
    place = np.floor(bins * (probability.max(axis=-1) - 1 / 3) / (2 / 3)).astype(int)
    number = bins * probability.argmax(axis=-1) + np.clip(place, 0, bins - 1)
    return lambda events: np.bincount(number.ravel(), events.ravel(), 3 * bins)


def test_what_the_documentation_says():
    """0.650 without bins, by a sum over a fine grid, 0.555 if nothing moves; 0.956 and 0.930 in
    bins of the best classifier."""
    assert sigma_sum(np.ravel) == pytest.approx(0.650, abs=5e-4)
    assert sigma_sum(np.ravel, width=1e-6) == pytest.approx(0.555, abs=5e-4)
    assert sigma_sum(best_classes(8)) == pytest.approx(0.956, abs=2e-3)
    assert sigma_sum(best_classes(20)) == pytest.approx(0.930, abs=2e-3)
