"""Divergences of posteriors against closed forms of Gaussians."""

import numpy as np
import pytest
from scipy.stats import norm

from dnnlik.validation.joint import divergence

N = 200_000
BLOCKS = np.arange(N) % 100


@pytest.mark.parametrize("shift", [0.1, 0.5, 1.5])
def test_shifted_gaussians(shift):
    """N(0,1) and N(δ,1): TV = 2Φ(δ/2)-1, AUC = Φ(δ/√2), both KL = δ²/2."""
    x = np.random.default_rng(1).normal(size=N)
    found = divergence(shift * x + 7.0, BLOCKS, seed=2)
    tv = 2 * norm.cdf(shift / 2) - 1
    assert found.total_variation.value == pytest.approx(tv, abs=5e-3)
    assert found.accuracy.value == pytest.approx(0.5 + tv / 2, abs=3e-3)
    assert found.auc.value == pytest.approx(norm.cdf(shift / np.sqrt(2)), abs=5e-3)
    assert found.kl_exact_surrogate.value == pytest.approx(shift**2 / 2, rel=0.05)
    assert found.kl_surrogate_exact.value == pytest.approx(shift**2 / 2, rel=0.08)


def test_a_wider_gaussian_in_both_directions():
    """N(0,1) and N(0,s²): the two KL differ, and points of either give the same numbers."""
    s, rng = 1.3, np.random.default_rng(3)

    def log_ratio(x):
        return 0.5 * x**2 * (1 - 1 / s**2)

    x, y = rng.normal(size=N), s * rng.normal(size=N)
    forward = divergence(log_ratio(x), BLOCKS, seed=4)
    backward = divergence(log_ratio(y), BLOCKS, seed=4, source="surrogate")
    kl_pq = np.log(s) + 0.5 / s**2 - 0.5
    kl_qp = -np.log(s) + 0.5 * s**2 - 0.5
    for found in (forward, backward):
        assert found.kl_exact_surrogate.value == pytest.approx(kl_pq, rel=0.05)
        assert found.kl_surrogate_exact.value == pytest.approx(kl_qp, rel=0.05)
    crossing = np.sqrt(2 * np.log(s) / (1 - 1 / s**2))
    tv = 2 * (norm.cdf(crossing) - norm.cdf(crossing / s))
    assert forward.total_variation.value == pytest.approx(tv, abs=4e-3)
    assert backward.total_variation.value == pytest.approx(tv, abs=4e-3)


def test_equal_densities_cannot_be_told_apart():
    """A constant error is no difference: TV and KL 0, accuracy and AUC one half."""
    found = divergence(np.full(100, -3.0), np.arange(100), seed=0)
    assert found.total_variation.value == pytest.approx(0, abs=1e-12)
    assert found.accuracy.value == pytest.approx(0.5)
    assert found.auc.value == pytest.approx(0.5)
    assert found.kl_exact_surrogate.value == pytest.approx(0, abs=1e-12)
    assert found.total_variation.error < 1e-12


def test_the_error_is_the_spread_over_repetitions():
    """The bootstrap error of TV agrees with its spread over independent samples."""
    blocks = np.arange(2000) % 50
    rng = np.random.default_rng(5)
    found = [divergence(0.5 * rng.normal(size=2000), blocks, seed=i) for i in range(40)]
    spread = np.std([f.total_variation.value for f in found])
    stated = np.mean([f.total_variation.error for f in found])
    assert stated == pytest.approx(spread, rel=0.35)


def test_points_where_the_exact_density_is_zero():
    """A tenth of the surrogate's points where the exact likelihood is zero: TV is a tenth,
    and all numbers stay finite."""
    ratio = np.zeros(1000)
    ratio[:100] = 1e6
    found = divergence(ratio, np.arange(1000) % 50, seed=0, source="surrogate")
    assert found.total_variation.value == pytest.approx(0.1, abs=1e-6)
    assert np.isfinite(found.kl_surrogate_exact.value)
