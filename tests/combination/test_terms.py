"""Other priors and constraints: every other term stays, and contradictions are refused."""

from dataclasses import replace

import numpy as np
import pytest

import dnnlik
from dnnlik.asimov import AsimovCurve
from dnnlik.combination import with_constraints, with_priors
from dnnlik.combination.terms import (
    constraints_from_json,
    constraints_to_json,
    priors_from_json,
    priors_to_json,
)
from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.inference import fit, uncertainties
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter, Poisson
from dnnlik.surrogate.likelihood import SurrogateLikelihood
from dnnlik.typing import DifferentiableLogDensity


@pytest.fixture
def likelihoods(gaussians, description, published_files):
    """An exact, a learned and a published one with mu, jes and another parameter."""
    published = dnnlik.load(published_files[0], threads=1)
    return [gaussians[0], SurrogateLikelihood(description), published]


def test_priors_change_the_density_alone(likelihoods):
    """Exact, learned, published: the new log_prior is the normal density, the rest is kept."""
    points = np.random.default_rng(0).normal(size=(6, 3))
    normal = Normal(1, 0.5)
    expected = [normal.log_density(x) for x in points[:, 0]]
    for likelihood in likelihoods:
        peaked = with_priors(likelihood, {"mu": normal})
        np.testing.assert_allclose(peaked.log_prior(points), expected, rtol=1e-12)
        likely = likelihood.log_density(points) - likelihood.log_prior(points)
        np.testing.assert_allclose(peaked.log_likelihood(points), likely, rtol=1e-12)
        np.testing.assert_allclose(peaked.log_density(points), likely + expected, rtol=1e-12)
        # Back again is where it was.
        back = with_priors(peaked, {"mu": None})
        np.testing.assert_allclose(back.log_prior(points), likelihood.log_prior(points))
        assert back.digest != peaked.digest


def test_constraints_are_exchanged(likelihoods):
    """log_main stays; the constraint is the new closed form; gradients follow."""
    points = np.random.default_rng(1).normal(size=(6, 3))
    old, new = Normal(0.2, 0.8), Normal(-0.3, 0.1)
    shift = np.array([new.log_density(x) - old.log_density(x) for x in points[:, 1]])
    for likelihood in likelihoods:
        other = with_constraints(likelihood, {"jes": new})
        np.testing.assert_allclose(other.log_main(points), likelihood.log_main(points), rtol=1e-12)
        before = likelihood.log_main(points) + likelihood.log_constraint(points)
        np.testing.assert_allclose(other.log_likelihood(points), before + shift, rtol=1e-12)
        if isinstance(likelihood, DifferentiableLogDensity):
            slope = likelihood.value_and_gradient(points)[1]
            slope[:, 1] += -(points[:, 1] + 0.3) / 0.01 + (points[:, 1] - 0.2) / 0.64
            np.testing.assert_allclose(other.value_and_gradient(points)[1], slope, rtol=1e-9)
        else:
            assert not isinstance(other, DifferentiableLogDensity)


def test_a_better_measurement_makes_a_better_fit(gaussians, measurements):
    """The variance of mu is error² + slope² σ² + 0.5² with the new σ."""
    better = with_constraints(gaussians[0], {"jes": Normal(0, 0.1)})
    fitted = uncertainties(better, fit(better))
    m = measurements[0]
    expected = np.sqrt(m.error**2 + (m.slope * 0.1) ** 2 + 0.25)
    assert fitted.error("mu") == pytest.approx(expected, rel=1e-4)


def test_a_constraint_is_taken_away():
    """The parameter is then uniform within its bounds, and only the data measure it."""
    one = AnalyticLikelihood(
        [Parameter("k", 0, (-5, 5), Normal(0, 1), poi=True)],
        lambda x: -0.5 * (x[:, 0] - 1) ** 2,
    )
    free = with_constraints(one, {"k": None})
    assert fit(one)["k"] == pytest.approx(0.5, abs=1e-5)
    assert fit(free)["k"] == pytest.approx(1, abs=1e-5)
    assert free.log_prior([[0.0]])[0] == pytest.approx(-np.log(10))
    peaked = with_priors(free, {"k": Normal(0, 1)})
    np.testing.assert_allclose(peaked.log_density([[0.7]]), one.log_likelihood([[0.7]]))


