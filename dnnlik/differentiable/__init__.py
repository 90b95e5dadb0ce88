"""Analyses trained through their own statistical inference.

From events to a gradient, each step usable on its own:

- `kernel_histogram`, `softmax_histogram`, `above`, `below`, `window`, `TrainableEdges`: smooth
  histograms and cuts; `dnnlik.differentiable.hard` has the versions for evaluation
- `HistFactoryModel`: a pyhf specification with tensors for histograms; `SurrogateModel` is a
  learned likelihood in its place
- `fit`, `statistic`, `asimov_statistic`, `expected_cls`, `expected_limit`,
  `fisher_information`, ...: inference on either, with gradients
- `Problem`, `Events`, and what is trained: `NetworkObservable` with a `Binning`,
  `CategoryObservable`, `SoftmaxObservable`, `CutObservable`
- `variation` of events by a `Shift`, a `Scale`, a `Fraction`, a `Weight`
- `optimise`, `Settings`: the training; `OBJECTIVES`: what for; `Constraint`: at which cross-entropy
- `evaluate`, `expected_impacts`: what came out, and what its uncertainty is made of
"""

from __future__ import annotations

from dnnlik.differentiable.binning import Binning
from dnnlik.differentiable.constraint import Constraint
from dnnlik.differentiable.cuts import above, below, window
from dnnlik.differentiable.edges import TrainableEdges
from dnnlik.differentiable.events import Events
from dnnlik.differentiable.fits import Fitted, fit, points_of
from dnnlik.differentiable.impacts import ExpectedImpacts, expected_impacts
from dnnlik.differentiable.information import (
    covariance,
    fisher_information,
    gaussianity,
    generalised_variance,
    pulls,
    uncertainties,
)
from dnnlik.differentiable.kernel import kernel_histogram
from dnnlik.differentiable.limits import expected_limit
from dnnlik.differentiable.model import Data, HistFactoryModel, StatisticalModel
from dnnlik.differentiable.network import dense_network
from dnnlik.differentiable.objectives import OBJECTIVES, Objective, Trained
from dnnlik.differentiable.observables import (
    CategoryObservable,
    Cut,
    CutObservable,
    NetworkObservable,
    Observable,
    SoftmaxObservable,
)
from dnnlik.differentiable.optimisation import Optimised, optimise
from dnnlik.differentiable.problem import Problem
from dnnlik.differentiable.settings import Settings
from dnnlik.differentiable.softmax import softmax_histogram
from dnnlik.differentiable.statistics import (
    asimov_statistic,
    cls_of,
    discovery_statistic,
    expected_cls,
    limit_statistic,
    statistic,
)
from dnnlik.differentiable.surrogate import SurrogateModel
from dnnlik.differentiable.training import evaluate
from dnnlik.differentiable.transforms import Fraction, Scale, Shift, Weight, variation
from dnnlik.differentiable.workspace import workspace_of

__all__ = [
    "OBJECTIVES",
    "Binning",
    "CategoryObservable",
    "Constraint",
    "Cut",
    "CutObservable",
    "Data",
    "Events",
    "ExpectedImpacts",
    "Fitted",
    "Fraction",
    "HistFactoryModel",
    "NetworkObservable",
    "Objective",
    "Observable",
    "Optimised",
    "Problem",
    "Scale",
    "Settings",
    "Shift",
    "SoftmaxObservable",
    "StatisticalModel",
    "SurrogateModel",
    "TrainableEdges",
    "Trained",
    "Weight",
    "above",
    "asimov_statistic",
    "below",
    "cls_of",
    "covariance",
    "dense_network",
    "discovery_statistic",
    "evaluate",
    "expected_cls",
    "expected_impacts",
    "expected_limit",
    "fisher_information",
    "fit",
    "gaussianity",
    "generalised_variance",
    "kernel_histogram",
    "limit_statistic",
    "optimise",
    "points_of",
    "pulls",
    "softmax_histogram",
    "statistic",
    "uncertainties",
    "variation",
    "window",
    "workspace_of",
]
