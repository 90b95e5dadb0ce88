"""The mixture of INFERNO: densities, events, and the exact bounds of its five benchmarks."""

import numpy as np
import pytest
from scipy.stats import expon, multivariate_normal, norm, qmc

from dnnlik.datasets.mixture import (
    BENCHMARKS,
    RATE,
    YIELDS,
    densities,
    information,
    mixture,
)

POINTS = np.random.default_rng(3).normal([1, 0, 0.5], [2, 2, 0.3], (50, 3))
BOUNDS = (14.705, 15.502, 15.634, 15.605, 16.877)


def background(points, shift=0.0, rate=RATE):
    plane = multivariate_normal([2 + shift, 0], np.diag([5, 9]))
    return plane.pdf(points[:, :2]) * expon(scale=1 / rate).pdf(points[:, 2])


def test_densities_are_those_of_scipy():
    """Also below 0 in the third feature, where there is nothing."""
    found = densities(POINTS)
    signal = multivariate_normal([0, 0], np.eye(2)).pdf(POINTS[:, :2])
    signal = signal * expon(scale=0.5).pdf(POINTS[:, 2])
    np.testing.assert_allclose(found[0], signal, rtol=1e-12)
    np.testing.assert_allclose(found[1], background(POINTS), rtol=1e-12)


def test_scores_are_derivatives_of_the_expected_density():
    """Of ln ν in s, r, λ and b, by central differences; the information is their square."""
    points = np.abs(POINTS)

    def log_rate(s, r, rate, b):
        return np.log(s * densities(points)[0] + b * background(points, r, rate))

    nominal = np.array([YIELDS["signal"], 0.0, RATE, YIELDS["background"]])
    scores = np.column_stack(
        [(log_rate(*(nominal + h)) - log_rate(*(nominal - h))) / 2e-4 for h in 1e-4 * np.eye(4)]
    )
    expected = scores[:, :, None] * scores[:, None, :]
    np.testing.assert_allclose(information(points), expected, rtol=1e-5, atol=1e-9)


def test_events_follow_the_densities():
    """Kolmogorov distances of every feature, below what 1 in 10⁴ samples exceed."""
    events = mixture(20_000, seed=1)
    laws = {
        "signal": [norm(0, 1), norm(0, 1), expon(scale=0.5)],
        "background": [norm(2, np.sqrt(5)), norm(0, 3), expon(scale=1 / 3)],
    }
    for name, features in laws.items():
        for column, law in enumerate(features):
            x = np.sort(events[name][:, column])
            distance = np.abs(law.cdf(x) - np.arange(1, x.size + 1) / x.size).max()
            assert distance < 2.2 / np.sqrt(x.size)


@pytest.mark.parametrize("number", range(5))
def test_exact_bounds(number):
    """What the unbinned likelihood leaves of the signal yield, by quasi-Monte-Carlo: the
    numbers that are known from elsewhere, to all their digits."""
    uniform = qmc.Sobol(3, seed=1).random(2**17)
    normal = norm.ppf(uniform[:, :2])
    laws = {"signal": ((0, 0), (1, 1), 2.0), "background": ((2, 0), (5, 9), RATE)}
    total = np.zeros((4, 4))
    for name, (centre, variances, rate) in laws.items():
        third = -np.log1p(-uniform[:, 2]) / rate
        points = np.column_stack([normal * np.sqrt(variances) + centre, third])
        total += YIELDS[name] * information(points).mean(axis=0)
    widths = np.array(
        [np.inf, *(getattr(BENCHMARKS[number], n) for n in ("shift", "rate", "background"))]
    )
    floating = np.flatnonzero(widths > 0)
    matrix = total[np.ix_(floating, floating)] + np.diag(widths[floating] ** -2.0)
    bound = np.sqrt(np.linalg.inv(matrix)[0, 0])
    assert bound == pytest.approx(BOUNDS[number], abs=2e-3)
    assert bound < BENCHMARKS[number].published
