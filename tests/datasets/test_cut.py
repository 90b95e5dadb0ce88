"""The cut toy: moments, seeds, its best cut, and the Asimov significance."""

from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import exponnorm, norm

from dnnlik.datasets.cut import BEST_CUT, BEST_SIGNIFICANCE, asimov_significance, cut_events


def expected_above(cut):
    """The expected signal and background above a cut."""
    return 100 * norm.sf(cut, 2, 0.5), 1000 * exponnorm.sf(cut, 10, 0, 0.1)


def test_moments():
    """Numbers, means and widths over many samples, within four standard errors."""
    generator = np.random.default_rng(1)
    samples = [cut_events(seed=generator) for _ in range(200)]
    for name, count, mean, width in [
        ("background", 1000, 1.0, np.hypot(1, 0.1)),
        ("signal", 100, 2.0, 0.5),
    ]:
        events = np.array([sample[name] for sample in samples])
        assert events.shape == (200, count)
        assert events.mean() == pytest.approx(mean, abs=4 * width / np.sqrt(events.size))
        assert events.std() == pytest.approx(width, abs=6 * width / np.sqrt(events.size))


def test_the_distribution_of_the_background():
    """Fractions above a cut are those of an exponential folded with a normal."""
    generator = np.random.default_rng(2)
    events = np.concatenate([cut_events(seed=generator)["background"] for _ in range(100)])
    for cut in (-0.1, 0.0, 0.1, 1.0, 3.0):
        fraction = exponnorm.sf(cut, 10, 0, 0.1)
        error = np.sqrt(fraction * (1 - fraction) / events.size)
        assert np.mean(events > cut) == pytest.approx(fraction, abs=4 * error)


def test_the_seed_is_the_sample():
    """A seed gives one sample, another seed another."""
    one, again, other = cut_events(seed=1), cut_events(seed=1), cut_events(seed=2)
    for name in ("signal", "background"):
        np.testing.assert_array_equal(one[name], again[name])
        assert not np.any(one[name] == other[name])


def test_the_best_cut():
    """A search over the expected events ends at the best cut, with its significance."""
    found = minimize_scalar(lambda cut: -asimov_significance(*expected_above(cut)), bounds=(0, 3))
    assert found.x == pytest.approx(BEST_CUT, abs=1e-3)
    assert -found.fun == pytest.approx(BEST_SIGNIFICANCE, abs=1e-4)
    for cut in (1.30, 1.54):
        assert asimov_significance(*expected_above(cut)) >= 0.99 * BEST_SIGNIFICANCE


def test_the_best_cut_of_samples():
    """The best cuts of single samples scatter by 0.12 around 1.46."""
    generator, cuts = np.random.default_rng(3), np.linspace(0.5, 2.5, 401)
    best = []
    for _ in range(100):
        events = cut_events(seed=generator)
        s, b = ((events[name][:, None] > cuts).sum(axis=0) for name in ("signal", "background"))
        best.append(cuts[asimov_significance(s[:, None], b[:, None]).argmax()])
    assert np.mean(best) == pytest.approx(1.46, abs=0.04)
    assert np.std(best) == pytest.approx(0.12, abs=0.04)


def test_significance_by_its_formula():
    """√(2 Σ [(s+b) ln(1+s/b) - s]), of one bin and of several."""
    s, b = np.array([[10.0, 20.0], [3.0, 0.5]]), np.array([100.0, 50.0])
    expected = np.sqrt(2 * ((s + b) * np.log(1 + s / b) - s).sum(axis=1))
    np.testing.assert_allclose(asimov_significance(s, b), expected, rtol=1e-12)
    expected = np.sqrt(2 * (110 * np.log(1.1) - 10))
    assert asimov_significance(10, 100) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("ratio", [1e-12, 1e-6, 9.99e-4, 1.001e-3, 0.05])
def test_a_small_signal_keeps_its_digits(ratio):
    """Where s ≪ b the terms cancel; the series in exact fractions is the oracle."""
    r = Fraction(ratio)
    squared = 2 * sum((-1) ** k * r**k / (k * (k - 1)) for k in range(2, 16))
    expected = np.sqrt(7 * float(squared))
    assert asimov_significance(ratio * 7, 7) == pytest.approx(expected, rel=1e-10)


def test_significance_of_nothing():
    """Bins without signal add nothing, with or without background; s/√b is the limit."""
    assert asimov_significance([0.0, 0.0], [0.0, 10.0]) == 0
    assert asimov_significance([0.0, 1.0], [0.0, 100.0]) == asimov_significance(1.0, 100.0)
    assert asimov_significance([1.0, 1.0], [0.0, 100.0]) == np.inf
    assert asimov_significance(1e-3, 1e3) == pytest.approx(1e-3 / np.sqrt(1e3), rel=1e-6)
