"""Profiles against closed forms and the published toy search."""

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from problems import Gaussian, counting
from scipy.special import xlogy

from dnnlik.exceptions import InvalidParameters
from dnnlik.inference import fit, likelihood_interval, profile
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter

ROOT = Path(__file__).resolve().parents[2]
PAPER_TOY = ROOT.parent / "shared" / "data" / "lhc_search_95p.json"


@pytest.mark.parametrize("tensor", [True, False])
@pytest.mark.parametrize("size", [2, 5, 20])
def test_gaussian_profile(size, tensor):
    """t_μ = (μ - μ̂)²/V and the conditional maxima are those of a Gaussian."""
    problem = Gaussian(size, tensor=tensor)
    grid = problem.mean[0] + np.array([2.0, -1.5, 0.0, 0.4])
    scan = profile(problem.density, "x0", grid)
    assert scan.converged.all()
    expected = (grid - problem.mean[0]) ** 2 / problem.covariance[0, 0]
    np.testing.assert_allclose(scan.t, expected, atol=1e-6)
    np.testing.assert_array_equal(scan.values, grid)
    points = [problem.conditional(0, value) for value in grid]
    np.testing.assert_allclose(scan.points, points, atol=1e-4)
    np.testing.assert_array_equal(scan.points[:, 0], grid)


@pytest.mark.parametrize("t", [1.0, 4.0])
@pytest.mark.parametrize("tensor", [True, False])
def test_gaussian_interval(t, tensor):
    """The ends are μ̂ ± sqrt(t V)."""
    problem = Gaussian(4, seed=2, tensor=tensor)
    error = math.sqrt(problem.covariance[0, 0])
    ends = likelihood_interval(problem.density, "x0", t)
    expected = problem.mean[0] + np.array([-1, 1]) * math.sqrt(t) * error
    np.testing.assert_allclose(ends, expected, atol=2e-4 * error * math.sqrt(t))


def test_interval_is_cut_at_the_bounds():
    """Where t does not reach the value inside the bounds, the bound is the end."""
    problem = Gaussian(2)
    near = problem.mean[0] + 0.1 * math.sqrt(problem.covariance[0, 0])
    parameters = [Parameter("x0", near - 1, (-20, near)), problem.density.parameters["x1"]]
    density = AnalyticLikelihood(parameters, problem.density._function)
    lower, upper = likelihood_interval(density, "x0", 1.0)
    assert upper == near
    assert lower == pytest.approx(
        problem.mean[0] - math.sqrt(problem.covariance[0, 0]), abs=1e-3
    )  # fmt: skip


@pytest.mark.parametrize("t", [1.0, 4.0])
def test_an_interval_that_a_step_meets_exactly(t):
    """A step of a Gaussian's width ends on the crossing, where rounding decides the sign: here
    t is too small at first, and too large when it is asked again after a longer step."""
    further = False

    def log_likelihood(x):
        nonlocal further
        further |= bool((np.abs(x) > 1.2 * np.sqrt(t)).any())
        return -0.5 * x[:, 0] ** 2 - (1e-9 if further else -1e-9)

    density = AnalyticLikelihood([Parameter("mu", 0, (-9, 9))], log_likelihood)
    density.value_and_gradient = lambda x: (log_likelihood(x), -x)
    best = replace(fit(density), log_likelihood=0.0)
    further = False
    ends = likelihood_interval(density, "mu", t, best=best)
    np.testing.assert_allclose(ends, [-np.sqrt(t), np.sqrt(t)], atol=1e-3)


@pytest.mark.parametrize("observed", [25, 41, 14])
@pytest.mark.parametrize("tensor", [True, False])
def test_counting_experiment(observed, tensor):
    """t_μ from the positive root of the quadratic equation for b (arXiv:1007.1727)."""
    signal, control, ratio = 10.0, 40, 2.0
    density = counting(observed, signal, 20.0, control, ratio, tensor=tensor)
    mu = np.array([0.0, 0.5, 1.0, 2.5])
    rest = observed + control - (1 + ratio) * mu * signal
    root = np.sqrt(rest**2 + 4 * (1 + ratio) * control * mu * signal)
    conditional = (rest + root) / (2 * (1 + ratio))

    def log_likelihood(mu, b):
        rate = mu * signal + b
        return xlogy(observed, rate) - rate + xlogy(control, ratio * b) - ratio * b

    if observed < control / ratio:  # a deficit: μ stays at its bound
        best = log_likelihood(0.0, (observed + control) / (1 + ratio))
    else:
        best = log_likelihood((observed - control / ratio) / signal, control / ratio)
    scan = profile(density, "mu", mu)
    assert scan.converged.all()
    np.testing.assert_allclose(scan.points[:, 1], conditional, rtol=1e-4)
    np.testing.assert_allclose(scan.t, 2 * (best - log_likelihood(mu, conditional)), atol=1e-6)
    assert scan.t.min() > -1e-8


