"""Combinations against closed forms, the undivided workspace, and the sum of their parts."""

import json
from pathlib import Path

import numpy as np
import pytest

import dnnlik
from dnnlik.combination import CombinedLikelihood, combine, with_constraints
from dnnlik.exceptions import InvalidInput, InvalidParameters
from dnnlik.inference import fit, profile, uncertainties
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.typing import DifferentiableLogDensity, LogDensity

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ROOT / "likelihoods" / "two_regions" / "workspace.json"


def linear_system(measurements):
    """Precision and right-hand side of all measurements in (mu, jes, one, two)."""
    precision = np.diag([0, 1 / 0.8**2, 1 / 0.5**2, 1 / 0.5**2])
    pull = np.array([0, 0.2 / 0.8**2, 0, 0])
    for i, m in enumerate(measurements):
        row = np.array([1.0, m.slope, 0, 0])
        row[2 + i] = 1
        precision = precision + np.outer(row, row) / m.error**2
        pull = pull + row * m.seen / m.error**2
    return precision, pull


def test_two_gaussians_with_a_shared_nuisance_parameter(gaussians, measurements):
    """Maximum, covariance and t of generalised least squares; jes is constrained once."""
    both = combine(gaussians)
    assert isinstance(both, LogDensity)
    assert both.parameters.names == ("mu", "jes", "one", "two")
    precision, pull = linear_system(measurements)
    mean, covariance = np.linalg.solve(precision, pull), np.linalg.inv(precision)
    best = fit(both)
    np.testing.assert_allclose(best.point, mean, atol=1e-5)
    np.testing.assert_allclose(uncertainties(both, best).covariance, covariance, rtol=1e-4)
    values = mean[0] + np.array([-1.0, 0.5, 2.0])
    expected = (values - mean[0]) ** 2 / covariance[0, 0]
    np.testing.assert_allclose(profile(both, "mu", values).t, expected, rtol=1e-4, atol=1e-6)


def test_terms_add_up(gaussians):
    """log_main is the sum, log_constraint that of the union, log_density all of it."""
    both = combine(gaussians)
    points = np.random.default_rng(1).normal(size=(7, 4))
    first, second = gaussians
    main = first.log_main(points[:, [0, 1, 2]]) + second.log_main(points[:, [0, 1, 3]])
    np.testing.assert_allclose(both.log_main(points), main, rtol=1e-14)
    terms = [p.constraint for p in both.parameters][1:]
    once = sum(c.log_density(x) for c, x in zip(terms, points[0, 1:], strict=True))
    assert both.log_constraint(points)[0] == pytest.approx(once, rel=1e-14)
    np.testing.assert_allclose(both.log_likelihood(points), main + both.log_constraint(points))
    np.testing.assert_allclose(both.log_prior(points), -np.log(100.0))


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """The two channels of a workspace as two workspaces."""
    whole = json.loads(WORKSPACE.read_text())
    folder, found = tmp_path_factory.mktemp("halves"), []
    for kind in ("SR", "CR"):
        part = {
            **whole,
            "channels": [c for c in whole["channels"] if c["name"] == kind],
            "observations": [c for c in whole["observations"] if c["name"] == kind],
        }
        found.append(folder / f"{kind}.json")
        found[-1].write_text(json.dumps(part))
    return found


def test_the_channels_of_a_workspace_combine_to_the_workspace(halves):
    """The same log-likelihood, gradient and fit as before it was divided."""
    whole = open_likelihood(WORKSPACE)
    both = combine([open_likelihood(path) for path in halves])
    assert set(both.parameters.names) == set(whole.parameters.names)
    columns = [whole.parameters.index(name) for name in both.parameters.names]
    p = whole.parameters
    points = p.inits + 0.5 * p.scales * np.random.default_rng(3).normal(size=(30, len(p)))
    expected, slope = whole.value_and_gradient(points)
    np.testing.assert_allclose(both.log_likelihood(points[:, columns]), expected, rtol=1e-12)
    value, gradient = both.value_and_gradient(points[:, columns])
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope[:, columns], rtol=1e-9, atol=1e-9)
    ours, theirs = fit(both), fit(whole)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, abs=1e-9)
    np.testing.assert_allclose(ours.point, theirs.point[columns], atol=1e-6)
    # Exact likelihoods mean something everywhere.
    assert not hasattr(both, "in_domain")


