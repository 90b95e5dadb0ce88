"""Two-sample tests of joint distributions in whitened space."""

import numpy as np
import pytest

from dnnlik.validation.whitened import chains_of, whitened_tests


def chains(covariance, seed, steps=60, walkers=50):
    rng = np.random.default_rng(seed)
    mean = np.zeros(len(covariance))
    return rng.multivariate_normal(mean, covariance, (steps, walkers))


def correlated(rho):
    return np.array([[1.0, rho, 0], [rho, 1.0, 0], [0, 0, 1.0]])


def test_equal_distributions_pass():
    """Over repetitions no excess, and p-values below a tenth in at most about a tenth."""
    found = [
        whitened_tests(chains(correlated(0.5), 2 * i), chains(correlated(0.5), 2 * i + 1), seed=i)
        for i in range(30)
    ]
    assert max(f.excess for f in found) == 0.0
    assert np.mean([f.p_value < 0.1 for f in found]) < 0.25


def test_a_correlation_is_found_though_the_marginals_agree():
    """Other correlations with the same marginals fail; their marginals alone would not."""
    a, b = chains(correlated(0.6), 1), chains(correlated(0.0), 2)
    found = whitened_tests(a, b, seed=0)
    assert found.p_value < 1e-6
    assert found.excess > 0.01
    assert found.worst.distance > found.worst.critical


def test_heavier_tails_are_seen_in_the_radius():
    """All widths five per cent larger: the radius of thirty parameters sees it."""
    a, b = chains(np.eye(30), 3), 1.05 * chains(np.eye(30), 4)
    radius = whitened_tests(a, b, seed=0).tests[0]
    assert radius.name == "radius"
    assert radius.p_value < 1e-6


def test_a_chain_that_hardly_moves_proves_little():
    """A distance that is significant for independent points is not for stuck walkers."""
    a = chains(np.eye(3), 5)
    moved = chains(np.eye(3), 6)[:1] + 0.3
    stuck = np.repeat(moved, 60, axis=0) + 1e-3 * chains(np.eye(3), 7)
    found = whitened_tests(a, stuck, seed=0).tests[0]
    assert found.surrogate_size < 200
    assert found.exact_size > 1000


def test_scores_are_tested_too():
    """A shifted score fails by name; without scores there is none."""
    a, b = chains(np.eye(3), 8), chains(np.eye(3), 9)
    scores = a[:, :, 0], b[:, :, 0] + 0.5
    found = whitened_tests(a, b, seed=0, scores=scores)
    assert found.worst.name == "log-ratio"
    assert "log-ratio" not in {t.name for t in whitened_tests(a, b, seed=0).tests}


def test_directions_come_from_the_seed():
    """The same seed gives the same tests, another one others."""
    a, b = chains(np.eye(3), 10), chains(np.eye(3), 11)
    one, two, three = (whitened_tests(a, b, seed=s) for s in (1, 1, 2))
    assert one == two
    assert one != three


def test_chains_are_put_together(gaussian, sampled):
    """Rows in any order become (steps, walkers, d)."""
    samples = sampled(gaussian([0, 0], np.eye(2)), walkers=40, steps=9)
    expected = samples.points.reshape(9, 40, 2)
    assert chains_of(samples) == pytest.approx(expected)
    order = np.random.default_rng(0).permutation(len(samples))
    assert chains_of(samples.rows(order)) == pytest.approx(expected)
    assert chains_of(samples.rows(order[:-1])).shape == (359, 1, 2)


def test_walkers_of_unequal_length_are_no_chains(gaussian, sampled):
    """Rows drawn by weight: their number may be a multiple of that of the walkers by chance."""
    samples = sampled(gaussian([0, 0], np.eye(2)), walkers=40, steps=9)
    which = np.flatnonzero((samples.walker > 0) | (samples.step < 5))
    which = np.concatenate([which, np.flatnonzero(samples.walker == 1)[:4]])
    assert len(which) == 360
    assert chains_of(samples.rows(which)).shape == (360, 1, 2)
