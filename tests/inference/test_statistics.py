"""Test statistics against closed forms and against pyhf."""

import math
from dataclasses import replace

import numpy as np
import pytest
from problems import Gaussian, counting
from pyhf_models import GENERATED, TWO_REGIONS, generated_pair, pair_of, shared_pair
from scipy.special import xlogy

from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.inference import fit, statistic
from dnnlik.inference.maxima import maxima
from dnnlik.inference.statistics import STATISTICS, q_0, q_mu, qtilde_mu, t_mu, ttilde_mu
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter

MUS = np.array([0.0, 0.3, 1.0, 2.5])


def gaussian(fitted, sigma=0.8):
    """ln L = -(μ - μ̂)²/2σ²."""
    mu = Parameter("mu", 1.0, (-20, 20), poi=True)
    return AnalyticLikelihood([mu], lambda p: -0.5 * ((p[:, 0] - fitted) / sigma) ** 2)


@pytest.mark.parametrize("fitted", [-1.3, 0.0, 0.9, 4.0])
def test_gaussian_statistics(fitted):
    """Wald's forms of arXiv:1007.1727, sect. 3, which are exact for a Gaussian."""
    density, sigma = gaussian(fitted), 0.8
    t = (MUS - fitted) ** 2 / sigma**2
    tilde = np.where(fitted < 0, (MUS**2 - 2 * MUS * fitted) / sigma**2, t)
    expected = {
        "t": t,
        "ttilde": tilde,
        "q0": np.full(1, fitted**2 / sigma**2 if fitted > 0 else 0.0),
        "q": np.where(fitted > MUS, 0, t),
        "qtilde": np.where(fitted > MUS, 0, tilde),
    }
    for name in STATISTICS:
        np.testing.assert_allclose(statistic(density, name, MUS), expected[name], atol=1e-7)


@pytest.mark.parametrize("tensor", [True, False])
@pytest.mark.parametrize("observed", [31, 24, 14])
def test_counting_experiment(observed, tensor):
    """On/off counts in closed form (arXiv:1007.1727, sect. 5.1), μ̂ negative included."""
    signal, control, ratio = 10.0, 40, 2.0
    density = counting(observed, signal, 20.0, control, ratio, tensor=tensor)
    # Down to a rate of zero.
    parameters = [Parameter("mu", 1.0, (-0.8, 10), poi=True), Parameter("b", 20.0, (8.1, 200))]
    density = AnalyticLikelihood(parameters, density._function)

    def log_likelihood(mu, b):
        rate = mu * signal + b
        return xlogy(observed, rate) - rate + xlogy(control, ratio * b) - ratio * b

    rest = observed + control - (1 + ratio) * MUS * signal
    root = np.sqrt(rest**2 + 4 * (1 + ratio) * control * MUS * signal)
    held = log_likelihood(MUS, (rest + root) / (2 * (1 + ratio)))
    fitted, zero = (observed - control / ratio) / signal, held[0]
    best = log_likelihood(fitted, control / ratio)
    np.testing.assert_allclose(statistic(density, "t", MUS), 2 * (best - held), atol=1e-6)
    reference = zero if fitted < 0 else best
    expected = np.where(fitted > MUS, 0, 2 * (reference - held))
    np.testing.assert_allclose(statistic(density, "qtilde", MUS), expected, atol=1e-6)
    q0 = 2 * (best - zero) if fitted > 0 else 0
    np.testing.assert_allclose(statistic(density, "q0"), [q0], atol=1e-6)


def test_pure_functions_broadcast_and_never_go_below_zero():
    """Arrays of datasets against arrays of values; a fit that is too low gives 0."""
    best, fitted, zero = np.array([[-1.0], [-2.0]]), np.array([[-0.5], [0.7]]), [[-1.5], [-4.0]]
    held = np.array([[-2.0, -3.0, -0.9], [-2.5, -6.0, -1.9]])
    mu = np.array([0.5, 1.0, 2.0])
    np.testing.assert_array_equal(t_mu(held, best), [[2, 4, 0], [1, 8, 0]])
    tilde = ttilde_mu(held, best, fitted, zero)
    np.testing.assert_array_equal(tilde, [[1, 3, 0], [1, 8, 0]])
    np.testing.assert_array_equal(q_mu(mu, held, best, fitted), [[2, 4, 0], [0, 8, 0]])
    np.testing.assert_array_equal(qtilde_mu(mu, held, best, fitted, zero), [[1, 3, 0], [0, 8, 0]])
    np.testing.assert_array_equal(q_0(zero, best, fitted), [[0], [4]])


# What pyhf's fits leave, with its optimizer's tolerance at 1e-10.
TOLERANCE = {"rel": 1e-6, "abs": 2e-6}


def compare(pair, names):
    """Our statistics are pyhf's, and our maxima never lower than its."""
    for name in names:
        mus = [0.0] if name == "q0" else MUS.tolist()
        ours = statistic(pair.likelihood, name, mus)
        for mu, value in zip(mus, ours, strict=True):
            assert value == pytest.approx(pair.statistic(name, mu), **TOLERANCE), (name, mu)