def test_refusals(gaussians):
    """Unknown names, a prior for what is measured, and what would be improper."""
    likelihood = gaussians[0]
    for change in (with_priors, with_constraints):
        with pytest.raises(InvalidParameters, match="Received: 'nothing'"):
            change(likelihood, {"nothing": Normal(0, 1)})
    with pytest.raises(InvalidParameters, match=r"of 'jes' takes the place.*Normal\(mean=0.2"):
        with_priors(likelihood, {"jes": Normal(0, 1)})
    with pytest.raises(InvalidParameters, match="must be a dnnlik"):
        with_priors(likelihood, {"mu": Poisson(4, 4)})
    open_ended = AnalyticLikelihood(
        [Parameter("k", 0, prior=Normal(0, 1)), Parameter("l", 0, constraint=Normal(0, 1))],
        lambda x: 0 * x[:, 0],
    )
    with pytest.raises(InvalidParameters, match="'k' is unbounded"):
        with_priors(open_ended, {"k": None})
    with pytest.raises(InvalidParameters, match="'l' is unbounded"):
        with_constraints(open_ended, {"l": None})
    with pytest.raises(InvalidParameters, match="takes no prior as well"):
        with_constraints(open_ended, {"k": Normal(0, 1)})


def test_terms_go_to_json_and_back():
    """In the metadata's own way to write them."""
    priors = {"mu": Normal(1, 0.5), "k": None}
    assert priors_from_json(priors_to_json(priors)) == priors
    assert priors_to_json(priors)["mu"] == {"type": "normal", "mean": 1.0, "sigma": 0.5}
    constraints = {"a": Normal(1, 0.5), "b": Poisson(3, 2), "c": None}
    assert constraints_from_json(constraints_to_json(constraints)) == constraints


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"mu": None},
        {"mu": 3},
        {"mu": {"mean": 1}},
        {"mu": {"type": "normal", "mean": 1}},
        {"mu": {"type": "normal", "mean": 1, "sigma": 0}},
        {"mu": {"type": "normal", "mean": 1, "sigma": -1}},
        {"mu": {"type": "normal", "mean": 1, "sigma": float("nan")}},
        {"mu": {"type": "normal", "mean": 1, "sigma": 1, "width": 2}},
        {"mu": {"type": "uniform", "bounds": [0, 1]}},
        {"mu": {"type": "poisson", "observed": 4, "factor": 4}},
        {"mu": {"type": ["normal"]}},
        {"mu": {"type": "flat"}},
    ],
)
def test_priors_that_mean_nothing(document):
    """Another shape, type or key, and widths that are none: one line."""
    with pytest.raises(InvalidInput, match="Received: "):
        priors_from_json(document)


def test_the_types_of_priors_are_named():
    """Those that a prior can have, and not those of a constraint."""
    with pytest.raises(InvalidInput, match=r"'normal' or 'uniform'.*Received: .*gauss"):
        priors_from_json({"mu": {"type": "gauss", "mean": 1, "sigma": 0.5}})


def test_who_keeps_the_table_for_upper_limits(description, gaussians):
    """Other priors do; other constraints, names or members do not."""
    curve = AsimovCurve("mu", np.arange(5.0), np.arange(5.0))
    surrogate = SurrogateLikelihood(replace(description, asimov=(curve,)))
    peaked = with_priors(surrogate, {"mu": Normal(1, 0.5)})
    assert peaked.asimov_curve("mu") is curve
    assert peaked.asimov_curve("jes") is None
    assert dnnlik.combine([peaked]).asimov_curve("mu") is curve
    tight = with_constraints(surrogate, {"jes": Normal(0.2, 0.1)})
    assert tight.asimov_curve("mu") is None
    assert with_priors(tight, {"mu": Normal(1, 0.5)}).asimov_curve("mu") is None
    assert dnnlik.combine([tight]).asimov_curve("mu") is None
    assert dnnlik.combine([surrogate], rename=[{"jes": "scale"}]).asimov_curve("mu") is None
    assert with_priors(SurrogateLikelihood(description), {}).asimov_curve("mu") is None
    assert with_priors(gaussians[0], {}).asimov_curve("mu") is None
    both = dnnlik.combine([surrogate, gaussians[1]])
    assert both.asimov_curve("mu") is None
