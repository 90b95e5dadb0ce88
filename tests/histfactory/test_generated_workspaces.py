"""Generated workspaces that cross every modifier and code, against pyhf's NumPy backend."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from generated_workspaces import (
    ALL_CODES,
    EXAMPLE,
    assert_same,
    codes,
    likelihood_of,
    pyhf_model,
    random_points,
    workspaces,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dnnlik.histfactory.rates import log_poisson


def uncompiled_log_likelihood(likelihood, points):
    """The tensor program run eagerly: compiling every example would take minutes."""
    observed = tf.constant(likelihood.specification.observed)
    main = log_poisson(observed, tf.constant(likelihood.expected_events(points))).numpy()
    return main + likelihood.log_constraint(points) + likelihood.fixed_constraint


@settings(max_examples=60)
@given(workspace=workspaces(), codes=codes, seed=st.integers(0, 2**32 - 1))
def test_every_workspace_is_what_pyhf_makes_of_it(workspace, codes, seed):
    """Parameters, rates and log-likelihood of a generated workspace are pyhf's."""
    model, data = pyhf_model(workspace, *codes)
    likelihood = likelihood_of(workspace, *codes)
    config, parameters = model.config, likelihood.parameters
    free = ~np.array(config.suggested_fixed())
    assert list(parameters.names) == list(np.array(config.par_names)[free])
    np.testing.assert_array_equal(parameters.inits, np.array(config.suggested_init())[free])
    np.testing.assert_array_equal(parameters.lower, np.array(config.suggested_bounds())[free, 0])
    np.testing.assert_array_equal(parameters.upper, np.array(config.suggested_bounds())[free, 1])
    assert parameters.poi_names == (config.poi_name,)
    np.testing.assert_array_equal(likelihood.specification.observed, data[: config.nmaindata])

    points = random_points(parameters, seed)
    full = likelihood.all_parameters(points)
    expected = [model.expected_data(point, include_auxdata=False) for point in full]
    np.testing.assert_allclose(likelihood.expected_events(points), expected, rtol=1e-9, atol=1e-9)
    assert_same(uncompiled_log_likelihood(likelihood, points), likelihood, model, data, points)


@functools.cache
def example(normsys_code, histosys_code):
    return likelihood_of(EXAMPLE, normsys_code, histosys_code)


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_compiled_program_is_what_pyhf_says(codes):
    """The compiled program with each pair of codes, at many points."""
    model, data = pyhf_model(EXAMPLE, *codes)
    likelihood = example(*codes)
    points = random_points(likelihood.parameters, seed=3, size=16)
    received = likelihood.log_likelihood(points)
    assert np.isfinite(received).sum() > 8
    assert_same(received, likelihood, model, data, points)


@pytest.mark.parametrize("codes", ALL_CODES, ids="-".join)
def test_compiled_gradient_is_the_finite_difference_of_pyhf(codes):
    """Central differences of pyhf's logpdf, at the inits too, where codes 0 and 1 have kinks."""
    model, data = pyhf_model(EXAMPLE, *codes)
    likelihood, step = example(*codes), 1e-5
    inits = likelihood.parameters.inits
    for point in (inits, inits + 0.1 * np.random.default_rng(4).uniform(-1, 1, inits.size)):
        _, gradient = likelihood.value_and_gradient(point[None])
        shifted = [
            likelihood.all_parameters(point + sign * step * np.eye(inits.size)) for sign in (1, -1)
        ]
        ahead, behind = ([model.logpdf(p, data)[0] for p in points] for points in shifted)
        slopes = (np.array(ahead) - np.array(behind)) / (2 * step)
        np.testing.assert_allclose(gradient[0], slopes, rtol=1e-5, atol=1e-4)


def test_gradient_where_a_factor_is_zero():
    """At μ = 0 the slopes are those of pyhf from above: no division by the factor."""
    likelihood = example("code4", "code4p")
    point = likelihood.parameters.inits.copy()
    column = likelihood.parameters.index("mu")
    point[column] = 0.0
    _, gradient = likelihood.value_and_gradient(point[None])
    assert np.isfinite(gradient).all()
    ahead = np.stack([point, point, point])
    ahead[1:, column] = 1e-5, 2e-5
    values = likelihood.log_likelihood(ahead)
    slope = (4 * values[1] - 3 * values[0] - values[2]) / 2e-5
    assert gradient[0, column] == pytest.approx(slope, rel=1e-5)


def test_negative_rate_is_impossible_with_a_gradient_of_numbers():
    """-inf where pyhf gives NaN, and no NaN in the gradient either."""
    likelihood = example("code4", "code4p")
    point = likelihood.parameters.inits.copy()
    point[likelihood.parameters.index("fakes[0]")] = -1.0
    value, gradient = likelihood.value_and_gradient(point[None])
    assert value[0] == -np.inf
    assert np.isfinite(gradient).all()