def test_published_surrogates_add_up(published_files, gaussians):
    """Values are the sum of the parts less the constraint of jes, which both have."""
    first, second = (dnnlik.load(path, threads=1) for path in published_files)
    both = combine([first, second])
    assert isinstance(both, DifferentiableLogDensity)
    points = np.random.default_rng(2).normal(size=(40, 4))
    a, b = points[:, [0, 1, 2]], points[:, [0, 1, 3]]
    values = [f.log_likelihood(x, outside="ignore") for f, x in ((first, a), (second, b))]
    twice = Normal(0.2, 0.8)
    jes = np.array([twice.log_density(x) for x in points[:, 1]])
    np.testing.assert_allclose(both.log_likelihood(points), sum(values) - jes, rtol=1e-12)
    value, gradient = both.value_and_gradient(points)
    np.testing.assert_allclose(value, both.log_likelihood(points), rtol=1e-12)
    step = 1e-6 * np.eye(4)
    for i in range(4):
        slope = both.log_likelihood(points + step[i]) - both.log_likelihood(points - step[i])
        np.testing.assert_allclose(gradient[:, i], slope / 2e-6, rtol=1e-5, atol=1e-5)
    inside = first.in_domain(a) & second.in_domain(b)
    assert inside.any()
    assert not inside.all()
    np.testing.assert_array_equal(both.in_domain(points), inside)
    # The first is a single network, which does not know.
    assert both.has_uncertainty
    np.testing.assert_array_equal(both.uncertainty(points), second.uncertainty(b))
    assert fit(both).converged


def test_uncertainties_add_in_quadrature(published_files):
    """Of two ensembles that share everything but data."""
    path = published_files[1]
    first, second = dnnlik.load(path, threads=1), dnnlik.load(path, threads=1)
    both = combine([first, second], shared=["mu"])
    assert both.parameters.names == ("mu", "1.jes", "1.two", "2.jes", "2.two")
    points = np.random.default_rng(4).normal(size=(5, 5))
    parts = first.uncertainty(points[:, [0, 1, 2]]), second.uncertainty(points[:, [0, 3, 4]])
    np.testing.assert_allclose(both.uncertainty(points), np.hypot(*parts), rtol=1e-12)


def test_without_ensembles_there_is_no_uncertainty(gaussians):
    """One line instead of a zero."""
    assert not combine(gaussians).has_uncertainty
    with pytest.raises(InvalidInput, match="2 members without one"):
        combine(gaussians).uncertainty(np.zeros((1, 4)))


def test_a_member_without_gradients_takes_them_from_all(gaussians, published_files):
    """Half a gradient is none; the fit takes differences."""
    mixed = combine([gaussians[0], dnnlik.load(published_files[1], threads=1)])
    assert not isinstance(mixed, DifferentiableLogDensity)
    assert mixed.in_domain(np.zeros((1, 4))).tolist() == [True]
    assert fit(mixed).converged


def test_terms_given_settle_contradictions(gaussians):
    """Members that disagree about a constraint or a flag combine when told which counts."""
    other = with_constraints(gaussians[1], {"jes": Normal(0, 2)})
    with pytest.raises(InvalidParameters, match="the constraint of 'jes'"):
        combine([gaussians[0], other])
    both = combine([gaussians[0], other], constraints={"jes": Normal(0, 3)}, poi=["jes"])
    assert both.parameters["jes"].constraint == Normal(0, 3)
    assert both.parameters.poi_names == ("jes",)
    peaked = combine(gaussians, priors={"mu": Normal(1, 2)})
    assert peaked.parameters["mu"].prior == Normal(1, 2)


