"""The kernel histogram against NumPy's, closed forms and finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from finite_differences import differences, gradients
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from dnnlik.differentiable.hard import hard_histogram
from dnnlik.differentiable.kernel import kernel_histogram
from dnnlik.exceptions import InvalidInput

OUTSIDE = ["drop", "include", "reflect"]
DTYPES = [np.float32, np.float64]
EDGES = np.array([-2.0, -1.1, -0.2, 0.4, 1.5, 2.0])
GENERATOR = np.random.default_rng(1)
VALUES = GENERATOR.normal(0, 1.5, 300)
WEIGHTS = GENERATOR.normal(0.5, 1, 300)
WIDTHS = np.array([0.1, 0.5, 0.2, 0.9, 0.3])
COEFFICIENTS = np.array([0.7, -0.4, 1.3, 0.2, -1.1])


def weighted_sum(outside):
    """A scalar with a different slope in each bin."""

    def function(values, edges, bandwidth, weights):
        yields = kernel_histogram(values, edges, bandwidth, weights, outside=outside)
        return tf.reduce_sum(yields * tf.cast(COEFFICIENTS, yields.dtype))

    return function


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bandwidth", [0.0, 1e-6])
def test_without_bandwidth_it_is_the_histogram_of_numpy(dtype, bandwidth):
    """As h → 0 the yields are those of numpy.histogram, with weights of either sign."""
    values, edges = VALUES.astype(dtype), EDGES.astype(dtype)
    for weights in (None, WEIGHTS):
        received = kernel_histogram(values, edges, bandwidth, weights)
        assert received.dtype == dtype
        expected, _ = np.histogram(values, edges, weights=weights)
        np.testing.assert_allclose(received, expected, rtol=1e-5 if dtype is np.float32 else 1e-12)


def test_without_bandwidth_an_event_on_an_edge_is_shared():
    """Half of it is in either bin; on an outer edge half is lost, or mirrored back."""
    assert kernel_histogram([0.0], [-1.0, 0.0, 1.0], 0.0).numpy().tolist() == [0.5, 0.5]
    for outside, expected in [("drop", 0.5), ("include", 1.0), ("reflect", 1.0)]:
        yields = kernel_histogram([1.0], [-1.0, 0.0, 1.0], 0.0, outside=outside)
        assert yields.numpy().tolist() == [0.0, expected]


@pytest.mark.parametrize("outside", OUTSIDE)
def test_without_bandwidth_it_is_the_hard_histogram(outside):
    """As h → 0 both agree on events outside, near and far, infinite ones included."""
    values = np.concatenate([VALUES, [-7, -5.9, -2.1, 2.1, 5.9, 7, 1e300, -np.inf, np.inf]])
    received = kernel_histogram(values, EDGES, 1e-9, outside=outside)
    expected = hard_histogram(values, EDGES, outside=outside)
    np.testing.assert_allclose(received, expected, rtol=1e-12)


@pytest.mark.parametrize("bandwidth", [0.3, WIDTHS])
def test_one_event_is_a_normal_density(bandwidth):
    """A single event leaves Φ(hi) - Φ(lo) in each bin, also with a bandwidth a bin."""
    received = kernel_histogram([0.25], EDGES, bandwidth)
    pulls = [(side - 0.25) / bandwidth for side in (EDGES[:-1], EDGES[1:])]
    np.testing.assert_allclose(received, np.diff(norm.cdf(pulls), axis=0)[0], atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_far_tails_keep_their_digits(dtype, sign):
    """A bin eight widths from the event has its tiny yield, not the rounding of 1 - 1."""
    edges = np.sort(sign * np.array([8.0, 8.5, 9.0])).astype(dtype)
    received = kernel_histogram(np.zeros(1, dtype), edges, 1.0).numpy()[::sign]
    expected = norm.sf([8.0, 8.5]) - norm.sf([8.5, 9.0])
    np.testing.assert_allclose(received, expected, rtol=1e-4 if dtype is np.float32 else 1e-12)


def test_a_normal_sample_becomes_wider_by_the_bandwidth():
    """Events at the quantiles of a unit normal have the yields of variance 1 + h²."""
    sample = norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    received = kernel_histogram(sample, EDGES, 0.6) / 20_000
    expected = np.diff(norm.cdf(EDGES, scale=np.hypot(1, 0.6)))
    np.testing.assert_allclose(received, expected, atol=1e-6)


def test_a_uniform_sample_keeps_its_yields_under_reflection():
    """Events uniform over the range: what leaks over an end comes back in equal parts."""
    sample = -2 + 4 * (np.arange(10_000) + 0.5) / 10_000
    received = kernel_histogram(sample, EDGES, 0.3, outside="reflect") / 10_000
    np.testing.assert_allclose(received, np.diff(EDGES) / 4, rtol=1e-6)
    dropped = kernel_histogram(sample, EDGES, 0.3) / 10_000
    assert dropped.numpy()[0] < 0.9 * received.numpy()[0]


@pytest.mark.parametrize("bandwidth", [0.2, WIDTHS])
def test_reflection_adds_the_mirror_images(bandwidth):
    """Near the ends it is the sum over an event and its mirror images at both ends."""
    values = np.array([-1.9, -0.7, 1.8])
    received = kernel_histogram(values, EDGES, bandwidth, outside="reflect")
    images = np.concatenate([values, -4 - values, 4 - values])
    np.testing.assert_allclose(received, kernel_histogram(images, EDGES, bandwidth), rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outside", ["include", "reflect"])
@pytest.mark.parametrize("bandwidth", [0.0, 0.1, 1.0, 50.0])
def test_nothing_is_lost(dtype, outside, bandwidth):
    """With underflow and overflow, or mirrored, the yields sum to the weights."""
    values = VALUES.astype(dtype)
    received = kernel_histogram(values, EDGES, bandwidth, WEIGHTS, outside=outside)
    assert np.sum(received) == pytest.approx(
        WEIGHTS.sum(), rel=1e-4 if dtype is np.float32 else 1e-12
    )


@pytest.mark.parametrize("bandwidth", [0.4, WIDTHS])
def test_include_extends_the_outer_bins(bandwidth):
    """The first and last bin gain exactly what lies beyond the edges."""
    received = kernel_histogram(VALUES, EDGES, bandwidth, outside="include").numpy()
    dropped = kernel_histogram(VALUES, EDGES, bandwidth).numpy()
    width = np.broadcast_to(bandwidth, 5)
    dropped[0] += norm.cdf((EDGES[0] - VALUES) / width[0]).sum()
    dropped[-1] += norm.sf((EDGES[-1] - VALUES) / width[-1]).sum()
    np.testing.assert_allclose(received, dropped, rtol=1e-12)


@pytest.mark.parametrize("outside", OUTSIDE)
def test_one_bin(outside):
    """A histogram of a single bin has the inside, or everything."""
    received = kernel_histogram(VALUES, [-1.0, 1.0], 0.3, outside=outside).numpy()
    inside = (norm.cdf((1 - VALUES) / 0.3) - norm.cdf((-1 - VALUES) / 0.3)).sum()
    np.testing.assert_allclose(received, [inside if outside == "drop" else 300], rtol=1e-12)


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("bandwidth", [np.array(0.3), WIDTHS])
def test_gradients_are_finite_differences(outside, bandwidth):
    """The slopes in values, edges, bandwidth and weights are those of differences."""
    arguments = VALUES[:20], EDGES, bandwidth, WEIGHTS[:20]
    _, received = gradients(weighted_sum(outside), *arguments)
    expected = differences(weighted_sum(outside), *arguments, step=1e-4)
    for slope, difference in zip(received, expected, strict=True):
        np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-9)


def test_the_slope_in_the_bandwidth_in_closed_form():
    """∂ν/∂h = -Σ w [z φ(z)] / h between the two edges of a bin, z = (edge - x)/h."""
    with tf.GradientTape() as tape:
        h = tf.constant(0.35, tf.float64)
        tape.watch(h)
        yields = kernel_histogram(VALUES, EDGES, h, WEIGHTS)
    pull = (EDGES[:, None] - VALUES) / 0.35
    expected = -np.diff(pull * norm.pdf(pull) / 0.35, axis=0) @ WEIGHTS
    np.testing.assert_allclose(tape.jacobian(yields, h), expected, rtol=1e-11)


def test_second_derivatives():
    """The slope of the slope in the bandwidth is that of differences."""

    def slope(h):
        h = tf.convert_to_tensor(h)
        with tf.GradientTape() as tape:
            tape.watch(h)
            value = weighted_sum("reflect")(VALUES[:20], EDGES, h, WEIGHTS[:20])
        return tape.gradient(value, h)

    _, [received] = gradients(slope, 0.3 * np.ones(()))
    np.testing.assert_allclose(received, differences(slope, np.array(0.3))[0], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_anything_finite_are_finite(dtype, outside, compiled):
    """Values far out, on the edges and huge, with any bandwidth: no NaN, no infinity."""
    huge = 0.9 * np.finfo(dtype).max
    values = np.concatenate([EDGES, VALUES[:5], [1e3, -1e3, 1e15, -1e15, huge, -huge]])
    values, weights = values.astype(dtype), np.ones(values.size, dtype)
    function = tf.function(weighted_sum(outside), jit_compile=compiled)
    for bandwidth in (0.0, 1e-30, 1e-12, 1e-3, 1.0, 1e12, huge):
        for widths in (np.array(bandwidth, dtype), np.full(5, bandwidth, dtype)):
            value, slopes = gradients(function, values, EDGES.astype(dtype), widths, weights)
            assert np.isfinite(value)
            assert all(np.isfinite(slope).all() for slope in slopes), bandwidth


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("bandwidth", [0.3, WIDTHS])
def test_compiled_is_eager(dtype, outside, bandwidth):
    """XLA gives the yields and the slopes that eager evaluation gives."""
    arguments = [np.asarray(a, dtype) for a in (VALUES, EDGES, bandwidth, WEIGHTS)]
    eager = gradients(weighted_sum(outside), *arguments)
    compiled = gradients(tf.function(weighted_sum(outside), jit_compile=True), *arguments)
    close = {"rtol": 1e-3, "atol": 1e-4} if dtype is np.float32 else {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(compiled[0], eager[0], **close)
    for one, other in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(one, other, **close)


@pytest.mark.parametrize("outside", OUTSIDE)
@pytest.mark.parametrize("compiled", [False, True])
def test_no_events_are_no_yields(outside, compiled):
    """Without events all bins are empty, and slopes are zero."""
    empty = np.zeros(0)
    function = tf.function(weighted_sum(outside), jit_compile=compiled)
    value, slopes = gradients(function, empty, EDGES, np.array(0.3), empty)
    assert value == 0
    assert all(np.all(slope == 0) for slope in slopes)
    assert kernel_histogram(empty, EDGES, 0.3, outside=outside).numpy().tolist() == [0] * 5


def test_any_number_of_events_is_one_trace():
    """Neither the number of events nor that of bins need be known when it is traced."""
    unknown = tf.TensorSpec([None], tf.float64)
    function = tf.function(
        lambda values, edges: kernel_histogram(values, edges, 0.3, outside="reflect"),
        input_signature=[unknown, unknown],
    )
    expected = kernel_histogram(VALUES, EDGES, 0.3, outside="reflect")
    np.testing.assert_allclose(function(VALUES, EDGES), expected, rtol=1e-13)


@pytest.mark.parametrize("outside", OUTSIDE)
def test_a_nan_stays_visible(outside):
    """An event that is NaN makes every bin NaN: a broken network is not trained on."""
    assert np.isnan(kernel_histogram([0.0, np.nan], EDGES, 0.3, outside=outside)).all()


@given(
    values=st.lists(st.floats(-1e6, 1e6), max_size=20),
    widths=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=6),
    bandwidth=st.floats(0, 1e6),
    outside=st.sampled_from(OUTSIDE),
)
def test_yields_of_positive_weights_are_not_negative(values, widths, bandwidth, outside):
    """No bin is below zero, not even by rounding, and none has more than all events."""
    edges = np.cumsum([-1.0, *widths])
    yields = kernel_histogram(np.array(values), edges, bandwidth, outside=outside).numpy()
    assert (yields >= 0).all()
    assert yields.sum() <= len(values) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[[0.0]]], EDGES, 0.3), r"values are of shape .* Received: shape \(1, 1, 1\)"),
        (([0.0], [1.0], 0.3), r"at least two. Received: shape \(1,\)"),
        (([0.0], [[0.0, 1.0]], 0.3), r"edges are of shape .* Received: shape \(1, 2\)"),
        (([0.0], [0.0, 0.0, 1.0], 0.3), r"ascending in float64. Received: \[0.0, 0.0, 1.0\]"),
        (([0.0], [0.0, np.nan], 0.3), r"edges are finite .* Received: \[0.0, nan\]"),
        (([0.0], [0.0, np.inf], 0.3), r"edges are finite .* Received: \[0.0, inf\]"),
        (([0.0], EDGES, -0.3), "bandwidth is finite and not negative. Received: -0.3"),
        (([0.0], EDGES, np.nan), "bandwidth is finite .* Received: nan"),
        (([0.0], EDGES, [0.3, 0.2]), r"shape \(5,\), one a bin. Received: shape \(2,\)"),
        (
            ([0.0], EDGES, 0.3, [1.0, 2.0]),
            r"weights are one number an event, .* Received: shape \(2,\)",
        ),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments, message):
    """Wrong shapes, edges and bandwidths are named, and what was received."""
    with pytest.raises(InvalidInput, match=message) as error:
        kernel_histogram(*arguments)
    assert "\n" not in str(error.value)


def test_an_unknown_treatment_of_the_outside():
    """The message lists the three there are."""
    with pytest.raises(InvalidInput, match=r"'drop', 'include', 'reflect'\. Received: 'clip'"):
        kernel_histogram([0.0], EDGES, 0.3, outside="clip")


def test_edges_that_are_the_same_in_float32_are_an_error():
    """Edges are checked in the dtype they are used in."""
    edges = [1.0, 1.0 + 1e-9, 2.0]
    assert kernel_histogram(np.zeros(1), edges, 0.3).shape == [2]
    with pytest.raises(InvalidInput, match="ascending in float32"):
        kernel_histogram(np.zeros(1, np.float32), edges, 0.3)


@pytest.mark.parametrize("outside", ["drop", "include", "reflect"])
def test_samples_together_are_samples_one_by_one(outside):
    """(samples, n) give the histograms of each sample, smooth and hard."""
    rng = np.random.default_rng(7)
    values, weights = rng.normal(size=(3, 50)), rng.normal(size=(3, 50))
    together = kernel_histogram(values, EDGES, 0.3, weights, outside=outside)
    hard = hard_histogram(values, EDGES, weights, outside=outside)
    for row in range(3):
        one = kernel_histogram(values[row], EDGES, 0.3, weights[row], outside=outside)
        np.testing.assert_allclose(together[row], one, rtol=1e-12, atol=1e-14)
        counts = hard_histogram(values[row], EDGES, weights[row], outside=outside)
        np.testing.assert_allclose(hard[row], counts, rtol=1e-12, atol=1e-14)
