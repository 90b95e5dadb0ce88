"""Bins in a trained quantity: smooth in training, hard in evaluation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dnnlik.differentiable.arguments import as_edges, check_outside
from dnnlik.differentiable.edges import TrainableEdges
from dnnlik.differentiable.hard import hard_histogram
from dnnlik.differentiable.kernel import kernel_histogram
from dnnlik.differentiable.straight_through import SHAPES, straight_through_histogram
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["Binning", "HardBinning", "check_bins"]


def check_bins(bins: int) -> None:
    """That a histogram has at least one bin.

    Raises:
        InvalidInput: it has none.
    """
    if bins < 1:
        raise InvalidInput(f"a histogram has at least one bin. Received: {bins}")


class Binning:
    """Fixed or trainable bin edges with the bandwidth of the smooth histogram.

    Args:
        edges: (bins+1,) ascending, or `TrainableEdges`.
        bandwidth: of the kernel in training, in units of the quantity.
        outside: what becomes of events, and of the parts of kernels, outside of the edges:
            "include" (in the end bins), "reflect" (mirrored at the ends), or "drop".

    Raises:
        InvalidInput: edges that do not ascend, a bandwidth that is not positive.

    >>> binning = Binning([0.0, 0.5, 1.0], bandwidth=0.1)
    >>> values, weights = tf.constant([0.1, 0.5, 0.7]), tf.constant([1.0, 2.0, 3.0])
    >>> binning.hard(values, weights).numpy().tolist()
    [1.0, 5.0]
    >>> [round(float(count), 2) for count in binning.smooth(values, weights)]
    [2.07, 3.93]
    """

    def __init__(
        self, edges: ArrayLike | TrainableEdges, bandwidth: float, outside: str = "include"
    ) -> None:
        if not 0 < bandwidth < math.inf:
            raise InvalidInput(f"a bandwidth is positive. Received: {bandwidth}")
        check_outside(outside)
        self.bandwidth, self.outside = float(bandwidth), outside
        self._trainable = edges if isinstance(edges, TrainableEdges) else None
        self._fixed = None if self._trainable else _numbers(edges)

    def edges(self) -> tf.Tensor:
        """The edges as they are now, (bins+1,) float64."""
        return tf.cast(self._trainable(), tf.float64) if self._trainable else self._fixed

    @property
    def bins(self) -> int:
        """Number of bins."""
        return int(self.edges().shape[0]) - 1

    @property
    def trainable_variables(self) -> list[Any]:
        """None if the edges are fixed."""
        return list(self._trainable.trainable_variables) if self._trainable else []

    def smooth(self, values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Values and weights (n,) → the kernel histogram (bins,)."""
        edges = tf.cast(self.edges(), values.dtype)
        return kernel_histogram(values, edges, self.bandwidth, weights, outside=self.outside)

    def hard(self, values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Values and weights (n,) → the histogram (bins,)."""
        values = tf.cast(values, tf.float64)
        return hard_histogram(values, self.edges(), weights, outside=self.outside)

    def to_json(self) -> JSON:
        """The edges, what is done with what lies outside of them, and the bandwidth of the
        training."""
        edges = [float(edge) for edge in self.edges()]  # every digit: events lie on edges
        return {"edges": edges, "outside": self.outside, "bandwidth": self.bandwidth}

    def describe(self) -> dict[str, float]:
        """Interior edges by name, if they are trained."""
        inner: NDArray[np.float64] = np.asarray(self.edges())[1:-1]
        return {f"edge_{i}": float(e) for i, e in enumerate(inner, 1)} if self._trainable else {}


class HardBinning(Binning):
    """Fixed bins whose histogram is hard in training too, with a chosen derivative (SANNT).

    Args:
        edges: (bins+1,) ascending.
        gradient: see `dnnlik.differentiable.straight_through`.

    >>> binning = HardBinning([0.0, 0.5, 1.0])
    >>> binning.smooth(tf.constant([0.1, 0.5, 0.7]), tf.constant([1.0, 2.0, 3.0])).numpy().tolist()
    [1.0, 5.0]
    """

    def __init__(self, edges: ArrayLike, gradient: str = "linear") -> None:
        if gradient not in SHAPES:
            raise InvalidInput(
                f"the gradient of a hard histogram is one of {', '.join(SHAPES)}. "
                f"Received: {gradient!r}"
            )
        if isinstance(edges, TrainableEdges):
            raise InvalidInput(
                "the edges of a hard histogram have no derivative and are not trained. "
                "Received: TrainableEdges"
            )
        super().__init__(edges, bandwidth=1.0)
        self.gradient = gradient

    def smooth(self, values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Values and weights (n,) → the histogram (bins,), with the derivative."""
        return straight_through_histogram(values, self.edges(), weights, gradient=self.gradient)

    def to_json(self) -> JSON:
        """The edges, and the derivative of the training."""
        document = super().to_json()
        del document["bandwidth"]
        return {**document, "gradient": self.gradient}


def _numbers(edges: ArrayLike) -> tf.Tensor:
    try:
        numbers = np.asarray(edges, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"edges are numbers. Received: {edges!r}") from error
    return as_edges(tf.constant(numbers))
