"""Credible intervals against quantiles in closed form."""

import numpy as np
import pytest
from scipy import stats

from dnnlik.exceptions import InvalidPoints
from dnnlik.inference import LEVELS, effective_sample_size, hpdi

SIZE = 200_001
GRID = (np.arange(SIZE) + 0.5) / SIZE  # equal probabilities: no statistical error


def test_levels_are_one_two_and_three_deviations():
    """The probabilities of a normal within 1, 2, 3 deviations, to the digits quoted."""
    expected = stats.norm.cdf([1, 2, 3]) - stats.norm.cdf([-1, -2, -3])
    np.testing.assert_allclose(LEVELS, expected, atol=5e-5)


def test_normal_intervals():
    """Of a symmetric density with one mode: scipy's central intervals."""
    sample = stats.norm.ppf(GRID, 1.5, 0.4)
    expected = np.array([stats.norm.interval(level, 1.5, 0.4) for level in LEVELS])
    received = hpdi(np.random.default_rng(0).permutation(sample))
    # The width is flat in the position at its minimum, so the ends are less sharp.
    np.testing.assert_allclose(received, expected, atol=6e-3)
    widths = expected[:, 1] - expected[:, 0]
    np.testing.assert_allclose(received[:, 1] - received[:, 0], widths, rtol=2e-4)


def test_exponential_intervals_are_one_sided():
    """A falling density has its highest part at the edge: from 0 to the quantile."""
    received = hpdi(stats.expon.ppf(GRID), [0.5, 0.9, 0.99])
    np.testing.assert_allclose(received[:, 0], 0, atol=1e-4)
    np.testing.assert_allclose(received[:, 1], stats.expon.ppf([0.5, 0.9, 0.99]), rtol=1e-3)


def test_skewed_density_has_equal_heights_at_the_ends():
    """The ends of a highest-density interval have one density, and hold the probability."""
    low, high = hpdi(stats.gamma.ppf(GRID, 3.0), [0.8])[0]
    assert stats.gamma.cdf(high, 3.0) - stats.gamma.cdf(low, 3.0) == pytest.approx(0.8, abs=1e-4)
    assert stats.gamma.pdf(low, 3.0) == pytest.approx(stats.gamma.pdf(high, 3.0), rel=0.02)


def test_weights_reweight():
    """A wide sample weighted to a narrow normal has the intervals of the narrow one."""
    sample = stats.norm.ppf(GRID, 0, 2)
    weights = stats.norm.pdf(sample, 0.5, 1) / stats.norm.pdf(sample, 0, 2)
    expected = np.array([stats.norm.interval(level, 0.5, 1) for level in LEVELS[:2]])
    np.testing.assert_allclose(hpdi(sample, LEVELS[:2], weights=weights), expected, atol=2e-2)


def test_whole_weights_are_repetitions():
    """Weight 3 is the value three times, weight 0 is no value."""
    generator = np.random.default_rng(3)
    sample, weights = generator.normal(size=400), generator.integers(0, 4, 400)
    repeated = np.repeat(sample, weights)
    np.testing.assert_array_equal(hpdi(sample, weights=weights), hpdi(repeated))


def test_equal_weights_change_nothing():
    """Whatever their common value is."""
    sample = np.random.default_rng(4).normal(size=500)
    np.testing.assert_array_equal(hpdi(sample, weights=np.full(500, 0.3)), hpdi(sample))


def test_higher_levels_are_wider():
    """More probability needs more room, up to the whole sample."""
    sample = np.random.default_rng(5).normal(size=300)
    widths = np.diff(hpdi(sample, [0.1, 0.5, 0.9, 1.0]), axis=1)[:, 0]
    assert (np.diff(widths) > 0).all()
    assert widths[-1] == np.ptp(sample)


@pytest.mark.parametrize(
    ("sample", "weights"),
    [
        (np.zeros((4, 2)), None),
        (np.zeros(1), None),
        (np.zeros(0), None),
        (np.arange(3.0), np.ones(2)),
        (np.arange(3.0), np.zeros(3)),
        (np.arange(3.0), np.array([1.0, -1.0, 1.0])),
        (np.arange(3.0), np.array([1.0, np.nan, 1.0])),
        (np.array([0.0, np.nan, 1.0]), None),
    ],
)
def test_samples_without_intervals(sample, weights):
    """Wrong shapes, NaN, negative weights and no weight at all are refused on one line."""
    with pytest.raises(InvalidPoints, match="Received:"):
        hpdi(sample, weights=weights)


@pytest.mark.parametrize("level", [0.0, -0.1, 1.01, 68.27, np.nan])
def test_levels_are_fractions(level):
    """A level outside (0, 1] has no interval; percentages are refused."""
    with pytest.raises(InvalidPoints, match="Received:"):
        hpdi(np.arange(10.0), [level])


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1, 1, 1, 1], 4), ([5, 0, 0], 1), ([2, 2, 0], 2), ([1, 3], 1.6), ([0, 0], 0)],
)
def test_effective_sample_size(weights, expected):
    """Kish's (Σw)²/Σw²."""
    assert effective_sample_size(np.array(weights, dtype=float)) == pytest.approx(expected)