@pytest.mark.parametrize("name", GENERATED)
@pytest.mark.parametrize("lower", [-1.0, 0.0])
def test_generated_workspaces(name, lower):
    """All five statistics of small workspaces, with excess, deficit and few events.

    With a poi that may be negative pyhf's tilde statistics get its lower bound 0; with few
    events it may not be that negative that rates are.
    """
    lower = max(lower, -0.2) if name == "few" else lower
    pair = generated_pair(name, lower)
    names = ("t", "ttilde", "q0", "q", "qtilde") if lower < 0 else ("ttilde", "q0", "qtilde")
    compare(pair, names)


@pytest.mark.slow
def test_two_regions():
    """All five statistics of the workspace that ships with the project."""
    compare(pair_of("two_regions", TWO_REGIONS), STATISTICS)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["three_regions_13p", "sbottom_66p"])
def test_published_workspaces(name):
    """q̃_μ and q_0 where the maximum is at the bound μ = 0."""
    compare(shared_pair(name), ("qtilde", "q0"))


def test_maxima_say_whether_they_converged():
    """Values in their order, conditional points at their values, and the flags."""
    problem = Gaussian(4)
    found = maxima(problem.density, [1.0, -1.0, 0.5], poi="x0")
    assert found.converged.all()
    assert found.points[:, 0].tolist() == [1.0, -1.0, 0.5]
    assert found.at_zero["x0"] == 0
    assert found.fitted == pytest.approx(problem.mean[0], abs=1e-4)


def test_a_better_maximum_on_the_way_is_the_global_one():
    """The fit starts in the lower of two peaks; a tested value finds the higher: t ≥ 0."""

    def log_main(points):
        x = points[:, 0]
        return np.logaddexp(-0.5 * (x / 0.5) ** 2, math.log(20) - 0.5 * ((x - 5) / 0.5) ** 2)

    density = AnalyticLikelihood([Parameter("mu", 0.2, (-5, 10), poi=True)], log_main)
    assert fit(density)["mu"] == pytest.approx(0, abs=0.01)
    t = statistic(density, "t", [0.0, 4.8])
    assert t[0] == pytest.approx(2 * math.log(20), abs=1e-3)
    assert t[1] == pytest.approx(0.2**2 / 0.25, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "bounds", "error", "complaint"),
    [
        ("q1", (-1, 5), InvalidInput, "one of t, ttilde.*Received: 'q1'"),
        ("q", (0, 5), InvalidParameters, r"use qtilde.*Received: bounds \[0.0, 5.0\]"),
        ("qtilde", (0.5, 5), InvalidParameters, "the background alone.*Received: 'qtilde'"),
        ("q0", (-5, -1), InvalidParameters, "the background alone.*Received: 'q0'"),
    ],
)
def test_statistics_that_do_not_fit_the_parameter(name, bounds, error, complaint):
    """Unknown names, q_μ of what cannot be negative, μ = 0 outside the bounds."""
    middle = sum(bounds) / 2
    density = AnalyticLikelihood([Parameter("mu", middle, bounds, poi=True)], lambda p: -p[:, 0])
    with pytest.raises(error, match=complaint):
        statistic(density, name, [middle])


def test_values_outside_the_bounds():
    """A value that the parameter may not have is refused."""
    with pytest.raises(InvalidParameters, match="Received: 30"):
        statistic(gaussian(1.0), "t", [30.0])


def test_t_of_any_parameter():
    """t needs no zero: a mass between 100 and 150 is tested like anything else."""
    mass = Parameter("mass", 120.0, (100, 150), poi=True)
    density = AnalyticLikelihood([mass], lambda p: -0.5 * ((p[:, 0] - 125) / 2) ** 2)
    np.testing.assert_allclose(statistic(density, "t", [123.0, 129.0]), [1, 4], atol=1e-6)


def test_between_keeps_to_the_better_of_two_valleys():
    """The profile of two valleys, 1e-30 at most between them, is the higher of two parabolas."""

    def parabolas(mu):
        return -0.5 * mu**2, -0.3 * (mu + 1.0) ** 2

    def log_main(points):
        mu, x = points.T
        first, second = parabolas(mu)
        return np.logaddexp(first - 20 * (x + 2) ** 2, second - 20 * (x - 2) ** 2)

    mu, x = Parameter("mu", 0, (0, 9), poi=True), Parameter("x", -2, (-4, 4))
    likelihood = AnalyticLikelihood([mu, x], log_main)
    scan = maxima(likelihood, np.linspace(0, 9, 7))
    higher = np.where(np.greater(*parabolas(scan.values)), -2.0, 2.0)
    scan = replace(scan, points=np.column_stack([scan.values, higher]))
    values = np.linspace(2, 6, 41)  # the higher one changes at 3.44
    np.testing.assert_allclose(
        scan.between(likelihood, values).held, np.maximum(*parabolas(values)), atol=1e-6
    )