def test_renaming_makes_parameters_one(gaussians):
    """Two own parameters under one name are one column of both members."""
    both = combine(gaussians, rename=[{}, {"two": "one"}])
    assert both.parameters.names == ("mu", "jes", "one")
    point = np.array([[0.3, -0.2, 0.1]])
    main = sum(g.log_main(point) for g in gaussians)
    np.testing.assert_allclose(both.log_main(point), main)


def test_combinations_combine(gaussians, measurements):
    """A combination is a likelihood like any other: constraints still count once."""
    third = type(measurements[0])(0.5, 0.1, 1.0, "one").likelihood()
    nested = combine([combine(gaussians), third])
    flat = combine([*gaussians, third])
    points = np.random.default_rng(5).normal(size=(6, 4))
    np.testing.assert_allclose(nested.log_likelihood(points), flat.log_likelihood(points))


def test_digests_tell_combinations_apart(gaussians):
    """Members, names and terms are part of it; the same again is the same."""
    options = [
        {},
        {"rename": [{}, {"two": "one"}]},
        {"shared": ["mu"]},
        {"poi": ["jes"]},
        {"priors": {"mu": Normal(0, 1)}},
    ]
    digests = [combine(gaussians, **given).digest for given in options]
    assert len(set(digests)) == len(options)
    assert digests[0] == combine(gaussians).digest


def test_impossible_auxiliary_data_have_no_density(gaussians):
    """Where a Poisson constraint is impossible: minus infinity, not NaN, with gradients too."""
    tf = pytest.importorskip("tensorflow")
    rate = AnalyticLikelihood(
        [Parameter("gamma", 1, (-1, 3), dnnlik.Poisson(4, 4), poi=True)],
        lambda x: -0.5 * tf.square(x[:, 0]),
    )
    one = CombinedLikelihood([rate], [("gamma",)], rate.parameters)
    assert one.value_and_gradient([[-0.5]])[0].tolist() == [-np.inf]
    assert np.isfinite(one.value_and_gradient([[0.5]])[0]).all()


class Fixed:
    """A likelihood that says what it holds fixed."""

    def __new__(cls, likelihood, **values):
        likelihood.fixed_values = values
        return likelihood


def test_what_is_fixed_here_may_not_be_free_there(gaussians):
    """Nor fixed elsewhere; unless it is said not to be shared."""
    first, second = gaussians
    with pytest.raises(InvalidParameters, match=r"'two' is fixed.*held at 1 and free"):
        combine([Fixed(first, two=1.0), second])
    with pytest.raises(InvalidParameters, match=r"'lumi' .*held at 1.1 and held at 1"):
        combine([Fixed(first, lumi=1.0), Fixed(second, lumi=1.1)])
    assert len(combine([first, second], shared=["mu", "jes"]).parameters) == 4
    inner = combine([Fixed(first, two=1.0)])
    with pytest.raises(InvalidParameters, match="'two' is fixed"):
        combine([inner, second])


def test_bad_input(gaussians):
    """No members, no likelihoods, one twice, names of nothing: one line each."""
    first, second = gaussians
    for members, complaint in (
        ([], "at least one"),
        ([first, 3], "Received: a int"),
        ([first, first], "counts its data twice"),
    ):
        with pytest.raises(InvalidInput, match=complaint):
            combine(members)
    with pytest.raises(InvalidInput, match="Received: 1 for 2 members"):
        combine(gaussians, rename=[{}])
    for given in ({"priors": {"x": None}}, {"constraints": {"x": None}}, {"poi": ["x"]}):
        with pytest.raises(InvalidParameters, match="Received: 'x'"):
            combine(gaussians, **given)
    both = combine([first, second])
    for points in ([[0.0, 1.0]], [[np.nan] * 4]):
        with pytest.raises(InvalidInput):
            both.log_likelihood(points)
