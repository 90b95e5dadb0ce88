"""The hard histograms and cuts against NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from dnnlik.differentiable.hard import (
    hard_above,
    hard_argmax_histogram,
    hard_below,
    hard_histogram,
    hard_window,
)
from dnnlik.exceptions import InvalidInput

OUTSIDE = ["drop", "include", "reflect"]
DTYPES = [np.float32, np.float64]
EDGES = np.array([-2.0, -1.1, -0.2, 0.4, 1.5, 2.0])
VALUES = np.concatenate([np.random.default_rng(6).normal(0, 1.5, 500), EDGES, [1e30, -1e30]])
WEIGHTS = np.random.default_rng(7).normal(0.5, 1, VALUES.size)


def moved_inside(values, outside):
    """Where each value is counted, in NumPy; NaN for nowhere."""
    low, high = EDGES[0], EDGES[-1]
    if outside == "include":
        return np.clip(values, low, high)
    if outside == "reflect":
        values = np.where(values < low, np.minimum(2 * low - values, high), values)
        return np.where(values > high, np.maximum(2 * high - values, low), values)
    return values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("compiled", [False, True])
def test_it_is_the_histogram_of_numpy(dtype, outside, compiled):
    """Counts and sums of weights are NumPy's, on every edge and on the closed last one."""
    values, edges = np.append(VALUES, [np.inf, -np.inf]).astype(dtype), EDGES.astype(dtype)
    weights = np.append(WEIGHTS, [2.0, 3.0])
    inside = moved_inside(values.astype(float), outside).astype(dtype)
    function = tf.function(hard_histogram, jit_compile=compiled)
    for sums, w in [(dtype, None), (dtype, weights.astype(dtype)), (np.float64, weights)]:
        received = function(values, edges, w, outside=outside)
        assert received.dtype == sums
        expected, _ = np.histogram(inside, edges, weights=None if w is None else weights)
        np.testing.assert_allclose(received, expected, rtol=1e-5 if sums is np.float32 else 1e-12)


def test_reflection_leaves_what_is_inside():
    """Events inside the range are where they are without it; the others are mirrored."""
    inside = VALUES[np.abs(VALUES) <= 2]
    received = hard_histogram(inside, EDGES, outside="reflect")
    np.testing.assert_array_equal(received, np.histogram(inside, EDGES)[0])
    mirrored = hard_histogram([-2.5, 2.9], EDGES, outside="reflect")
    assert mirrored.numpy().tolist() == [1, 0, 0, 1, 0]  # at -1.5 and 1.1


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("compiled", [False, True])
def test_nan_belongs_to_no_bin(outside, compiled):
    """A NaN is not counted, not even in the overflow; neither is its weight."""
    function = tf.function(hard_histogram, jit_compile=compiled)
    counts = function(np.array([0.0, np.nan, 0.1]), EDGES, outside=outside)
    assert counts.numpy().tolist() == [0, 0, 2, 0, 0]
    logits = np.array([[0.0, 1.0], [np.nan, 2.0], [5.0, np.nan]])
    argmax = tf.function(hard_argmax_histogram, jit_compile=compiled)
    assert argmax(logits).numpy().tolist() == [0, 1]


def test_nan_passes_no_cut():
    """Neither above nor below any threshold."""
    cuts = [hard_above([np.nan], 0), hard_below([np.nan], 0), hard_window([np.nan], -1, 1)]
    assert [cut.numpy().tolist() for cut in cuts] == [[0], [0], [0]]


def test_values_and_edges_meet_in_the_wider_dtype():
    """0.7 in float32 is below 0.7 in float64, as in NumPy."""
    values, edges = np.array([0.7], np.float32), np.array([0.0, 0.7, 1.0])
    np.testing.assert_array_equal(hard_histogram(values, edges), np.histogram(values, edges)[0])
    assert hard_histogram(values, edges.astype(np.float32)).numpy().tolist() == [0, 1]


@pytest.mark.parametrize("outside", OUTSIDE)
def test_one_bin_and_no_events(outside):
    """A single bin has no inner edges; without events all bins are empty."""
    count = len(VALUES) if outside != "drop" else np.sum(np.abs(VALUES) <= 2)
    assert hard_histogram(VALUES, [-2.0, 2.0], outside=outside).numpy().tolist() == [count]
    assert hard_histogram(np.zeros(0), EDGES, outside=outside).numpy().tolist() == [0] * 5
    assert hard_argmax_histogram(np.zeros((0, 3))).numpy().tolist() == [0] * 3


def test_slopes_in_the_weights():
    """The derivative in a weight is 1 in the bin of the event, 0 elsewhere."""
    weights = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        counts = hard_histogram(tf.constant([-1.5, 0.0, 7.0]), EDGES, weights)
    expected = np.zeros((5, 3))
    expected[0, 0] = expected[2, 1] = 1
    np.testing.assert_array_equal(tape.jacobian(counts, weights), expected)


@given(
    values=st.lists(st.floats(allow_nan=False, allow_subnormal=False), max_size=30),
    edges=st.lists(
        st.floats(-1e6, 1e6, allow_subnormal=False), min_size=2, max_size=8, unique=True
    ).map(sorted),
)
def test_any_values_and_any_edges(values, edges):
    """NumPy's histogram of whatever lies inside the edges; to TensorFlow subnormals are 0."""
    values, edges = np.array(values), np.array(edges)
    inside = values[(values >= edges[0]) & (values <= edges[-1])]
    np.testing.assert_array_equal(hard_histogram(values, edges), np.histogram(inside, edges)[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compiled", [False, True])
def test_argmax_counts_the_largest_output(dtype, compiled):
    """Sums of weights of events by their largest output, the first of equals."""
    logits = np.random.default_rng(8).normal(size=(200, 4)).astype(dtype)
    logits[:3] = [[1, 1, 0, 0], [-np.inf, 0, np.inf, 0], [0, 0, 0, 0]]
    weights = np.random.default_rng(9).normal(size=200).astype(dtype)
    function = tf.function(hard_argmax_histogram, jit_compile=compiled)
    expected = np.bincount(np.argmax(logits, axis=1), weights, minlength=4)
    np.testing.assert_allclose(function(logits, weights), expected, rtol=1e-4)
    np.testing.assert_array_equal(function(logits), np.bincount(np.argmax(logits, axis=1)))


def test_cuts_are_comparisons():
    """At the threshold an event is above it, and windows are half open, as bins are."""
    np.testing.assert_array_equal(hard_above(VALUES, -0.2), VALUES >= -0.2)
    np.testing.assert_array_equal(hard_below(VALUES, -0.2), VALUES < -0.2)
    expected = (VALUES >= -1.1) & (VALUES < 1.5)
    np.testing.assert_array_equal(hard_window(VALUES, -1.1, 1.5), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[[0.0]]], EDGES), r"values are of shape .* Received: shape \(1, 1, 1\)"),
        (([0.0], [1.0, 0.0]), r"strictly ascending .* Received: \[1.0, 0.0\]"),
        (([0.0], EDGES, [1.0, 2.0]), r"weights are one number an event, .* Received: shape \(2,\)"),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments, message):
    """Wrong shapes and edges are named, and what was received."""
    with pytest.raises(InvalidInput, match=message):
        hard_histogram(*arguments)
    with pytest.raises(InvalidInput, match=r"outside is one of .* Received: 'both'"):
        hard_histogram([0.0], EDGES, outside="both")
