"""The softmax histogram against its closed form, its limit and finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from finite_differences import differences, gradients

from dnnlik.differentiable.hard import hard_argmax_histogram
from dnnlik.differentiable.softmax import softmax_histogram
from dnnlik.exceptions import InvalidInput

DTYPES = [np.float32, np.float64]
LOGITS = np.random.default_rng(3).normal(0, 2, (50, 4))
WEIGHTS = np.random.default_rng(4).normal(0.5, 1, 50)
COEFFICIENTS = np.array([0.7, -0.4, 1.3, 0.2])


def weighted_sum(logits, temperature, weights):
    """A scalar with a different slope in each bin."""
    yields = softmax_histogram(logits, temperature, weights)
    return tf.reduce_sum(yields * tf.cast(COEFFICIENTS, yields.dtype))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 7.0])
def test_each_event_is_dealt_out_by_the_softmax(temperature):
    """The yields are Σ w e^(f/T) / Σ e^(f/T)."""
    shares = np.exp(LOGITS / temperature)
    expected = WEIGHTS @ (shares / shares.sum(axis=1, keepdims=True))
    received = softmax_histogram(LOGITS, temperature, WEIGHTS)
    np.testing.assert_allclose(received, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("temperature", [0.0, 1e-30, 1e-6])
def test_without_temperature_the_largest_output_takes_all(dtype, temperature):
    """As T → 0 the yields are those of the hard histogram."""
    logits, weights = LOGITS.astype(dtype), WEIGHTS.astype(dtype)
    received = softmax_histogram(logits, temperature, weights)
    assert received.dtype == dtype
    np.testing.assert_allclose(received, hard_argmax_histogram(logits, weights), rtol=1e-5)


def test_equal_outputs_share_the_event():
    """Ties are dealt out evenly, at any temperature."""
    for temperature in (0.0, 1.0):
        yields = softmax_histogram([[1.0, 1.0, -1e9]], temperature)
        np.testing.assert_allclose(yields, [0.5, 0.5, 0.0])


def test_a_high_temperature_deals_evenly():
    """As T → ∞ every bin gets the same, and nothing is lost."""
    np.testing.assert_allclose(softmax_histogram(LOGITS, 1e12), np.full(4, 12.5), rtol=1e-10)
    assert np.sum(softmax_histogram(LOGITS, 0.2, WEIGHTS)) == pytest.approx(WEIGHTS.sum())


def test_a_closed_bin_gets_nothing():
    """A logit of minus infinity gives the event to the other bins."""
    yields = softmax_histogram([[0.0, -np.inf, 0.0]], 0.1)
    np.testing.assert_allclose(yields, [0.5, 0.0, 0.5])


def test_gradients_are_finite_differences():
    """The slopes in logits, temperature and weights are those of differences."""
    arguments = LOGITS, np.array(0.4), WEIGHTS
    _, received = gradients(weighted_sum, *arguments)
    for slope, difference in zip(received, differences(weighted_sum, *arguments), strict=True):
        np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_anything_finite_are_finite(dtype, compiled):
    """Huge logits at any temperature: no NaN, no infinity."""
    huge = 0.9 * np.finfo(dtype).max
    logits = np.array([[0, huge, 1], [-huge, huge, 0], [0, 0, 0], [1e3, 1e-3, 1], [-huge, 0, 1]])
    function = tf.function(
        lambda f, t: tf.tensordot(softmax_histogram(f, t), tf.constant([1, 2, -1], f.dtype), 1),
        jit_compile=compiled,
    )
    for temperature in (0.0, 1e-30, 1e-3, 1.0, 1e12, huge):
        value, slopes = gradients(function, logits.astype(dtype), np.array(temperature, dtype))
        assert np.isfinite(value)
        assert all(np.isfinite(slope).all() for slope in slopes), temperature


@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled_is_eager(dtype):
    """XLA gives the yields and the slopes that eager evaluation gives."""
    arguments = [np.asarray(a, dtype) for a in (LOGITS, 0.4, WEIGHTS)]
    eager = gradients(weighted_sum, *arguments)
    compiled = gradients(tf.function(weighted_sum, jit_compile=True), *arguments)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype is np.float32 else {"rtol": 1e-11, "atol": 1e-13}
    np.testing.assert_allclose(compiled[0], eager[0], **close)
    for one, other in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(one, other, **close)


def test_no_events_are_no_yields():
    """Without events all bins are empty."""
    assert softmax_histogram(np.zeros((0, 3))).numpy().tolist() == [0, 0, 0]


def test_a_nan_stays_visible():
    """An event that is NaN makes every bin NaN: a broken network is not trained on."""
    assert np.isnan(softmax_histogram([[0.0, 1.0], [np.nan, 0.0]])).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0, 1.0],), r"logits are of shape \(n, m\), .* Received: shape \(2,\)"),
        ((LOGITS, -1.0), r"temperature is finite and not negative. Received: -1.0"),
        ((LOGITS, [1.0, 2.0]), r"temperature is a scalar. Received: shape \(2,\)"),
        ((LOGITS, 1.0, [1.0]), r"weights are one number an event, .* Received: shape \(1,\)"),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments, message):
    """Wrong shapes and temperatures are named, and what was received."""
    with pytest.raises(InvalidInput, match=message) as error:
        softmax_histogram(*arguments)
    assert "\n" not in str(error.value)
