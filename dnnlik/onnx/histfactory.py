r"""The exact main term of a HistFactory likelihood in ONNX nodes, with its gradient.

.. math:: \lambda_b = \sum_{i\in b} \nu_i\,f_{c(i)}\,\phi_i,\qquad
          \nu_i = \nu^0_i + \sum_h S_{hi}\,o(\alpha_h) + A_{hi}\,e(\alpha_h),\quad
          f_c = \prod_n f_{nc}(\alpha_n),\quad \phi_i = \prod_k \theta_{k(i)}

of elements i (a bin of a sample) in cells c, and
:math:`\log L = \sum_b n_b\ln\lambda_b - \lambda_b - \ln\Gamma(n_b+1)`
(CERN-OPEN-2012-016, eq. 4). The sums are those of `dnnlik.histfactory.rates` with the points as
first axis. Derivatives are written out: each part returns its value and the way back
through it, which ends in the derivative by all columns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from dnnlik.histfactory.description import HistFactoryDescription
from dnnlik.onnx.builder import INPUT, GraphBuilder
from dnnlik.onnx.interpolation import ADDITIVE, code1, code4

__all__ = ["histfactory"]

Backwards = Callable[[str], list[str]]
"""From the derivative by a part, to terms of that by all columns, names of [batch, P + 1]."""


def histfactory(graph: GraphBuilder, description: HistFactoryDescription) -> tuple[str, str]:
    """The main term and its gradient, names of [batch] and [batch, d]."""
    columns = _all_columns(graph, description)
    templates, back_templates = _templates(graph, description, columns)
    cells, back_cells = _cells(graph, description, columns)
    factors, back_factors = _factors(graph, description, columns)
    scaled = graph("Mul", "main/scaled", cells, factors)
    elements = graph("Mul", "main/elements", templates, scaled)
    layout = description.layout
    to_bins = graph.constant("main/to_bins", np.eye(layout.bins)[layout.element_bin])
    rates = graph("MatMul", "main/rates", elements, to_bins)
    value, slope = _poisson(graph, description, rates)
    to_elements = graph("Transpose", "main/to_elements", to_bins, perm=[1, 0])
    by_element = graph("MatMul", "main/by_element", slope, to_elements)
    # By each part: the derivative by the elements times the other parts.
    unscaled = graph("Mul", "main/unscaled", templates, cells)
    terms = [
        *back_templates(graph("Mul", "main/by_template", by_element, scaled)),
        *back_cells(graph("Mul", "main/by_log_cell", by_element, elements)),
        *back_factors(graph("Mul", "main/by_factor", by_element, unscaled)),
    ]
    everything = reduce(lambda a, b: graph("Add", f"{b}/added", a, b), terms)
    return value, graph.columns("main/gradient", everything, description.columns)


def _all_columns(graph: GraphBuilder, description: HistFactoryDescription) -> str:
    """Free parameters at their columns, the held ones and a one: [batch, d] → [batch, P + 1]."""
    places = _one_hot(description.columns, description.held.size)
    placed = graph("MatMul", "columns/free", INPUT, places)
    return graph("Add", "columns/all", placed, description.held)


def _one_hot(positions: NDArray[np.intp], size: int) -> NDArray[np.float64]:
    return np.eye(size)[positions]


def _returned(
    graph: GraphBuilder, name: str, derivative: str, positions: NDArray[np.intp], size: int
) -> str:
    """Derivatives by some columns, added up at their places among all."""
    return graph("MatMul", name, derivative, _one_hot(positions, size))


def _templates(
    graph: GraphBuilder, description: HistFactoryDescription, columns: str
) -> tuple[str, Backwards]:
    """ν of each element, [batch, E]."""
    where, size = description.layout.histosys, description.held.size
    if not where.size:
        one = graph.columns("histosys/one", columns, np.array([size - 1]))
        return graph("Mul", "histosys/none", one, description.nominal), lambda upstream: []
    alpha = graph.columns("histosys/alpha", columns, where)
    code = ADDITIVE[description.layout.histosys_code]
    odd, even, even_slope = code(graph, "histosys", alpha)
    odds = graph("MatMul", "histosys/odds", odd, description.odd)
    evens = graph("MatMul", "histosys/evens", even, description.even)
    value = graph("Sum", "histosys/templates", odds, evens, description.nominal)

    def back(upstream: str) -> list[str]:
        by_odd = graph("MatMul", "histosys/by_odd", upstream, description.odd.T)
        by_even = graph("MatMul", "histosys/by_even", upstream, description.even.T)
        bent = graph("Mul", "histosys/by_bend", by_even, even_slope)
        both = graph("Add", "histosys/by_alpha", by_odd, bent)
        return [_returned(graph, "histosys/back", both, where, size)]

    return value, back


def _cells(
    graph: GraphBuilder, description: HistFactoryDescription, columns: str
) -> tuple[str, Backwards]:
    """f of the cell of each element, [batch, E]; the way back takes derivatives by ln f."""
    layout, size = description.layout, description.held.size
    where = layout.normsys
    if not where.size:
        return graph.columns("normsys/none", columns, np.array([size - 1])), lambda upstream: []
    alpha = graph.columns("normsys/alpha", columns, where)
    scales = description.log_up, description.log_down
    if layout.normsys_code == "code1":
        cells, back_code = code1(graph, "normsys", alpha, *scales)
    else:
        cells, back_code = code4(graph, "normsys", alpha, *scales, description.polynomial)

    def back(upstream: str) -> list[str]:
        to_cells = _one_hot(layout.element_cell, layout.cells)
        by_alpha = back_code(graph("MatMul", "normsys/by_log_cell", upstream, to_cells))
        return [_returned(graph, "normsys/back", by_alpha, where, size)]

    return graph.columns("normsys/elements", cells, layout.element_cell), back


def _factors(
    graph: GraphBuilder, description: HistFactoryDescription, columns: str
) -> tuple[str, Backwards]:
    """φ of each element, [batch, E]: the product of up to K columns."""
    rows, size = description.layout.factors, description.held.size
    if not len(rows):
        return graph.columns("factors/none", columns, np.array([size - 1])), lambda upstream: []
    taken = [graph.columns(f"factors/{k}", columns, row) for k, row in enumerate(rows)]
    product = reduce(lambda a, b: graph("Mul", f"{b}/product", a, b), taken)

    def back(upstream: str) -> list[str]:
        terms = []
        for k, row in enumerate(rows):
            # The others multiplied, not the product divided: a factor may be zero.
            by_column = upstream
            for other in taken[:k] + taken[k + 1 :]:
                by_column = graph("Mul", f"{other}/without_{k}", by_column, other)
            terms.append(_returned(graph, f"factors/{k}/back", by_column, row, size))
        return terms

    return product, back


def _poisson(
    graph: GraphBuilder, description: HistFactoryDescription, rates: str
) -> tuple[str, str]:
    """Σ over bins, [batch], and its derivative by the rates, [batch, bins].

    Minus infinity, with a derivative of zero, where a rate is negative, or zero in a bin
    that has events.
    """
    observed, seen = description.observed, description.observed > 0
    positive = graph("Greater", "main/positive", rates, 0.0)
    not_negative = graph("GreaterOrEqual", "main/not_negative", rates, 0.0)
    empty = graph("And", "main/empty", not_negative, ~seen)
    allowed = graph("Or", "main/allowed", positive, empty)
    logarithmic = graph("And", "main/logarithmic", positive, seen)
    safe = graph("Where", "main/safe", logarithmic, rates, 1.0)
    counted = graph("Mul", "main/counted", graph("Log", "main/log", safe), observed)
    both = graph("Sub", "main/both", counted, rates)
    terms = graph("Where", "main/terms", allowed, both, -np.inf)
    total = graph("Add", "log_main", graph.sum_columns("main/sum", terms), description.offset)
    rise = graph("Sub", "main/rise", graph("Div", "main/ratio", observed, safe), 1.0)
    return total, graph("Where", "main/slope", allowed, rise, 0.0)
