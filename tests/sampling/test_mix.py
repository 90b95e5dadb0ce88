"""Shares of kinds of rows: the posterior, the profile, a temperature, the far ends."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from dnnlik.exceptions import InvalidInput
from dnnlik.inference import fit
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Normal, Parameter
from dnnlik.sampling import STRATEGIES, sample
from dnnlik.sampling.boundary import T_END, ray_ends
from dnnlik.sampling.plan import mix_of, plan
from dnnlik.sampling.tempered import TEMPERATURE, Tempered
from dnnlik.typing import DifferentiableLogDensity

SHARES = {"unbiased": 0.4, "profiled": 0.1, "tempered": 0.4, "boundary": 0.1}


@pytest.fixture(scope="module")
def gauss():
    """A correlated Gaussian of three parameters, one constrained, far from its bounds."""
    precision = np.linalg.inv([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 4.0]])
    found = AnalyticLikelihood(
        [
            Parameter("mu", 0, (-30, 30), poi=True),
            Parameter("x", 0, (-30, 30)),
            Parameter("jes", 0, (-30, 30), Normal(0, 3)),
        ],
        lambda p: -0.5 * np.einsum("ni,ij,nj->n", p, precision, p),
    )
    found.value_and_gradient = lambda p: (
        found.log_likelihood(p),
        -np.asarray(p) @ precision + found.parameters.log_constraint_gradient(p),
    )
    return found, np.linalg.inv(precision + np.diag([0, 0, 1 / 9]))


@pytest.fixture(scope="module", params=["emcee", "hamiltonian"])
def mixed(request, gauss, tmp_path_factory):
    path = tmp_path_factory.mktemp("mix") / "samples.h5"
    return sample(gauss[0], path, strategy=SHARES, sampler=request.param, points=30_000, seed=2)


def rows_of(samples, kind):
    return samples.rows(samples.strategy == STRATEGIES.index(kind))


def test_each_kind_has_its_share(mixed):
    """Up to whole steps of all walkers; only the posterior's rows count as unbiased."""
    for kind, share in SHARES.items():
        assert len(rows_of(mixed, kind)) == pytest.approx(share * 30_000, rel=0.05)
    assert mixed.unbiased.sum() == len(rows_of(mixed, "unbiased"))
    assert mixed.provenance["request"]["strategy"] == SHARES


def test_tempered_rows_follow_the_power_posterior(gauss, mixed):
    """Of a Gaussian the covariance is T times as large; the posterior's is as it was."""
    for kind, factor in (("unbiased", 1.0), ("tempered", TEMPERATURE)):
        found = np.cov(rows_of(mixed, kind).points, rowvar=False)
        scale = np.sqrt(np.outer(np.diag(gauss[1]), np.diag(gauss[1]))) * factor
        np.testing.assert_allclose(found / scale, gauss[1] * factor / scale, atol=0.12)


def test_every_row_keeps_the_terms_of_the_likelihood_itself(gauss, mixed):
    """Not those of the temperature at which it was found; gradients too."""
    for name in ("log_main", "log_constraint", "log_prior"):
        expected = getattr(gauss[0], name)(mixed.points)
        np.testing.assert_allclose(getattr(mixed, name), expected, rtol=1e-10, atol=1e-12)
    slope = gauss[0].value_and_gradient(mixed.points)[1]
    slope -= gauss[0].parameters.log_constraint_gradient(mixed.points)
    np.testing.assert_allclose(mixed.gradient, slope, rtol=1e-9, atol=1e-9)


def test_boundary_rows_fill_the_outer_half_of_t(mixed):
    """Half of them up to t = 16, the others up to the chi-square of equal probability."""
    t = 2 * rows_of(mixed, "boundary").drop
    limit = chi2.isf(chi2.sf(T_END, 1), 3)
    assert (t <= limit * (1 + 1e-9)).all()
    assert (t >= 0.5 * 0.97 * T_END).all()
    assert 0.1 < (t > T_END).mean() < 0.5


