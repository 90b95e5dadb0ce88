"""Every move leaves the target as it is, and finds it from elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.sampling.moves import mixture_of_moves, random_walk, sampler_of
from dnnlik.sampling.reference import Reference, laplace_reference
from dnnlik.sampling.reflection import Arcs

# A normal cut by both bounds, a skewed density on the positive axis, a free normal.
CUT = stats.truncnorm(-0.5, 2.0)
SKEWED = stats.gamma(2.5, scale=1.3)
FREE = stats.norm(1.0, 0.5)
MARGINALS = (CUT, SKEWED, FREE)
LOWER, UPPER = np.array([[-0.5, 0, -9], [2, 80, 11]], dtype=float)
WALKERS = 2000


@pytest.fixture(scope="module")
def target():
    parameters = [
        Parameter("cut", 0, (-0.5, 2), poi=True),
        Parameter("skewed", 2, (0, 80)),
        Parameter("free", 1, (-9, 11)),
    ]
    return AnalyticLikelihood(
        parameters, lambda x: sum(d.logpdf(x[:, i]) for i, d in enumerate(MARGINALS))
    )


def wrong_reference():
    """Neither the mean nor the covariance of the target: the ratio must make up for it."""
    root = np.array([[0.8, 0, 0], [0.5, 2.0, 0], [0.1, -0.3, 0.6]])
    return Reference(np.array([0.4, 3.5, 1.2]), root)


def moves():
    mixture = mixture_of_moves(Arcs(wrong_reference(), LOWER, UPPER))
    unbounded = mixture_of_moves(Arcs(wrong_reference(), *np.full((2, 3), [[-np.inf], [np.inf]])))
    crank_nicolson, evolution = (move for move, _ in mixture)
    return {
        "crank-nicolson": crank_nicolson,
        "crank-nicolson without mirrors": unbounded[0][0],
        "evolution": evolution,
        "random walk": random_walk(wrong_reference(), 0.8),
        "mixture": mixture,
    }


def after(target, move, start, steps):
    sampler = sampler_of(target, len(start), move)
    sampler.random_state = np.random.RandomState(11).get_state()
    return sampler.run_mcmc(start, steps, store=False).coords


def check(points):
    for column, marginal in enumerate(MARGINALS):
        values = points[:, column]
        assert stats.kstest(values, marginal.cdf).pvalue > 1e-3, column
        error = marginal.std() / np.sqrt(len(values))
        assert abs(values.mean() - marginal.mean()) < 4 * error
        spread = np.sqrt((marginal.stats("k") + 2) / len(values))
        assert abs(values.var() / marginal.var() - 1) < 4 * spread
    correlation = np.corrcoef(points, rowvar=False)[np.triu_indices(3, 1)]
    assert np.abs(correlation).max() < 4 / np.sqrt(len(points))


@pytest.mark.parametrize("name", moves())
def test_the_target_is_stationary(target, name):
    """Walkers drawn from the target (scipy) and moved are still drawn from it."""
    rng = np.random.default_rng(2)
    start = np.stack([d.rvs(WALKERS, random_state=rng) for d in MARGINALS], axis=1)
    end = after(target, moves()[name], start, 60)
    assert (end != start).any(axis=1).mean() > 0.99
    check(end)


@pytest.mark.parametrize("name", moves())
def test_the_target_is_found(target, name):
    """Walkers that start in a corner end as draws from the target (scipy)."""
    start = np.random.default_rng(3).uniform([1.5, 6, 2], [2, 9, 3], size=(WALKERS, 3))
    check(after(target, moves()[name], start, 800))


def test_the_move_to_its_own_reference_is_always_accepted():
    """On a Gaussian target equal to its reference, Crank-Nicolson steps accept all."""
    gauss = AnalyticLikelihood(
        [Parameter("x", 0, (-99, 99)), Parameter("y", 0, (-99, 99))],
        lambda x: -0.5 * (x**2).sum(axis=1),
    )
    move = mixture_of_moves(Arcs.within(Reference(np.zeros(2), np.eye(2)), gauss.parameters))[0][0]
    sampler = sampler_of(gauss, 200, move)
    sampler.random_state = np.random.RandomState(1).get_state()
    sampler.run_mcmc(np.random.default_rng(0).normal(size=(200, 2)), 50)
    assert sampler.acceptance_fraction.min() == 1.0


def test_reference_of_a_sample_has_its_moments():
    """Mean and covariance of the points (NumPy), also where widths differ by 10⁸."""
    rng = np.random.default_rng(4)
    widths = np.array([1e-4, 1.0, 1e4])
    points = rng.multivariate_normal(np.ones(3), 0.5 * np.eye(3) + 0.5, size=500) * widths
    found = Reference.of_sample(points)
    np.testing.assert_allclose(found.mean, points.mean(axis=0), rtol=1e-12)
    covariance = np.cov(points, rowvar=False)
    np.testing.assert_allclose(found.factor @ found.factor.T, covariance, rtol=1e-9)


def test_laplace_of_a_gaussian_is_its_covariance():
    """A correlated Gaussian, with a constraint as a part of it: the analytic inverse."""
    covariance = np.array([[1.0, 0.03, -0.8], [0.03, 0.01, 0.0], [-0.8, 0.0, 4.0]])
    precision = np.linalg.inv(covariance)
    parameters = [
        Parameter("mu", 0, (-50, 50), poi=True),
        Parameter("jes", 0, constraint=Normal(0, 0.5)),
        Parameter("k", 0, (-200, 200)),
    ]
    precision[1, 1] -= 1 / 0.5**2
    gauss = AnalyticLikelihood(
        parameters, lambda x: -0.5 * np.einsum("ni,ij,nj->n", x, precision, x)
    )
    found = laplace_reference(gauss, np.zeros(3))
    np.testing.assert_allclose(
        found.factor @ found.factor.T, covariance, rtol=1e-5, atol=1e-5 * 0.01
    )


@pytest.mark.parametrize("curvature", [0.0, 1e-9, -1.0])
def test_flat_and_convex_directions_get_the_width_of_the_bounds(curvature):
    """Nothing to learn from the curvature: the standard deviation of the uniform prior."""
    flat = AnalyticLikelihood(
        [Parameter("flat", 1, (-2, 4)), Parameter("x", 0, (-9, 9))],
        lambda x: -0.5 * curvature * x[:, 0] ** 2 - 0.5 * x[:, 1] ** 2,
    )
    found = laplace_reference(flat, np.array([0.0, 0.0]))
    covariance = found.factor @ found.factor.T
    np.testing.assert_allclose(covariance, np.diag([36 / 12, 1]), rtol=1e-6, atol=1e-6)


def test_without_bounds_the_width_is_limited_all_the_same():
    """An infinite range is cut at a thousand natural lengths, so factors stay finite."""
    free = AnalyticLikelihood(
        [Parameter("x", 0, constraint=Normal(0, 2))], lambda x: 0.125 * x[:, 0] ** 2
    )
    np.testing.assert_allclose(laplace_reference(free, np.zeros(1)).factor, [[2000.0]])


def test_a_prior_is_a_part_of_the_posterior():
    """Where the likelihood is flat the width is that of the prior."""
    free = AnalyticLikelihood([Parameter("x", 0, prior=Normal(0, 2))], lambda x: np.zeros(len(x)))
    np.testing.assert_allclose(laplace_reference(free, np.zeros(1)).factor, [[2.0]])
