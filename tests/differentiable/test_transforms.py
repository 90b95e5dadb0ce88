"""Transforms of events: their effect on means and weights, and templates' slopes."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.differentiable import Events, softmax_histogram
from dnnlik.differentiable.transforms import Fraction, Scale, Shift, Weight, variation
from dnnlik.exceptions import InvalidInput


def sample(size=500, seed=1):
    rng = np.random.default_rng(seed)
    return Events(rng.normal(1.0, 1.0, (size, 2)), rng.uniform(0.5, 1.5, size))


@pytest.mark.parametrize(("transform", "expected"), [(Shift(1), "+"), (Scale(1), "*")])
def test_a_feature_moves(transform, expected):
    """Mean and spread of the feature follow, other features and weights stay."""
    events = sample()
    moved = transform(events, 1.25)
    before, after = events.features[:, 1], moved.features[:, 1]
    assert after.mean() == pytest.approx(
        before.mean() + 1.25 if expected == "+" else before.mean() * 1.25, rel=1e-5
    )
    assert after.std() == pytest.approx(before.std() * (1.25 if expected == "*" else 1), rel=1e-4)
    np.testing.assert_array_equal(moved.features[:, 0], events.features[:, 0])
    np.testing.assert_array_equal(moved.weights, events.weights)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_fraction_is_what_it_says(value):
    """The marked events have the given share, the sum of all weights stays."""
    events = sample()
    marked = events.features[:, 0] > 1.4
    found = Fraction(marked)(events, value)
    assert found.weights.sum() == pytest.approx(events.weights.sum())
    assert found.weights[marked].sum() == pytest.approx(value * events.weights.sum())


def test_weights_of_a_density_ratio():
    """A normal sample, weighted by the ratio to a moved normal, has the moved mean."""
    rng = np.random.default_rng(2)
    events = Events(rng.normal(0, 1, (200_000, 1)))
    ratio = Weight(lambda x, mean: np.exp(x[:, 0] * mean - 0.5 * mean**2))
    weights = ratio(events, 0.3).weights
    error = np.std(weights * events.features[:, 0]) / np.sqrt(200_000)
    assert np.average(events.features[:, 0], weights=weights) == pytest.approx(0.3, abs=4 * error)


@pytest.mark.parametrize("width", [0.2, 0.1])
def test_slopes_of_templates_are_those_of_forward_mode(width):
    """Half of the difference of a pair is the derivative of the template that TensorFlow's
    forward mode finds, but for an error of second order in the width of the pair."""
    events = sample()
    weight = tf.constant(np.random.default_rng(3).normal(0, 1, (2, 4)))

    def template(features, weights):
        return softmax_histogram(tf.matmul(features, weight), 1.0, weights)

    x = tf.constant(events.features.astype(float))
    direction = tf.constant(np.tile([1.0, 0.0], (len(events), 1)))
    with tf.autodiff.ForwardAccumulator(x, direction) as accumulator:
        nominal = template(x, events.weights)
    exact = accumulator.jvp(nominal).numpy()
    up, down = (
        template(tf.constant(part.features.astype(float)), part.weights).numpy()
        for part in variation(events, Shift(0), up=width, down=-width)
    )
    error = np.abs((up - down) / (2 * width) - exact).max()
    assert error < 0.2 * width**2 * np.abs(exact).max()


def test_bad_transforms():
    """Each in one line that says what it was given."""
    events = sample(5)
    with pytest.raises(InvalidInput, match=r"features 0 to 1. Received: 2"):
        Shift(2)(events, 1.0)
    with pytest.raises(InvalidInput, match=r"Received: shape \(3,\)"):
        Fraction([True, False, True])(events, 0.5)
    with pytest.raises(InvalidInput, match=r"from 0 to 1. Received: 1.5"):
        Fraction([True, False, True, False, False])(events, 1.5)
    with pytest.raises(InvalidInput, match="two components"):
        Fraction([True] * 5)(events, 0.5)
    with pytest.raises(InvalidInput, match=r"Received: shape \(2,\)"):
        Weight(lambda x, value: [1.0, value])(events, 0.5)
    with pytest.raises(InvalidInput, match=r"two values. Received: 1.0 twice"):
        variation(events, Shift(0), up=1.0, down=1.0)
    with pytest.raises(InvalidInput, match="finite"):
        Shift(0)(events, np.nan)
