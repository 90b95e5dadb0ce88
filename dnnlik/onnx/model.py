"""From the nodes of a likelihood to an ONNX model: the signature that every one has.

ONNX Runtime computes all outputs, also those that nobody asked for, and a gradient costs as
much as a value. In a model that is to be fast, what the gradient alone needs stands in a branch:
the input ``with_gradient`` (a boolean with the default true, so that nobody has to give it)
leaves it out, and ``gradient`` is then NaN. Others are plain, for runtimes without branches.

Opset 15 and IR version 8, with operators that ONNX Runtime has in float64: newer
defaults of the onnx package are refused by runtimes in use.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import TensorProto

from dnnlik.onnx.builder import INPUT, GraphBuilder
from dnnlik.onnx.runtime import WITH_GRADIENT

__all__ = ["IR_VERSION", "OPSET", "likelihood_model"]

OPSET = 15
IR_VERSION = 8


def likelihood_model(
    graph: GraphBuilder,
    size: int,
    metadata: Mapping[str, str],
    *,
    learned: bool,
    with_uncertainty: bool = False,
    with_branch: bool = False,
) -> onnx.ModelProto:
    """The model of a graph whose nodes compute the outputs by these names.

    Args:
        graph: with nodes ``log_likelihood``, ``log_constraint``, ``gradient``, ``in_domain``
            and, if so said, ``uncertainty``.
        size: the number of parameters, d.
        metadata: goes into ``metadata_props``.
        learned: a surrogate, or else exact; the description of the model says it.
        with_branch: whether the gradient can be left out.
    """
    tensor = onnx.helper.make_tensor_value_info
    outputs = [
        tensor("log_likelihood", TensorProto.DOUBLE, ["batch"]),
        tensor("log_constraint", TensorProto.DOUBLE, ["batch"]),
        tensor("gradient", TensorProto.DOUBLE, ["batch", size]),
        tensor("in_domain", TensorProto.BOOL, ["batch"]),
    ]
    if with_uncertainty:
        outputs.append(tensor("uncertainty", TensorProto.DOUBLE, ["batch"]))
    kind = "A learned" if learned else "An exact"
    nodes, inputs = graph.nodes, [tensor(INPUT, TensorProto.DOUBLE, ["batch", size])]
    if with_branch:
        nodes = _with_a_branch(graph, outputs)
        graph.constant(WITH_GRADIENT, np.array(True))
        inputs.append(tensor(WITH_GRADIENT, TensorProto.BOOL, []))
    model = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, "likelihood", inputs, outputs, graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="dnnlik",
        doc_string=f"{kind} likelihood: natural logarithms, no factor 2, raw physical inputs.",
    )
    onnx.helper.set_model_props(model, dict(sorted(metadata.items())))
    return model


def _with_a_branch(graph: GraphBuilder, outputs: list[onnx.ValueInfoProto]) -> list[onnx.NodeProto]:
    """The nodes of a graph, those that the gradient alone needs in a branch."""
    always = _needed(graph.nodes, {o.name for o in outputs} - {"gradient"})
    lazily = _needed(graph.nodes, {"gradient"}) - always
    lazy = [node for node in graph.nodes if node.name in lazily]
    found = [node for node in graph.nodes if node.name in always]
    (declared,) = (output for output in outputs if output.name == "gradient")
    # An output of a branch has a name of its own.
    asked, left_out = (onnx.ValueInfoProto.FromString(declared.SerializeToString()) for _ in "ab")
    asked.name, left_out.name = "gradient/asked", "gradient/left_out"
    lazy[-1].output[0] = lazy[-1].name = asked.name
    nothing = onnx.helper.make_node(
        "Mul", [INPUT, graph.constant("gradient/nan", np.nan)], [left_out.name], left_out.name
    )
    chosen = onnx.helper.make_node(
        "If",
        [WITH_GRADIENT],
        ["gradient"],
        "gradient",
        then_branch=onnx.helper.make_graph(lazy, "with_gradient", [], [asked]),
        else_branch=onnx.helper.make_graph([nothing], "without_gradient", [], [left_out]),
    )
    return [*found, chosen]


def _needed(nodes: list[onnx.NodeProto], names: set[str]) -> set[str]:
    """The names of the nodes that compute these, which are in the order of computing."""
    found = set(names)
    for node in reversed(nodes):
        if node.name in found:
            found.update(node.input)
    return found & {node.name for node in nodes}