def peaks(centres, heights, width=0.6):
    """A sum of Gaussian peaks in (mu, y), far apart in y."""

    def log_main(points):
        terms = [
            math.log(h) - 0.5 * ((points - c) ** 2).sum(axis=1) / width**2
            for c, h in zip(centres, heights, strict=True)
        ]
        return np.logaddexp.reduce(terms, axis=0)

    parameters = [Parameter("mu", centres[0][0], (-6, 12)), Parameter("y", centres[0][1], (-9, 9))]
    return AnalyticLikelihood(parameters, log_main)


def test_profile_that_finds_a_better_maximum():
    """The inits lie on the lower of two peaks: the scan moves to the higher, and t ≥ 0."""
    density = peaks([(0.0, 0.0), (4.0, 1.0)], [1.0, 20.0])
    first = fit(density)
    assert first["mu"] == pytest.approx(0, abs=0.05)
    grid = np.linspace(-1, 6, 15)
    scan = profile(density, "mu", grid, best=first)
    assert scan.t.min() >= -1e-8
    assert scan.best["mu"] == pytest.approx(4, abs=0.01)
    assert scan.best.log_likelihood > first.log_likelihood + 2
    # A dense grid in y is the oracle of the profile.
    y = np.linspace(-2, 3, 2001)
    brute = [density.log_likelihood(np.stack([np.full(y.size, m), y], axis=1)).max() for m in grid]
    assert (scan.log_likelihood <= np.array(brute) + 1e-3).all()


def test_profile_that_finds_better_maxima_twice():
    """Three peaks, each found from the one before: t ≥ 0 still."""
    density = peaks([(0.0, 0.0), (2.5, 1.0), (5.0, 0.0)], [1.0, 30.0, 4000.0])
    first = fit(density)
    for grid in (np.linspace(0, 3, 7), np.linspace(0, 6, 13)):
        assert profile(density, "mu", grid, best=first).t.min() >= -1e-8


def test_profile_keeps_the_better_of_its_scans():
    """What the first scan found is not lost when the best fit moves away.

    From the higher peak at μ = 4 a scan back to μ = 0 does not find the lower one,
    which is narrow in y.
    """

    def log_main(points):
        mu, y = points.T
        low = -0.5 * ((mu / 0.6) ** 2 + (y / 0.3) ** 2)
        high = math.log(20) - 0.5 * (((mu - 4) / 0.6) ** 2 + ((y - 3.5) / 0.6) ** 2)
        return np.logaddexp(low, high)

    density = AnalyticLikelihood(
        [Parameter("mu", 0, (-6, 12)), Parameter("y", 0, (-9, 9))], log_main
    )
    first = fit(density)
    scan = profile(density, "mu", np.linspace(-1, 4, 11), best=first)
    assert scan.best["mu"] == pytest.approx(4, abs=0.01)
    at_zero = scan.t[list(scan.values).index(0.0)]
    assert at_zero == pytest.approx(2 * math.log(20), abs=1e-3)


def test_values_of_a_profile_in_any_order():
    """The order of the values is that of the results; one that repeats is repeated."""
    problem = Gaussian(3)
    grid = np.array([1.0, -1.0, 0.5, 1.0])
    scan, ordered = (profile(problem.density, "x0", values) for values in (grid, np.sort(grid)))
    np.testing.assert_allclose(np.sort(scan.t), np.sort(ordered.t), atol=1e-7)
    assert scan.t[0] == pytest.approx(scan.t[3], abs=1e-7)


def test_empty_profile():
    """No values, no fits but the global one."""
    scan = profile(Gaussian(3).density, "x0", [])
    assert scan.t.shape == (0,)
    assert scan.points.shape == (0, 3)
    assert scan.best.converged


def test_profile_outside_the_bounds():
    """A value that the parameter may not have is refused."""
    with pytest.raises(InvalidParameters, match="Received: 21"):
        profile(Gaussian(2).density, "x0", [0.0, 21.0])


@pytest.mark.skipif(
    not PAPER_TOY.is_file(), reason="the shared folder with the paper's toy search is absent"
)
def test_paper_toy(monkeypatch):
    """arXiv:1911.03305's search: maximum and t_μ as two independent programs have them."""
    monkeypatch.delenv("DNNLIK_PAPER_TOY", raising=False)
    spec = importlib.util.spec_from_file_location("_paper_toy", ROOT / "benchmarks/paper_toy.py")
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    scan = profile(toy.likelihood(), "mu", np.linspace(0, 1, 11))
    expected = [
        0.00123, 0.09189, 0.29609, 0.64091, 1.13311, 1.77652, 2.57475, 3.53113, 4.64865, 5.92928,
        7.37410,
    ]  # fmt: skip
    assert scan.best.converged
    assert scan.converged.all()
    assert scan.best.log_likelihood - math.log(5) == pytest.approx(-285.778330, abs=1e-4)
    assert scan.best["mu"] == pytest.approx(-0.01317, abs=1e-3)
    np.testing.assert_allclose(scan.t, expected, atol=1e-4)
