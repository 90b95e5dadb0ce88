"""A network that sorts events into categories (the multi-class training of SANNT, CMS-MLG-23-005).

An event belongs to the category of its largest probability, and is counted in bins of that
probability. All categories are one histogram: category k owns the bins kb, ..., (k+1)b - 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dnnlik.differentiable.binning import Binning, HardBinning
from dnnlik.differentiable.observables.binned import BinnedNetwork
from dnnlik.differentiable.observables.outputs import check_features, check_logits, outputs_of
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["CategoryObservable", "category_edges", "category_histogram"]


def category_edges(categories: int, bins: int) -> list[float]:
    """Equal bins of the largest of so many probabilities, (bins+1,) from 1/categories to 1.

    >>> category_edges(2, 2)
    [0.5, 0.75, 1.0]
    """
    if categories < 2 or bins < 1:
        raise InvalidInput(
            "there are at least two categories, each with a bin. "
            f"Received: categories={categories}, bins={bins}"
        )
    return [float(edge) for edge in np.linspace(1.0 / categories, 1.0, bins + 1)]


def category_histogram(
    count: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], summary: tf.Tensor, weights: tf.Tensor
) -> tf.Tensor:
    """Probabilities (..., categories) and weights (...) → the histograms that ``count`` makes of
    the largest probability in each category, one after the other.

    >>> rows = tf.constant([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    >>> category_histogram(lambda x, w: tf.reduce_sum(w, keepdims=True), rows, tf.ones(3)).numpy()
    array([1., 2.], dtype=float32)
    """
    largest = tf.reduce_max(summary, axis=-1)
    category = tf.argmax(summary, axis=-1, output_type=tf.int32)
    nothing = tf.zeros_like(weights)
    numbers = range(summary.shape[-1])
    parts = [count(largest, tf.where(category == k, weights, nothing)) for k in numbers]
    return tf.concat(parts, axis=-1)


class CategoryObservable(BinnedNetwork):
    """A network with one output a category, in bins of the largest probability.

    Which category an event belongs to is hard in training too, and has no derivative; how
    events move between the bins of a category has that of the binning.

    Args:
        network: any Keras model (n, k) → (n, categories), without a softmax of its own.
        binning: of the largest probability, the same in each category; a number means that many
            equal `HardBinning` bins from 1/categories to 1.
        names: of the categories, for those who read `to_json`.

    Raises:
        InvalidInput: a network of fewer than two outputs, or with a softmax; wrong names.

    For a cross-entropy the categories are the classes of the problem: background first, then
    the signal of each parameter of interest.

    >>> network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3)])
    >>> observable = CategoryObservable(network, 4)
    >>> summary = tf.constant([[0.1, 0.2, 0.7], [0.9, 0.1, 0.0]])
    >>> observable.hard(summary, tf.constant([1.0, 2.0])).numpy().tolist()
    [0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """

    def __init__(
        self, network: Any, binning: Binning | int = 8, names: Sequence[str] | None = None
    ) -> None:
        outputs = outputs_of(network) or 0
        if outputs < 2:
            raise InvalidInput(
                "the network of categories has a known number of inputs, and at least two outputs. "
                f"Received: {outputs or 'a network that is not built'}"
            )
        check_logits(network)
        if isinstance(binning, int):
            binning = HardBinning(category_edges(outputs, binning))
        self.names = tuple(names or (f"category_{k}" for k in range(outputs)))
        if len(self.names) != outputs:
            raise InvalidInput(
                f"{outputs} categories have as many names. Received: {', '.join(self.names)}"
            )
        super().__init__(network, binning)
        self.classes = outputs

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The probability of each category, (n, k) → (n, categories)."""
        check_features(self.network.input_shape[-1], features)
        return tf.nn.softmax(self.network(features, training=training), axis=-1)

    def smooth(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The histogram of the training, in each category, (categories · bins,)."""
        return category_histogram(self.binning.smooth, summary, weights)

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The histogram of the analysis in each category, (categories · bins,)."""
        return category_histogram(self.binning.hard, summary, weights)

    def probabilities(self, summary: tf.Tensor) -> tf.Tensor:
        """The summary itself, (n, categories)."""
        return summary

    def exportable(self) -> keras.Model:
        """From ``features`` (n, k) to ``class_probabilities`` (n, categories)."""
        inputs = keras.Input(self.network.input_shape[1:], name="features")
        outputs = keras.layers.Softmax(name="class_probabilities")(self.network(inputs))
        return keras.Model(inputs, outputs)

    def to_json(self) -> JSON:
        """The names of the categories in the order of the outputs, and the bins of each."""
        return {
            "observable": "categories",
            "categories": list(self.names),
            **self.binning.to_json(),
        }
