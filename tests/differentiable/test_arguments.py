"""What is made of arguments before they are used."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.differentiable.arguments import as_scale, as_tensor


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([0.1, 0.2], tf.float64),
        ([1, 2], tf.float64),
        (np.array([1, 2]), tf.float64),
        (np.array([0.1], np.float32), tf.float32),
        (np.array([0.1], np.float16), tf.float32),
        (tf.constant([0.1]), tf.float32),
        (tf.constant([1]), tf.float64),
        (tf.Variable([0.1], dtype=tf.float64), tf.float64),
    ],
)
def test_dtypes(value, dtype):
    """float32 and float64 are kept; numbers are float64, half precision is float32."""
    assert as_tensor(value).dtype == dtype
    assert as_tensor(value, tf.float32).dtype == tf.float32
    assert tf.is_tensor(as_tensor(value, tf.float64))


def test_numbers_keep_their_digits():
    """A number or list that becomes float64 was never float32 in between."""
    assert as_tensor(0.1, tf.float64).numpy() == 0.1
    assert as_tensor([0.1]).numpy() == 0.1


def test_a_list_may_hold_tensors():
    """Edges of which one is trained are stacked."""
    assert as_tensor([0.0, tf.constant(0.5), 1.0], tf.float32).numpy().tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("scale", [0.0, -1.0, 1e-30])
def test_no_scale_is_zero(scale):
    """A trained width that went to zero or below stays above zero, as does its square."""
    function = tf.function(lambda h: as_scale("bandwidth", h, h.dtype))
    received = function(tf.constant(scale))
    assert received.numpy() > 0
    assert (received**2).numpy() > 0
