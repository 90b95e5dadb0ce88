"""Likelihoods from Python functions, against a Gaussian in closed form."""

import math

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from dnnlik.constraints import Normal
from dnnlik.exceptions import InvalidLikelihood, InvalidPoints
from dnnlik.likelihoods import AnalyticLikelihood
from dnnlik.parameters import Parameter, ParameterSet
from dnnlik.typing import DifferentiableLogDensity, LogDensity

MEAN = np.array([0.5, -0.3])
COVARIANCE = np.array([[0.4, 0.15], [0.15, 0.6]])
PRECISION = np.linalg.inv(COVARIANCE)
CONSTANT = stats.multivariate_normal.logpdf(MEAN, MEAN, COVARIANCE)
PARAMETERS = ParameterSet(
    [Parameter("mu", 0.0, (-1, 4), poi=True), Parameter("jes", 0.0, (-5, 5), Normal(0.2, 0.9))]
)


def in_numpy(points):
    step = points - MEAN
    return CONSTANT - 0.5 * np.einsum("ni,ij,nj->n", step, PRECISION, step)


def in_tensorflow(points):
    step = points - MEAN
    return CONSTANT - 0.5 * tf.reduce_sum(step @ PRECISION * step, axis=1)


def likelihood_of(log_main):
    return AnalyticLikelihood(PARAMETERS, log_main)


