"""A list of ONNX nodes that names everything it is given, so that bytes repeat.

ONNX addresses tensors by name. `GraphBuilder` takes the name of each result
from its caller and derives those of nodes and constants from it: nothing is
counted or random, two builds of one description are the same bytes, and a
graph viewer shows ``network/layer_0/product`` instead of ``MatMul_17``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto

__all__ = ["INPUT", "GraphBuilder", "Operand", "Precision"]

INPUT = "parameters"
"""The input of a published graph, [batch, d]."""

Precision = Literal["float64", "float32"]
"""In which the networks of a graph compute."""

Operand = str | float | NDArray[np.float64] | NDArray[np.bool_]
"""The name of a tensor, or a number or array that becomes a constant."""


class GraphBuilder:
    """Nodes and constants of one graph, in the order they are added.

    >>> graph = GraphBuilder()
    >>> graph("Mul", "half", "x", 0.5)
    'half'
    >>> [node.op_type for node in graph.nodes], [c.name for c in graph.constants]
    (['Mul'], ['half/operand_1'])
    """

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._kind = "<f8"

    def in_float32(self) -> GraphBuilder:
        """The same graph, with constants of float32 from here on."""
        narrow = GraphBuilder()
        narrow.nodes, narrow.constants, narrow._kind = self.nodes, self.constants, "<f4"
        return narrow

    def cast(self, name: str, operand: Operand) -> str:
        """To the type of this builder's constants."""
        kind = TensorProto.FLOAT if self._kind == "<f4" else TensorProto.DOUBLE
        return self("Cast", name, operand, to=kind)

    def __call__(self, operator: str, name: str, *operands: Operand, **attributes: Any) -> str:
        """Add one node; its result, and the node itself, are called ``name``."""
        inputs = [
            operand if isinstance(operand, str) else self.constant(f"{name}/operand_{i}", operand)
            for i, operand in enumerate(operands)
        ]
        self.nodes.append(onnx.helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, value: float | NDArray[Any]) -> str:
        """Add a constant of any shape: float64, unless it is boolean or integer (see
        `in_float32`)."""
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(self._kind)
        self.constants.append(onnx.numpy_helper.from_array(array, name))
        return name

    def columns(self, name: str, operand: Operand, which: NDArray[np.int64]) -> str:
        """Some of the columns, [batch, d] → [batch, k]."""
        indices = self.constant(f"{name}/indices", np.asarray(which, dtype=np.int64))
        return self("Gather", name, operand, indices, axis=1)

    def sum_columns(self, name: str, operand: str) -> str:
        """Sum over the parameters, [batch, d] → [batch]."""
        axes = self.constant(f"{name}/axes", np.array([1], dtype=np.int64))
        return self("ReduceSum", name, operand, axes, keepdims=0)

    def polynomial(
        self, name: str, x: str, coefficients: Sequence[float | NDArray[np.float64]]
    ) -> str:
        """c₀ + c₁ x + c₂ x² + …, by Horner's rule; coefficients broadcast against x.

        >>> graph = GraphBuilder()
        >>> graph.polynomial("square", "x", (0.0, 0.0, 1.0))
        'square'
        """
        value: Operand = coefficients[-1]
        for order in range(len(coefficients) - 2, -1, -1):
            product = self("Mul", f"{name}/times_{order}", value, x)
            own = f"{name}/plus_{order}" if order else name
            value = self("Add", own, product, coefficients[order])
        return str(value)

    def dot(self, name: str, operand: str, vector: NDArray[np.float64]) -> str:
        """Product of each row with a vector, [batch, k] → [batch].

        As a matrix of one column, since ONNX Runtime refuses an empty batch times a
        one-dimensional tensor.
        """
        column = self("MatMul", f"{name}/column", operand, vector[:, None])
        axes = self.constant(f"{name}/axes", np.array([1], dtype=np.int64))
        return self("Squeeze", name, column, axes)
