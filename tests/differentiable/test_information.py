"""Fisher information and what is made of it: closed forms, and pyhf's rates."""

import numpy as np
import pytest
import tensorflow as tf
from workspaces import (
    EVERYTHING,
    PARAMETERS,
    content_of,
    factor,
    jacobian_and_differences,
    model_of,
    pyhf_of,
    region,
    sample,
    shape,
    worst,
)

from dnnlik.constraints import Normal
from dnnlik.differentiable.fits import points_of
from dnnlik.differentiable.information import (
    covariance,
    fisher_information,
    gaussianity,
    generalised_variance,
    observed_information,
)
from dnnlik.differentiable.model import Data, HistFactoryModel
from dnnlik.parameters import Parameter, ParameterSet

CONTENT = content_of(EVERYTHING)
RESULTS = ["error of mu", "generalised variance", "Gaussianity"]


@pytest.fixture(scope="module")
def chain():
    """The received Jacobian of `RESULTS`, and that by differences."""

    def function(content):
        model = model_of(EVERYTHING, content)
        points = points_of(model, {}, model.models)
        matrix = covariance(fisher_information(model, points))
        column = model.parameters.index("mu")
        return tf.stack(
            [
                tf.sqrt(matrix[:, column, column]),
                1e6 * generalised_variance(matrix[:, :4, :4]),
                gaussianity(model, points, draws=5),
            ],
            axis=1,
        )

    return jacobian_and_differences(function, CONTENT, len(RESULTS))


@pytest.mark.parametrize("name", RESULTS)
def test_the_whole_chain_against_differences(name, chain):
    """With respect to every number of every template."""
    row = [RESULTS.index(name)]
    received, expected = (side[row] for side in chain[:2])
    assert np.abs(expected).max() > 1e-6
    assert worst(received, expected) < 1e-6


@pytest.mark.parametrize("fixed", [False, True])
def test_information_is_that_of_the_rates(fixed):
    """Σ (∂λ)²/λ over all bins and Poisson constraints, and 1/σ² of the normal ones, by
    differences of pyhf's rates; parameters that are fixed are left out."""
    parameters = [{**p, "fixed": fixed} if p["name"] == "lumi" else p for p in PARAMETERS]
    model = model_of(EVERYTHING, parameters=parameters)
    reference, _ = pyhf_of(EVERYTHING, parameters)
    point = np.array(reference.config.suggested_init()) + 0.1
    step = 1e-3 * np.eye(len(point))
    rates = [[reference.expected_data(point + k * s) for s in step] for k in (1, -1, 2, -2)]
    one, less_one, two, less_two = np.array(rates)
    slopes = (8 * (one - less_one) - (two - less_two)) / 12e-3
    widths = reference.expected_data(point)
    first = reference.config.nmaindata
    for name in reference.config.auxdata_order:
        parameter = reference.config.param_set(name)
        size = parameter.n_parameters
        if parameter.pdf_type == "normal":
            widths[first : first + size] = np.square(getattr(parameter, "sigmas", [1.0] * size))
        first += size
    expected = (slopes / widths) @ slopes.T
    free = np.flatnonzero(~model.fixed)
    received = fisher_information(model, tf.constant(point[None]))[0]
    np.testing.assert_allclose(received, expected[np.ix_(free, free)], rtol=1e-6, atol=1e-7)


# (up, down): error of μ and determinant of the covariance, computed on their own.
LANDSCAPE = {
    (0, 0): (0.6404, 0.4101), (5, 5): (0.6404, 0.4101), (5, -5): (0.6550, 0.2301),
    (10, -10): (0.6654, 0.0993), (10, 0): (0.6550, 0.2301),
}  # fmt: skip


def test_the_landscape_of_two_bins():
    """Errors and generalised variances for five variations at once, at signal 1."""
    moves = np.array(list(LANDSCAPE), dtype=float)
    signs = np.array([1.0, -1.0])
    tilt = shape("tilt", 50 + moves[:, :1] * signs, 50 + moves[:, 1:] * signs)
    model = HistFactoryModel(
        region(
            sample("signal", [5.0, 11.0], factor("mu")), sample("background", [50.0, 50.0], tilt)
        )
    )
    matrix = covariance(fisher_information(model, points_of(model, {}, 5)))
    column = model.parameters.index("mu")
    received = np.stack([matrix[:, column, column] ** 0.5, generalised_variance(matrix)], axis=1)
    np.testing.assert_allclose(received, list(LANDSCAPE.values()), atol=6e-5)


