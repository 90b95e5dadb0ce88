"""Constraints as tensors, and the derivatives of compiled likelihoods."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.constraints import ConstraintTerms, Normal, Poisson
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.likelihoods.tensor import tensor_constraint
from dnnlik.parameters import Parameter

CONSTRAINTS = [None, Normal(0.3, 0.7), Poisson(4.2, 4.2), Poisson(0.0, 3.0), Poisson(1e11, 1e11)]


def points_of(number):
    generator = np.random.default_rng(number)
    points = generator.uniform(0.01, 3.0, (number, len(CONSTRAINTS)))
    points[:, 4] = 1 + 1e-5 * generator.normal(size=number)
    return points


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_tensor_constraint_is_the_closed_form(compiled):
    """Value and gradient are those of `ConstraintTerms`, counts of 10¹¹ included."""
    terms, points = ConstraintTerms.of(CONSTRAINTS), points_of(50)

    @tf.function(jit_compile=compiled or None)
    def both(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tensor_constraint(terms, x)
        return value, tape.gradient(value, x)

    value, gradient = both(tf.constant(points))
    # ln(1+u) and u, both 1e-5, are rounded before 1e11 multiplies them.
    rounding = 4 * 1e11 * 1e-5 * np.finfo(float).eps
    np.testing.assert_allclose(value, terms.value(points), rtol=1e-12, atol=rounding)
    np.testing.assert_allclose(gradient, terms.gradient(points), rtol=1e-9, atol=1e-9)


def test_tensor_constraint_is_infinite_where_a_rate_is_negative():
    """Minus infinity, as the closed form, with a gradient that is no NaN."""
    terms = ConstraintTerms.of([Poisson(4.0, 2.0), Poisson(0.0, 3.0)])
    points = tf.constant([[-0.1, 1.0], [1.0, -0.1], [0.0, 1.0], [1.0, 0.0]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(points)
        value = tensor_constraint(terms, points)
    np.testing.assert_array_equal(value, terms.value(points.numpy()))
    assert np.isfinite(tape.gradient(value, points)).all()


def quartic():
    """-x⁴ - x²y² with a normal constraint on y: Hessian in closed form."""
    return AnalyticLikelihood(
        [Parameter("x", 0.5, (-5, 5), poi=True), Parameter("y", 0.2, (-5, 5), Normal(0, 0.5))],
        lambda p: -tf.pow(p[:, 0], 4) - tf.square(p[:, 0] * p[:, 1]),
    )


def test_hessian_vector_products():
    """The Hessian of the whole log-likelihood, constraint included, times any vector."""
    generator = np.random.default_rng(3)
    points, vectors = generator.normal(size=(2, 20, 2))
    x, y = points.T
    hessian = np.array(
        [[-12 * x**2 - 2 * y**2, -4 * x * y], [-4 * x * y, -2 * x**2 - 4 * np.ones(20)]]
    )
    expected = np.einsum("ijn,nj->ni", hessian, vectors)
    received = quartic().hessian_vector(points, vectors)
    np.testing.assert_allclose(received, expected, rtol=1e-12)


def test_log_likelihood_is_the_sum_of_its_terms():
    """The compiled whole is the sum of the parts that are kept apart."""
    likelihood, points = quartic(), np.random.default_rng(4).normal(size=(33, 2))
    whole = likelihood.log_main(points) + likelihood.log_constraint(points)
    np.testing.assert_allclose(likelihood.log_likelihood(points), whole, rtol=1e-13)
    np.testing.assert_allclose(likelihood.value_and_gradient(points)[0], whole, rtol=1e-13)
