"""Maxima of functions with known ones."""

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import lsq_linear

from dnnlik.constraints import Normal
from dnnlik.differentiable.maximum import STEPS, maximise
from dnnlik.parameters import Parameter, ParameterSet

ROWS = 6


def parameters_of(size, bounds=(-20.0, 20.0)):
    return ParameterSet([Parameter(f"x{i}", bounds[0], bounds) for i in range(size)])


def maximum_of(function, parameters, start=None, free=None):
    """The maxima of a function from a start (n, d), the inits by default."""
    start = np.tile(parameters.inits, (ROWS, 1)) if start is None else start
    free = np.ones(len(parameters), bool) if free is None else np.array(free)
    return maximise(function, tf.constant(start), parameters, free)


def quadratic(size, seed=0):
    """-|A x - b|²/2 with its A (n, d, d) and b (n, d)."""
    generator = np.random.default_rng(seed)
    a = generator.normal(size=(ROWS, size, size)) + 2 * np.eye(size)
    b = generator.normal(size=(ROWS, size)) * 3

    def function(points):
        repeat = points.shape[0] // ROWS
        rest = tf.linalg.matvec(tf.tile(a, [repeat, 1, 1]), points) - tf.tile(b, [repeat, 1])
        return -0.5 * tf.reduce_sum(rest**2, axis=1)

    return function, a, b


@pytest.mark.parametrize("wrapped", [lambda f: f, tf.function, tf.function(jit_compile=True)])
@pytest.mark.parametrize("bounds", [(-20.0, 20.0), (-0.5, 1.0)])
def test_quadratics_within_bounds(bounds, wrapped):
    """Each row is the least-squares solution of SciPy within the same bounds."""
    function, a, b = quadratic(4)
    parameters = parameters_of(4, bounds)
    found = wrapped(lambda: maximum_of(function, parameters))()
    expected = [lsq_linear(*row, bounds, tol=1e-15).x for row in zip(a, b, strict=True)]
    assert found.converged.numpy().all()
    np.testing.assert_allclose(found.points, expected, atol=1e-7)
    at_bound = np.isin(found.points.numpy(), bounds)
    np.testing.assert_array_equal(found.held, at_bound)
    assert at_bound.any() == (bounds == (-0.5, 1.0))
    loose = np.where(at_bound, 0, found.gradient)
    np.testing.assert_allclose(loose, 0, atol=1e-9)
    np.testing.assert_allclose(found.hessian, -np.swapaxes(a, 1, 2) @ a, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("held", [0.3, 50.0])
def test_what_is_not_free_stays(held):
    """Also outside of its bounds; the others are the best for it."""
    function, a, b = quadratic(3)
    start = np.zeros((ROWS, 3))
    start[:, 1] = held
    found = maximum_of(function, parameters_of(3), start, [True, False, True])
    assert (found.points[:, 1].numpy() == held).all()
    assert found.held.numpy()[:, 1].all()
    for row in range(ROWS):
        rest = b[row] - a[row][:, 1] * held
        best = lsq_linear(a[row][:, [0, 2]], rest, (-20, 20), tol=1e-15).x
        np.testing.assert_allclose(found.points.numpy()[row, [0, 2]], best, atol=1e-7)


def test_far_from_quadratic():
    """The banana of Rosenbrock, from the usual start, and with infinite bounds."""

    def banana(points):
        x, y = points[:, 0], points[:, 1]
        return -((1 - x) ** 2) - 100 * (y - x**2) ** 2

    parameters = ParameterSet([Parameter(n, 0.0, constraint=Normal(0, 1)) for n in ("x", "y")])
    found = maximum_of(banana, parameters, np.tile([-1.2, 1.0], (ROWS, 1)))
    assert found.converged.numpy().all()
    np.testing.assert_allclose(found.points, 1, atol=1e-7)


def test_a_saddle_is_left():
    """A start where the slope vanishes by symmetry, with a maximum on each side of it."""
    start = np.zeros((ROWS, 1))
    found = maximum_of(lambda p: 2 * p[:, 0] ** 2 - p[:, 0] ** 4, parameters_of(1), start)
    assert found.converged.numpy().all()
    np.testing.assert_allclose(np.abs(found.points), 1, atol=1e-7)


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_directions_that_do_nothing(size):
    """One parameter without any effect, and two that do the same."""

    def function(points):
        return -0.5 * size * (points[:, 0] + points[:, 1] - 3) ** 2

    found = maximum_of(function, parameters_of(3), np.zeros((ROWS, 3)))
    assert found.converged.numpy().all()
    np.testing.assert_allclose(found.points[:, 0] + found.points[:, 1], 3, rtol=1e-6)
    assert np.isfinite(found.points.numpy()).all()


BROKEN = {
    "NaN": lambda p: p[:, 0] * np.nan,
    "minus infinity": lambda p: tf.where(p[:, 0] > 5, -p[:, 0], -np.inf),
    "no maximum's curvature": lambda p: tf.sqrt(tf.abs(p[:, 0]) - 100.0),
}


@pytest.mark.parametrize("wrapped", [lambda f: f, tf.function, tf.function(jit_compile=True)])
@pytest.mark.parametrize("broken", BROKEN)
def test_one_broken_problem_spoils_no_other(broken, wrapped):
    """It is reported as not converged where it started; the loop ends; the rest is right."""

    def function(points):
        bad = np.arange(points.shape[0]) % ROWS == 2
        good = -0.5 * (points[:, 0] - 1.5) ** 2
        # The gradient of a `where` knows both branches: so each has points of its own.
        here = tf.where(bad[:, None], points, tf.zeros_like(points))
        return tf.where(bad, BROKEN[broken](here), good)

    start = np.zeros((ROWS, 1))
    found = wrapped(lambda: maximum_of(function, parameters_of(1), start))()
    others = np.arange(ROWS) != 2
    assert found.converged.numpy().tolist() == others.tolist()
    np.testing.assert_allclose(found.points.numpy()[others], 1.5, atol=1e-9)
    assert np.isfinite(found.points.numpy()).all()


def test_the_loop_ends():
    """Without a maximum it walks to the bound; a function that keeps rising inside of
    infinite ones stops after the most steps."""
    found = maximum_of(lambda p: p[:, 0], parameters_of(1))
    assert found.converged.numpy().all()
    assert (found.points.numpy() == 20).all()
    endless = ParameterSet([Parameter("x", 0.0, constraint=Normal(0, 1))])
    calls = []

    def rising(points):
        calls.append(1)
        return points[:, 0]

    assert not maximum_of(rising, endless).converged.numpy().any()
    assert len(calls) <= STEPS + 3  # the start and both sides of it
