r"""A SELU multilayer perceptron in ONNX nodes, forwards and backwards.

With :math:`h_0=(\theta-\bar\theta)/\sigma`, :math:`h_k=\mathrm{SELU}(h_{k-1}W_k+b_k)` and
the linear output :math:`f=m+s\,(h_{K-1}w_K+b_K)` the gradient runs back through the
layers, a row vector a point:

.. math:: \delta_{K-1} = s\,w_K,\quad
          \delta_{k-1} = (\delta_k\odot\mathrm{SELU}'_k)\,W_k^T,\quad
          \nabla f = \delta_0/\sigma .
"""

from __future__ import annotations

from dnnlik.onnx.builder import INPUT, GraphBuilder, Operand
from dnnlik.surrogate.description import Network

__all__ = ["perceptron"]

# Klambauer et al., arXiv:1706.02515, equation 14, to float64.
SCALE = 1.0507009873554805
ALPHA = 1.6732632423543772


def perceptron(graph: GraphBuilder, network: Network) -> tuple[str, str]:
    """The network with its scalings, names of its value [batch] and gradient [batch, d].

    >>> import numpy as np
    >>> one, line = np.ones(1), np.ones((1, 1))
    >>> perceptron(GraphBuilder(), Network((line, line), (one, one), one, one, 0.0, 1.0))
    ('network/value', 'network/gradient')
    """
    centred = graph("Sub", "network/centred", INPUT, network.input_mean)
    active = graph("Div", "network/standardised", centred, network.input_scale)
    slopes, weights = [], []
    for i, (weight, bias) in enumerate(zip(network.weights[:-1], network.biases, strict=False)):
        weights.append(graph.constant(f"network/layer_{i}/weights", weight))
        product = graph("MatMul", f"network/layer_{i}/product", active, weights[i])
        total = graph("Add", f"network/layer_{i}/sum", product, bias)
        active, slope = _selu(graph, f"network/layer_{i}", total)
        slopes.append(slope)
    row = network.output_scale * network.weights[-1][:, 0]
    shift = network.output_mean + network.output_scale * network.biases[-1][0]
    output = graph.dot("network/output", active, row)
    back = _backwards(graph, weights, slopes, row)
    return (
        graph("Add", "network/value", output, shift),
        graph("Div", "network/gradient", back, network.input_scale),
    )


def _backwards(
    graph: GraphBuilder, weights: list[str], slopes: list[str], back: Operand
) -> Operand:
    """From the row of the linear output to the standardised inputs."""
    for i in reversed(range(len(weights))):
        layer = f"network/layer_{i}"
        delta = graph("Mul", f"{layer}/delta", slopes[i], back)
        # Transposed in the graph: the runtime folds it, the file holds weights once.
        transposed = graph("Transpose", f"{layer}/weights_transposed", weights[i], perm=[1, 0])
        back = graph("MatMul", f"{layer}/back", delta, transposed)
    return back


def _selu(graph: GraphBuilder, layer: str, x: str) -> tuple[str, str]:
    """SELU and its slope. The exponential never sees a positive number, so nothing
    overflows; ``Where`` instead of ``Min`` keeps a NaN a NaN in every runtime."""
    positive = graph("Greater", f"{layer}/positive", x, 0.0)
    below = graph("Where", f"{layer}/below", positive, 0.0, x)
    exponential = graph("Exp", f"{layer}/exponential", below)
    decay = graph("Mul", f"{layer}/decay", exponential, SCALE * ALPHA)
    scaled = graph("Mul", f"{layer}/scaled", x, SCALE)
    saturated = graph("Sub", f"{layer}/saturated", decay, SCALE * ALPHA)
    value = graph("Where", f"{layer}/selu", positive, scaled, saturated)
    return value, graph("Where", f"{layer}/slope", positive, SCALE, decay)
