"""Covariances, pulls and impacts against closed forms, and against each other."""

import json
import math
from pathlib import Path

import numpy as np
import pyhf
import pytest
from problems import Gaussian, counting

from dnnlik.constraints import Normal, Poisson
from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.inference import fisher_information, fit, impacts, pulls, uncertainties
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.parameters import Parameter

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ROOT / "likelihoods" / "two_regions" / "workspace.json"


@pytest.fixture(scope="module")
def exact():
    return open_likelihood(WORKSPACE)


@pytest.mark.parametrize("tensor", [True, False])
@pytest.mark.parametrize("size", [1, 4, 12])
def test_gaussian_covariance(size, tensor):
    """The covariance of a Gaussian is its own, correlations are scaled by the errors."""
    problem = Gaussian(size, tensor=tensor)
    found = uncertainties(problem.density, fit(problem.density))
    np.testing.assert_allclose(found.covariance, problem.covariance, rtol=1e-3, atol=1e-5)
    errors = np.sqrt(np.diag(problem.covariance))
    np.testing.assert_allclose(found.errors, errors, rtol=1e-3)
    correlation = problem.covariance / errors[:, None] / errors
    np.testing.assert_allclose(found.correlation, correlation, atol=1e-3)
    assert found.error("x0") == found.errors[0]
    assert not found.held.any()


def test_errors_of_widths_that_differ_by_many_orders():
    """From 1e-6 to 1e6: the inverse is taken in units of the widths."""
    widths = np.array([1e-6, 1.0, 1e6])
    parameters = [Parameter(f"x{i}", 0.0, (-30 * w, 30 * w)) for i, w in enumerate(widths)]
    density = AnalyticLikelihood(parameters, lambda p: -0.5 * ((p / widths) ** 2).sum(axis=1))
    found = uncertainties(density, fit(density))
    np.testing.assert_allclose(found.errors / widths, 1, rtol=1e-4)


def test_counting_experiment():
    """V(μ̂) = (n + m/τ²)/s², V(b̂) = m/τ²: Poisson variances propagated."""
    density = counting(31, 10.0, 20.0, 40, 2.0)
    found = uncertainties(density, fit(density))
    assert found.error("mu") == pytest.approx(math.sqrt(31 + 10) / 10, rel=1e-5)
    assert found.error("b") == pytest.approx(math.sqrt(10), rel=1e-5)


def test_at_a_bound_there_is_no_uncertainty():
    """A deficit keeps μ at 0; the error of b is then that of a common background."""
    density = counting(12, 10.0, 20.0, 40, 2.0)
    found = uncertainties(density, fit(density))
    assert found.held.tolist() == [True, False]
    assert np.isnan(found.errors[0])
    assert found.errors[1] == pytest.approx(math.sqrt(52) / 3, rel=1e-5)
    assert not found.response[0].any()


def test_fixed_parameters_have_none():
    """Held by name, a parameter takes its correlations with it."""
    problem = Gaussian(3)
    best = fit(problem.density, fixed={"x1": 0.0})
    found = uncertainties(problem.density, best, fixed=["x1"])
    expected = np.linalg.inv(problem.precision[np.ix_([0, 2], [0, 2])])
    np.testing.assert_allclose(found.covariance[np.ix_([0, 2], [0, 2])], expected, rtol=1e-3)
    assert not found.covariance[1].any()


@pytest.mark.parametrize("sign", [0.0, 1.0])
def test_where_the_likelihood_is_not_concave(sign):
    """A flat or rising direction has no uncertainty, and nothing is made up."""
    density = AnalyticLikelihood(
        [Parameter("x", 0.5, (-1, 1)), Parameter("y", 0.0, (-1, 1))],
        lambda p: sign * p[:, 0] ** 2 - p[:, 1] ** 2,
    )
    found = uncertainties(density, fit(density, fixed={"x": 0.5}))
    assert np.isnan(found.errors).all()


