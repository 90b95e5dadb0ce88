r"""The interpolation codes of HistFactory as ONNX nodes, each with its derivative.

The formulas are those of `dnnlik.histfactory.interpolation`; points are the first axis. An
additive code is a pair of functions (o, e) of α with slopes; a multiplicative one a factor
for each cell and the way back from it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dnnlik.onnx.builder import GraphBuilder

__all__ = ["ADDITIVE", "code1", "code4"]

Array = NDArray[np.float64]
Additive = tuple[str, str, str]
"""Names of o, e and the slope of e; that of o is 1 in every code."""
Multiplicative = tuple[str, Callable[[str], str]]
"""The name of the factors [batch, C], and from the derivative by their logarithms [batch, C]
to that by α [batch, N]."""


def _code0(graph: GraphBuilder, part: str, alpha: str) -> Additive:
    """Piecewise linear: (α, |α|)."""
    size = graph("Abs", f"{part}/even", alpha)
    return alpha, size, graph("Sign", f"{part}/even_slope", alpha)


def _code2(graph: GraphBuilder, part: str, alpha: str) -> Additive:
    """Quadratic inside, linear outside, with the jumps at ±1 that pyhf 0.7 has."""
    above = graph("Greater", f"{part}/above", alpha, 1.0)
    below = graph("Less", f"{part}/below", alpha, -1.0)
    less = graph("Sub", f"{part}/less", alpha, 1.0)
    odd = graph("Where", f"{part}/odd", above, less, alpha)
    square = graph("Mul", f"{part}/square", alpha, alpha)
    inner = graph("Where", f"{part}/low", below, graph("Mul", f"{part}/fall", alpha, -2.0), square)
    even = graph("Where", f"{part}/even", above, graph("Mul", f"{part}/rise", less, 2.0), inner)
    twice = graph("Mul", f"{part}/twice", alpha, 2.0)
    slope = graph("Where", f"{part}/low_slope", below, -2.0, twice)
    return odd, even, graph("Where", f"{part}/even_slope", above, 2.0, slope)


def _code4p(graph: GraphBuilder, part: str, alpha: str) -> Additive:
    """Sixth order inside, linear outside: e = t²(15-10t²+3t⁴)/8 + |α| - |t|, with t = α cut
    at ±1, and e' = t(15-20t²+9t⁴)/4."""
    size = graph("Abs", f"{part}/size", alpha)
    far = graph("Greater", f"{part}/far", size, 1.0)
    t = graph("Where", f"{part}/t", far, graph("Sign", f"{part}/sign", alpha), alpha)
    outside = graph("Sub", f"{part}/outside", size, graph("Abs", f"{part}/inner", t))
    t2 = graph("Mul", f"{part}/t2", t, t)
    shape = graph.polynomial(f"{part}/shape", t2, (15 / 8, -10 / 8, 3 / 8))
    even = graph("Add", f"{part}/even", graph("Mul", f"{part}/bent", shape, t2), outside)
    rise = graph.polynomial(f"{part}/rise", t2, (15 / 4, -20 / 4, 9 / 4))
    return alpha, even, graph("Mul", f"{part}/even_slope", rise, t)


ADDITIVE: dict[str, Callable[[GraphBuilder, str, str], Additive]] = {
    "code0": _code0,
    "code2": _code2,
    "code4p": _code4p,
}
"""(o, e) and their slopes of each additive code."""


def code1(graph: GraphBuilder, part: str, alpha: str, up: Array, down: Array) -> Multiplicative:
    """Piecewise exponential: Π up^α for α > 0, Π down^-α for α < 0. ``up`` and ``down``
    (N, C) are logarithms."""
    exponent, back = _exponent(graph, part, alpha, up, down)
    return graph("Exp", f"{part}/factor", exponent), back


def code4(
    graph: GraphBuilder, part: str, alpha: str, up: Array, down: Array, polynomial: Array
) -> Multiplicative:
    """Polynomials (6, N, C) of α inside of ±1, exponentials outside."""
    within = graph("Less", f"{part}/within", graph("Abs", f"{part}/size", alpha), 1.0)
    inside = graph("Where", f"{part}/inside", within, alpha, 0.0)
    outside = graph("Where", f"{part}/outside", within, 0.0, alpha)
    exponent, exponent_back = _exponent(graph, part, outside, up, down)
    # One value for each parameter and cell: [batch, N, 1] against (N, C).
    x = graph("Unsqueeze", f"{part}/x", inside, graph.constant(f"{part}/axis", np.array([2])))
    values = graph.polynomial(f"{part}/polynomial", x, (np.ones_like(up), *polynomial))
    product = graph("ReduceProd", f"{part}/product", values, axes=[1], keepdims=0)
    slopes = [order * c for order, c in enumerate(polynomial, start=1)]
    slope = graph.polynomial(f"{part}/slope", x, slopes)
    relative = graph("Div", f"{part}/relative", slope, values)

    def back(upstream: str) -> str:
        # [batch, N, C] times [batch, C, 1].
        axis = graph.constant(f"{part}/last_axis", np.array([2]))
        column = graph("Unsqueeze", f"{part}/upstream", upstream, axis)
        summed = graph("MatMul", f"{part}/back_polynomial", relative, column)
        inner = graph("Squeeze", f"{part}/back_inside", summed, axis)
        outer = exponent_back(upstream)
        return graph("Where", f"{part}/by_alpha", within, inner, outer)

    return graph("Mul", f"{part}/factor", product, graph("Exp", f"{part}/exp", exponent)), back


def _exponent(
    graph: GraphBuilder, part: str, alpha: str, up: Array, down: Array
) -> tuple[str, Callable[[str], str]]:
    """Σ α log up above zero and -α log down below, [batch, C]; at zero the mean slope."""
    size = graph("Abs", f"{part}/exponent_size", alpha)
    rising = graph("Mul", f"{part}/rising", graph("Add", f"{part}/plus", size, alpha), 0.5)
    falling = graph("Mul", f"{part}/falling", graph("Sub", f"{part}/minus", size, alpha), 0.5)
    above = graph("MatMul", f"{part}/risen", rising, up)
    below = graph("MatMul", f"{part}/fallen", falling, down)
    exponent = graph("Add", f"{part}/exponent", above, below)

    def back(upstream: str) -> str:
        sign = graph("Sign", f"{part}/exponent_sign", alpha)
        even = graph("MatMul", f"{part}/back_even", upstream, 0.5 * (up + down).T)
        odd = graph("MatMul", f"{part}/back_odd", upstream, 0.5 * (up - down).T)
        signed = graph("Mul", f"{part}/back_signed", even, sign)
        return graph("Add", f"{part}/back_exponent", signed, odd)

    return exponent, back
