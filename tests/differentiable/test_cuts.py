"""The sigmoid cuts against their closed form, the hard cuts and finite differences."""

import numpy as np
import pytest
import tensorflow as tf
from finite_differences import differences, gradients
from scipy.special import expit

from dnnlik.differentiable.cuts import above, below, window
from dnnlik.differentiable.hard import hard_above, hard_below, hard_window
from dnnlik.exceptions import InvalidInput

DTYPES = [np.float32, np.float64]
VALUES = np.random.default_rng(5).normal(0, 2, 40)


def kept(values, low, high, slope):
    """A scalar that all three cuts enter."""
    weights = window(values, low, high, slope) + 2 * above(values, low, slope)
    return tf.reduce_sum((weights + 3 * below(values, high, slope)) * values)


def test_cuts_are_sigmoids():
    """1/(1 + exp(-k(x - c))), its mirror image, and the product of both."""
    np.testing.assert_allclose(above(VALUES, 0.3, 2.7), expit(2.7 * (VALUES - 0.3)), rtol=1e-12)
    np.testing.assert_allclose(below(VALUES, 0.3, 2.7), expit(2.7 * (0.3 - VALUES)), rtol=1e-12)
    expected = expit(2.7 * (VALUES - 0.3)) * expit(2.7 * (1.2 - VALUES))
    np.testing.assert_allclose(window(VALUES, 0.3, 1.2, 2.7), expected, rtol=1e-12)


def test_half_on_the_threshold_and_one_in_all():
    """½ on the threshold; above and below it sum to 1."""
    assert above([0.3], 0.3, 10.0).numpy() == below([0.3], 0.3, 10.0).numpy() == 0.5
    np.testing.assert_allclose(above(VALUES, 0.3, 2.0) + below(VALUES, 0.3, 2.0), np.ones(40))


def test_a_rejected_event_keeps_a_weight_above_zero():
    """Far below the threshold the weight is e^(-k distance), not a rounded 0."""
    np.testing.assert_allclose(above([-100.0], 0.0, 5.0), np.exp(-500), rtol=1e-10)
    np.testing.assert_allclose(below([100.0], 0.0, 5.0), np.exp(-500), rtol=1e-10)


@pytest.mark.parametrize("dtype", DTYPES)
def test_steep_cuts_are_the_hard_ones(dtype):
    """As the slope grows the weights are 0 and 1, infinite values included."""
    values = np.append(VALUES, [np.inf, -np.inf]).astype(dtype)
    for soft, hard in [
        (above(values, 0.3, 1e8), hard_above(values, 0.3)),
        (below(values, 0.3, 1e8), hard_below(values, 0.3)),
        (window(values, 0.3, 1.2, 1e8), hard_window(values, 0.3, 1.2)),
    ]:
        assert soft.dtype == hard.dtype == dtype
        np.testing.assert_allclose(soft, hard, atol=1e-30)


def test_several_thresholds_at_once():
    """Values (n, 1) and thresholds (k,) are weights (n, k)."""
    weights = above(VALUES[:, None], [0.0, 1.0, 2.0], 3.0)
    np.testing.assert_allclose(weights[:, 1], above(VALUES, 1.0, 3.0))


def test_gradients_are_finite_differences():
    """The slopes in values, thresholds and slope are those of differences."""
    arguments = VALUES, np.array(-0.3), np.array(0.8), np.array(2.7)
    _, received = gradients(kept, *arguments)
    for slope, difference in zip(received, differences(kept, *arguments), strict=True):
        np.testing.assert_allclose(slope, difference, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_of_anything_finite_are_finite(dtype, compiled):
    """Huge values, thresholds and slopes: no NaN, no infinity in any gradient."""
    huge = 0.9 * np.finfo(dtype).max
    values = np.array([0, 1, -1, 1e10, -1e10, huge, -huge], dtype)

    def total(values, threshold, slope):
        weights = window(values, threshold, threshold + 1, slope) + above(values, threshold, slope)
        return tf.reduce_sum(weights)

    function = tf.function(total, jit_compile=compiled)
    for threshold in (0.0, 1.0, huge, -huge):
        for slope in (1e-10, 1.0, 1e10, huge / 10):
            arguments = values, np.array(threshold, dtype), np.array(slope, dtype)
            value, slopes = gradients(function, *arguments)
            assert np.isfinite(value)
            assert all(np.isfinite(s).all() for s in slopes), (threshold, slope)


@pytest.mark.parametrize("dtype", DTYPES)
def test_compiled_is_eager(dtype):
    """XLA gives the weights and the slopes that eager evaluation gives."""
    arguments = [np.asarray(a, dtype) for a in (VALUES, -0.3, 0.8, 2.7)]
    eager = gradients(kept, *arguments)
    compiled = gradients(tf.function(kept, jit_compile=True), *arguments)
    close = {"rtol": 1e-4, "atol": 1e-5} if dtype is np.float32 else {"rtol": 1e-11, "atol": 1e-13}
    np.testing.assert_allclose(compiled[0], eager[0], **close)
    for one, other in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(one, other, **close)


def test_a_nan_stays_visible():
    """A NaN has the weight NaN."""
    assert np.isnan(window([np.nan], 0.0, 1.0, 2.0)).all()


@pytest.mark.parametrize("slope", [0.0, -1.0, np.nan, np.inf])
def test_a_slope_is_positive_and_finite(slope):
    """A slope that would turn the cut around, or be no cut, is named."""
    for cut in (above, below):
        with pytest.raises(InvalidInput, match=f"positive and finite.* Received: {slope}"):
            cut(VALUES, 0.0, slope)
