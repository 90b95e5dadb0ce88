"""Autocorrelation times and R-hat against processes with known ones."""

from __future__ import annotations

import emcee
import numpy as np
import pytest
from scipy.signal import lfilter

from dnnlik.sampling.convergence import (
    autocorrelation_time,
    r_hat,
    stored_autocorrelation_time,
)


def ar1(rho, steps, walkers, seed=0):
    """Stationary AR(1) with unit variance, (steps, walkers, 1): τ = (1+ρ)/(1-ρ)."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(steps, walkers)) * np.sqrt(1 - rho**2)
    noise[0] /= np.sqrt(1 - rho**2)
    return lfilter([1.0], [1.0, -rho], noise, axis=0)[:, :, None]


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.98])
def test_stored_time_of_an_ar1(rho):
    """Without thinning the time is (1+ρ)/(1-ρ)."""
    found = stored_autocorrelation_time(ar1(rho, 20_000, 32))
    np.testing.assert_allclose(found, (1 + rho) / (1 - rho), rtol=0.08)


@pytest.mark.parametrize("thin", [1, 3, 10, 20])
def test_thinning_does_not_change_the_time_in_steps(thin):
    """Every thin-th step of an AR(1) with τ = 19 gives 19 steps back: the stored time
    alone would say less than two stored steps at the end."""
    chain = ar1(0.9, 60_000, 32, seed=1)[::thin]
    stored = (1 + 0.9**thin) / (1 - 0.9**thin)
    np.testing.assert_allclose(stored_autocorrelation_time(chain), stored, rtol=0.05)
    np.testing.assert_allclose(autocorrelation_time(chain, thin), 19.0, rtol=0.10)


def test_independent_points_have_time_one():
    """White noise: one stored step, and never less."""
    chain = np.random.default_rng(2).normal(size=(4000, 16, 3))
    found = stored_autocorrelation_time(chain)
    assert (found >= 1).all()
    np.testing.assert_allclose(found, 1.0, atol=0.1)
    assert np.isfinite(autocorrelation_time(chain, 7)).all()


def test_parameters_are_judged_one_by_one():
    """A slow and a fast parameter side by side keep their own times."""
    chain = np.concatenate([ar1(0.5, 20_000, 8), ar1(0.9, 20_000, 8)], axis=2)
    np.testing.assert_allclose(stored_autocorrelation_time(chain), [3, 19], rtol=0.15)


def test_a_walker_that_never_moves_makes_the_time_the_whole_chain():
    """No convergence may be claimed for a stuck walker; and no warning, no NaN."""
    chain = ar1(0.5, 500, 8)
    chain[:, 3] = chain[0, 3]
    assert stored_autocorrelation_time(chain).tolist() == [500.0]
    np.testing.assert_allclose(autocorrelation_time(chain, 4), 2000, rtol=1e-3)


def test_a_constant_parameter_has_time_one():
    """A parameter with one value everywhere has nothing to converge."""
    chain = np.concatenate([ar1(0.5, 500, 8), np.ones((500, 8, 1))], axis=2)
    assert stored_autocorrelation_time(chain)[1] == 1.0


def test_r_hat_of_equal_ensembles_is_one():
    """Two ensembles of one process agree within the error that τ predicts."""
    chains = [ar1(0.9, 2000, 32, seed=seed) for seed in (3, 4)]
    tau = np.array([19.0])
    assert r_hat(chains, tau)[0] < 1.005


@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
def test_r_hat_of_shifted_ensembles(shift):
    """A shift by s widths of one of two ensembles is sqrt(1 + s²/2) by its definition."""
    chains = [ar1(0.5, 20_000, 32, seed=seed) for seed in (5, 6)]
    found = r_hat([chains[0], chains[1] + shift], np.array([3.0]))[0]
    assert found > 1.05
    np.testing.assert_allclose(found, np.sqrt(1 + shift**2 / 2), rtol=0.01)


def test_r_hat_of_constants_is_one():
    """A parameter that has one value everywhere agrees with itself, without a warning."""
    assert r_hat([np.ones((50, 4, 1))] * 2, np.ones(1)).tolist() == [1.0]


@pytest.mark.parametrize("steps", [30, 97, 400])
def test_autocorrelation_time_is_emcees(steps):
    """All walkers at once give what emcee's loop over them gives, an AR(1) chain each."""
    rng = np.random.default_rng(steps)
    chain = np.zeros((steps, 12, 3))
    for i in range(1, steps):
        chain[i] = np.array([0.0, 0.7, 0.95]) * chain[i - 1] + rng.normal(size=(12, 3))
    expected = emcee.autocorr.integrated_time(chain, tol=0, quiet=True)
    received = stored_autocorrelation_time(chain)
    np.testing.assert_allclose(received, np.maximum(expected, 1.0), rtol=1e-10)
