"""Derivatives of batched functions against closed forms."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.differentiable.derivatives import derivatives, gradient

POINTS = np.random.default_rng(2).uniform(0.5, 2.0, (4, 3))


def cubic(points):
    """x y² + exp(z), row by row."""
    return points[:, 0] * points[:, 1] ** 2 + tf.exp(points[:, 2])


def slopes(points):
    x, y, z = points.T
    return np.stack([y**2, 2 * x * y, np.exp(z)], axis=1)


def curvatures(points):
    x, y, z = points.T
    hessian = np.zeros((len(points), 3, 3))
    hessian[:, 0, 1] = hessian[:, 1, 0] = 2 * y
    hessian[:, 1, 1], hessian[:, 2, 2] = 2 * x, np.exp(z)
    return hessian


@pytest.mark.parametrize("wrapped", [lambda f: f, tf.function, tf.function(jit_compile=True)])
def test_values_gradients_and_hessians(wrapped):
    """Those of a polynomial and an exponential, for each row its own."""
    received = wrapped(lambda p: derivatives(cubic, p))(tf.constant(POINTS))
    np.testing.assert_allclose(received.values, cubic(POINTS), rtol=1e-14)
    np.testing.assert_allclose(received.gradient, slopes(POINTS), rtol=1e-14)
    np.testing.assert_allclose(received.hessian, curvatures(POINTS), rtol=1e-14)
    np.testing.assert_allclose(gradient(cubic, tf.constant(POINTS)), slopes(POINTS), rtol=1e-14)


def test_derivatives_can_be_differentiated():
    """The third derivative: of the trace of the Hessian, 2x + exp(z)."""
    points = tf.constant(POINTS)
    with tf.GradientTape() as tape:
        tape.watch(points)
        trace = tf.linalg.trace(derivatives(cubic, points).hessian)
    expected = np.stack([np.full(4, 2.0), np.zeros(4), np.exp(POINTS[:, 2])], axis=1)
    np.testing.assert_allclose(tape.gradient(trace, points), expected, rtol=1e-14)


def test_what_the_function_ignores_has_derivative_zero():
    """Not None, and not an error: also of a function of nothing at all."""
    points = tf.constant(POINTS)
    assert (derivatives(lambda p: p[:, 0], points).hessian.numpy() == 0).all()
    constant = derivatives(lambda p: tf.zeros_like(p[:, 0]), points)
    assert (constant.gradient.numpy() == 0).all()
    assert (constant.hessian.numpy() == 0).all()
