"""Other data for the same model: against pyhf, and against the model itself."""

import json
from pathlib import Path

import numpy as np
import pyhf
import pytest
from scipy import stats

from dnnlik.constraints import Normal, Poisson
from dnnlik.exceptions import InvalidPoints
from dnnlik.likelihoods import open_likelihood
from dnnlik.likelihoods.datasets import Datasets
from dnnlik.typing import Generative, Problems

WORKSPACE = Path(__file__).resolve().parents[2] / "likelihoods" / "two_regions" / "workspace.json"


@pytest.fixture(scope="module")
def likelihood():
    return open_likelihood(WORKSPACE)


@pytest.fixture(scope="module")
def model():
    return pyhf.Workspace(json.loads(WORKSPACE.read_text())).model()


def points_near(likelihood, number, seed=0):
    p = likelihood.parameters
    step = np.random.default_rng(seed).normal(size=(number, len(p))) * 0.3 * p.scales
    return np.clip(p.inits + step, p.lower + 1e-3, p.upper)


def to_pyhf(model, likelihood, main, auxiliary):
    """Our auxiliary data, one a parameter, in pyhf's order of auxiliary data."""
    values = []
    for name in model.config.auxdata_order:
        columns = model.config.par_slice(name)
        values += [float(auxiliary[i]) for i in range(columns.start, columns.stop)]
    return [*main.tolist(), *values]


def test_a_histfactory_likelihood_is_generative(likelihood):
    """It has the three methods, and its datasets are fit problems."""
    assert isinstance(likelihood, Generative)
    datasets = likelihood.generate(likelihood.parameters.inits, 3, np.random.default_rng(0))
    assert isinstance(likelihood.with_data(datasets), Problems)


def test_log_likelihood_of_toys_is_that_of_pyhf(likelihood, model):
    """Value of every toy at a point of its own, constants included."""
    points = points_near(likelihood, 12)
    datasets = likelihood.generate(points[0], 12, np.random.default_rng(1))
    problems = likelihood.with_data(datasets)
    received, _ = problems.value_and_gradient(points, np.arange(12))
    full = likelihood.all_parameters(points)
    for i in range(12):
        data = to_pyhf(model, likelihood, datasets.main[i], datasets.auxiliary[i])
        assert received[i] == pytest.approx(model.logpdf(full[i], data)[0], rel=1e-10)


def test_gradients_of_toys_are_differences(likelihood):
    """Gradients with respect to the parameters alone, each with its own data."""
    points = points_near(likelihood, 4)
    datasets = likelihood.generate(points[0], 4, np.random.default_rng(2))
    problems, rows = likelihood.with_data(datasets), np.arange(4)
    _, gradient = problems.value_and_gradient(points, rows)
    for column in range(points.shape[1]):
        step = np.zeros(points.shape[1])
        step[column] = 1e-6
        above = problems.value_and_gradient(points + step, rows)[0]
        below = problems.value_and_gradient(points - step, rows)[0]
        np.testing.assert_allclose(
            gradient[:, column], (above - below) / 2e-6, rtol=1e-6, atol=1e-5
        )


def test_its_own_data_give_the_likelihood_itself(likelihood):
    """With the observed data the problem is the likelihood."""
    points = points_near(likelihood, 9)
    terms = [p.constraint for p in likelihood.parameters]
    auxiliary = [
        c.mean if isinstance(c, Normal) else c.observed if isinstance(c, Poisson) else 0.0
        for c in terms
    ]
    own = Datasets(likelihood.specification.observed[None], np.array([auxiliary]))
    problems, rows = likelihood.with_data(own), np.zeros(9, dtype=int)
    value, gradient = problems.value_and_gradient(points, rows)
    expected_value, expected_gradient = likelihood.value_and_gradient(points)
    np.testing.assert_allclose(value, expected_value, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-9, atol=1e-9)


def test_asimov_data_are_those_of_pyhf(likelihood, model):
    """Main and auxiliary data of a point, and the log-likelihood of them."""
    point = points_near(likelihood, 1, seed=5)[0]
    asimov = likelihood.asimov(point)
    full = likelihood.all_parameters(point[None])[0]
    data = model.expected_data(full)
    others = points_near(likelihood, 6, seed=6)
    expected = [model.logpdf(row, data)[0] for row in likelihood.all_parameters(others)]
    np.testing.assert_allclose(asimov.log_likelihood(others), expected, rtol=1e-10)
    parts = asimov.log_main(others) + asimov.log_constraint(others)
    np.testing.assert_allclose(parts, expected, rtol=1e-9)


def test_asimov_point_is_the_maximum(likelihood):
    """Data without fluctuations are most probable where they come from: no gradient there."""
    point = points_near(likelihood, 1, seed=7)
    _, gradient = likelihood.asimov(point[0]).value_and_gradient(point)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-9)


@pytest.mark.slow
def test_toys_have_the_right_distribution(likelihood):
    """Means and variances of main and auxiliary data, and their independence."""
    point = points_near(likelihood, 1, seed=8)[0]
    count = 20_000
    toys = likelihood.generate(point, count, np.random.default_rng(9))
    rates = likelihood.expected_events(point[None])[0]
    errors = np.sqrt(rates / count)
    assert (np.abs(toys.main.mean(axis=0) - rates) < 5 * errors).all()
    assert (np.abs(toys.main.var(axis=0) / rates - 1) < 5 * np.sqrt(3 / count)).all()
    for column, parameter in enumerate(likelihood.parameters):
        values = toys.auxiliary[:, column]
        if isinstance(parameter.constraint, Normal):
            distribution = stats.norm(point[column], parameter.constraint.sigma)
            assert stats.kstest(values, distribution.cdf).pvalue > 1e-4
        elif isinstance(parameter.constraint, Poisson):
            rate = parameter.constraint.factor * point[column]
            assert abs(values.mean() - rate) < 5 * np.sqrt(rate / count)
        else:
            assert not values.any()


def test_the_same_generator_gives_the_same_toys(likelihood):
    """A seed is a dataset."""
    inits = likelihood.parameters.inits
    first, second = (likelihood.generate(inits, 5, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(first.main, second.main)
    np.testing.assert_array_equal(first.auxiliary, second.auxiliary)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_impossible_data_are_refused(likelihood, wrong):
    """NaN, infinity and negative counts, in one line."""
    main = np.ones((1, likelihood.specification.bins))
    main[0, 0] = wrong
    with pytest.raises(InvalidPoints, match="Received: shape"):
        Datasets(main, np.zeros((1, len(likelihood.parameters))))


def test_data_of_another_model_are_refused(likelihood):
    """Numbers of bins and parameters must be those of the model."""
    datasets = Datasets(np.ones((2, 3)), np.zeros((2, 1)))
    with pytest.raises(InvalidPoints, match="Received: 3 and 1"):
        likelihood.with_data(datasets)
    with pytest.raises(InvalidPoints, match="Received: 2 and 1"):
        Datasets(np.ones((2, 3)), np.zeros((1, 1)))
