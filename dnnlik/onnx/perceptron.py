r"""A multilayer perceptron in ONNX nodes, forwards and backwards.

With :math:`h_0=((\theta-\bar\theta)/\sigma,\ s((\theta-c)/w))` (`dnnlik.onnx.inputs`),
:math:`h_k=a(h_{k-1}W_k+b_k)` and
the linear output :math:`f=m+s\,(h_{K-1}w_K+b_K)` the gradient runs back through the
layers, a row vector a point:

.. math:: \delta_{K-1} = s\,w_K,\quad
          \delta_{k-1} = (\delta_k\odot a'_k)\,W_k^T,\quad
          \nabla f = \delta_0\,\partial h_0/\partial\theta .
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dnnlik.onnx.activations import activation
from dnnlik.onnx.builder import INPUT, GraphBuilder, Operand, Precision
from dnnlik.onnx.inputs import inputs_of
from dnnlik.surrogate.description import Network

__all__ = ["perceptron"]


def perceptron(
    graph: GraphBuilder,
    network: Network,
    part: str = "network",
    *,
    points: str = INPUT,
    precision: Precision = "float64",
) -> tuple[str, str]:
    """The network with its scalings, names of its value [batch] and gradient [batch, d].

    ``part`` begins the names of all its nodes; ``points`` is what it sees. With
    ``precision="float32"`` the layers compute in it, between scalings in float64.

    >>> import numpy as np
    >>> one, line = np.ones(1), np.ones((1, 1))
    >>> perceptron(GraphBuilder(), Network((line, line), (one, one), one, one, 0.0, 1.0))
    ('network/value', 'network/gradient')
    """
    network = _without_scalar_scale(network)
    active, input_gradient = inputs_of(graph, network, part, points)
    narrow = precision == "float32"
    inner = graph.in_float32() if narrow else graph
    if narrow:
        active = inner.cast(f"{part}/inputs_float32", active)
    slopes, weights = [], []
    for i, (weight, bias) in enumerate(zip(network.weights[:-1], network.biases, strict=False)):
        weights.append(inner.constant(f"{part}/layer_{i}/weights", weight))
        product = inner("MatMul", f"{part}/layer_{i}/product", active, weights[i])
        total = inner("Add", f"{part}/layer_{i}/sum", product, bias)
        active, slope = activation(inner, network.activation, f"{part}/layer_{i}", total)
        slopes.append(slope)
    row = network.output_scale * network.weights[-1][:, 0]
    shift = network.output_mean + network.output_scale * network.biases[-1][0]
    output: Operand = inner.dot(f"{part}/output", active, row)
    back = _backwards(inner, part, weights, slopes, row)
    if narrow:
        output = graph.cast(f"{part}/output_float64", output)
        back = graph.cast(f"{part}/back_float64", back)
    return graph("Add", f"{part}/value", output, shift), input_gradient(back)


def _without_scalar_scale(network: Network) -> Network:
    """The same network; of one parameter, with the scale of its input in the first weights."""
    # ONNX Runtime moves a division by a scalar into an attribute of the MatMul beside it, and
    # that is float32 (its MatMulScaleFusion): 5e-9 of ln L were lost.
    if network.input_scale.size > 1:
        return network
    first = network.weights[0].copy()
    first[0] /= network.input_scale
    return replace(network, weights=(first, *network.weights[1:]), input_scale=np.ones(1))


def _backwards(
    graph: GraphBuilder, part: str, weights: list[str], slopes: list[str], back: Operand
) -> Operand:
    """From the row of the linear output to the standardised inputs."""
    for i in reversed(range(len(weights))):
        layer = f"{part}/layer_{i}"
        delta = graph("Mul", f"{layer}/delta", slopes[i], back)
        # Transposed in the graph: the runtime folds it, the file holds weights once.
        transposed = graph("Transpose", f"{layer}/weights_transposed", weights[i], perm=[1, 0])
        back = graph("MatMul", f"{layer}/back", delta, transposed)
    return back