def test_response_is_the_move_of_the_conditional_maximum():
    """dθ_j/dθ_i from the covariance is what a fit with θ_i moved shows."""
    problem = Gaussian(5)
    found = uncertainties(problem.density, fit(problem.density))
    moved = problem.conditional(2, problem.mean[2] + 1) - problem.mean
    np.testing.assert_allclose(found.response[2], moved, atol=1e-3)


def test_fisher_information_of_a_workspace(exact):
    """Σ ∂ν ∂ν / ν over bins plus the precision of the auxiliary measurements."""
    point = exact.parameters.inits
    size, step = len(point), 1e-5
    offsets = step * np.eye(size)
    rates = exact.expected_events(point[None])[0]
    slope = (exact.expected_events(point + offsets) - exact.expected_events(point - offsets)) / (
        2 * step
    )
    expected = slope / rates @ slope.T
    for i, parameter in enumerate(exact.parameters):
        if isinstance(parameter.constraint, Normal):
            expected[i, i] += parameter.constraint.sigma**-2
        elif isinstance(parameter.constraint, Poisson):
            expected[i, i] += parameter.constraint.factor / point[i]
    received = fisher_information(exact, point)
    np.testing.assert_allclose(received, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_fisher_information_needs_a_generative_likelihood():
    """An analytic likelihood knows one dataset alone: one clear line."""
    with pytest.raises(InvalidInput, match=r"Fisher's information.*Received: AnalyticLikelihood"):
        fisher_information(Gaussian(2).density, [0.0, 0.0])


def test_covariance_is_that_of_pyhf(exact):
    """Second differences of pyhf's own log-likelihood at our maximum, inverted."""
    workspace = pyhf.Workspace(json.loads(WORKSPACE.read_text()))
    model = workspace.model()
    data = workspace.data(model)
    found = uncertainties(exact, fit(exact))
    step, size = 1e-3 * found.errors, len(found.point)

    def at(*moves):
        point = found.point.copy()
        for column, sign in moves:
            point[column] += sign * step[column]
        return float(model.logpdf(exact.all_parameters(point[None])[0], data)[0])

    second = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            signs = [(1, 1), (-1, -1), (1, -1), (-1, 1)]
            corners = [at((i, a), (j, b)) for a, b in signs]
            second[i, j] = (corners[0] + corners[1] - corners[2] - corners[3]) / 4
    theirs = np.linalg.inv(-second) * step[:, None] * step
    np.testing.assert_allclose(found.errors, np.sqrt(np.diag(theirs)), rtol=1e-4)
    units = found.errors[:, None] * found.errors
    np.testing.assert_allclose(found.correlation, theirs / units, atol=1e-4)


def test_pulls_of_a_gaussian():
    """(θ̂ - 0.2)/0.7 and √V/0.7 of the constrained half of the parameters."""
    problem = Gaussian(6)
    found = pulls(uncertainties(problem.density, fit(problem.density)))
    assert found.names == ("x1", "x3", "x5")
    odd = slice(1, None, 2)
    np.testing.assert_allclose(found.pulls, (problem.mean[odd] - 0.2) / 0.7, atol=1e-4)
    widths = np.sqrt(np.diag(problem.covariance))[odd] / 0.7
    np.testing.assert_allclose(found.constraints, widths, rtol=1e-3)
    assert (found.constraints < 1).all()


def test_pull_of_a_poisson_measurement():
    """A count a of τθ: measured a/τ, width √a/τ; data that say nothing leave pull 0 and 1."""
    gamma = Parameter("gamma", 1.0, (1e-3, 10), Poisson(25, 20))
    mu = Parameter("mu", 0.0, (-5, 5), poi=True)
    density = AnalyticLikelihood([mu, gamma], lambda p: -0.5 * p[:, 0] ** 2)
    found = pulls(uncertainties(density, fit(density)))
    assert found.measured.tolist() == [1.25]
    assert found.widths.tolist() == [0.25]
    assert found.pulls[0] == pytest.approx(0, abs=1e-4)
    assert found.constraints[0] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize("tensor", [True, False])
def test_impacts_of_a_gaussian(tensor):
    """±ρσ of the poi after the fit; with the width before it, ρσ times pre over post."""
    problem = Gaussian(6, tensor=tensor)
    fitted = uncertainties(problem.density, fit(problem.density))
    found = impacts(problem.density, fitted)
    errors = np.sqrt(np.diag(problem.covariance))
    expected = problem.covariance[0, 1:] / errors[1:]
    assert found.poi == "x0"
    assert found.names == ("x1", "x2", "x3", "x4", "x5")
    assert found.converged
    np.testing.assert_allclose(found.postfit[:, 0], expected, atol=1e-3)
    np.testing.assert_allclose(found.postfit[:, 1], -expected, atol=1e-3)
    constrained = np.array([True, False, True, False, True])
    assert np.isnan(found.prefit[~constrained]).all()
    scaled = (expected * 0.7 / errors[1:])[constrained]
    np.testing.assert_allclose(found.prefit[constrained, 0], scaled, atol=1e-3)
    np.testing.assert_array_equal(found.ranking, np.argsort(-np.abs(expected)))


def test_impacts_are_single_fits(exact):
    """One batch finds what one fit after another does, asymmetries included."""
    fitted = uncertainties(exact, fit(exact))
    found = impacts(exact, fitted)
    errors = fitted.errors
    for name in ("jet_energy_scale", "top_norm", "diboson_CR[0]", "staterror_SR[5]"):
        column = exact.parameters.index(name)
        row = found.names.index(name)
        for position, sign in enumerate((1, -1)):
            value = fitted.point[column] + sign * errors[column]
            single = fit(exact, fixed={name: value})
            shift = single["mu"] - fitted.point[exact.parameters.index("mu")]
            assert found.postfit[row, position] == pytest.approx(shift, abs=1e-4)
    assert found.converged


def test_impacts_stop_at_bounds():
    """A parameter that cannot be moved by a whole deviation is moved to its bound."""
    problem = Gaussian(2)
    edge = float(problem.mean[1]) + 0.1
    parameters = [
        problem.density.parameters["x0"],
        Parameter("x1", edge - 1, (-20, edge), Normal(0.2, 0.7)),
    ]
    density = AnalyticLikelihood(parameters, problem.density._function)
    found = impacts(density, uncertainties(density, fit(density)))
    expected = problem.conditional(1, edge)[0] - problem.mean[0]
    assert found.postfit[0, 0] == pytest.approx(expected, abs=1e-4)


def test_impacts_at_a_bound_are_not_a_number():
    """A parameter that the fit holds at its bound ranks last."""
    density = counting(12, 10.0, 20.0, 40, 2.0)
    fitted = uncertainties(density, fit(density))
    found = impacts(density, fitted, poi="b")
    assert found.names == ("mu",)
    assert np.isnan(found.postfit).all()
    assert np.isnan(found.prefit).all()


def test_impacts_without_others():
    """One parameter alone: nothing to rank."""
    problem = Gaussian(1)
    found = impacts(problem.density, uncertainties(problem.density, fit(problem.density)))
    assert found.names == ()
    assert found.postfit.shape == (0, 2)
    assert found.ranking.size == 0


def test_the_parameter_of_interest_must_be_named_where_none_is_marked():
    """What is marked is listed."""
    density = AnalyticLikelihood([Parameter("x", 0, (-1, 1))], lambda p: -(p[:, 0] ** 2))
    fitted = uncertainties(density, fit(density))
    with pytest.raises(InvalidParameters, match=r"name the parameter.*Received: \[\]"):
        impacts(density, fitted)
    with pytest.raises(InvalidParameters, match="Received: 'absent'"):
        impacts(density, fitted, poi="absent")
