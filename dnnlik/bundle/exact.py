"""Writing the bundle of an exact likelihood: the graph itself, and no validation to read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnnlik.asimov import AsimovCurve
from dnnlik.bundle.card import exact_card
from dnnlik.bundle.folder import new_bundle
from dnnlik.bundle.publication import Publication
from dnnlik.bundle.reader import MODEL_NAME
from dnnlik.bundle.texts import author_of, write_metadata, write_texts
from dnnlik.bundle.vectors import FILE_NAME as VECTORS
from dnnlik.bundle.vectors import TOLERANCES, vectors_document
from dnnlik.documents import write_json
from dnnlik.environment import software_versions
from dnnlik.histfactory.description import HistFactoryDescription
from dnnlik.onnx.checks import Verification, require
from dnnlik.onnx.exact import exact_model
from dnnlik.onnx.exact_metadata import exact_properties
from dnnlik.onnx.verify import write
from dnnlik.onnx.verify_exact import Expected, verify_exact
from dnnlik.parameters import ParameterSet

__all__ = ["DESCRIPTION", "ExactSource", "write_exact_bundle"]

DESCRIPTION = (
    "An exact HistFactory likelihood as ONNX: value, constraint terms and gradient in float64, "
    "for any ONNX runtime."
)
_MEASURE = "differences |a - b| / max(1, |b|), of gradients that of the vectors of a point"
_QUANTITIES = {
    "reference": "all outputs",
    "constraint": "log_constraint",
    "expected": "log_likelihood",
    "gradient": "gradient",
}


@dataclass(frozen=True)
class ExactSource:
    """Where an exact likelihood is from.

    Attributes:
        description: the likelihood as arrays.
        settings: what it depends on beside the workspace: measurement, interpolation codes.
        provenance: ``likelihood`` (digest), ``sources`` (files with SHA-256) and ``seeds``.
        asimov: tables for upper limits.
    """

    description: HistFactoryDescription
    settings: Mapping[str, Any]
    provenance: Mapping[str, Any]
    asimov: Sequence[AsimovCurve] = ()


def write_exact_bundle(
    folder: str | Path, source: ExactSource, expected: Expected, publication: Publication
) -> Verification:
    """Write the graph of a likelihood, verify it, and describe it.

    Args:
        folder: where; an existing bundle is replaced once the new one is verified.
        source: the likelihood.
        expected: what other programs give; test vectors are made of it.
        publication: title, authors, licence.

    Raises:
        NotGoodEnough: the graph differs from the other programs by more than 1e-9.
        InvalidFile: the folder cannot be written, or holds something else.
    """
    publication = publication.described(DESCRIPTION)
    parameters = source.description.parameters
    with new_bundle(Path(folder)) as partial:
        path = partial / MODEL_NAME
        # What the file says of its accuracy is measured on the same graph without it.
        _write_model(path, source, {}, publication)
        accuracy = _accuracy(verify_exact(path, parameters, expected), expected)
        properties = _write_model(path, source, accuracy, publication)
        verification = verify_exact(path, parameters, expected)
        require(verification)
        metadata = write_metadata(partial, properties)
        write_json(partial / VECTORS, _vectors(parameters, expected))
        write_texts(partial, publication, exact_card(publication, metadata))
    return verification


def _write_model(
    path: Path, source: ExactSource, accuracy: Mapping[str, Any], publication: Publication
) -> dict[str, str]:
    properties = exact_properties(
        source.description.parameters,
        accuracy=accuracy,
        settings=source.settings,
        provenance={**source.provenance, "written_with": software_versions()},
        author=author_of(publication),
        license=publication.license,
        asimov=source.asimov,
    )
    write(exact_model(source.description, metadata=properties), path)
    return properties


def _accuracy(verification: Verification, expected: Expected) -> dict[str, Any]:
    require(verification)
    return {
        "method": "exact: the closed form of the workspace, compared with independent programs at "
        "random points, some of them outside of the bounds",
        "measure": _MEASURE,
        "points": verification.points,
        "points_without_answer": len(expected.points) - verification.points,
        "checks": [
            {
                "quantity": _QUANTITIES[check.name],
                "against": check.against,
                "largest_difference": _rounded_up(check.difference),
            }
            for check in verification.checks
            if check.name in _QUANTITIES
        ],
    }


def _rounded_up(number: float) -> float:
    """To one digit: the next ones depend on the machine, and the bytes should not.

    >>> _rounded_up(3.21e-13), _rounded_up(0.0)
    (4e-13, 0.0)
    """
    if number == 0:
        return 0.0
    power = math.floor(math.log10(number))
    return float(f"{math.ceil(number / 10.0**power)}e{power}")


def _vectors(parameters: ParameterSet, expected: Expected) -> dict[str, Any]:
    kept = expected.known
    points = expected.points[kept]
    outputs = {
        "log_likelihood": expected.log_likelihood[kept],
        "log_constraint": parameters.log_constraint(points),
        "gradient": expected.gradient[kept],
        "in_domain": parameters.inside(points),
    }
    return vectors_document(
        parameters.names,
        points,
        outputs,
        tolerances={MODEL_NAME: TOLERANCES[MODEL_NAME]},
        source=f"log_likelihood: {expected.value_source}; gradient: {expected.gradient_source}",
    )