def test_a_tempered_density_is_differentiable_only_if_the_likelihood_is(gauss):
    """Value and gradient are divided alike, and agree with differences."""
    plain = AnalyticLikelihood(gauss[0].parameters, gauss[0].log_main)
    assert not isinstance(Tempered(plain), DifferentiableLogDensity)
    warm = Tempered(gauss[0], 4.0)
    assert isinstance(warm, DifferentiableLogDensity)
    point, step = np.array([[0.3, -1.0, 0.5]]), 1e-5 * np.eye(3)
    value, gradient = warm.value_and_gradient(point)
    np.testing.assert_allclose(value, gauss[0].log_likelihood(point) / 4, rtol=1e-12)
    differences = warm.log_likelihood(point + step) - warm.log_likelihood(point - step)
    np.testing.assert_allclose(gradient[0], differences / 2e-5, rtol=1e-6)
    np.testing.assert_allclose(
        warm.log_density(point), warm.log_likelihood(point) + gauss[0].log_prior(point)
    )


def test_rays_end_at_the_limit_or_at_a_bound():
    """A quartic in a box: ends are where it says, short by two per cent at most, and a
    cliff is not crossed."""
    parameters = [Parameter("mu", 0, (-1, 3), poi=True), Parameter("x", 0, (-9, 9))]

    def log_main(p):
        value = -0.5 * p[:, 0] ** 2 - p[:, 1] ** 4
        return np.where(p[:, 1] < -0.5, -np.inf, value)

    quartic = AnalyticLikelihood(parameters, log_main)
    best = fit(quartic)
    directions = np.array([[-1.0, 0], [1, 0], [0, 1], [0, -1]])
    ends, at_bounds = ray_ends(quartic, best, directions, np.full(4, 8.0))
    assert at_bounds.tolist() == [True, False, False, False]
    origin = best.point
    np.testing.assert_allclose(ends[0], [-1, origin[1]], atol=1e-3)
    np.testing.assert_allclose(ends[1, 0], np.sqrt(8), rtol=0.02)
    np.testing.assert_allclose(ends[2, 1], 4**0.25, rtol=0.02)
    assert -0.5 <= ends[3, 1] < -0.45


def test_a_maximum_at_a_bound_has_rays_along_it(tmp_path):
    """No row is outside, and hardly any is the maximum itself."""
    parameters = [Parameter("mu", 0, (0, 5), poi=True), Parameter("x", 0, (-9, 9))]
    edge = AnalyticLikelihood(
        parameters, lambda p: -0.5 * (p[:, 0] + 1) ** 2 - 0.5 * (p[:, 1] - p[:, 0]) ** 2
    )
    found = sample(edge, tmp_path / "s.h5", strategy={"boundary": 1}, points=400, seed=1)
    assert (found.points[:, 0] >= 0).all()
    assert (2 * found.drop > 4).mean() > 0.9


@pytest.mark.parametrize(
    ("mix", "complaint"),
    [
        ({"unbiased": 0.5, "magic": 0.5}, "kinds of rows of a mix are unbiased, profiled"),
        ({"unbiased": 0.5, "profiled": 0.4}, "add up to 1"),
        ({"unbiased": 1.5, "profiled": -0.5}, "must be positive"),
        ({"unbiased": float("nan")}, "must be positive"),
        ({}, "add up to 1"),
    ],
)
def test_shares_that_are_none_are_refused(gauss, tmp_path, mix, complaint):
    """One line, before a file is made."""
    with pytest.raises(InvalidInput, match=f"{complaint}.*Received: "):
        sample(gauss[0], tmp_path / "s.h5", strategy=mix, points=5000)
    assert list(tmp_path.iterdir()) == []


def test_names_are_shorthands():
    """The same chains by name and by shares; the fewest points are enough for all kinds."""
    request = {"points": 20_000, "seed": 1}
    by_shares = plan(4, strategy={"profiled": 0.3, "unbiased": 0.7}, **request)
    assert by_shares == plan(4, strategy="mixed", **request)
    assert list(mix_of(SHARES)) == list(SHARES)
    with pytest.raises(InvalidInput) as caught:
        plan(4, strategy=SHARES, points=1, seed=0)
    fewest = int(str(caught.value).split("at least ")[1].split()[0])
    tasks = plan(4, strategy=SHARES, points=fewest, seed=0)
    assert [task.strategy for task in tasks] == ["unbiased", *SHARES]
    assert all(task.steps >= 1 for task in tasks)
