"""Trainable edges: where they start, that they stay in order, and their slopes."""

import numpy as np
import pytest
import tensorflow as tf
from finite_differences import differences
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dnnlik.differentiable.edges import TrainableEdges
from dnnlik.differentiable.kernel import kernel_histogram
from dnnlik.exceptions import InvalidInput

DTYPES = [tf.float32, tf.float64]
INITIAL = np.array([-2.0, -1.1, -0.2, 0.4, 1.5, 40.0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("fixed_ends", [True, False])
@pytest.mark.parametrize("initial", [INITIAL, [0.0, 1.0], np.linspace(100, 101, 51)])
def test_they_start_where_they_were_told(dtype, fixed_ends, initial):
    """The first call gives the initial edges back, to rounding; fixed ends exactly."""
    edges = TrainableEdges(initial, fixed_ends, dtype)
    received = edges().numpy()
    assert received.dtype == dtype.as_numpy_dtype
    expected = np.asarray(initial, received.dtype)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(received, expected, atol=4 * np.finfo(received.dtype).eps * scale)
    if fixed_ends:
        assert (received[0], received[-1]) == (expected[0], expected[-1])
    assert [v.dtype for v in edges.trainable_variables] == [dtype]


@pytest.mark.parametrize("dtype", DTYPES)
@given(variable=arrays(float, 5, elements=st.floats(-1e30, 1e30)))
def test_fixed_ends_stay_and_edges_ascend(dtype, variable):
    """Whatever the variable holds: the ends are fixed, no bin is below the smallest width."""
    edges = TrainableEdges(INITIAL, dtype=dtype)
    edges.variable.assign(tf.cast(variable, dtype))
    received = edges().numpy()
    assert (received[0], received[-1]) == (INITIAL[0], INITIAL[-1])
    assert (np.diff(received) > 0).all()
    widths = np.diff(received.astype(float))
    assert (widths >= edges.least_width - 80 * np.finfo(received.dtype).eps).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(variable=arrays(float, 6, elements=st.floats(-100, 100)))
def test_free_ends_move_and_edges_ascend(dtype, variable):
    """Every edge moves; no bin is below the smallest width."""
    edges = TrainableEdges(INITIAL, fixed_ends=False, dtype=dtype)
    edges.variable.assign(tf.cast(variable, dtype))
    received = edges().numpy()
    assert (np.diff(received) > 0).all()
    rounding = 2 * np.abs(received).max() * np.finfo(received.dtype).eps
    assert (np.diff(received.astype(float)) >= edges.least_width - rounding).all()
    mean_width = (INITIAL[-1] - INITIAL[0]) / 5
    assert received[0] == pytest.approx(INITIAL[0] + variable[0] * mean_width, rel=1e-5, abs=1e-5)


def test_many_bins_of_a_collapsed_range_stay_apart_in_float32():
    """51 edges in [0, 1], all but one bin as narrow as they get: still ascending."""
    edges = TrainableEdges(np.linspace(0, 1, 51))
    for wide in range(50):
        edges.variable.assign(tf.one_hot(wide, 50, on_value=1e6))
        received = edges().numpy()
        assert (np.diff(received) > 0).all()
        np.testing.assert_allclose(np.diff(received)[wide], 1 - 49 * edges.least_width, rtol=1e-6)


@pytest.mark.parametrize("fixed_ends", [True, False])
def test_the_smallest_width_is_reached(fixed_ends):
    """A bin that is pushed together ends at the width that was asked for."""
    edges = TrainableEdges([0.0, 1.0, 2.0, 4.0], fixed_ends, tf.float64, least_width=0.25)
    variable = np.zeros(edges.variable.shape)
    variable[-2] = -500.0
    edges.variable.assign(variable)
    assert np.diff(edges())[1] == pytest.approx(0.25, rel=1e-12)


@pytest.mark.parametrize("fixed_ends", [True, False])
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_are_finite_differences(fixed_ends, compiled):
    """The slope of a kernel histogram in the variable is that of differences."""
    edges = TrainableEdges(INITIAL, fixed_ends, tf.float64)
    values = np.random.default_rng(1).normal(0, 1.5, 100)
    start = np.random.default_rng(2).normal(0, 0.5, edges.variable.shape)

    def total():
        yields = kernel_histogram(values, edges(), 0.3)
        return tf.tensordot(yields, tf.constant([0.7, -0.4, 1.3, 0.2, -1.1], tf.float64), 1)

    def value_at(variable):
        edges.variable.assign(variable)
        return total()

    @tf.function(jit_compile=compiled)
    def slope():
        with tf.GradientTape() as tape:
            value = total()
        return tape.gradient(value, edges.variable)

    [expected] = differences(value_at, start, step=1e-4)
    edges.variable.assign(start)
    np.testing.assert_allclose(slope(), expected, rtol=1e-6, atol=1e-9)


def test_a_step_of_descent_moves_the_edges():
    """Descent on the widths' spread makes bins equal: the variable reaches every edge."""
    edges = TrainableEdges([0.0, 0.1, 0.3, 4.0], dtype=tf.float64)
    for _ in range(300):
        with tf.GradientTape() as tape:
            spread = tf.math.reduce_variance(edges()[1:] - edges()[:-1])
        edges.variable.assign_sub(0.5 * tape.gradient(spread, edges.variable))
    np.testing.assert_allclose(edges(), [0, 4 / 3, 8 / 3, 4], atol=1e-3)


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        ([0.0, 2.0, 1.0], r"strictly ascending. Received: \[0.0, 2.0, 1.0\]"),
        ([0.0, 0.0, 1.0], r"strictly ascending. Received: \[0.0, 0.0, 1.0\]"),
        ([0.0, np.nan], r"finite .* Received: \[0.0, nan\]"),
        ([0.0, np.inf], r"finite .* Received: \[0.0, inf\]"),
        ([1.0], r"at least two. Received: shape \(1,\)"),
        ([], r"at least two. Received: shape \(0,\)"),
        ([[0.0, 1.0]], r"at least two. Received: shape \(1, 2\)"),
        (["a", "b"], r"initial edges are numbers. Received: \['a', 'b'\]"),
        ([1e7, 1e7 + 1], r"distinct in float32: .* use float64. Received: 0.5"),
    ],
)
def test_edges_that_are_none(initial, message):
    """Initial edges out of order, not finite, too few, or too close are named."""
    with pytest.raises(InvalidInput, match=message) as error:
        TrainableEdges(initial)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("least", [0.0, -1.0, 1.0, np.nan])
def test_a_smallest_width_between_zero_and_the_narrowest_bin(least):
    """It is above zero and below every initial bin."""
    with pytest.raises(InvalidInput, match=f"narrowest initial bin.* Received: {least}"):
        TrainableEdges([0.0, 1.0, 3.0], least_width=least)
