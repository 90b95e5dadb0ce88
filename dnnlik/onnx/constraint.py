"""Auxiliary measurements in ONNX nodes: `dnnlik.constraints.ConstraintTerms` with its gradient."""

from __future__ import annotations

import numpy as np

from dnnlik.constraints import ConstraintTerms
from dnnlik.onnx.builder import INPUT, GraphBuilder

__all__ = ["constraint"]


def constraint(graph: GraphBuilder, terms: ConstraintTerms) -> tuple[str, str]:
    """`ConstraintTerms.value` and its gradient, names of [batch] and [batch, d]."""
    poisson = bool(terms.poisson_columns.size) or bool(terms.slope.any())
    normal_name = "constraint/normal" if poisson else "log_constraint"
    step = graph("Sub", "constraint/step", INPUT, terms.centre)
    square = graph("Mul", "constraint/square", step, step)
    summed = graph.dot("constraint/summed", square, -0.5 * terms.precision)
    normal = graph("Add", normal_name, summed, terms.constant)
    slope = graph("Mul", "constraint/slope", step, -terms.precision)
    if not poisson:
        return normal, slope
    counts, rise = _poisson(graph, terms, step)
    value = graph("Add", "log_constraint", normal, counts)
    return value, graph("Add", "constraint/gradient", slope, rise)


def _poisson(graph: GraphBuilder, terms: ConstraintTerms, step: str) -> tuple[str, str]:
    """Sum of a [ln(1+u) - u] - s θ, minus infinity for a negative rate; its gradient.

    All d columns take part, so that nothing needs to be gathered or scattered: one
    without a Poisson term has u = a = s = 0.
    """
    u = graph("Mul", "constraint/u", step, terms.inverse_centre)
    # Near a rate of zero 1+u has lost its digits; the rate over its maximum has not.
    low = graph("Less", "constraint/low", u, -0.5)
    rate = graph("Mul", "constraint/rate", INPUT, terms.inverse_centre)
    ratio = graph(
        "Where", "constraint/ratio", low, rate, graph("Add", "constraint/one_plus_u", u, 1.0)
    )
    possible = graph("Greater", "constraint/possible", ratio, 0.0)
    safe = graph("Where", "constraint/safe", possible, ratio, 1.0)
    shape = graph("Sub", "constraint/shape", _log1p(graph, u, safe), u)
    counted = graph("Mul", "constraint/counted", shape, terms.observed)
    linear = graph("Mul", "constraint/linear", INPUT, terms.slope)
    both = graph("Sub", "constraint/both", counted, linear)
    negative = graph("Less", "constraint/negative", linear, 0.0)
    refused = graph("Or", "constraint/refused", graph("Not", "constraint/not", possible), negative)
    term = graph("Where", "constraint/poisson_terms", refused, -np.inf, both)
    fall = graph("Div", "constraint/fall", u, safe)
    rise = graph("Mul", "constraint/rise", fall, -terms.observed * terms.inverse_centre)
    return (
        graph.sum_columns("constraint/poisson", term),
        graph("Sub", "constraint/poisson_gradient", rise, terms.slope),
    )


def _log1p(graph: GraphBuilder, u: str, ratio: str) -> str:
    """ln(1+u) where ``ratio`` is 1+u as rounded: ln(ratio) u / (ratio - 1).

    The rounding of 1+u cancels (Kahan's trick): ONNX has no Log1p, and counts of 10¹¹
    multiply whatever is lost here.
    """
    rounded = graph("Sub", "constraint/rounded", ratio, 1.0)
    nothing = graph("Equal", "constraint/nothing", rounded, 0.0)
    divisor = graph("Where", "constraint/divisor", nothing, 1.0, rounded)
    scaled = graph("Mul", "constraint/scaled", graph("Log", "constraint/log", ratio), u)
    quotient = graph("Div", "constraint/quotient", scaled, divisor)
    return graph("Where", "constraint/log1p", nothing, u, quotient)
