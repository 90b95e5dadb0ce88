"""A trained observable as ONNX: ``features`` [batch, k] → ``summary`` [batch], or
``bin_probabilities`` [batch, bins], float32.

Any Keras network may be one, so that tf2onnx writes the graph; what it wrote is run and
compared before the file appears under its name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidFile
from dnnlik.onnx.model import IR_VERSION, OPSET
from dnnlik.onnx.verify import write
from dnnlik.typing import JSON

__all__ = ["OpenedNetwork", "open_network", "write_observable"]

TOLERANCE = 1e-5
"""Largest difference of the file's output from Keras', relative where that is above 1; both
are float32."""


def write_observable(
    network: Any, path: str | Path, features: NDArray[np.float32], metadata: JSON
) -> None:
    """Write a Keras network with input ``features`` and one named output.

    Args:
        network: (n, k) → (n, ...); its last layer has the name of the output.
        path: the ONNX file.
        features: (n, k) events to compare the file with the network at.
        metadata: goes into the file as JSON, under ``dnnlik.observable``.

    Raises:
        InvalidFile: it cannot be written, or what was written does not agree.
    """
    try:
        model = _converted(network, int(features.shape[1]))
        entry = model.metadata_props.add()
        entry.key, entry.value = "dnnlik.observable", json.dumps(metadata)
        content = model.SerializeToString()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        (found,) = session.run([network.output_names[0]], {"features": features})
    except Exception as error:  # tf2onnx and ONNX Runtime each have many of their own
        raise InvalidFile(
            f"the trained network cannot be written as ONNX ({' '.join(str(error).split())[:200]}):"
            f" a layer that tf2onnx cannot translate. Received: {path}"
        ) from error
    expected = np.asarray(network(features))
    difference = float((np.abs(found - expected) / np.maximum(1.0, np.abs(expected))).max())
    if found.shape != expected.shape or not difference <= TOLERANCE:
        raise InvalidFile(
            f"the exported network differs by {difference:.2g} from the trained one, more than "
            f"{TOLERANCE:g}: a layer that tf2onnx cannot translate. Received: {path}"
        )
    write(model, path)


@dataclass(frozen=True)
class OpenedNetwork:
    """The network of a file, to be called: features (n, k) float32 → outputs (n, ...) float32.

    Attributes:
        features: k.
        outputs: the shape of the output for one event, () for a number.
        session: of ONNX Runtime.
    """

    features: int
    outputs: tuple[int, ...]
    session: Any

    def __call__(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(self.session.run(None, {"features": features})[0])


def open_network(path: str | Path) -> OpenedNetwork:
    """The network of a file that `write_observable` wrote.

    Raises:
        InvalidFile: it is missing, or no network of features.
    """
    try:
        content = Path(path).read_bytes()
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        (inputs,) = session.get_inputs()
        if inputs.name != "features":
            raise ValueError(f"input {inputs.name}")
        (output,) = session.get_outputs()
        return OpenedNetwork(int(inputs.shape[1]), tuple(map(int, output.shape[1:])), session)
    except Exception as error:  # ONNX Runtime has many of its own
        raise InvalidFile(
            f"expected a network of dnnlik optimise. Received: {' '.join(str(error).split())[:200]}"
        ) from error


def _converted(network: Any, width: int) -> onnx.ModelProto:
    import tensorflow as tf
    import tf2onnx

    signature = [tf.TensorSpec((None, width), tf.float32, name="features")]
    model, _ = tf2onnx.convert.from_keras(network, input_signature=signature, opset=OPSET)
    model.ir_version = IR_VERSION
    (output,) = model.graph.output
    _rename(model.graph, output.name, network.output_names[0])
    return model


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    """Give an output another name."""
    for node in graph.node:
        for position, name in enumerate(node.output):
            if name == old:
                node.output[position] = new
        for position, name in enumerate(node.input):
            if name == old:
                node.input[position] = new
    graph.output[0].name = new
