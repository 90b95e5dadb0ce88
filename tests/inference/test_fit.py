"""Fits against maxima in closed form, pyhf's fits and a published table."""

import json
import math
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import problems
import pyhf
import pytest

from dnnlik.constraints import Normal
from dnnlik.exceptions import InvalidParameters, NotConverged
from dnnlik.inference import FitStatus, fit
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.parameters import Parameter

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("tensor", [True, False])
@pytest.mark.parametrize("size", [2, 5, 20])
def test_gaussian_maximum(size, tensor):
    """The maximum of a correlated Gaussian is its mean, with exact gradients and without."""
    problem = problems.Gaussian(size, tensor=tensor)
    result = fit(problem.density)
    assert result.converged
    assert result.checked() is result
    errors = np.sqrt(np.diag(problem.covariance))
    assert (np.abs(result.point - problem.mean) < 1e-4 * errors).all()
    best = problem.density.log_likelihood(problem.mean[None])[0]
    assert result.log_likelihood == pytest.approx(best, abs=1e-8)
    assert result["x1"] == result.point[1]


def test_start_does_not_matter():
    """From anywhere inside the bounds the same maximum is found; outside starts are moved in."""
    problem = problems.Gaussian(6)
    for start in (np.full(6, 19.0), np.full(6, -19.0), np.full(6, 100.0)):
        result = fit(problem.density, start=start)
        assert result.converged
        np.testing.assert_allclose(result.point, problem.mean, atol=1e-4)


@pytest.mark.parametrize("value", [-3.0, 0.0, 0.7])
def test_fixed_parameter(value):
    """With one parameter held the maximum is the conditional mean."""
    problem = problems.Gaussian(5, seed=3)
    result = fit(problem.density, fixed={"x2": value})
    assert result.converged
    assert result["x2"] == value
    np.testing.assert_allclose(result.point, problem.conditional(2, value), atol=1e-4)


def test_everything_fixed():
    """Nothing left to fit is a fit all the same."""
    problem = problems.Gaussian(3)
    held = {"x0": 1.0, "x1": 2.0, "x2": 3.0}
    result = fit(problem.density, fixed=held)
    assert result.converged
    assert result.point.tolist() == [1, 2, 3]
    assert result.log_likelihood == problem.density.log_likelihood([[1.0, 2.0, 3.0]])[0]


@pytest.mark.parametrize("value", [20.1, -20.1, math.nan, math.inf])
def test_fixed_outside_the_bounds(value):
    """A parameter cannot be held where it may not be."""
    with pytest.raises(InvalidParameters, match="Received:"):
        fit(problems.Gaussian(2).density, fixed={"x0": value})


def test_fixing_an_unknown_parameter():
    """The names that there are come with the refusal."""
    with pytest.raises(InvalidParameters, match=r"x1.*Received: 'absent'"):
        fit(problems.Gaussian(2).density, fixed={"absent": 1.0})


@pytest.mark.parametrize("tensor", [True, False])
def test_maximum_outside_the_bounds(tensor):
    """The fit ends at the bound, converged, with the others at their conditional maximum."""
    problem = problems.Gaussian(4, seed=1, tensor=tensor)
    beyond = problem.mean[0] + 1.0
    parameters = [Parameter("x0", beyond + 2, (beyond, 20)), *list(problem.density.parameters)[1:]]
    result = fit(AnalyticLikelihood(parameters, problem.density._function))
    assert result.converged
    assert result["x0"] == beyond
    np.testing.assert_allclose(result.point, problem.conditional(0, beyond), atol=1e-4)


@pytest.mark.parametrize("tensor", [True, False])
@pytest.mark.parametrize("observed", [30, 55, 12, 0])
def test_counting_experiment(observed, tensor):
    """μ = (n - m/τ)/s and b = m/τ; at μ = 0 for a deficit, with b = (n+m)/(1+τ)."""
    density = problems.counting(observed, 10.0, 20.0, 40, 2.0, tensor=tensor)
    result = fit(density)
    mu, b = (observed - 20) / 10, 20.0
    if mu < 0:
        mu, b = 0.0, (observed + 40) / 3
    assert result.converged
    assert result["mu"] == pytest.approx(mu, abs=1e-4)
    assert result["b"] == pytest.approx(b, rel=1e-4)
    best = density.log_likelihood([[mu, b]])[0]
    assert result.log_likelihood == pytest.approx(best, abs=1e-7)


def test_scales_that_differ_by_many_orders():
    """Widths from 1e-6 to 1e6 do not matter."""
    widths = np.array([1e-6, 1.0, 1e6])
    parameters = [
        Parameter(f"x{i}", 0.0, (-30 * w, 30 * w)) for i, w in enumerate(widths)
    ]  # fmt: skip

    def log_main(points):
        z = points / widths - [1.0, -2.0, 3.0]
        return -0.5 * (z**2).sum(axis=1) - 0.4 * z[:, 0] * z[:, 2]

    result = fit(AnalyticLikelihood(parameters, log_main))
    assert result.converged
    np.testing.assert_allclose(result.point / widths, [1, -2, 3], atol=1e-3)


