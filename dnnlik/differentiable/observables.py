"""Trainable observables: from the features of events to a histogram.

An observable gives a *summary* of each event, and two histograms of the summaries: a smooth
one for training, and the hard one that an analysis would use. A new kind is one class.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import tensorflow as tf

from dnnlik.differentiable import cuts
from dnnlik.differentiable.binning import Binning
from dnnlik.differentiable.hard import hard_above, hard_below
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["Cut", "CutObservable", "NetworkObservable", "Observable"]


@runtime_checkable
class Observable(Protocol):
    """What a training needs of an observable.

    Histograms are made of one sample (n,), or of many that have equally many events,
    (samples, n).
    """

    @property
    def learning_rate(self) -> float:
        """A good one to begin with."""

    @property
    def trainable_variables(self) -> list[Any]:
        """What is trained."""

    @property
    def variables(self) -> list[Any]:
        """All that changes in training, moving averages and the like included."""

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Features (n, k) float32 → (n,), or (n, ...)."""

    def smooth(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Summaries (n,) or (n, ...) and weights (n,) → a histogram (bins,), differentiable;
        all with a first axis of samples, if there are many."""

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The histogram (bins,) of an analysis."""

    def describe(self) -> dict[str, float]:
        """Numbers worth following while they are trained, by name."""

    def to_json(self) -> JSON:
        """The bins and cuts, for those who apply the analysis elsewhere."""


class NetworkObservable:
    """A network with one output, in bins of that output.

    Args:
        network: any Keras model (n, k) → (n, 1).
        binning: of its output.
    """

    learning_rate = 1e-3

    def __init__(self, network: Any, binning: Binning) -> None:
        outputs = network.output_shape[-1] if network.built else "a network that is not built"
        if outputs != 1:
            raise InvalidInput(
                "the network of a binned observable has a known number of inputs and one output. "
                f"Received: {outputs}"
            )
        self.network, self.binning = network, binning

    @property
    def trainable_variables(self) -> list[Any]:
        return [*self.network.trainable_variables, *self.binning.trainable_variables]

    @property
    def variables(self) -> list[Any]:
        return [*self.trainable_variables, *self.network.non_trainable_variables]

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The output of the network, (n, k) → (n,)."""
        return self.network(features, training=training)[:, 0]

    def smooth(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The kernel histogram of the output."""
        return self.binning.smooth(summary, weights)

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The histogram of the output."""
        return self.binning.hard(summary, weights)

    def describe(self) -> dict[str, float]:
        """The edges, if they are trained."""
        return self.binning.describe()

    def to_json(self) -> JSON:
        """The bins of the output."""
        return {"observable": "network", **self.binning.to_json()}


@dataclass(frozen=True)
class Cut:
    """A cut on one feature: events ``"above"`` or ``"below"`` a threshold are kept.

    ``start``: the threshold to begin with; ``slope``: of the sigmoid that stands for the cut
    in training, in inverse units of the feature.
    """

    feature: int
    start: float
    slope: float
    keep: str = "above"

    def __post_init__(self) -> None:
        if self.keep not in _SMOOTH:
            raise InvalidInput(f"a cut keeps 'above' or 'below'. Received: {self.keep!r}")
        if not (self.slope > 0 and math.isfinite(self.start)):
            raise InvalidInput(
                "a cut starts at a number and has a positive slope. "
                f"Received: start={self.start}, slope={self.slope}"
            )


_SMOOTH = {"above": cuts.above, "below": cuts.below}
_HARD = {"above": hard_above, "below": hard_below}


class CutObservable:
    """Cuts on features, each with a trainable threshold; two of them make a window.

    Args:
        cuts: all have to be passed.
        feature: the feature that is counted in bins after the cuts.
        binning: of that feature. Without it, what passes is one bin.
    """

    learning_rate = 0.05  # in units of the features

    def __init__(
        self, cuts: Sequence[Cut], feature: int = 0, binning: Binning | None = None
    ) -> None:
        self.cuts, self.feature, self.binning = tuple(cuts), feature, binning
        starts = [cut.start for cut in cuts]
        self.thresholds = tf.Variable(starts, dtype=tf.float64, trainable=bool(starts))
        if not self.trainable_variables:
            raise InvalidInput(
                "an observable of fixed bins has nothing to train. Received: no cuts"
            )

    @property
    def trainable_variables(self) -> list[Any]:
        own = [self.thresholds] if self.cuts else []
        return [*own, *(self.binning.trainable_variables if self.binning else [])]

    @property
    def variables(self) -> list[Any]:
        return self.trainable_variables

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The features themselves, float64."""
        return tf.cast(features, tf.float64)

    def smooth(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """What sigmoids let pass, in one bin or the kernel histogram."""
        for cut, threshold in zip(self.cuts, tf.unstack(self.thresholds), strict=True):
            weights *= _SMOOTH[cut.keep](summary[..., cut.feature], threshold, cut.slope)
        if self.binning is None:
            return tf.reduce_sum(weights, axis=-1, keepdims=True)
        return self.binning.smooth(summary[..., self.feature], weights)

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """What the cuts let pass, in one bin or the histogram."""
        for cut, threshold in zip(self.cuts, tf.unstack(self.thresholds), strict=True):
            weights *= _HARD[cut.keep](summary[..., cut.feature], threshold)
        if self.binning is None:
            return tf.reduce_sum(weights, axis=-1, keepdims=True)
        return self.binning.hard(summary[..., self.feature], weights)

    def describe(self) -> dict[str, float]:
        """Thresholds, and edges if they are trained."""
        own = {f"cut_{i}": float(t) for i, t in enumerate(self.thresholds.numpy())}
        return own | (self.binning.describe() if self.binning else {})

    def to_json(self) -> JSON:
        """Cuts on features, and the bins of the feature that is counted."""
        rows = zip(self.cuts, self.thresholds.numpy(), strict=True)
        cuts = [{"feature": c.feature, "keep": c.keep, "threshold": float(t)} for c, t in rows]
        bins = {"feature": self.feature, **self.binning.to_json()} if self.binning else {}
        return {"observable": "cuts", "cuts": cuts, **bins}
