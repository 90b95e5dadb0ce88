"""Bins in a trained quantity: smooth in training, hard in evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dnnlik.differentiable.edges import TrainableEdges
from dnnlik.differentiable.hard import hard_histogram
from dnnlik.differentiable.kernel import kernel_histogram
from dnnlik.differentiable.straight_through import SHAPES, straight_through_histogram
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["Binning", "HardBinning"]


class Binning:
    """Fixed or trainable bin edges with the bandwidth of the smooth histogram.

    Args:
        edges: (bins+1,) ascending, or `TrainableEdges`.
        bandwidth: of the kernel in training, in units of the quantity.
        outside: what becomes of events, and of the parts of kernels, outside of the edges:
            "include" (in the end bins), "reflect" (mirrored at the ends), or "drop".
    """

    def __init__(
        self, edges: ArrayLike | TrainableEdges, bandwidth: float, outside: str = "include"
    ) -> None:
        if not bandwidth > 0:
            raise InvalidInput(f"a bandwidth is positive. Received: {bandwidth}")
        self.bandwidth, self.outside = float(bandwidth), outside
        self._trainable = edges if isinstance(edges, TrainableEdges) else None
        self._fixed = None if self._trainable else tf.constant(np.asarray(edges, np.float64))

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
        edges = [round(float(edge), 12) for edge in self.edges()]
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
    """

    def __init__(self, edges: ArrayLike, gradient: str = "linear") -> None:
        if gradient not in SHAPES:
            raise InvalidInput(
                f"the gradient of a hard histogram is one of {', '.join(SHAPES)}. "
                f"Received: {gradient!r}"
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
