"""Batches of fits: closed forms, bounds, bad starts, and pyhf's own fits of toys."""

import json
import math
from pathlib import Path

import numpy as np
import problems
import pyhf
import pytest
import tensorflow as tf
from scipy.optimize import lsq_linear

from dnnlik.exceptions import InvalidInput, InvalidParameters, NotConverged
from dnnlik.inference import FitStatus, fit, fit_many
from dnnlik.inference.fits import fit_rows
from dnnlik.inference.problems import Repeated, has_gradient, selected
from dnnlik.likelihoods import AnalyticLikelihood, open_likelihood
from dnnlik.parameters import Parameter

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"


def two_parameters(function, bounds=(-10.0, 10.0), init=(0.0, 0.0)):
    names = ("x", "y")
    return AnalyticLikelihood([Parameter(n, i, bounds) for n, i in zip(names, init, strict=True)],
                              function)  # fmt: skip


@pytest.mark.parametrize("tensor", [True, False])
def test_every_start_ends_at_the_maximum(tensor):
    """A Gaussian from all over its bounds: one maximum, the closed form's value."""
    problem = problems.Gaussian(6, tensor=tensor)
    starts = np.random.default_rng(0).uniform(-20, 20, (25, 6))
    fits = fit_many(problem.density, starts=starts)
    assert fits.converged.all()
    assert fits.checked() is fits
    np.testing.assert_allclose(fits.points, np.tile(problem.mean, (25, 1)), atol=1e-4)
    best = problem.density.log_likelihood(problem.mean[None])[0]
    np.testing.assert_allclose(fits.log_likelihood, best, atol=1e-8)


def test_fixed_values_of_their_own():
    """Each problem with its own held value: the conditional maxima of a Gaussian."""
    problem = problems.Gaussian(5, seed=3)
    grid = np.linspace(-3, 3, 11)
    fits = fit_many(problem.density, fixed={"x2": grid, "x4": 0.5})
    assert (fits.values_of("x2") == grid).all()
    assert (fits.values_of("x4") == 0.5).all()
    for i, value in enumerate(grid):
        alone = fit(problem.density, fixed={"x2": value, "x4": 0.5})
        np.testing.assert_allclose(fits.points[i], alone.point, atol=1e-6)
        assert fits[i].log_likelihood == pytest.approx(alone.log_likelihood, abs=1e-9)


