"""Fits, scans and limits side by side, on likelihoods with known maxima."""

import numpy as np
import pytest
from scipy.special import ndtri

from dnnlik import AnalyticLikelihood, Normal, Parameter
from dnnlik.asimov import AsimovCurve
from dnnlik.exceptions import InvalidParameters
from dnnlik.validation.fitted import best_fits, fitted
from dnnlik.validation.limits import Observed, limits_of
from dnnlik.validation.scans import scans_of


def both(gaussian, shift=(0.3, -0.4), scale=1.0):
    covariance = np.array([[1.0, 0.5], [0.5, 2.0]])
    exact = gaussian([1.0, 0.0], covariance)
    return exact, gaussian(np.array([1.0, 0.0]) + shift, scale * covariance)


def test_shift_and_widths(gaussian):
    """Shifts in exact standard deviations, uncertainties, and the exact t of the fit."""
    exact, surrogate = both(gaussian, scale=1.21)
    found = fitted(exact, surrogate, *best_fits(exact, surrogate, [0.0, 0.0]))
    assert found.shift == pytest.approx([0.3, -0.4 / np.sqrt(2)], abs=1e-4)
    assert found.exact_error == pytest.approx([1, np.sqrt(2)], rel=1e-4)
    assert found.error_ratio == pytest.approx([1.1, 1.1], rel=1e-4)
    step = np.array([0.3, -0.4])
    assert found.t_at_surrogate == pytest.approx(step @ exact.precision @ step, abs=1e-4)
    assert found.exact_converged
    assert found.surrogate_converged


def test_pulls_and_constraints():
    """A unit constraint and a measurement of equal weight at 1 and at 1.2: pulls of a half and
    0.6, constraints of 1/√2."""

    def of(centre):
        jes = Parameter("jes", 0, (-5, 5), Normal(0, 1), poi=True)
        return AnalyticLikelihood([jes], lambda x: -0.5 * (x[:, 0] - centre) ** 2)

    found = fitted(of(1.0), of(1.2), *best_fits(of(1.0), of(1.2), [0.0]))
    assert found.exact_pulls.pulls == pytest.approx([0.5], abs=1e-4)
    assert found.surrogate_pulls.pulls == pytest.approx([0.6], abs=1e-4)
    assert found.surrogate_pulls.constraints == pytest.approx([np.sqrt(0.5)], abs=1e-4)


def test_scans_reach_nine_and_mark_others(gaussian):
    """t of a Gaussian is a parabola in each parameter; others than pois are marked."""
    exact, surrogate = both(gaussian, shift=(0.1, 0.0))
    best, learned = best_fits(exact, surrogate, [0.0, 0.0])
    poi, other = scans_of(exact, surrogate, ["a"], ["b"], best=best, learned=learned)
    assert (poi.of_interest, other.of_interest) == (True, False)
    assert poi.values[[0, -1]] == pytest.approx([-2, 4], abs=1e-3)
    assert poi.exact == pytest.approx((poi.values - 1) ** 2, abs=1e-4)
    assert poi.surrogate == pytest.approx((poi.values - 1.1) ** 2, abs=1e-4)
    assert poi.largest_error == pytest.approx(0.61, abs=0.01)
    assert other.exact == pytest.approx(other.values**2 / 2, abs=1e-4)
    assert poi.all_converged
    assert poi.exact_converged.shape == poi.surrogate_converged.shape == poi.values.shape


def test_a_scan_stops_at_a_bound(gaussian):
    """Bounds inside of t = 9 are the ends of the scan."""
    exact = gaussian([1.0, 0.0], np.eye(2), bounds=(0.0, 1.5))
    best, learned = best_fits(exact, exact, [0.5, 0.5])
    scan = scans_of(exact, exact, ["a"], best=best, learned=learned)[0]
    assert scan.values[[0, -1]] == pytest.approx([0, 1.5])


def test_limits_of_gaussians(gaussian):
    """μ̂ = 0 with width σ: both limits are Φ⁻¹(0.975)σ, so that they differ as the widths."""
    exact = gaussian([0.0, 0.0], np.eye(2), pois=2)
    surrogate = gaussian([0.0, 0.0], np.diag([1.21, 1.0]), pois=2)
    found, skipped = limits_of(exact, surrogate, ["a", "b"])
    assert skipped == ()
    assert found[0].exact.observed == pytest.approx(ndtri(0.975), rel=1e-3)
    assert found[0].difference == pytest.approx(0.1, abs=1e-3)
    assert found[0].expected_difference == pytest.approx(0.1, abs=1e-3)
    assert found[0].largest_cls_difference > 0.03
    assert found[1].difference == pytest.approx(0, abs=1e-4)
    assert found[0].asimov is None


