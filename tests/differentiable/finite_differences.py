"""Gradients by automatic differentiation, and by central differences."""

import numpy as np
import tensorflow as tf


def gradients(function, *arguments):
    """The value of a scalar tensor function, and its gradient in each argument."""
    arguments = [tf.convert_to_tensor(a) for a in arguments]
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        value = function(*arguments)
    return value.numpy(), [g.numpy() for g in tape.gradient(value, arguments)]


def differences(function, *arguments, step=1e-5):
    """Central differences of a scalar function of float64 arrays, in each argument.

    Of fourth order: the error is of the order of step⁴, rounding that of 1e-16/step.
    """
    arrays = [np.asarray(a, float) for a in arguments]
    return [_differences_in(position, function, arrays, step) for position in range(len(arrays))]


def _differences_in(position, function, arrays, step):
    """Differences in each element of one of the arrays."""

    def at(index, size):
        moved = arrays[position].copy()
        moved[index] += size
        return float(function(*arrays[:position], moved, *arrays[position + 1 :]))

    slope = np.zeros(arrays[position].shape)
    for i in np.ndindex(slope.shape):
        near, far = at(i, step) - at(i, -step), at(i, 2 * step) - at(i, -2 * step)
        slope[i] = (8 * near - far) / (12 * step)
    return slope