def test_other_parameters_held_in_each_problem():
    """`fit_rows` holds what is not free, row by row: impacts need it."""
    problem = problems.Gaussian(4, seed=2)
    starts, free = np.tile(problem.mean, (4, 1)) + np.eye(4), ~np.eye(4, dtype=bool)
    fits = fit_rows(Repeated(problem.density, 4), starts, free)
    for i in range(4):
        expected = problem.conditional(i, problem.mean[i] + 1)
        np.testing.assert_allclose(fits.points[i], expected, atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_gaussian_in_a_box(seed):
    """Bounds that cut into most directions: scipy's bounded least squares is the oracle."""
    rng = np.random.default_rng(seed)
    root, size = rng.normal(size=(8, 8)) + np.eye(8), 8
    centre = rng.normal(size=size)
    lower, upper = centre + np.sort(rng.normal(size=(2, size)), axis=0) + [[-0.2], [0.2]]
    parameters = [
        Parameter(f"x{i}", float(0.5 * (a + b)), (float(a), float(b)))
        for i, (a, b) in enumerate(zip(lower, upper, strict=True))
    ]
    density = AnalyticLikelihood(
        parameters,
        lambda p: -0.5 * tf.reduce_sum(tf.square((p - centre) @ root.T), axis=1),
    )
    starts = rng.uniform(lower, upper, (20, size))
    fits = fit_many(density, starts=starts)
    exact = lsq_linear(root, root @ centre, bounds=(lower, upper), tol=1e-14).x
    highest = density.log_likelihood(np.clip(exact, lower, upper)[None])[0]
    assert fits.converged.all()
    assert (fits.points >= lower).all()
    assert (fits.points <= upper).all()
    assert (fits.log_likelihood >= highest - 1e-8).all()
    np.testing.assert_allclose(fits.points, np.tile(exact, (20, 1)), atol=1e-3)


def test_ill_conditioned_starts():
    """Scales from 1e-6 to 1e6 and a correlation of 0.9999, from twenty widths away."""
    widths = np.array([1e-6, 1.0, 1e6])
    correlation = np.array([[1, 0.9999, 0], [0.9999, 1, 0.3], [0, 0.3, 1]])
    correlation = 0.5 * correlation + 0.5 * np.diag(np.ones(3))
    correlation[0, 1] = correlation[1, 0] = 0.9499
    precision = np.linalg.inv(correlation)
    target = np.array([1.0, -2.0, 3.0])
    parameters = [Parameter(f"x{i}", 0.0, (-30 * w, 30 * w)) for i, w in enumerate(widths)]

    def log_main(points):
        z = points / widths - target
        return -0.5 * tf.reduce_sum((z @ precision) * z, axis=1)

    starts = np.random.default_rng(1).uniform(-20, 20, (10, 3)) * widths
    fits = fit_many(AnalyticLikelihood(parameters, log_main), starts=starts)
    assert fits.converged.all()
    np.testing.assert_allclose(fits.points / widths, np.tile(target, (10, 1)), atol=1e-4)


def test_curved_valley():
    """Rosenbrock's function, not concave over most of the plane, from many starts."""
    density = two_parameters(
        lambda p: -100 * tf.square(p[:, 1] - tf.square(p[:, 0])) - tf.square(1 - p[:, 0]),
        bounds=(-5, 30),
    )
    starts = np.random.default_rng(2).uniform(-5, 5, (30, 2))
    fits = fit_many(density, starts=starts)
    assert fits.converged.all()
    np.testing.assert_allclose(fits.points, np.ones((30, 2)), atol=1e-3)


def test_flat_directions():
    """A parameter that the likelihood ignores stays inside its bounds; the fit converges."""
    density = two_parameters(lambda p: -tf.square(p[:, 0] - 2) + 0 * p[:, 1], bounds=(-3, 3))
    fits = fit_many(density, starts=[[0.0, 1.0], [-3.0, -3.0], [3.0, 3.0]])
    assert fits.converged.all()
    np.testing.assert_allclose(fits.values_of("x"), 2.0, atol=1e-4)
    assert (np.abs(fits.values_of("y")) <= 3).all()


def test_maximum_at_a_bound_from_the_bound():
    """A start at the wrong bound leaves it; the right one is reached and kept."""
    density = two_parameters(lambda p: 2 * p[:, 0] - tf.square(p[:, 1] - p[:, 0]), bounds=(-1, 1))
    fits = fit_many(density, starts=[[-1.0, -1.0], [1.0, -1.0], [0.0, 0.0], [-1.0, 1.0]])
    assert fits.converged.all()
    np.testing.assert_allclose(fits.points, np.ones((4, 2)), atol=1e-4)
    assert (fits.values_of("x") == 1.0).all()


def half_defined(points):
    """Zero density for x ≤ 0; a maximum at x = 30, y = 0."""
    x = points[:, 0]
    safe = tf.where(x > 0, x, tf.ones_like(x))
    value = 3 * tf.math.log(safe) - 0.1 * safe - tf.square(points[:, 1])
    return tf.where(x > 0, value, -np.inf)


def test_starts_where_the_density_is_zero():
    """They are moved towards the inits, alone; the others go on from where they were."""
    density = two_parameters(half_defined, bounds=(-50, 200), init=(1.0, 0.0))
    fits = fit_many(density, starts=[[-40.0, 1.0], [20.0, 1.0], [-1.0, 0.0]])
    assert fits.converged.all()
    np.testing.assert_allclose(fits.values_of("x"), 30, rtol=1e-4)


def test_points_that_fail_do_not_spoil_the_others():
    """Where nothing is defined the status says so, and `checked` refuses the batch."""
    density = two_parameters(half_defined, bounds=(-50, 200), init=(1.0, 0.0))
    fits = fit_many(density, fixed={"x": [-5.0, 30.0, -1.0]})
    assert [s.name for s in fits.status] == ["UNDEFINED", "CONVERGED", "UNDEFINED"]
    assert fits[1]["y"] == pytest.approx(0, abs=1e-5)
    with pytest.raises(NotConverged, match=r"2 of 3 fits.*not finite.*Received: fit 0"):
        fits.checked()


def test_kinks_go_through_the_fallback():
    """Newton cannot settle on a kink; what comes out is the kink, whatever its status."""
    density = two_parameters(lambda p: -tf.abs(p[:, 0] - 1) - tf.square(p[:, 1] + 1))
    fits = fit_many(density, starts=[[0.3, -2.0], [4.0, 0.0]])
    np.testing.assert_allclose(fits.points, [[1, -1], [1, -1]], atol=1e-3)
    assert (fits.status != FitStatus.UNDEFINED).all()


def test_a_problem_does_not_depend_on_its_batch():
    """Alone or among others, the same maximum to rounding."""
    problem = problems.Gaussian(5, seed=8)
    starts = np.random.default_rng(3).uniform(-20, 20, (9, 5))
    together = fit_many(problem.density, starts=starts)
    for i in (0, 4, 8):
        alone = fit_many(problem.density, starts=starts[i])
        np.testing.assert_allclose(alone.points[0], together.points[i], atol=1e-7)


def test_numbers_that_do_not_match():
    """Three values for two starts, or starts of another width, are refused."""
    density = problems.Gaussian(2).density
    with pytest.raises(InvalidInput, match=r"Received: numbers \[2, 3\]"):
        fit_many(density, fixed={"x0": [1.0, 2.0, 3.0]}, starts=np.zeros((2, 2)))
    with pytest.raises(InvalidInput, match="Received:"):
        fit_many(density, starts=np.zeros((2, 3)))


@pytest.mark.parametrize("value", [21.0, math.nan, -math.inf])
def test_one_held_value_outside_the_bounds(value):
    """The first that is outside is named."""
    with pytest.raises(InvalidParameters, match=f"Received: {value}"):
        fit_many(problems.Gaussian(2).density, fixed={"x0": [0.0, value, 1.0]})


def test_no_problems():
    """An empty batch is one."""
    fits = fit_many(problems.Gaussian(2).density, fixed={"x0": []})
    assert len(fits) == 0
    assert fits.points.shape == (0, 2)


def pyhf_data(model, main, auxiliary):
    values = [
        float(auxiliary[i])
        for name in model.config.auxdata_order
        for i in range(*model.config.par_slice(name).indices(len(auxiliary)))
    ]
    return [*main.tolist(), *values]


def compare_with_pyhf(path, toys, tolerance, mu):
    """Free and conditional fits of toys: never worse than pyhf, and the same to 1e-5."""
    workspace = pyhf.Workspace(json.loads(path.read_text()), validate=False)
    model, likelihood = workspace.model(validate=False), open_likelihood(path)
    best = fit(likelihood)
    datasets = likelihood.generate(best.point, toys, np.random.default_rng(5))
    batch = likelihood.with_data(datasets)
    for fixed in ({}, {"mu": mu} if "mu" in likelihood.parameters else {model.config.poi_name: mu}):
        fits = fit_many(batch, fixed=fixed, starts=best.point).checked()
        for i in range(toys):
            data = pyhf_data(model, datasets.main[i], datasets.auxiliary[i])
            if fixed:
                _, theirs = pyhf.infer.mle.fixed_poi_fit(mu, data, model, return_fitted_val=True)
            else:
                _, theirs = pyhf.infer.mle.fit(data, model, return_fitted_val=True)
            ours = -fits.log_likelihood[i]
            assert ours <= float(theirs) / 2 + 1e-7
            assert ours == pytest.approx(float(theirs) / 2, abs=tolerance)


def test_toys_are_fitted_as_by_pyhf():
    """nll of toys of a shipped workspace, μ free and held."""
    compare_with_pyhf(ROOT / "likelihoods/two_regions/workspace.json", 6, 1e-5, 1.0)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared folder with workspaces is absent")
def test_toys_of_an_atlas_workspace_are_fitted_as_by_pyhf():
    """nll of toys of sbottom_66p, μ free and held."""
    compare_with_pyhf(DATA / "sbottom_66p.json", 3, 1e-5, 1.0)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="the shared folder with workspaces is absent")
