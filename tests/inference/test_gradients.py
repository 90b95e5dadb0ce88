"""Derivatives against closed forms."""

import numpy as np
import pytest
from problems import Gaussian

from dnnlik.constraints import Normal, Poisson
from dnnlik.inference import expansion_of_main, gradient_function, hessian
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter


@pytest.mark.parametrize("tensor", [True, False])
@pytest.mark.parametrize("size", [2, 7, 20])
def test_hessian_of_a_gaussian(size, tensor):
    """Minus the precision, everywhere; symmetric."""
    problem = Gaussian(size, tensor=tensor)
    for point in (problem.mean, problem.mean + 1.5):
        received = hessian(problem.density, point)
        np.testing.assert_array_equal(received, received.T)
        # Differences of differences keep fewer digits.
        tolerance = 1e-7 if tensor else 2e-3
        np.testing.assert_allclose(received, -problem.precision, atol=tolerance)


@pytest.mark.parametrize("tensor", [True, False])
def test_gradient_of_a_gaussian(tensor):
    """The exact gradient, or central differences of it."""
    problem = Gaussian(6, tensor=tensor)
    points = problem.mean + np.random.default_rng(1).normal(size=(4, 6))
    value, gradient = gradient_function(problem.density)(points)
    np.testing.assert_allclose(value, problem.density.log_likelihood(points), rtol=1e-13)
    expected = -(points - problem.mean) @ problem.precision
    np.testing.assert_allclose(gradient, expected, atol=1e-12 if tensor else 1e-8)


@pytest.mark.parametrize("at", ["lower", "upper"])
@pytest.mark.parametrize("tensor", [True, False])
def test_derivatives_at_a_bound_stay_inside(at, tensor):
    """No point outside the bounds is asked for, and the derivatives are right."""
    problem = Gaussian(3, bounds=(-1.0, 1.0), tensor=tensor)
    parameters = problem.density.parameters
    likelihood = problem.density.log_likelihood

    def watched(points):
        assert parameters.inside(np.asarray(points)).all()
        return likelihood(points)

    problem.density.log_likelihood = watched
    point = getattr(parameters, at).copy()
    _, gradient = gradient_function(problem.density)(point[None])
    expected = -(point - problem.mean) @ problem.precision
    np.testing.assert_allclose(gradient[0], expected, atol=1e-12 if tensor else 1e-4)
    received = hessian(problem.density, point)
    np.testing.assert_allclose(received, -problem.precision, atol=1e-7 if tensor else 2e-3)


@pytest.mark.parametrize("tensor", [True, False])
def test_expansion_leaves_the_constraints_out(tensor):
    """Value, gradient and Hessian are those of log_main alone."""
    problem = Gaussian(5, seed=2, tensor=tensor)
    density, point = problem.density, problem.mean + 0.3
    value, gradient, second = expansion_of_main(density, point)
    constraint = np.diag([0, 1, 0, 1, 0]) / 0.7**2
    slope = -(point - problem.mean) @ problem.precision
    slope += np.diag(constraint) * (point - 0.2)
    assert value == pytest.approx(density.log_main(point[None])[0], rel=1e-12)
    np.testing.assert_allclose(gradient, slope, atol=1e-10 if tensor else 1e-8)
    np.testing.assert_allclose(
        second, constraint - problem.precision, atol=1e-7 if tensor else 2e-3
    )


def test_expansion_beside_a_huge_constraint():
    """A Poisson term of 10¹¹ counts does not drown the curvature of the main term."""
    import tensorflow as tf

    density = AnalyticLikelihood(
        [
            Parameter("x", 0.0, (-5, 5), Normal(0, 1)),
            Parameter("g", 1.0, (1e-10, 10), Poisson(1e11, 1e11)),
        ],
        lambda p: -tf.square(p[:, 0] - p[:, 1]) - 0.25 * tf.square(p[:, 1]),
    )
    _, gradient, second = expansion_of_main(density, np.array([0.5, 1.0]))
    np.testing.assert_allclose(gradient, [1.0, -1.5], atol=1e-4)
    np.testing.assert_allclose(second, [[-2, 2], [2, -2.5]], atol=1e-3)
