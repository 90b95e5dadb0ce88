"""Effective sizes and rank R-hat against processes whose autocorrelation is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from dnnlik.sampling.effective import bulk_size, effective_size, rank_r_hat, tail_size


def ar1(rho, steps, chains, seed=0):
    """Stationary AR(1) with unit variance, (steps, chains): n_eff = n (1-ρ)/(1+ρ)."""
    noise = np.random.default_rng(seed).normal(size=(steps, chains)) * np.sqrt(1 - rho**2)
    noise[0] /= np.sqrt(1 - rho**2)
    return lfilter([1.0], [1.0, -rho], noise, axis=0)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.5, 0.9, 0.98])
def test_size_of_an_ar1(rho):
    """n (1-ρ)/(1+ρ), above n for neighbours on opposite sides."""
    chains = ar1(rho, 4000, 64)
    np.testing.assert_allclose(
        effective_size(chains), chains.size * (1 - rho) / (1 + rho), rtol=0.12
    )
    np.testing.assert_allclose(bulk_size(chains), effective_size(chains), rtol=0.05)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_tail_size_of_an_ar1(rho):
    """That of the indicator of a tail, whose autocorrelation the bivariate normal gives:
    (Φ₂(q, q; ρᵗ) - 0.05²)/(0.05 · 0.95)."""
    chains = ar1(rho, 4000, 64, seed=1)
    q = stats.norm.ppf(0.05)
    lags = rho ** np.arange(1, 60) if rho else np.zeros(0)
    both = np.array([stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([q, q]) for r in lags])
    tau = 1 + 2 * ((both - 0.0025) / 0.0475).sum()
    np.testing.assert_allclose(tail_size(chains), chains.size / tau, rtol=0.12)


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.8])
def test_many_short_chains_are_as_good_as_few_long_ones(rho):
    """Four thousand chains of sixty steps: the same size as of long ones."""
    chains = ar1(rho, 60, 4000, seed=2)
    np.testing.assert_allclose(
        effective_size(chains), chains.size * (1 - rho) / (1 + rho), rtol=0.05
    )


def test_the_size_is_limited():
    """Points that cancel each other exactly are at most n log₁₀ n."""
    chains = ar1(-0.99, 2000, 8)
    assert effective_size(chains) == pytest.approx(chains.size * np.log10(chains.size))


def test_a_constant_has_nothing_to_converge():
    """One value everywhere: as many points as there are, R-hat of one, no warning."""
    chains = np.ones((50, 4))
    assert (effective_size(chains), bulk_size(chains), tail_size(chains)) == (200, 200, 200)
    assert rank_r_hat(chains) == 1.0


def test_r_hat_of_equal_chains_is_one():
    """Chains of one process."""
    assert rank_r_hat(ar1(0.5, 2000, 8)) < 1.01


def shifted(chains):
    return chains + np.where(np.arange(chains.shape[1]) == 0, 1.0, 0.0)


def scaled(chains):
    return chains * np.where(np.arange(chains.shape[1]) == 0, 3.0, 1.0)


def drifting(chains):
    return chains + np.linspace(0, 1.5, len(chains))[:, None]


def without_a_mean(chains):
    """Cauchy, where one chain is shifted: only ranks see it (arXiv:1903.08008, section 3)."""
    return shifted(shifted(stats.cauchy.ppf(stats.norm.cdf(chains))))


@pytest.mark.parametrize("change", [shifted, scaled, drifting, without_a_mean])
def test_r_hat_sees_what_is_wrong(change):
    """A chain in another place or of another width, and chains that all drift."""
    assert rank_r_hat(change(ar1(0.5, 2000, 4))) > 1.03


def test_r_hat_of_a_shift():
    """Of normal chains half of which are shifted by s: sqrt(1 + s²/4) up to what ranks change."""
    chains = np.random.default_rng(4).normal(size=(20_000, 200))
    chains[:, 100:] += 0.5
    np.testing.assert_allclose(rank_r_hat(chains), np.sqrt(1 + 0.0625), rtol=2e-3)


def test_nothing_depends_on_units():
    """A monotone change of the parameter changes neither bulk size nor R-hat of places."""
    chains = ar1(0.7, 1000, 8, seed=5)
    assert bulk_size(np.exp(chains)) == bulk_size(chains)
    assert tail_size(np.exp(chains)) == tail_size(chains)