def with_data_of(exact):
    """A Gaussian whose background-only data give a maximum at 0."""

    class Generating(type(exact)):
        def asimov(self, point):
            return type(exact)(0 * self.mean, self.covariance, pois=2)

        def generate(self, point, count, rng): ...

        def with_data(self, datasets): ...

    return Generating(exact.mean, exact.covariance, pois=2)


def carrying(surrogate, curve):
    class Carrying(type(surrogate)):
        def asimov_curve(self, poi):
            return curve if poi == curve.poi else None

    return Carrying(surrogate.mean, surrogate.covariance, pois=2)


@pytest.mark.parametrize(
    ("end", "kinds"), [(9.0, ("dataset", "published")), (2.0, ("wald", "wald"))]
)
def test_limits_with_a_published_table(gaussian, end, kinds):
    """A surrogate that carries a table is compared as its users compute limits. A parameter
    without one, or a table that ends too early, is compared in Wald's approximation, with the
    limit of the Asimov dataset beside it."""
    exact = with_data_of(gaussian([0.3, 0.0], np.eye(2), pois=2))
    values = np.linspace(0, end, 30)
    # Steeper by a tenth than the exact one (√q = μ): then so are the expected limits.
    surrogate = carrying(
        gaussian([0.3, 0.0], np.eye(2), pois=2), AsimovCurve("a", values, 1.1 * values)
    )
    (first, second), skipped = limits_of(exact, surrogate, ["a", "b"])
    assert skipped == ()
    assert (first.exact.asimov, first.surrogate.asimov) == kinds
    if kinds[0] == "dataset":
        assert first.asimov is None
        assert first.expected_difference == pytest.approx(1 / 1.1 - 1, abs=1e-3)
    else:
        assert first.asimov.asimov == "dataset"
        assert first.expected_difference == pytest.approx(0, abs=1e-4)
    assert (second.exact.asimov, second.surrogate.asimov) == ("wald", "wald")
    assert second.asimov.asimov == "dataset"
    assert second.expected_difference == pytest.approx(0, abs=1e-4)


def test_a_limit_that_there_is_not_has_a_reason(gaussian):
    """Zero outside of the bounds: no limit; a bound below the limit: a curve without one."""
    away = gaussian([2.0, 2.0], np.eye(2), bounds=(0.5, 9.0))
    found, skipped = limits_of(away, away, ["a"])
    assert found == ()
    assert "0 within the bounds" in skipped[0].reason
    near = gaussian([0.0, 0.0], np.eye(2), bounds=(-1.0, 1.0))
    found, skipped = limits_of(near, near, ["a"])
    assert np.isnan(found[0].exact.observed)
    assert "stays above 0.05" in skipped[0].reason


def test_observed_hides_other_data_and_nothing_else(gaussian):
    """Values and gradients pass through; there is no Asimov dataset any more."""
    exact, _ = both(gaussian)
    exact_with = type("With", (type(exact),), {"asimov": lambda self, p: self})
    inner = exact_with([1.0, 0.0], np.eye(2))
    outer, points = Observed(inner), inner.draws(5, 1)
    for name in ("log_main", "log_constraint", "log_likelihood", "log_prior", "log_density"):
        assert getattr(outer, name)(points) == pytest.approx(getattr(inner, name)(points))
    assert outer.value_and_gradient(points)[1] == pytest.approx(-(points - [1, 0]))
    assert not hasattr(outer, "asimov")
    plain = AnalyticLikelihood([Parameter("x", 0, (-1, 1), poi=True)], lambda x: -(x[:, 0] ** 2))
    assert not hasattr(Observed(plain), "value_and_gradient")


def test_an_unknown_parameter_is_refused(gaussian):
    """A scan of a parameter that is not there names those that are."""
    exact, surrogate = both(gaussian)
    best, learned = best_fits(exact, surrogate, [0.0, 0.0])
    with pytest.raises(InvalidParameters, match="no parameter of this name"):
        scans_of(exact, surrogate, ["a"], ["z"], best=best, learned=learned)
