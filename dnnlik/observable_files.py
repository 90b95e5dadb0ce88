"""A trained observable from the files of its analysis, to be applied to other events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from dnnlik.differentiable.binning import Binning
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.hard import hard_argmax_histogram
from dnnlik.differentiable.observables import (
    Cut,
    CutObservable,
    Observable,
    category_histogram,
)
from dnnlik.differentiable.observables.outputs import check_features
from dnnlik.documents import read_json
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.typing import JSON

if TYPE_CHECKING:
    from dnnlik.onnx.observable import OpenedNetwork

__all__ = ["PublishedObservable", "counted", "open_observable"]


class PublishedObservable:
    """A network in an ONNX file, with its bins: what `dnnlik.differentiable` needs of an
    observable that is not trained any more.

    Args:
        network: features (n, k) → outputs (n,), or (n, categories) or (n, bins).
        document: of ``bins.json``.

    Raises:
        InvalidInput: bins that are none, or of another network.
    """

    learning_rate = 1e-3  # of nothing: there is nothing to train

    def __init__(self, network: OpenedNetwork, document: JSON) -> None:
        self._network, self._document = network, document
        self._binning = None if document["observable"] == "softmax" else _binning(document)
        self._outputs = _outputs(document)
        if network.outputs != tuple(self._outputs):
            raise InvalidInput(
                f"these bins are of a network with outputs {self._outputs} an event. "
                f"Received: one with {list(network.outputs)}"
            )
        self.trainable_variables: list[Any] = []
        self.variables: list[Any] = []

    def summary(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Features (n, k) → the output of the file, also inside of a graph.

        Raises:
            InvalidInput: another number of features.
        """
        features = tf.cast(features, tf.float32)
        check_features(self._network.features, features)
        found = tf.numpy_function(self._network, [features], tf.float32)
        found.set_shape([features.shape[0], *self._outputs])
        return found

    def smooth(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """Refused: a file has no gradient.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput(
            "an observable from a file is not trained any more; build a Keras network for that. "
            f"Received: {self._document['observable']}"
        )

    def hard(self, summary: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
        """The histogram of the analysis."""
        if self._binning is None:
            return hard_argmax_histogram(summary, weights)
        if self._outputs:
            return category_histogram(self._binning.hard, summary, weights)
        return self._binning.hard(summary, weights)

    def describe(self) -> dict[str, float]:
        """Nothing is trained."""
        return {}

    def to_json(self) -> JSON:
        """What ``bins.json`` says."""
        return self._document


def open_observable(folder: str | Path) -> Observable:
    """The observable that ``dnnlik optimise`` left in a folder: `PublishedObservable` of
    ``observable.onnx`` and ``bins.json``, or `CutObservable` where there is no network.

    `dnnlik.differentiable.evaluate` and `workspace_of` take it with any events, `counted` gives a
    histogram of data. It cannot be trained on.

    Raises:
        InvalidFile: a file is missing, damaged, or of another kind.

    >>> import json, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/bins.json", "w") as file:
    ...         json.dump(CutObservable([Cut(0, 1.0, slope=5.0)]).to_json(), file)
    ...     opened = open_observable(folder)
    >>> counted(opened, [[0.5], [1.5], [2.0]]).tolist()
    [2.0]
    """
    folder = Path(folder)
    path = folder / "bins.json"
    document = read_json(path)
    try:
        if document["observable"] == "cuts":
            return _cuts(document)
        from dnnlik.onnx.observable import open_network

        return PublishedObservable(open_network(folder / "observable.onnx"), document)
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise InvalidFile(
            "bins.json describes a network, categories, a softmax or cuts, as dnnlik optimise "
            f"writes it. Received: {type(error).__name__} {error} in {path}"
        ) from error


def counted(
    observable: Observable, features: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    """The histogram (bins,) of events (n, k) in the hard bins of an observable; without weights
    the counts of data.

    >>> counted(CutObservable([Cut(0, 1.0, 1.0)]), [[0.5], [1.5], [2.0]]).tolist()
    [2.0]
    """
    events = Events(features, weights)
    summary = observable.summary(tf.constant(events.features))
    return np.asarray(observable.hard(summary, tf.constant(events.weights)), dtype=np.float64)


def _outputs(document: JSON) -> list[int]:
    """The shape of the output for one event."""
    match document["observable"]:
        case "network":
            return []
        case "categories":
            return [len(document["categories"])]
        case "softmax":
            return [int(document["bins"])]
        case other:
            raise KeyError(other)


def _binning(document: JSON) -> Binning:
    # The bandwidth is of the training alone; hard bins in training have none.
    return Binning(document["edges"], document.get("bandwidth", 1.0), document["outside"])


def _cuts(document: JSON) -> CutObservable:
    cuts = [Cut(c["feature"], c["threshold"], 1.0, c["keep"]) for c in document["cuts"]]
    binning = _binning(document) if "edges" in document else None
    return CutObservable(cuts, document.get("feature", 0), binning)