def test_covariance_is_the_inverse():
    """In any units; its determinant is the generalised variance."""
    root = np.random.default_rng(0).normal(size=(4, 3, 3))
    units = np.array([1e-6, 1.0, 1e8])
    matrices = (root @ np.swapaxes(root, 1, 2) + np.eye(3)) / units[:, None] / units
    received = covariance(tf.constant(matrices))
    unit = np.linalg.inv(root @ np.swapaxes(root, 1, 2) + np.eye(3))
    np.testing.assert_allclose(received / units[:, None] / units, unit, rtol=1e-12)
    np.testing.assert_allclose(
        generalised_variance(received), np.linalg.det(unit) * np.prod(units) ** 2, rtol=1e-10
    )


@pytest.mark.parametrize("wrapped", [lambda f: f, tf.function, tf.function(jit_compile=True)])
def test_no_covariance_spoils_no_other(wrapped):
    """Unknown parameters have infinite variance and leave the others alone; what is not
    positive definite has none; the gradients of the others are finite."""
    regular = np.array([[4.0, 1.0], [1.0, 2.0]])
    matrices = tf.constant(
        [
            regular,
            np.diag([0.0, 2.0]),
            np.ones((2, 2)),
            np.diag([1.0, -1.0]),
            np.full((2, 2), np.nan),
        ]
    )

    def both(matrices):
        with tf.GradientTape() as tape:
            tape.watch(matrices)
            received = covariance(matrices)
            finite = tf.math.is_finite(received)
            total = tf.reduce_sum(tf.where(finite, received, tf.zeros_like(received)))
        return received, tape.gradient(total, matrices)

    received, slope = wrapped(both)(matrices)
    inverse = np.linalg.inv(regular)
    np.testing.assert_allclose(received[0], inverse, rtol=1e-14)
    np.testing.assert_allclose(slope[0], -np.outer(inverse.sum(1), inverse.sum(0)), rtol=1e-13)
    np.testing.assert_array_equal(received[1], [[np.inf, 0], [0, 0.5]])
    assert slope[1, 1, 1] == -0.25
    assert np.isnan(received[2:].numpy()).all()
    assert np.isfinite(slope[:4].numpy()).all()


class Gaussian:
    """A normal measurement of each parameter with a common precision matrix."""

    models = 1
    fixed = np.array([False, False])
    parameters = ParameterSet([Parameter(n, 0.0, constraint=Normal(0, 1)) for n in ("x", "y")])
    precision = np.array([[2.0, 0.7], [0.7, 0.5]])

    def expected_data(self, points):
        return Data(points, tf.zeros_like(points))

    def log_likelihood(self, points, data):
        rest = points - tf.tile(data.main, [points.shape[0] // data.main.shape[0], 1])
        return -0.5 * tf.reduce_sum((rest @ self.precision) * rest, axis=1)


def test_a_gaussian_is_gaussian():
    """Its information is its precision, its Gaussianity zero."""
    points = tf.constant([[0.3, -1.0], [2.0, 5.0]], tf.float64)
    model = Gaussian()
    np.testing.assert_allclose(fisher_information(model, points)[1], model.precision, rtol=1e-14)
    np.testing.assert_allclose(gaussianity(model, points), 0, atol=1e-24)


def counting(signal):
    """One bin for each model, signal only: n ~ Pois(μ s)."""
    return HistFactoryModel(region(sample("signal", signal, factor("mu"))))


def test_counts_become_gaussian():
    """ln L - ln L_max = s (ln μ - μ + 1): the mean square of its difference from -z²/2 over
    z = √s (μ - 1), with the draws that are allowed; it falls as 1/s."""
    sizes = np.array([4.0, 25.0, 100.0, 1e4])
    model = counting(tf.constant(sizes[:, None]))
    received = gaussianity(model, points_of(model, {}, 4), draws=500, seed=3).numpy()
    z = np.random.default_rng(3).standard_normal((500, 1))
    mu = 1 + z / np.sqrt(sizes)
    allowed = mu > 0
    safe = np.where(allowed, mu, 1)
    difference = np.where(allowed, sizes * (np.log(safe) - safe + 1) + 0.5 * z**2, 0)
    np.testing.assert_allclose(received, (difference**2).sum(0) / allowed.sum(0), rtol=1e-9)
    assert received[3] == pytest.approx(15 / 9 / 1e4, rel=0.5)


def test_without_information_there_is_no_gaussianity():
    """NaN, rather than 0, which is the best."""
    model = counting(tf.constant([[0.0]], tf.float64))
    assert np.isnan(gaussianity(model, points_of(model, {})).numpy()).all()


def test_observed_information_at_other_data():
    """Of a count n at μ: n/μ²."""
    model = counting(tf.constant([[10.0]], tf.float64))
    data = Data(tf.constant([[13.0]], tf.float64), tf.zeros([1, 1], tf.float64))
    received = observed_information(model, points_of(model, {"mu": 1.1}), data)
    np.testing.assert_allclose(received, [[[13 / 1.1**2]]], rtol=1e-12)
