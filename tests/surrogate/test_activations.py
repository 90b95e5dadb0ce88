"""Activation functions: what their formulas say."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.surrogate.activations import activation, rounded_selu
from dnnlik.surrogate.description import ACTIVATIONS

X = np.linspace(-30, 30, 401)


def selu(x):
    """arXiv:1706.02515, equation 2."""
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


FORMULAS = {"selu": selu, "silu": lambda x: x / (1 + np.exp(-x)), "tanh": np.tanh}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_each_name_is_its_formula(name):
    """Every activation that a file may name, in NumPy, to the last digits."""
    found = activation(name)(tf.constant(X))
    np.testing.assert_allclose(found, FORMULAS[name](X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["silu", "tanh"])
def test_smooth_ones_need_no_rounding(name):
    """A rounding changes nothing where there is no kink."""
    np.testing.assert_array_equal(activation(name, 0.3)(tf.constant(X)), activation(name)(X))


@pytest.mark.parametrize("width", [0.01, 0.1, 1.0])
def test_a_rounded_selu_is_near_and_smooth(width):
    """Within half a width of SELU, nearer than e⁻²⁰ far from zero; its slope rises or falls
    no faster than the jump over the width."""
    x = np.linspace(-60 * width, 60 * width, 2401)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = rounded_selu(tensor, width)
    error = value.numpy() - selu(x)
    assert np.abs(error).max() < 0.5 * width
    assert np.abs(error[np.abs(x) > 25 * width]).max() < 1e-10 + np.exp(-20) * width
    slope = np.diff(tape.gradient(value, tensor).numpy()) / np.diff(x)
    assert np.abs(slope).max() < 0.75 / width + 2
