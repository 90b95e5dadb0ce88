"""Asymptotic p-values against simulated Gaussians and pyhf's distributions."""

import numpy as np
import pytest
from pyhf.infer.calculators import AsymptoticTestStatDistribution
from scipy import stats

from dnnlik.inference import asymptotics
from dnnlik.inference.statistics import q_mu, qtilde_mu, ttilde_mu


def experiments(true, size=400_000, sigma=1.0):
    """μ̂ of many Gaussian experiments, and their log-likelihoods as a function of μ."""
    fitted = np.random.default_rng(3).normal(true, sigma, size)
    return fitted, lambda mu: -0.5 * ((mu - fitted) / sigma) ** 2


def test_p_values_without_a_bound():
    """t_μ is χ² with one degree of freedom, q_0 half of one; Z undoes p."""
    t = np.array([0.0, 0.5, 4.0, 30.0])
    np.testing.assert_allclose(asymptotics.p_value_t(t), stats.chi2.sf(t, 1), rtol=1e-12)
    p = asymptotics.p_value_q0(t)
    np.testing.assert_allclose(p, 0.5 * stats.chi2.sf(t, 1), rtol=1e-12)
    np.testing.assert_allclose(asymptotics.significance(p), np.sqrt(t), atol=1e-9)


@pytest.mark.parametrize("mu", [0.4, 1.0, 2.5])
def test_p_value_of_ttilde(mu):
    """The fraction of simulated experiments beyond, on both sides of t̃ = μ²/σ²."""
    fitted, log_likelihood = experiments(mu)
    simulated = ttilde_mu(log_likelihood(mu), 0.0, fitted, log_likelihood(0.0))
    for t in (0.3 * mu**2, mu**2, 1.8 * mu**2 + 0.5):
        expected = (simulated >= t).mean()
        error = np.sqrt(expected * (1 - expected) / fitted.size)
        assert asymptotics.p_value_ttilde(t, mu) == pytest.approx(expected, abs=5 * error)


@pytest.mark.parametrize("tilde", [True, False])
@pytest.mark.parametrize("mu", [0.4, 1.0, 2.5])
def test_p_values_of_limits(mu, tilde):
    """p_{s+b} and p_b are fractions of experiments with and without the signal."""
    for observed in (0.3 * mu, 0.9 * mu, 1.6 * mu):
        received = asymptotics.limit_p_values(observed**2, mu, tilde=tilde)
        for true, p in ((mu, received.p_sb), (0.0, received.p_b)):
            fitted, log_likelihood = experiments(true)
            held = log_likelihood(mu)
            if tilde:
                simulated = qtilde_mu(mu, held, 0.0, fitted, log_likelihood(0.0))
            else:
                simulated = q_mu(mu, held, 0.0, fitted)
            expected = (simulated >= observed**2).mean()
            error = np.sqrt(expected * (1 - expected) / fitted.size) + 1e-6
            assert p == pytest.approx(expected, abs=5 * error)
        assert received.cls == pytest.approx(received.p_sb / received.p_b, rel=1e-12)


def test_expected_cls_is_pyhf_s_distribution():
    """The band from -2 to 2 is pyhf's list, which begins with the largest -μ̂/σ."""
    for root in (0.0, 0.7, 3.0, 6.0):
        sb, b = AsymptoticTestStatDistribution(-root), AsymptoticTestStatDistribution(0.0)
        values = [b.expected_value(n) for n in (2, 1, 0, -1, -2)]
        expected = [sb.pvalue(v) / b.pvalue(v) for v in values]
        np.testing.assert_allclose(asymptotics.expected_cls([root])[0], expected, rtol=1e-10)


@pytest.mark.parametrize("alpha", [0.3, 0.05, 1e-3])
def test_expected_root_is_where_the_band_crosses(alpha):
    """Each band has CL_s = α at its own root."""
    found = asymptotics.expected_cls(asymptotics.expected_root(alpha))
    np.testing.assert_allclose(found.diagonal(), alpha, rtol=1e-9)


def test_far_tails_keep_their_digits():
    """CL_s of a signal that is excluded by 40 σ is a number, not 0/0."""
    p = asymptotics.limit_p_values(40.0**2, 2.0, tilde=False)
    assert p.p_sb < 1e-300
    assert 0 < p.cls < 1e-30
    # ln of the ratio of two Gaussian tails, to leading order (40² - 38²)/2 and 38/40.
    expected = -(40**2 - 38**2) / 2 + np.log(38 / 40)
    assert np.log(p.cls) == pytest.approx(expected, abs=1e-3)


def test_no_signal_cannot_be_excluded():
    """At μ = 0 both hypotheses are the same: CL_s = 1."""
    assert asymptotics.limit_p_values(0.0, 0.0, tilde=True).cls == 1
    assert (asymptotics.expected_cls([0.0]) == 1).all()