def test_wall_is_no_maximum():
    """Where the density is zero the line search turns back, and the maximum is found."""

    def log_main(points):
        x = points[:, 0]
        inside = x > 0
        return np.where(inside, 3 * np.log(np.where(inside, x, 1.0)) - 0.1 * x, -np.inf)

    result = fit(AnalyticLikelihood([Parameter("x", 1.0, (-50, 200))], log_main))
    assert result.converged
    assert result["x"] == pytest.approx(30, rel=1e-4)


def test_unbounded_parameter():
    """Infinite bounds with a constraint are no obstacle."""
    density = AnalyticLikelihood(
        [Parameter("x", 0.0, constraint=Normal(0, 2))], lambda p: -0.5 * (p[:, 0] - 5) ** 2
    )
    assert fit(density)["x"] == pytest.approx(4.0, abs=1e-5)


def test_fit_that_does_not_settle_says_so():
    """A kink steeper than the tolerance is no converged maximum, and `checked` refuses it."""
    density = AnalyticLikelihood(
        [Parameter("x", 0.3, (-5, 5)), Parameter("y", -2.0, (-5, 5))],
        lambda p: -10 * np.abs(p[:, 0] - 1) - np.abs(p[:, 1] + 1) * 3,
    )
    result = fit(density)
    if result.status is FitStatus.CONVERGED:
        assert result.projected_gradient < 1e-3
    else:
        with pytest.raises(NotConverged, match="Received:"):
            result.checked()


@pytest.mark.parametrize("optimizer", ["scipy", "minuit"])
def test_never_worse_than_pyhf(optimizer):
    """On a workspace of every common modifier our nll is pyhf's or better, μ free or held."""
    if optimizer == "minuit":
        pytest.importorskip("iminuit", reason="iminuit is not installed")
    path = ROOT / "likelihoods" / "two_regions" / "workspace.json"
    workspace = pyhf.Workspace(json.loads(path.read_text()))
    model, density = workspace.model(), open_likelihood(path)
    data = workspace.data(model)
    backend, previous = pyhf.get_backend()
    try:
        pyhf.set_backend("numpy", optimizer)
        for mu in (None, 0.0, 2.0):
            if mu is None:
                _, theirs = pyhf.infer.mle.fit(data, model, return_fitted_val=True)
            else:
                _, theirs = pyhf.infer.mle.fixed_poi_fit(mu, data, model, return_fitted_val=True)
            result = fit(density, fixed={} if mu is None else {"mu": mu})
            assert result.converged
            assert -result.log_likelihood <= float(theirs) / 2 + 1e-6
            full = density.all_parameters(result.point[None])[0]
            pyhf_value = model.logpdf(full, data)[0]
            assert result.log_likelihood == pytest.approx(pyhf_value, rel=1e-9)
    finally:
        pyhf.set_backend(backend, previous)


def test_needs_no_framework():
    """With TensorFlow, Keras, pyhf and emcee hidden, inference imports and fits plain Python."""
    program = """
    import sys

    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in {"tensorflow", "keras", "pyhf", "emcee"}:
                raise ImportError(f"{name} is hidden")

    sys.meta_path.insert(0, Hidden())
    import numpy as np
    from dnnlik import inference
    from dnnlik.parameters import Parameter, ParameterSet
    from dnnlik.typing import LogDensity

    class Plain:
        parameters = ParameterSet(
            [Parameter("mu", 0, (-5, 5), poi=True), Parameter("b", 1, (-5, 5))]
        )
        def log_main(self, points):
            return -0.5 * (points[:, 0] - 1) ** 2 - (points[:, 1] - 2 - 0.5 * points[:, 0]) ** 2
        def log_constraint(self, points):
            return self.parameters.log_constraint(points)
        def log_likelihood(self, points):
            return self.log_main(points) + self.log_constraint(points)
        def log_prior(self, points):
            return self.parameters.log_prior(points)
        def log_density(self, points):
            return self.log_likelihood(points) + self.log_prior(points)

    assert isinstance(Plain(), LogDensity)
    result = inference.fit(Plain())
    assert result.converged
    assert np.allclose(result.point, [1, 2.5], atol=1e-4), result.point
    scan = inference.profile(Plain(), "mu", [0.0, 1.0, 3.0])
    assert np.allclose(scan.t, [1, 0, 4], atol=1e-6), scan.t
    assert np.allclose(inference.likelihood_interval(Plain(), "mu", 1.0), [0, 2], atol=1e-3)
    assert not {"tensorflow", "keras", "pyhf", "emcee"} & set(sys.modules)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
