"""An exact HistFactory likelihood as an ONNX graph, with the signature of a surrogate.

The closed form of a workspace is one, so that any language can evaluate it; see
`dnnlik.onnx.graph` for input and outputs, which are the same. ``in_domain`` says whether a
point is within the bounds of the parameters.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto

from dnnlik.histfactory.description import HistFactoryDescription
from dnnlik.onnx.builder import INPUT, GraphBuilder
from dnnlik.onnx.constraint import constraint
from dnnlik.onnx.histfactory import histfactory
from dnnlik.onnx.model import likelihood_model
from dnnlik.parameters import ParameterSet

__all__ = ["exact_model"]


def exact_model(
    description: HistFactoryDescription, *, metadata: Mapping[str, str]
) -> onnx.ModelProto:
    """The published form of the likelihood itself, float64.

    Args:
        description: arrays of the likelihood (`HistFactoryLikelihood.description`).
        metadata: goes into ``metadata_props``.
    """
    graph = GraphBuilder()
    parameters = description.parameters
    log_constraint, slope = constraint(graph, parameters.constraint_terms)
    value, gradient = histfactory(graph, description)
    graph("Add", "log_likelihood", value, log_constraint)
    graph("Add", "gradient", gradient, slope)
    _within_bounds(graph, parameters)
    return likelihood_model(graph, len(parameters), metadata, learned=False)


def _within_bounds(graph: GraphBuilder, parameters: ParameterSet) -> str:
    """A NaN fails every comparison."""
    above = graph("GreaterOrEqual", "domain/above", INPUT, parameters.lower)
    below = graph("LessOrEqual", "domain/below", INPUT, parameters.upper)
    outside = graph("Not", "domain/outside", graph("And", "domain/inside", above, below))
    count = graph.sum_columns(
        "domain/count", graph("Cast", "domain/violations", outside, to=TensorProto.DOUBLE)
    )
    return graph("Less", "in_domain", count, np.array(0.5))
