"""Test vectors: points and what a published likelihood gives there, for any language.

A reader in another language runs its own copy of the model on ``points`` and compares. What
is written comes from ONNX Runtime after `dnnlik.onnx.verify` has proved the file right; of an
exact likelihood from other programs (``source`` says which).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.exceptions import InvalidFile
from dnnlik.onnx.runtime import PublishedLikelihood
from dnnlik.typing import JSON

__all__ = ["FILE_NAME", "TOLERANCES", "largest_difference", "vectors_document", "vectors_of"]

FILE_NAME = "test_vectors.json"
SCHEMA = "dnnlik.test_vectors/1"
MOST_POINTS = 32

TOLERANCES = {"likelihood.onnx": 1e-9, "likelihood_float32.onnx": 1e-5}
"""The largest |a - b| / max(1, |b|) of each file; of a gradient, of vectors of a point."""

_NOTE = (
    "natural logarithms; a value is right if |a-b| <= tolerance * max(1, |b|), a gradient if that "
    "holds of the lengths of the vectors of a point"
)


def vectors_of(published: PublishedLikelihood, points: NDArray[np.float64]) -> JSON:
    """The document of a file at some of these points, (n, d), those of finite likelihood."""
    outputs = dict(zip(_NAMES, _outputs(published, points), strict=True))
    return vectors_document(
        published.parameters.names,
        points,
        outputs,
        tolerances=TOLERANCES,
        source="likelihood.onnx itself in ONNX Runtime, after it was verified",
    )


def vectors_document(
    names: Sequence[str],
    points: NDArray[np.float64],
    outputs: Mapping[str, NDArray[Any]],
    *,
    tolerances: Mapping[str, float],
    source: str,
) -> JSON:
    """Up to 32 of these points, (n, d), and what was found there.

    Args:
        names: of the parameters.
        points: (n, d).
        outputs: ``log_likelihood`` (n,), ``log_constraint`` (n,), ``gradient`` (n, d) and
            ``in_domain`` (n,); points where the first is not finite are left out.
        tolerances: by the name of the file, see `TOLERANCES`.
        source: the program that gave the outputs, in words.
    """
    finite = np.flatnonzero(np.isfinite(outputs["log_likelihood"]))
    kept = finite[np.linspace(0, len(finite) - 1, min(len(finite), MOST_POINTS)).astype(int)]
    return {
        "schema": SCHEMA,
        "parameters": list(names),
        "points": points[kept].tolist(),
        **{name: outputs[name][kept].tolist() for name in _NAMES},
        "tolerance": dict(tolerances),
        "source": source,
        "note": _NOTE,
    }


def largest_difference(published: PublishedLikelihood, document: JSON) -> float:
    """How far a file is from test vectors, in the measure of `TOLERANCES`; infinite where a
    point is on the other side of the domain.

    Raises:
        InvalidFile: the vectors are of other parameters, or are none.
    """
    names = document.get("parameters")
    if names != list(published.parameters.names):
        raise InvalidFile(
            f"test vectors are of {', '.join(published.parameters.names)}, in this order. "
            f"Received: {names}"
        )
    try:
        points = published.parameters.points(document["points"])
        wanted = [np.asarray(document[name]) for name in _NAMES]
        shapes = [array.shape for array in wanted]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidFile(f"test vectors have {', '.join(_NAMES)}. Received: {error}") from error
    found = _outputs(published, points)
    if shapes != [array.shape for array in found] or not len(points):
        raise InvalidFile(f"test vectors have a row a point. Received: shapes {shapes}")
    if not np.array_equal(found[3], wanted[3]):
        return np.inf
    distances = [_relative(a, b) for a, b in zip(found[:3], wanted[:3], strict=True)]
    largest = float(np.max(np.concatenate(distances)))
    return largest if np.isfinite(largest) else np.inf


def _relative(found: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """|a - b| / max(1, |b|) of each point, of numbers (n,) or vectors (n, d)."""
    rows = [array.reshape(len(wanted), -1) for array in (found - wanted, wanted)]
    distance, length = (np.linalg.norm(row, axis=1) for row in rows)
    return np.asarray(distance / np.maximum(1.0, length))


_NAMES = ("log_likelihood", "log_constraint", "gradient", "in_domain")


def _outputs(published: PublishedLikelihood, points: NDArray[np.float64]) -> list[NDArray[Any]]:
    return published.evaluate(points, *_NAMES)
