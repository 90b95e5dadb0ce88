"""Compiled batches: blocks and padding change no number, and nothing is traced twice."""

import numpy as np
import pytest
import tensorflow as tf

from dnnlik.compiled import BLOCK_SIZES, CompiledFunction

NUMBERS = [0, 1, 15, 16, 17, 1025]


def function(points):
    """ln of something that a padded row of zeros would make infinite."""
    return tf.math.log(tf.reduce_sum(points**2, axis=1)) + points[:, 0] * points[:, 1]


def points_of(number):
    return np.random.default_rng(number).uniform(1, 2, (number, 3))


@pytest.fixture(scope="module")
def compiled():
    return CompiledFunction(function, width=3)


@pytest.mark.parametrize("number", NUMBERS)
def test_value_does_not_depend_on_blocks(compiled, number):
    """Any number of points, in blocks and padded, gives NumPy's numbers."""
    points = points_of(number)
    expected = np.log((points**2).sum(axis=1)) + points[:, 0] * points[:, 1]
    received = compiled.value(points)
    assert received.shape == (number,)
    np.testing.assert_allclose(received, expected, rtol=1e-14)


@pytest.mark.parametrize("number", NUMBERS)
def test_gradient_does_not_depend_on_blocks(compiled, number):
    """The gradient of each row is its own, whatever stands beside it."""
    points = points_of(number)
    expected = 2 * points / (points**2).sum(axis=1, keepdims=True)
    expected[:, :2] += points[:, 1::-1]
    value, gradient = compiled.value_and_gradient(points)
    assert gradient.shape == (number, 3)
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)
    np.testing.assert_allclose(value, compiled.value(points), rtol=1e-14)


def test_a_row_does_not_depend_on_its_neighbours(compiled):
    """A point alone, and the same point among others, -inf and NaN among them."""
    points = points_of(16)
    points[3], points[7] = 0.0, np.nan
    together = compiled.value(points)
    assert together[3] == -np.inf
    assert np.isnan(together[7])
    for row in (0, 8, 15):
        alone = compiled.value(points[row : row + 1])
        np.testing.assert_allclose(alone, together[row : row + 1], rtol=1e-14)


def test_nothing_is_traced_twice():
    """One trace for each block size that is needed, whatever the numbers of points."""
    traced = []

    def counting(points):
        traced.append(points.shape[0])
        return function(points)

    compiled = CompiledFunction(counting, width=3, sizes=(1, 16, 64))
    for number in (1, 2, 15, 16, 17, 64, 65, 130, 3, 1):
        compiled.value(points_of(number))
    assert sorted(traced) == [1, 16, 64]
    traced.clear()
    for number in (5, 16, 7, 0, 12):
        compiled.value_and_gradient(points_of(number))
    assert traced == [16]


def test_views_and_other_layouts_of_memory(compiled):
    """Transposed and strided arrays are read as what they are."""
    points = points_of(17)
    expected = compiled.value(points)
    np.testing.assert_array_equal(compiled.value(np.asfortranarray(points)), expected)
    np.testing.assert_array_equal(compiled.value(np.repeat(points, 2, axis=0)[::2]), expected)


def test_default_sizes_ascend():
    """The search for a block takes the first that is large enough."""
    assert list(BLOCK_SIZES) == sorted(set(BLOCK_SIZES))
