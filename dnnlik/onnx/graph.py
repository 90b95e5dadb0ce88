r"""A surrogate as an ONNX graph: value and analytic gradient, all scaling inside.

The graph is written node by node instead of converted from a framework: so it is
float64 (the networks inside float32, if asked for), carries its gradient (no converter
exports one), and its bytes repeat. One function a part, each the formula of its class in
`dnnlik.surrogate.description` or `dnnlik.constraints` followed by its derivative.

Input ``parameters`` [batch, d]: raw physical values, float64, in the order of the
ParameterSet. Outputs, natural logarithms without a factor 2:

==================  ==========  ====================================================
``log_likelihood``  [batch]     the surrogate's value, at most its ceiling
``log_constraint``  [batch]     closed form of the auxiliary measurements
``gradient``        [batch, d]  derivative of ``log_likelihood``
``in_domain``       [batch]     bool: inside the training domain and the bounds
``uncertainty``     [batch]     of an ensemble alone: one standard deviation of the value
==================  ==========  ====================================================

Opset 15 and IR version 8, with operators that ONNX Runtime has in float64: newer
defaults of the onnx package are refused by runtimes in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

from dnnlik.exceptions import InvalidInput
from dnnlik.onnx.builder import INPUT, GraphBuilder, Precision
from dnnlik.onnx.constraint import constraint
from dnnlik.onnx.model import likelihood_model
from dnnlik.onnx.perceptron import perceptron
from dnnlik.parameters import ParameterSet
from dnnlik.surrogate.description import (
    Ceiling,
    Domain,
    Network,
    Quadratic,
    SurrogateDescription,
)

__all__ = ["surrogate_model"]

Array = NDArray[np.float64]
Part = tuple[str, str]
"""Names of a value [batch] and of its gradient [batch, d]."""


def surrogate_model(
    description: SurrogateDescription,
    *,
    metadata: Mapping[str, str],
    precision: Precision = "float64",
) -> onnx.ModelProto:
    """The published form of a surrogate.

    Args:
        description: arrays and parameter list of the surrogate.
        metadata: goes into ``metadata_props``, see
            `dnnlik.onnx.metadata.metadata_properties`.
        precision: of the arithmetic inside the networks. With "float32" they take half the
            time, and the gradient can be left out (`dnnlik.onnx.model`); ``parameters``, outputs
            and every other part stay float64.

    Raises:
        InvalidInput: arrays that do not fit each other, or are not finite.

    >>> from dnnlik.parameters import Parameter, ParameterSet
    >>> from dnnlik.surrogate.description import Network
    >>> one, line = np.ones(1), np.ones((1, 1))
    >>> description = SurrogateDescription(
    ...     ParameterSet([Parameter("mu", init=1, bounds=(0, 4), poi=True)]),
    ...     adds_constraint=True, quadratic=None,
    ...     networks=(Network((line, line), (one, one), one, one, 0.0, 1.0),),
    ...     domain=Domain(0 * one, 4 * one, one, line, 9.0), settings={}, provenance={})
    >>> model = surrogate_model(description, metadata={})
    >>> [output.name for output in model.graph.output]
    ['log_likelihood', 'log_constraint', 'gradient', 'in_domain']
    """
    _check_shapes(description)
    graph = GraphBuilder()
    closed = constraint(graph, description.parameters.constraint_terms)
    _log_likelihood(graph, description, closed, _networks(graph, description, precision))
    _domain(graph, description.domain, description.parameters)
    return likelihood_model(
        graph,
        len(description.parameters),
        metadata,
        learned=True,
        with_uncertainty=len(description.networks) > 1,
        with_branch=precision == "float32",
    )


def _log_likelihood(
    graph: GraphBuilder, description: SurrogateDescription, closed: Part, learned: Part
) -> None:
    """``log_likelihood`` and ``gradient``: the quadratic, the constraint terms, and what the
    networks add below the ceiling."""
    terms = []
    if description.quadratic is not None:
        terms.append(_quadratic(graph, description.quadratic))
    if description.adds_constraint:
        terms.append(closed)
    if description.ceiling is not None:
        learned = _below_ceiling(graph, learned, terms, description.ceiling)
    terms.append(learned)
    graph("Sum", "log_likelihood", *(value for value, _ in terms))
    graph("Sum", "gradient", *(gradient for _, gradient in terms))


def _networks(graph: GraphBuilder, description: SurrogateDescription, precision: Precision) -> Part:
    """The mean of the members and its gradient, names of [batch] and [batch, d]."""
    if description.edges is None:
        return _mean_network(graph, description, INPUT, precision)
    points, inside = _nearest(graph, *description.edges)
    value, gradient = _mean_network(graph, description, points, precision)
    return value, graph("Mul", "seen/gradient", gradient, inside)


def _below_ceiling(
    graph: GraphBuilder, learned: Part, baseline: Sequence[Part], ceiling: Ceiling
) -> Part:
    """What the networks add, at most what the ceiling leaves, and its gradient."""
    value = graph("Sum", "ceiling/baseline", *(value for value, _ in baseline))
    slope = graph("Sum", "ceiling/slope", *(gradient for _, gradient in baseline))
    lost = graph("Mul", "ceiling/lost", value, ceiling.steepness - 1.0)
    left = graph("Add", "ceiling/left", lost, ceiling.offset)
    above = graph("Less", "ceiling/above", left, learned[0])  # a NaN stays what it is
    rows = graph("Unsqueeze", "ceiling/rows", above, np.array([1]))
    falling = graph("Mul", "ceiling/falling", slope, ceiling.steepness - 1.0)
    return (
        graph("Where", "ceiling/value", above, left, learned[0]),
        graph("Where", "ceiling/gradient", rows, falling, learned[1]),
    )


def _nearest(graph: GraphBuilder, lower: Array, upper: Array) -> Part:
    """The nearest point of a box, and 1 where a column is that of the point itself, else 0;
    names of [batch, d]. A NaN stays a NaN, as with `Clip` it would not in every runtime."""
    below = graph("Less", "seen/below", INPUT, lower)
    above = graph("Greater", "seen/above", INPUT, upper)
    risen = graph("Where", "seen/risen", below, lower, INPUT)
    outside = graph("Or", "seen/outside", below, above)
    return (
        graph("Where", "seen/points", above, upper, risen),
        graph("Where", "seen/inside", outside, 0.0, 1.0),
    )


def _mean_network(
    graph: GraphBuilder, description: SurrogateDescription, points: str, precision: Precision
) -> Part:
    if len(description.networks) == 1:
        return perceptron(graph, description.networks[0], points=points, precision=precision)
    members = [
        perceptron(graph, network, f"member_{k}", points=points, precision=precision)
        for k, network in enumerate(description.networks)
    ]
    value, gradient = (_mean(graph, f"network/{n}", [m[i] for m in members]) for i, n in _PARTS)
    _uncertainty(graph, [v for v, _ in members], value, description.uncertainty_factor)
    return value, gradient


_PARTS = ((0, "value"), (1, "gradient"))


def _mean(graph: GraphBuilder, name: str, members: list[str]) -> str:
    # ONNX Runtime has no Mean in float64.
    return graph("Mul", name, graph("Sum", f"{name}_sum", *members), 1 / len(members))


def _uncertainty(graph: GraphBuilder, members: list[str], mean: str, factor: float) -> str:
    """The calibrated standard deviation of the members, [batch]."""
    squares = []
    for k, member in enumerate(members):
        step = graph("Sub", f"member_{k}/deviation", member, mean)
        squares.append(graph("Mul", f"member_{k}/square", step, step))
    summed = graph("Sum", "uncertainty/summed", *squares)
    variance = graph("Mul", "uncertainty/variance", summed, factor**2 / (len(members) - 1))
    return graph("Sqrt", "uncertainty", variance)


def _quadratic(graph: GraphBuilder, quadratic: Quadratic) -> Part:
    """`Quadratic.value_of` and its gradient, names of [batch] and [batch, d]."""
    # A Hessian that is symmetric up to rounding: its symmetric part has the same
    # value and makes the gradient exactly its derivative.
    hessian = 0.5 * (quadratic.hessian + quadratic.hessian.T)
    step = graph("Sub", "quadratic/step", INPUT, quadratic.centre)
    pulled = graph("MatMul", "quadratic/pulled", step, hessian)
    square = graph.sum_columns("quadratic/square", graph("Mul", "quadratic/squares", pulled, step))
    curved = graph("Mul", "quadratic/curved", square, 0.5)
    linear = graph.dot("quadratic/linear", step, quadratic.gradient)
    value = graph("Sum", "quadratic/value", linear, curved, quadratic.value)
    return value, graph("Add", "quadratic/gradient", pulled, quadratic.gradient)


def _domain(graph: GraphBuilder, domain: Domain, parameters: ParameterSet) -> str:
    """`Domain.contains` and within the bounds; a NaN fails every comparison."""
    lower = np.maximum(domain.lower, parameters.lower)
    upper = np.minimum(domain.upper, parameters.upper)
    above = graph("GreaterOrEqual", "domain/above", INPUT, lower)
    below = graph("LessOrEqual", "domain/below", INPUT, upper)
    outside = graph("Not", "domain/outside", graph("And", "domain/inside", above, below))
    # ONNX has no "all" over an axis: count the parameters that are outside.
    violations = graph("Cast", "domain/violations", outside, to=TensorProto.DOUBLE)
    count = graph.sum_columns("domain/count", violations)
    boxed = graph("Less", "domain/boxed", count, 0.5)
    step = graph("Sub", "domain/step", INPUT, domain.centre)
    pulled = graph("MatMul", "domain/pulled", step, domain.precision)
    distance2 = graph.sum_columns("domain/distance2", graph("Mul", "domain/pulls2", pulled, step))
    near = graph("LessOrEqual", "domain/near", distance2, domain.max_distance2)
    return graph("And", "in_domain", boxed, near)


def _check_shapes(description: SurrogateDescription) -> None:
    """Refuse arrays that would make a graph which only fails at its first use."""
    size = len(description.parameters)
    if not description.networks:
        raise InvalidInput("a surrogate has at least one network. Received: none")
    numbers = [np.array(description.uncertainty_factor)]
    if description.ceiling is not None:
        numbers += [np.array([description.ceiling.steepness, description.ceiling.offset])]
    for network in description.networks:
        _check_layers(network, size)
        numbers += [*network.weights, *network.biases, network.input_mean, network.input_scale]
        numbers += [np.array([network.output_mean, network.output_scale])]
        numbers += [network.bends.centre, network.bends.width]
    domain, quadratic = description.domain, description.quadratic
    numbers += [domain.centre, domain.precision, np.array(domain.max_distance2)]
    if quadratic is not None:
        numbers += [np.array(quadratic.value), quadratic.centre]
        numbers += [quadratic.gradient, quadratic.hessian]
    bad = sum(int((~np.isfinite(array)).sum()) for array in numbers)
    if bad:
        raise InvalidInput(
            f"a surrogate is made of finite numbers; train it again. Received: {bad} that are not"
        )


def _check_layers(network: Network, size: int) -> None:
    expected = list(pairwise([size + network.bends.columns.size, *network.layers, 1]))
    found = [weight.shape for weight in network.weights]
    if found != expected or len(expected) < 2:
        raise InvalidInput(
            f"a surrogate of {size} parameters needs at least one hidden layer and weights of "
            f"shapes {expected}. Received: {found}"
        )
