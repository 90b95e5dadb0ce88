"""XLA-compiled evaluation of a batch function at fixed block sizes.

A tensor function is compiled once for each block size and never retraced: points
are cut into the largest blocks, and the last block is padded with its last point.
Importing this module imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from dnnlik.typing import Gradients, Points, Values

__all__ = ["CompiledFunction"]

BLOCK_SIZES = (1, 16, 64, 128, 256, 512, 1024)
"""Block sizes by default. Each compiles at its first use; ensembles have such sizes."""


class CompiledFunction:
    """A function ``(n, d) → (n,)`` of float64 tensors, compiled, with its gradient.

    Args:
        function: maps a tensor (n, d) to (n,), row by row independently.
        width: the number of columns d.
        sizes: block sizes to compile for, ascending; each compiles at first use.

    >>> f = CompiledFunction(lambda x: tf.reduce_sum(x**2, axis=1), width=2)
    >>> f.value(np.array([[1.0, 2.0]])).tolist()
    [5.0]
    >>> f.value_and_gradient(np.array([[1.0, 2.0]]))[1].tolist()
    [[2.0, 4.0]]
    """

    def __init__(
        self,
        function: Callable[[tf.Tensor], tf.Tensor],
        width: int,
        sizes: Sequence[int] = BLOCK_SIZES,
    ) -> None:
        self.width = width
        self.sizes = tuple(sizes)
        self._value = _Compiled(function, width)
        self._both = _Compiled(_with_gradient(function), width)

    def value(self, points: Points) -> Values:
        """The function at points, (n, d) → (n,)."""
        values = np.empty(len(points))
        for rows, block in self._blocks(points):
            values[rows] = self._value(block).numpy()[: rows.stop - rows.start]
        return values

    def value_and_gradient(self, points: Points) -> tuple[Values, Gradients]:
        """The function and its gradient, (n, d) → (n,) and (n, d)."""
        values, gradients = np.empty(len(points)), np.empty((len(points), self.width))
        for rows, block in self._blocks(points):
            value, gradient = self._both(block)
            values[rows] = value.numpy()[: rows.stop - rows.start]
            gradients[rows] = gradient.numpy()[: rows.stop - rows.start]
        return values, gradients

    def _blocks(self, points: Points) -> Iterator[tuple[slice, tf.Tensor]]:
        start = 0
        while start < len(points):
            size = self._size(len(points) - start)
            block = points[start : start + size]
            rows = slice(start, start + len(block))
            if len(block) < size:
                block = np.concatenate([block, np.repeat(block[-1:], size - len(block), axis=0)])
            yield rows, tf.constant(block)
            start = rows.stop

    def _size(self, remaining: int) -> int:
        return next((size for size in self.sizes if size >= remaining), self.sizes[-1])


class _Compiled:
    """A tensor function compiled for each number of rows when it is first called so.

    Concrete functions: a `tf.function` called with several shapes warns of retracing,
    which is meant here, and looks up the right trace at every call.
    """

    def __init__(self, function: Callable[[tf.Tensor], Any], width: int) -> None:
        self._function = tf.function(function, jit_compile=True, autograph=False)
        self._width = width
        self._concrete: dict[int, Callable[[tf.Tensor], Any]] = {}

    def __call__(self, block: tf.Tensor) -> Any:
        rows = int(block.shape[0])
        if rows not in self._concrete:
            shape = tf.TensorSpec((rows, self._width), tf.float64)
            self._concrete[rows] = self._function.get_concrete_function(shape)
        return self._concrete[rows](block)


def _with_gradient(
    function: Callable[[tf.Tensor], tf.Tensor],
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    def both(points: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(points)
            value = function(points)
        # Rows are independent, so the gradient of the sum is that of each row.
        return value, tape.gradient(value, points)

    return both
