"""Activation functions as ONNX nodes, each with its slope.

The same functions as in `dnnlik.surrogate.activations`, with operators that ONNX Runtime
has in float64. A NaN stays a NaN in every runtime.
"""

from __future__ import annotations

from collections.abc import Callable

from dnnlik.onnx.builder import GraphBuilder

__all__ = ["activation"]

# Klambauer et al., arXiv:1706.02515, equation 14, to float64.
_SCALE = 1.0507009873554805
_ALPHA = 1.6732632423543772


def activation(graph: GraphBuilder, name: str, layer: str, x: str) -> tuple[str, str]:
    """Add one of `dnnlik.surrogate.description.ACTIVATIONS`: names of value and slope.

    >>> activation(GraphBuilder(), "tanh", "layer_0", "x")
    ('layer_0/tanh', 'layer_0/slope')
    """
    kinds: dict[str, Callable[[GraphBuilder, str, str], tuple[str, str]]] = {
        "selu": _selu,
        "silu": _silu,
        "tanh": _tanh,
    }
    return kinds[name](graph, layer, x)


def _selu(graph: GraphBuilder, layer: str, x: str) -> tuple[str, str]:
    """SELU from ``Exp`` and ``Where``: ``Selu`` has no float64 kernel.

    The exponential never sees a positive number, so nothing overflows.
    """
    positive = graph("Greater", f"{layer}/positive", x, 0.0)
    below = graph("Where", f"{layer}/below", positive, 0.0, x)
    exponential = graph("Exp", f"{layer}/exponential", below)
    decay = graph("Mul", f"{layer}/decay", exponential, _SCALE * _ALPHA)
    scaled = graph("Mul", f"{layer}/scaled", x, _SCALE)
    saturated = graph("Sub", f"{layer}/saturated", decay, _SCALE * _ALPHA)
    value = graph("Where", f"{layer}/selu", positive, scaled, saturated)
    return value, graph("Where", f"{layer}/slope", positive, _SCALE, decay)


def _silu(graph: GraphBuilder, layer: str, x: str) -> tuple[str, str]:
    """x σ(x), arXiv:1702.03118, eq. 7, and its slope σ + x σ (1 - σ).

    σ(x) = (1 + tanh(x/2))/2, because Tanh is the faster kernel in float64.
    """
    half = graph("Mul", f"{layer}/half", x, 0.5)
    risen = graph("Mul", f"{layer}/risen", graph("Tanh", f"{layer}/tanh", half), 0.5)
    sigmoid = graph("Add", f"{layer}/sigmoid", risen, 0.5)
    value = graph("Mul", f"{layer}/silu", x, sigmoid)
    rest = graph("Sub", f"{layer}/one_minus_sigmoid", 1.0, sigmoid)
    bent = graph("Mul", f"{layer}/bent", value, rest)
    return value, graph("Add", f"{layer}/slope", sigmoid, bent)


def _tanh(graph: GraphBuilder, layer: str, x: str) -> tuple[str, str]:
    value = graph("Tanh", f"{layer}/tanh", x)
    square = graph("Mul", f"{layer}/square", value, value)
    return value, graph("Sub", f"{layer}/slope", 1.0, square)
