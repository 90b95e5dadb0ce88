"""The maximum from values alone, against closed forms and the fits of the inference room."""

from __future__ import annotations

import numpy as np
import pytest

from dnnlik.exceptions import NotConverged
from dnnlik.inference import expansion_of_main, fit
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.refinement.budget import CountedLikelihood
from dnnlik.refinement.maximum import central_gradient, peak_of, stencil_calls


def counted(likelihood, tmp_path, calls=100_000):
    return CountedLikelihood(likelihood, calls, tmp_path / "calls")


@pytest.mark.parametrize("width", [1, 2, 12])
def test_a_correlated_gaussian_far_from_its_start(tmp_path, width):
    """Point and Hessian of the closed form, scales over four orders of magnitude, and calls
    of the order of d²."""
    rng = np.random.default_rng(width)
    widths = 10.0 ** rng.uniform(-2, 2, size=width)
    root = np.eye(width) + 0.3 * rng.normal(size=(width, width)) / np.sqrt(width)
    precision = root @ root.T / np.outer(widths, widths)
    mode = rng.normal(size=width) * 2 * widths
    gauss = AnalyticLikelihood(
        [Parameter(f"x{i}", 0, (-20 * w, 20 * w), poi=i == 0) for i, w in enumerate(widths)],
        lambda x: -0.5 * np.einsum("ni,ij,nj->n", x - mode, precision, x - mode),
    )
    density = counted(gauss, tmp_path)
    peak = peak_of(density)
    assert peak.best.converged
    assert np.abs((peak.best.point - mode) / widths).max() < 0.05
    assert peak.best.log_likelihood > -2e-3
    scale = np.outer(widths, widths)
    np.testing.assert_allclose(peak.hessian * scale, -precision * scale, atol=1e-5)
    assert density.made < 3 * stencil_calls(width) + 40 * (width + 1)


def test_counts_agree_with_the_fit(counting, tmp_path):
    """The same maximum as by L-BFGS-B with central differences, for a fraction of the calls;
    the expansion of log_main is that of the inference room."""
    function, likelihood = counting
    peak = peak_of(counted(likelihood, tmp_path))
    frugal, function.calls = function.calls, 0
    best = fit(likelihood).checked()
    assert frugal < 0.5 * function.calls
    assert best.log_likelihood - peak.best.log_likelihood < 2e-3
    _, gradient, hessian = expansion_of_main(likelihood, peak.best.point)
    np.testing.assert_allclose(peak.expansion.hessian, hessian, rtol=0.1, atol=0.3)
    np.testing.assert_allclose(peak.expansion.gradient, gradient, atol=0.3)
    assert peak.expansion.value == likelihood.log_main(peak.best.point[None])[0]


def test_a_maximum_at_a_bound(tmp_path):
    """mu is pushed to zero, and the other parameter is at its maximum there."""
    edge = AnalyticLikelihood(
        [Parameter("mu", 1, (0, 5), poi=True), Parameter("x", 0, (-9, 9))],
        lambda p: -0.5 * (p[:, 0] + 1) ** 2 - 0.5 * (p[:, 1] - p[:, 0] - 0.5) ** 2,
    )
    peak = peak_of(counted(edge, tmp_path))
    np.testing.assert_allclose(peak.best.point, [0, 0.5], atol=0.05)
    assert peak.best.point[0] == 0
    np.testing.assert_allclose(peak.hessian, [[-2, 1], [1, -1]], atol=1e-6)


def test_noise_does_not_matter(tmp_path):
    """A likelihood with noise of 1e-6, as numerical integrals have: still the maximum."""

    def noisy(p):
        noise = 1e-6 * np.sin(1e9 * p.sum(axis=1))
        return -0.5 * ((p[:, 0] - 1) ** 2 + (p[:, 1] + p[:, 0]) ** 2 / 0.01) + noise

    parameters = [Parameter("mu", 0, (-5, 5), poi=True), Parameter("x", 0, (-5, 5))]
    peak = peak_of(counted(AnalyticLikelihood(parameters, noisy), tmp_path))
    np.testing.assert_allclose(peak.best.point, [1, -1], atol=0.05)


def test_gradients_by_differences(counting, tmp_path):
    """Central ones within their order; taken inwards at a bound; the constraint is exact."""
    density = counted(counting[1], tmp_path)
    point, widths = np.array([1.0, 0.4, 1.0]), np.array([0.01, 0.01, 0.01])
    found = central_gradient(density, point, widths)
    step = 1e-6 * np.eye(3)
    high, low = counting[1].log_likelihood(point + step), counting[1].log_likelihood(point - step)
    np.testing.assert_allclose(found, (high - low) / 2e-6, rtol=1e-3)
    central_gradient(density, np.array([6.0, 5.0, 3.0]), widths)
    assert all((block <= [6.0, 5.0, 3.0]).all() for block in counting[0].points)


@pytest.mark.parametrize(
    ("log_main", "complaint"),
    [
        (lambda p: np.where(p[:, 0] < 1, -np.inf, -p[:, 0]), "finite where the fit starts"),
        (lambda p: np.where(p[:, 0] == 0, 0.0, -np.inf), "finite around its maximum"),
    ],
)
def test_no_maximum_is_an_error(tmp_path, log_main, complaint):
    """One line with its exit code."""
    parameters = [Parameter("mu", 0, (-5, 5), constraint=Normal(0, 1), poi=True)]
    with pytest.raises(NotConverged, match=f"{complaint}.*Received: ") as caught:
        peak_of(counted(AnalyticLikelihood(parameters, log_main), tmp_path))
    assert caught.value.exit_code == 4