@pytest.mark.parametrize("name", ["three_regions_13p", "sbottom_66p"])
def test_random_starts_on_real_workspaces(name):
    """From two natural lengths away in every parameter all fits end at one maximum."""
    likelihood = open_likelihood(DATA / f"{name}.json")
    p = likelihood.parameters
    step = np.random.default_rng(0).normal(size=(50, len(p))) * p.scales
    fits = fit_many(likelihood, starts=np.clip(p.inits + step, p.lower, p.upper))
    assert fits.converged.all()
    np.testing.assert_allclose(fits.log_likelihood, fits.log_likelihood.max(), atol=1e-7)


@pytest.mark.parametrize("tensor", [True, False])
def test_blocks_change_nothing(monkeypatch, tensor):
    """More problems than fit into the memory at once are fitted in blocks, and in the same
    way: likelihoods without gradients stay without them."""
    problem = problems.Gaussian(4, seed=5, tensor=tensor)
    grid = np.linspace(-2, 2, 50)
    whole = fit_many(problem.density, fixed={"x1": grid})
    monkeypatch.setattr("dnnlik.inference.fits._NUMBERS_AT_ONCE", 20 * 4**2)
    blocks = fit_many(problem.density, fixed={"x1": grid})
    assert blocks.converged.all()
    np.testing.assert_allclose(blocks.points, whole.points, atol=1e-7)
    np.testing.assert_allclose(blocks.log_likelihood, whole.log_likelihood, atol=1e-9)
    part = selected(Repeated(problem.density, 50), np.arange(20))
    assert len(part) == 20
    assert has_gradient(part) == tensor