def inside(number, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(PARAMETERS.lower, PARAMETERS.upper, (number, 2))


@pytest.mark.parametrize("function", [in_numpy, in_tensorflow])
@pytest.mark.parametrize("number", [1, 2, 37])
def test_terms_are_those_of_a_gaussian(function, number):
    """Main term, constraint, prior and their sums are scipy's densities."""
    likelihood, points = likelihood_of(function), inside(number)
    main = np.atleast_1d(stats.multivariate_normal.logpdf(points, MEAN, COVARIANCE))
    constraint = stats.norm.logpdf(points[:, 1], 0.2, 0.9)
    close = {"rtol": 1e-12, "atol": 1e-12}
    np.testing.assert_allclose(likelihood.log_main(points), main, **close)
    np.testing.assert_allclose(likelihood.log_constraint(points), constraint, **close)
    np.testing.assert_allclose(likelihood.log_likelihood(points), main + constraint, **close)
    np.testing.assert_allclose(likelihood.log_prior(points), -math.log(5), **close)
    density = main + constraint - math.log(5)
    np.testing.assert_allclose(likelihood.log_density(points), density, **close)


def test_gradient_comes_with_tensorflow():
    """The gradient of main term and constraint in closed form; NumPy has none to offer."""
    likelihood, points = likelihood_of(in_tensorflow), inside(9)
    value, gradient = likelihood.value_and_gradient(points)
    expected = -(points - MEAN) @ PRECISION
    expected[:, 1] -= (points[:, 1] - 0.2) / 0.81
    np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(value, likelihood.log_likelihood(points), rtol=1e-13)
    assert isinstance(likelihood, DifferentiableLogDensity)
    plain = likelihood_of(in_numpy)
    assert isinstance(plain, LogDensity)
    assert not isinstance(plain, DifferentiableLogDensity)


def assert_refused(function, *words, points=None):
    """Making the likelihood, or evaluating it, raises one line with these words."""
    with pytest.raises(InvalidLikelihood) as caught:
        AnalyticLikelihood(PARAMETERS, function).log_likelihood(
            inside(5) if points is None else points
        )
    message = str(caught.value)
    assert "Received:" in message
    assert "\n" not in message
    for word in words:
        assert word in message


def test_a_likelihood_in_tensorflow_has_a_tensor_function():
    """The author's own function; one in NumPy has none to offer."""
    parameters = [Parameter("mu", 0, (-5, 5), poi=True)]
    written = AnalyticLikelihood(parameters, lambda p: -tf.square(p[:, 0]))
    assert written.log_main_tensor(tf.constant([[2.0]], tf.float64)).numpy().tolist() == [-4.0]
    assert not hasattr(AnalyticLikelihood(parameters, lambda p: -(p[:, 0] ** 2)), "log_main_tensor")


@pytest.mark.parametrize(
    ("function", "word"),
    [
        (lambda points: 1.0, "float"),
        (lambda points: None, "NoneType"),
        (lambda points: [0.0, 0.0], "list"),
        (lambda points: points, "(2, 2)"),
        (lambda points: in_numpy(points)[:, None], "(2, 1)"),
        (lambda points: in_numpy(points).sum(), "()"),
        (lambda points: in_numpy(points)[:-1], "(1,)"),
        (lambda points: in_tensorflow(points)[:, None], "(2, 1)"),
        (lambda points: tf.reduce_sum(in_tensorflow(points)), "()"),
    ],
)
def test_wrong_shapes_are_refused_at_once(function, word):
    """What is no array of one number a point is refused when the likelihood is made."""
    assert_refused(function, word)


@pytest.mark.parametrize("function", [None, 3, "points[:, 0]", in_numpy(np.zeros((1, 2)))])
def test_what_is_no_function_is_refused(function):
    """A number, a text or an array is no function of points."""
    assert_refused(function, "function")


def test_exceptions_inside_are_told():
    """The user's own error is named, on one line, and chained."""

    def failing(points):
        raise KeyError("templates\nfor the signal")

    assert_refused(failing, "KeyError", "templates")


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("library", ["numpy", "tensorflow"])
def test_nan_and_infinity_are_refused_where_they_are(library, wrong):
    """NaN and +infinity name the first point where they occur."""

    def in_numpy_wrong(points):
        return np.where(points[:, 0] > 2, wrong, in_numpy(points))

    def in_tensorflow_wrong(points):
        return tf.where(points[:, 0] > 2, tf.constant(wrong, tf.float64), in_tensorflow(points))

    function = in_numpy_wrong if library == "numpy" else in_tensorflow_wrong
    points = np.array([[0.0, 0.0], [2.5, -0.25], [3.0, 1.0]])
    assert_refused(function, "mu=2.5", "jes=-0.25", str(wrong), points=points)


@pytest.mark.parametrize("library", ["numpy", "tensorflow"])
def test_minus_infinity_is_a_density_of_zero(library):
    """-inf is allowed, and stays."""

    def in_numpy_cut(points):
        return np.where(points[:, 0] > 2, -np.inf, in_numpy(points))

    def in_tensorflow_cut(points):
        return tf.where(points[:, 0] > 2, tf.constant(-np.inf, tf.float64), in_tensorflow(points))

    likelihood = likelihood_of(in_numpy_cut if library == "numpy" else in_tensorflow_cut)
    points = np.array([[0.0, 0.0], [2.5, 0.0]])
    assert np.isfinite(likelihood.log_density(points)).tolist() == [True, False]
    assert likelihood.log_likelihood(points)[1] == -np.inf


def test_function_is_not_asked_outside_the_bounds():
    """log_density is -inf there, and only the points inside reach the function."""
    asked = []

    def recording(points):
        asked.append(points.copy())
        return in_numpy(points)

    likelihood = likelihood_of(recording)
    asked.clear()
    points = np.array([[0.0, 0.0], [-1.01, 0.0], [0.0, 5.01], [4.0, -5.0]])
    density = likelihood.log_density(points)
    assert np.isfinite(density).tolist() == [True, False, False, True]
    assert density[1] == density[2] == -np.inf
    np.testing.assert_array_equal(np.concatenate(asked), points[[0, 3]])
    asked.clear()
    assert (likelihood.log_density(points[1:3]) == -np.inf).all()
    assert not asked


def test_nan_outside_the_bounds_is_a_density_of_zero():
    """Outside, nonsense is -inf for those who ask for the likelihood all the same."""
    likelihood = likelihood_of(lambda points: np.where(points[:, 0] > 4, np.nan, in_numpy(points)))
    values = likelihood.log_likelihood([[4.5, 0.0], [0.0, 0.0]])
    assert values[0] == -np.inf
    assert np.isfinite(values[1])


def test_tensorflow_that_cannot_be_compiled_is_refused():
    """A Python `if` on a tensor runs eagerly but not compiled: said when it is made."""

    def branching(points):
        value = in_tensorflow(points)
        return value if value[0] > -1e9 else -value

    assert_refused(branching, "compile")


@pytest.mark.parametrize(
    "points",
    [[0.0, 0.0], [[0.0]], [[0.0, 0.0, 0.0]], [[np.nan, 0.0]], [[np.inf, 0.0]], [["a", "b"]]],
)
def test_points_of_the_wrong_kind_are_refused(points):
    """Shape, NaN and text are errors of the points, not of the likelihood."""
    likelihood = likelihood_of(in_numpy)
    for term in (likelihood.log_main, likelihood.log_likelihood, likelihood.log_density):
        with pytest.raises(InvalidPoints, match="Received:"):
            term(points)


@pytest.mark.parametrize("function", [in_numpy, in_tensorflow])
def test_no_points_have_no_values(function):
    """An empty batch gives an empty answer."""
    likelihood = likelihood_of(function)
    assert likelihood.log_likelihood(np.empty((0, 2))).shape == (0,)
    assert likelihood.log_density(np.empty((0, 2))).shape == (0,)


def test_digest_is_of_the_parameters_or_of_the_author():
    """Without a word of the author, the parameters identify the likelihood."""
    other = ParameterSet([Parameter("mu", 0.1, (-1, 4), poi=True), PARAMETERS["jes"]])
    assert likelihood_of(in_numpy).digest == PARAMETERS.digest()
    assert AnalyticLikelihood(other, in_numpy).digest != PARAMETERS.digest()
    assert AnalyticLikelihood(PARAMETERS, in_numpy, digest="mine").digest == "mine"
