"""Bent inputs: what HistFactory's interpolation does with a systematic."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from pyhf.interpolators.code4p import code4p

from dnnlik.constraints import Normal, Poisson
from dnnlik.parameters import Parameter, ParameterSet
from dnnlik.surrogate.bends import bends_of, bent
from dnnlik.surrogate.description import Bends

ALPHAS = np.linspace(-3, 3, 61)


def test_interpolation_code_4p_is_a_line_in_a_and_s():
    """pyhf's code 4p of any template is nominal + S a + 4 (up + down - 2 nominal) / 8 s(a)."""
    down, nominal, up = 90.0, 100.0, 125.0
    wanted = code4p([[[[down], [nominal], [up]]]])(np.array([ALPHAS]))
    bends = Bends(np.array([0]), np.zeros(1), np.ones(1)).of(ALPHAS[:, None])[:, 0]
    found = (up - down) / 2 * ALPHAS + (up + down - 2 * nominal) / 2 * bends
    np.testing.assert_allclose(found, np.ravel(wanted), atol=1e-12)


def test_the_columns_are_the_normally_constrained():
    """Others have none; centre and width are those of the constraint."""
    found = bends_of(
        ParameterSet(
            [
                Parameter("mu", 1, (0, 5), poi=True),
                Parameter("jes", 0, (-5, 5), Normal(0.3, 2.0)),
                Parameter("gamma", 1, (0.1, 3), Poisson(10, 10)),
                Parameter("lumi", 1, (0.5, 1.5), Normal(1, 0.02)),
            ]
        )
    )
    assert found.columns.tolist() == [1, 3]
    assert found.centre.tolist() == [0.3, 1.0]
    assert found.width.tolist() == [2.0, 0.02]
    assert bends_of(ParameterSet([Parameter("mu", 1, (0, 5), poi=True)])).columns.size == 0


def test_tensorflow_gives_the_same_twice_differentiable():
    """As in NumPy; first and second derivatives by differences, also across ±1."""
    bends = Bends(np.array([0, 2]), np.array([0.5, -1.0]), np.array([1.0, 3.0]))
    points = tf.constant(np.random.default_rng(0).normal(scale=3, size=(200, 3)))
    np.testing.assert_allclose(bent(points, bends), bends.of(points.numpy()), atol=1e-13)
    a = tf.constant(np.linspace(-2, 2, 401)[:, None])
    one = Bends(np.array([0]), np.zeros(1), np.ones(1))
    with tf.GradientTape() as outer:
        outer.watch(a)
        with tf.GradientTape() as inner:
            inner.watch(a)
            value = bent(a, one)
        slope = inner.gradient(value, a)
    curvature = outer.gradient(slope, a)
    step = 1e-5
    up, down = (one.of(a.numpy() + s * step) for s in (1, -1))
    np.testing.assert_allclose(slope, (up - down) / (2 * step), atol=1e-9)
    smooth = np.abs(np.abs(a.numpy()) - 1) > 1e-3
    second = (up - 2 * one.of(a.numpy()) + down) / step**2
    np.testing.assert_allclose(curvature.numpy()[smooth], second[smooth], atol=2e-5)
    assert np.abs(np.diff(curvature.numpy()[:, 0])).max() < 0.2  # no jump


@pytest.mark.parametrize("count", [0, 2])
def test_no_columns_are_no_inputs(count):
    """Of k columns come k numbers, also of none."""
    bends = Bends(np.arange(count), np.zeros(count), np.ones(count))
    assert bent(tf.zeros((4, 3), tf.float64), bends).shape == (4, count)
