r"""Bin edges that may be trained and stay in order whatever their variable holds.

With fixed ends the bins share the range as a softmax of the variable v, each above a
smallest width ε (L: length of the range, m: bins, w: widths to start from),

.. math:: w_k' = \epsilon + (L - m\epsilon)\,
          \mathrm{softmax}_k\Bigl(v_k + \ln\frac{w_k-\epsilon}{L-m\epsilon}\Bigr).

With free ends the first edge moves by v₀·L/m, and the widths are
:math:`\epsilon + (L/m)\,\mathrm{softplus}(v_k + c_k)`; there a dtype can tell neighbours
apart only while they are within some 10⁷ (float32) times ε of zero. Either starts at v = 0.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dnnlik.exceptions import InvalidInput

__all__ = ["TrainableEdges"]


class TrainableEdges(tf.Module):
    """Bin edges of one variable; called, they are a tensor (m+1,), strictly ascending.

    Args:
        initial: the edges (m+1,) to start from. They belong to the variable: restore a
            checkpoint into edges made from the same.
        fixed_ends: whether the first and the last edge stay where they are.
        least_width: no bin becomes narrower. By default a thousandth of the mean width, or
            what the dtype can resolve; at most half the smallest bin to start from.
        dtype: of the variable and of the edges.

    >>> edges = TrainableEdges([0.0, 1.0, 4.0])
    >>> edges().numpy().tolist()
    [0.0, 1.0, 4.0]
    >>> _ = edges.variable.assign([50.0, -50.0])
    >>> [round(float(edge), 3) for edge in edges()]
    [0.0, 3.998, 4.0]
    """

    def __init__(
        self,
        initial: ArrayLike,
        fixed_ends: bool = True,
        dtype: tf.DType = tf.float32,
        *,
        least_width: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.dtype = tf.as_dtype(dtype)
        self.fixed_ends = fixed_ends
        self._initial = _edges_of(initial)
        widths = np.diff(self._initial)
        self._mean_width = float(widths.mean())
        self.least_width = _least_width(least_width, self._initial, self.dtype)
        offsets = _softmax_offsets if fixed_ends else _softplus_offsets
        self._offsets = offsets((widths - self.least_width) / self._mean_width)
        size = widths.size if fixed_ends else widths.size + 1
        self.variable = tf.Variable(tf.zeros(size, self.dtype), name="edges")

    def __call__(self) -> tf.Tensor:
        """The edges (m+1,) of the variable."""
        # In float64, so that rounding is below the smallest width, whatever the dtype.
        variable = tf.cast(self.variable, tf.float64)
        first, last = tf.constant(self._initial[0]), tf.constant(self._initial[-1])
        if self.fixed_ends:
            shares = tf.nn.softmax(variable + self._offsets)
            free = self._mean_width - self.least_width
            widths = self.least_width + self._offsets.size * free * shares
            inner = first + tf.cumsum(widths)[:-1]
            edges = tf.concat([first[None], inner, last[None]], 0)
        else:
            first += self._mean_width * variable[0]
            shares = tf.nn.softplus(variable[1:] + self._offsets)
            widths = self.least_width + self._mean_width * shares
            edges = tf.concat([first[None], first + tf.cumsum(widths)], 0)
        return tf.cast(edges, self.dtype)


def _edges_of(initial: ArrayLike) -> NDArray[np.float64]:
    """The edges to start from as float64, if they are edges."""
    try:
        edges = np.array(initial, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"initial edges are numbers. Received: {initial!r}") from error
    if edges.ndim != 1 or edges.size < 2:
        raise InvalidInput(
            f"initial edges are of shape (m+1,), at least two. Received: shape {edges.shape}"
        )
    if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
        raise InvalidInput(
            f"initial edges are finite and strictly ascending. Received: {edges.tolist()}"
        )
    return edges


def _least_width(least: float | None, edges: NDArray[np.float64], dtype: tf.DType) -> float:
    """The smallest width, if all bins are wider and edges that far apart are distinct."""
    widths, scale = np.diff(edges), float(np.abs(edges).max())
    # A cumulated sum of m widths in float64, then one rounding to the dtype.
    rounding = 4 * np.finfo(dtype.as_numpy_dtype).eps + 2 * edges.size * np.finfo(float).eps
    if least is None:
        least = min(max(1e-3 * widths.mean(), scale * rounding), 0.5 * widths.min())
    if not 0 < least < widths.min():
        raise InvalidInput(
            "least_width is positive and below the narrowest initial bin, here "
            f"{widths.min():.6g} wide. Received: {least}"
        )
    if least < scale * rounding:
        raise InvalidInput(
            f"edges of size {scale:.6g} need a least_width of {scale * rounding:.2g} to be "
            f"distinct in {dtype.name}: shift them or use float64. Received: {least}"
        )
    return float(least)


def _softmax_offsets(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the softmax of gives shares back that are proportional to these."""
    return np.asarray(np.log(shares))


def _softplus_offsets(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the softplus of is these: ln(eˢ - 1), without overflow."""
    return np.asarray(shares + np.log(-np.expm1(-shares)))
