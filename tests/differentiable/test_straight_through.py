"""Histograms with a chosen derivative: hard in value, the derivative that of its shape."""

import numpy as np
import pytest
import tensorflow as tf
from finite_differences import differences, gradients
from scipy.stats import norm

from dnnlik.differentiable.binning import HardBinning
from dnnlik.differentiable.hard import hard_histogram
from dnnlik.differentiable.straight_through import SHAPES, straight_through_histogram
from dnnlik.exceptions import InvalidInput

EDGES = np.array([0.0, 0.2, 0.5, 1.0])
CENTRES, WIDTHS = 0.5 * (EDGES[1:] + EDGES[:-1]), np.diff(EDGES)
RNG = np.random.default_rng(5)
VALUES, WEIGHTS = RNG.uniform(0, 1, 40), RNG.normal(0.5, 1, 40)
COEFFICIENTS = np.array([0.7, -0.4, 1.3])


def inside(x):
    return (x >= EDGES[:-1, None]) & (x < EDGES[1:, None])


def scaled(x):
    return 2 * (x - CENTRES[:, None]) / WIDTHS[:, None]


BY_HAND = {
    "linear": lambda x: np.where(inside(x), 1 - scaled(x) ** 2, 0),
    "tent": lambda x: np.where(inside(x), 1 - np.abs(scaled(x)), 0),
    "identity": lambda x: np.where(inside(x), x, 0),
    "gaussian": lambda x: np.exp(-((x - CENTRES[:, None]) ** 2) / (2 * (WIDTHS[:, None] / 2) ** 2)),
    "kernel": lambda x: (
        norm.cdf((np.array([0.2, 0.5, np.inf])[:, None] - x) / (WIDTHS[:, None] / 4))
        - norm.cdf((np.array([-np.inf, 0.2, 0.5])[:, None] - x) / (WIDTHS[:, None] / 4))
    ),
}


def weighted(values, weights, gradient):
    yields = straight_through_histogram(values, EDGES, weights, gradient=gradient)
    return tf.reduce_sum(yields * tf.cast(COEFFICIENTS, yields.dtype))


@pytest.mark.parametrize("gradient", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_are_those_of_the_histogram(gradient, dtype):
    """Whatever the derivative; outside of the edges in the end bins."""
    values = np.append(VALUES, [-3.0, 1.0, 7.0]).astype(dtype)
    weights = np.append(WEIGHTS, [1.0, 2.0, 4.0])
    found = straight_through_histogram(values, EDGES, weights, gradient=gradient)
    expected = hard_histogram(values, EDGES, weights, outside="include")
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("gradient", SHAPES)
def test_derivatives_are_those_of_the_shape(gradient):
    """In the values by finite differences of the shape; in the weights 1 in the bin."""
    _, (slopes, shares) = gradients(
        lambda x, w: weighted(x, w, gradient), tf.constant(VALUES), tf.constant(WEIGHTS)
    )
    (expected,) = differences(lambda x: COEFFICIENTS @ (BY_HAND[gradient](x) @ WEIGHTS), VALUES)
    np.testing.assert_allclose(slopes, expected, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(shares, COEFFICIENTS @ inside(VALUES), rtol=1e-12)


@pytest.mark.parametrize("gradient", SHAPES)
@pytest.mark.parametrize("compiled", [False, True])
def test_many_samples_at_once_are_each_of_them(gradient, compiled):
    """Yields and derivatives, in a graph or out of it."""
    stacked = tf.constant(VALUES.reshape(2, 20)), tf.constant(WEIGHTS.reshape(2, 20))

    def slopes(x, w):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = weighted(x, w, gradient)
        return tape.gradient(total, x)

    together = tf.function(slopes, jit_compile=compiled)(*stacked)
    for row, x, w in zip(together, *stacked, strict=True):
        np.testing.assert_allclose(row, slopes(x, w), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("gradient", SHAPES)
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_what_lies_outside_has_no_large_derivative(gradient, dtype):
    """Zero, or what is left of a tail, but finite anywhere, as the counts are."""
    x = tf.constant([-1e30, -0.5, 0.0, 1.0, 1.5, 1e30], dtype)
    counts = straight_through_histogram(x, EDGES, gradient=gradient)
    np.testing.assert_array_equal(counts, [3, 0, 3])
    _, (slopes,) = gradients(lambda v: weighted(v, tf.ones_like(v), gradient), x)
    assert np.isfinite(slopes).all()
    assert np.all(slopes[[0, -1]] == 0)


def test_bins_that_are_hard_in_training():
    """`HardBinning` counts alike in training and evaluation, and says how it was trained."""
    binning = HardBinning(EDGES, "tent")
    values, weights = tf.constant(VALUES), tf.constant(WEIGHTS)
    np.testing.assert_allclose(binning.smooth(values, weights), binning.hard(values, weights))
    assert binning.to_json() == {"edges": EDGES.tolist(), "outside": "include", "gradient": "tent"}


@pytest.mark.parametrize(
    "make", [HardBinning, lambda e, g: straight_through_histogram([0.5], e, gradient=g)]
)
def test_an_unknown_derivative_is_one_line(make):
    """It names those that there are."""
    with pytest.raises(InvalidInput, match=r"linear, tent, identity.*Received: 'cubic'"):
        make(EDGES, "cubic")
