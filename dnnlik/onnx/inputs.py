r"""What a network sees of a point, in ONNX nodes: standardised parameters and bends.

Backwards, the derivative by the raw parameters is that by the standardised ones over
their scale, and for each bend s(a), a = (θ-c)/w (`dnnlik.surrogate.description.Bends`)

.. math:: s'(a) = t(15-20t^2+9t^4)/4,\quad t = \max(-1,\min(a,1)) .
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dnnlik.onnx.builder import GraphBuilder, Operand
from dnnlik.surrogate.description import Bends, Network

__all__ = ["inputs_of"]

Backwards = Callable[[Operand], str]
"""Adds the nodes from the derivative by the inputs, [batch, d + k], to that by the
parameters, [batch, d]."""


def inputs_of(
    graph: GraphBuilder, network: Network, part: str, points: str
) -> tuple[str, Backwards]:
    """The inputs of a network, the name of [batch, d + k], and the way back.

    ``part`` begins the names of all nodes, ``points`` is the name of [batch, d].
    """
    size, count = network.input_mean.size, network.bends.columns.size
    centred = graph("Sub", f"{part}/centred", points, network.input_mean)
    standardised = graph("Div", f"{part}/standardised", centred, network.input_scale)
    if not count:
        return standardised, lambda back: _unscaled(graph, network, f"{part}/gradient", back)
    bends, slopes = _bends(graph, network.bends, f"{part}/bends", points)
    joined = graph("Concat", f"{part}/inputs", standardised, bends, axis=1)

    def backwards(back: Operand) -> str:
        direct = graph.columns(f"{part}/back_direct", back, np.arange(size))
        bent = graph.columns(f"{part}/back_bent", back, np.arange(size, size + count))
        by_angle = graph("Mul", f"{part}/back_slopes", bent, slopes)
        # Each bend adds to the column of its parameter.
        placed = np.zeros((count, size))
        placed[np.arange(count), network.bends.columns] = 1 / network.bends.width
        spread = graph("MatMul", f"{part}/back_spread", by_angle, placed)
        scaled = _unscaled(graph, network, f"{part}/back_scaled", direct)
        return graph("Add", f"{part}/gradient", scaled, spread)

    return joined, backwards


def _unscaled(graph: GraphBuilder, network: Network, name: str, back: Operand) -> str:
    return graph("Div", name, back, network.input_scale)


def _bends(graph: GraphBuilder, bends: Bends, part: str, points: str) -> tuple[str, str]:
    """s(a) and s'(a), names of [batch, k]."""
    raw = graph.columns(f"{part}/raw", points, bends.columns)
    step = graph("Sub", f"{part}/step", raw, bends.centre)
    a = graph("Div", f"{part}/a", step, bends.width)
    size = graph("Abs", f"{part}/size", a)
    far = graph("Greater", f"{part}/far", size, 1.0)
    # Not Clip: a NaN stays a NaN in every runtime.
    t = graph("Where", f"{part}/t", far, graph("Sign", f"{part}/sign", a), a)
    outside = graph("Sub", f"{part}/outside", size, graph("Abs", f"{part}/inner_size", t))
    t2 = graph("Mul", f"{part}/t2", t, t)
    inner = graph(
        "Mul", f"{part}/inner", graph.polynomial(f"{part}/value", t2, (15.0, -10.0, 3.0)), t2
    )
    eighth = graph("Mul", f"{part}/eighth", inner, 0.125)
    value = graph("Add", f"{part}/bent", eighth, outside)
    rise = graph(
        "Mul", f"{part}/rise", graph.polynomial(f"{part}/slope", t2, (15.0, -20.0, 9.0)), t
    )
    return value, graph("Mul", f"{part}/slopes", rise, 0.25)
