"""XLA-compiled evaluation of a batch function at fixed block sizes.

A tensor function is compiled once for each block size and never retraced: points
are cut into blocks, and the last block is padded with its last point.
Importing this module imports TensorFlow.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from dnnlik.typing import Gradients, Points, Values

__all__ = ["CompiledFunction"]

BLOCK_SIZES = (1, 16, 64, 128, 256, 512, 1024)
"""Block sizes by default. Each compiles at its first use; ensembles have such sizes."""

LARGEST_WITH_GRADIENT = 128
"""The largest block for derivatives: what they keep of the way there should stay in the
cache. On ATLAS workspaces blocks of 1024 cost 1.5 times as much a point."""

_Function = Callable[..., tf.Tensor]


class CompiledFunction:
    """A function ``(n, d) → (n,)`` of float64 tensors, compiled, with its derivatives.

    Args:
        function: maps a tensor (n, d) to (n,), row by row independently; with
            ``data_width`` a second tensor (n, data_width), which belongs to the rows
            and of which no derivative is taken.
        width: the number of columns d.
        data_width: columns of the second argument, if there is one.
        shared: shapes of further arguments, the same for all rows of a call.
        sizes: block sizes to compile for, ascending; each compiles at first use.

    Every method takes the points (n, d), the data (n, data_width) if there are any, and
    what is shared.

    >>> f = CompiledFunction(lambda x: tf.reduce_sum(x**3, axis=1), width=2)
    >>> point = np.array([[1.0, 2.0]])
    >>> f.value(point).tolist()
    [9.0]
    >>> f.value_and_gradient(point)[1].tolist()
    [[3.0, 12.0]]
    >>> f.hessian_vector(point, np.array([[1.0, 1.0]])).tolist()
    [[6.0, 12.0]]
    """

    def __init__(
        self,
        function: _Function,
        width: int,
        data_width: int = 0,
        shared: Sequence[tuple[int, ...]] = (),
        sizes: Sequence[int] = BLOCK_SIZES,
    ) -> None:
        self.width, self.sizes = width, tuple(sizes)
        small = tuple(size for size in self.sizes if size <= LARGEST_WITH_GRADIENT)
        self._small = small or self.sizes[:1]
        inputs = [width, data_width] if data_width else [width]
        self._value = _Compiled(function, inputs, shared)
        self._both = _Compiled(_with_gradient(function), inputs, shared)
        self._product = _Compiled(_hessian_vector(function), [width, *inputs], shared)

    def value(self, points: Points, *data: NDArray[np.float64]) -> Values:
        """The function at points, (n, d) → (n,)."""
        if not len(points):
            return np.empty(0)
        return self._in_blocks(self._value, self.sizes, points, *data)[0]

    def value_and_gradient(
        self, points: Points, *data: NDArray[np.float64]
    ) -> tuple[Values, Gradients]:
        """The function and its gradient, (n, d) → (n,) and (n, d)."""
        if not len(points):
            return np.empty(0), np.empty((0, self.width))
        value, gradient = self._in_blocks(self._both, self._small, points, *data)
        return value, gradient

    def hessian_vector(
        self, points: Points, vectors: NDArray[np.float64], *data: NDArray[np.float64]
    ) -> Gradients:
        """The Hessian at each point times the vector of that row: (n, d), (n, d) → (n, d)."""
        if not len(points):
            return np.empty((0, self.width))
        return self._in_blocks(self._product, self._small, vectors, points, *data)[0]

    def _in_blocks(
        self, compiled: _Compiled, sizes: Sequence[int], *arrays: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """All results, each put together from those of the blocks."""
        total = len(arrays[0])
        if total in sizes:
            return [result.copy() for result in compiled(arrays)]
        split, shared = arrays[: compiled.split], arrays[compiled.split :]
        blocks = [[*block, *shared] for block in _blocks(sizes, *split)]
        # Traced one after the other; then one block keeps little more than one core busy.
        for size in {len(block[0]) for block in blocks}:
            compiled.prepare(size)
        results = zip(*self._threads.map(compiled, blocks), strict=True)
        return [np.concatenate(parts)[:total] for parts in results]

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(os.cpu_count())


def _blocks(
    sizes: Sequence[int], *arrays: NDArray[np.float64]
) -> Iterator[list[NDArray[np.float64]]]:
    """Blocks of all arrays: the largest size as often as it goes, then the smallest that
    holds the rest, padded."""
    start, total = 0, len(arrays[0])
    while start < total:
        size = next((size for size in sizes if size >= total - start), sizes[-1])
        yield [_padded(array[start : start + size], size) for array in arrays]
        start += size


def _padded(block: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    if len(block) == size:
        return block
    return np.concatenate([block, np.repeat(block[-1:], size - len(block), axis=0)])


class _Compiled:
    """A tensor function compiled for each number of rows when it is first called so.

    Concrete functions: a `tf.function` called with several shapes warns of retracing,
    which is meant here, and looks up the right trace at every call.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        widths: Sequence[int],
        shared: Sequence[tuple[int, ...]],
    ) -> None:
        self._function = tf.function(function, jit_compile=True, autograph=False)
        self._widths, self._shared = tuple(widths), tuple(shared)
        self.split = len(self._widths)  # arguments that have rows
        self._concrete: dict[int, Callable[..., Any]] = {}

    def __call__(self, arrays: Sequence[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
        rows = len(arrays[0])
        self.prepare(rows)
        # tf.constant: the fastest of the ways to make a tensor, 3 µs before the next.
        results = self._concrete[rows](*[tf.constant(array) for array in arrays])
        return [tensor.numpy() for tensor in results]

    def prepare(self, rows: int) -> None:
        """Compile for a number of rows, once."""
        if rows not in self._concrete:
            self._concrete[rows] = self._compile(rows)

    def _compile(self, rows: int) -> Callable[..., Any]:
        shapes = [*((rows, width) for width in self._widths), *self._shared]
        specs = [tf.TensorSpec(shape, tf.float64) for shape in shapes]
        concrete = self._function.get_concrete_function(*specs)
        inner = getattr(concrete, "inference_fn", None)
        if inner is None or not hasattr(inner, "call_flat"):
            return lambda *tensors: tf.nest.flatten(concrete(*tensors))
        # The shapes are right by construction: without checking them again, a call
        # costs half, which is what one point at a time is made of.
        captured = tuple(concrete.captured_inputs)
        return lambda *tensors: inner.call_flat(*tensors, *captured)


def _with_gradient(function: _Function) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
    def both(points: tf.Tensor, *data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(points)
            value = function(points, *data)
        # Rows are independent, so the gradient of the sum is that of each row.
        return value, tape.gradient(value, points, unconnected_gradients="zero")

    return both


def _hessian_vector(function: _Function) -> Callable[..., tf.Tensor]:
    both = _with_gradient(function)

    def product(vectors: tf.Tensor, points: tf.Tensor, *data: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(points)
            slope = tf.reduce_sum(both(points, *data)[1] * vectors, axis=1)
        return tape.gradient(slope, points, unconnected_gradients="zero")

    return product
