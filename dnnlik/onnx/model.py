"""From the nodes of a likelihood to an ONNX model: the signature that every one has.

Opset 15 and IR version 8, with operators that ONNX Runtime has in float64: newer
defaults of the onnx package are refused by runtimes in use.
"""

from __future__ import annotations

from collections.abc import Mapping

import onnx
from onnx import TensorProto

from dnnlik.onnx.builder import INPUT, GraphBuilder

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
) -> onnx.ModelProto:
    """The model of a graph whose nodes compute the outputs by these names.

    Args:
        graph: with nodes ``log_likelihood``, ``log_constraint``, ``gradient``, ``in_domain``
            and, if so said, ``uncertainty``.
        size: the number of parameters, d.
        metadata: goes into ``metadata_props``.
        learned: a surrogate, or else exact; the description of the model says it.
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
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "likelihood",
            [tensor(INPUT, TensorProto.DOUBLE, ["batch", size])],
            outputs,
            graph.constants,
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="dnnlik",
        doc_string=f"{kind} likelihood: natural logarithms, no factor 2, raw physical inputs.",
    )
    onnx.helper.set_model_props(model, dict(sorted(metadata.items())))
    return model
