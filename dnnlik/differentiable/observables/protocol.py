"""What a training needs of an observable: a *summary* of each event, and two histograms of the
summaries, a smooth one for training and the hard one that an analysis would use."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import tensorflow as tf

from dnnlik.typing import JSON

__all__ = ["Classifier", "Network", "Observable"]


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


@runtime_checkable
class Classifier(Protocol):
    """An observable whose summary tells how probable each class of events is."""

    @property
    def classes(self) -> int:
        """How many it tells apart."""

    def probabilities(self, summary: tf.Tensor) -> tf.Tensor:
        """Summaries (n, ...) → probabilities (n, classes): of what no parameter of interest
        scales, then of what each of them does."""


@runtime_checkable
class Network(Protocol):
    """An observable that a Keras network makes."""

    network: Any

    def exportable(self) -> Any:
        """A Keras model from an input ``features`` (n, k) to one named output."""
