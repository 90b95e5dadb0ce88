"""Cuts on features, with trainable thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from dnnlik.differentiable import cuts
from dnnlik.differentiable.binning import Binning
from dnnlik.differentiable.hard import hard_above, hard_below
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["Cut", "CutObservable"]


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
        if self.feature < 0:
            raise InvalidInput(f"features are counted from 0. Received: {self.feature}")


_SMOOTH = {"above": cuts.above, "below": cuts.below}
_HARD = {"above": hard_above, "below": hard_below}


class CutObservable:
    """Cuts on features, each with a trainable threshold; two of them make a window.

    Args:
        cuts: all have to be passed.
        feature: the feature that is counted in bins after the cuts.
        binning: of that feature. Without it, what passes is one bin.

    >>> window = CutObservable([Cut(0, 1.0, 5.0), Cut(0, 2.0, 5.0, keep="below")])
    >>> summary = window.summary(tf.constant([[0.5], [1.2], [1.8], [2.5]]))
    >>> float(window.hard(summary, tf.ones(4, tf.float64))[0])
    2.0
    """

    learning_rate = 0.05  # in units of the features

    def __init__(
        self, cuts: Sequence[Cut], feature: int = 0, binning: Binning | None = None
    ) -> None:
        self.cuts, self.feature, self.binning = tuple(cuts), feature, binning
        starts = [cut.start for cut in cuts]
        self.thresholds = tf.Variable(starts, dtype=tf.float64, trainable=bool(starts))

    @property
    def trainable_variables(self) -> list[Any]:
        own = [self.thresholds] if self.cuts else []
        return [*own, *(self.binning.trainable_variables if self.binning else [])]

    @property
    def variables(self) -> list[Any]:
        return self.trainable_variables

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The features themselves, float64.

        Raises:
            InvalidInput: fewer features than a cut, or the bins, look at.
        """
        needed = 1 + max([self.feature, *(cut.feature for cut in self.cuts)])
        given = features.shape[-1]
        if given is not None and given < needed:
            raise InvalidInput(
                f"cuts on feature {needed - 1} (from 0) need it. Received: {given} features"
            )
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
