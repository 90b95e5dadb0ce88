"""Trainable observables: from the features of events to a histogram. A new kind is one file.

- `NetworkObservable`: a network with one output, in bins of it
- `CategoryObservable`: a network that sorts events into categories, each in bins (SANNT)
- `SoftmaxObservable`: a network that deals events out over bins (INFERNO)
- `CutObservable`: cuts with trainable thresholds
"""

from __future__ import annotations

from dnnlik.differentiable.observables.categories import (
    CategoryObservable,
    category_edges,
    category_histogram,
)
from dnnlik.differentiable.observables.cuts import Cut, CutObservable
from dnnlik.differentiable.observables.network import NetworkObservable
from dnnlik.differentiable.observables.protocol import Classifier, Network, Observable
from dnnlik.differentiable.observables.softmax import SoftmaxObservable

__all__ = [
    "CategoryObservable",
    "Classifier",
    "Cut",
    "CutObservable",
    "Network",
    "NetworkObservable",
    "Observable",
    "SoftmaxObservable",
    "category_edges",
    "category_histogram",
]
