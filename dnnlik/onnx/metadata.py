"""What a published likelihood says about itself: JSON in ``metadata_props``.

ONNX metadata maps strings to strings. The standard keys ``model_author`` and
``model_license`` are plain text, the ``dnnlik.*`` keys hold one JSON document each:

``dnnlik.schema``       version of this layout
``dnnlik.kind``         "surrogate" (also where the key is absent) or "exact"
``dnnlik.parameters``   list in input order: name, init, bounds, constraint, poi
``dnnlik.terms``        the outputs, and the terms that log_likelihood is the sum of (below
                        the ceiling of a surrogate, which the note of the domain tells)
``dnnlik.conventions``  logarithm, factor, constant offset
``dnnlik.domain``       the box of the training points, or the bounds, in input order
``dnnlik.accuracy``     what was measured, how, and at how many points
``dnnlik.settings``     settings of the training, or of the exact likelihood
``dnnlik.provenance``   digests of what it was made from, seeds, software versions
``dnnlik.asimov``       tables of √q_{μ,A} for upper limits, see `dnnlik.asimov`; may be absent

Neither onnx nor onnxruntime is imported: any mapping of strings will do, such as
the one a JavaScript runtime does not show and ``metadata.json`` repeats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.asimov import AsimovCurve, curves_from_json, curves_to_json
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.onnx.conventions import (
    CONVENTIONS,
    DOMAIN_NOTE,
    OUTPUTS,
    UNCERTAINTY,
    finite,
    texts_of,
)
from dnnlik.parameters import ParameterSet
from dnnlik.surrogate.description import Domain, SurrogateDescription

__all__ = ["KINDS", "SCHEMA", "PublishedMetadata", "metadata_properties", "read_metadata"]

SCHEMA = "1.1"

KINDS = ("surrogate", "exact")
"""What a published file can be; files of before say nothing and are surrogates."""


@dataclass(frozen=True)
class PublishedMetadata:
    """What `read_metadata` found; documents are plain JSON objects.

    ``lower`` and ``upper`` (d,) are the box of the training points, possibly infinite; of an
    exact likelihood the bounds.
    """

    schema: str
    parameters: ParameterSet
    terms: dict[str, Any]
    conventions: dict[str, Any]
    domain: dict[str, Any]
    accuracy: dict[str, Any]
    settings: dict[str, Any]
    provenance: dict[str, Any]
    author: str
    license: str
    asimov: tuple[AsimovCurve, ...] = ()
    kind: str = "surrogate"

    @property
    def lower(self) -> NDArray[np.float64]:
        return _limits(self.domain["lower"], -np.inf)

    @property
    def upper(self) -> NDArray[np.float64]:
        return _limits(self.domain["upper"], np.inf)


def metadata_properties(
    description: SurrogateDescription,
    *,
    accuracy: Mapping[str, Any],
    author: str,
    license: str,
) -> dict[str, str]:
    """The metadata of a surrogate, string to string.

    Args:
        description: gives parameters, terms, domain, settings, provenance and Asimov curves.
        accuracy: what the validation measured; a JSON object.
        author: who publishes, for ``model_author``.
        license: an SPDX identifier such as ``CC-BY-4.0``, for ``model_license``.

    Raises:
        InvalidInput: a document that JSON cannot hold, such as a NaN in ``accuracy``.
    """
    documents: dict[str, Any] = {
        "dnnlik.schema": SCHEMA,
        "dnnlik.kind": "surrogate",
        "dnnlik.parameters": description.parameters.to_json(),
        "dnnlik.terms": {
            "log_likelihood": _summands(description),
            "outputs": _outputs(description),
        },
        "dnnlik.conventions": CONVENTIONS,
        "dnnlik.domain": _domain_document(description.domain),
        "dnnlik.accuracy": dict(accuracy),
        "dnnlik.settings": description.settings,
        "dnnlik.provenance": description.provenance,
    }
    if description.asimov:
        documents["dnnlik.asimov"] = curves_to_json(description.asimov)
    return {**texts_of(documents), "model_author": author, "model_license": license}


def read_metadata(
    properties: Mapping[str, str], *, source: str = "the metadata"
) -> PublishedMetadata:
    """The inverse of `metadata_properties`.

    Args:
        properties: the mapping of a file; other keys are ignored.
        source: the name of the file, for the messages.

    Raises:
        InvalidFile: a key is missing, is no JSON or means nothing.

    >>> read_metadata({})
    Traceback (most recent call last):
    ...
    dnnlik.exceptions.InvalidFile: the metadata lacks dnnlik.schema: it is no likelihood \
published by dnnlik. Received: no dnnlik.* keys
    """
    schema = _document(properties, "dnnlik.schema", str, source)
    if schema.split(".")[0] != SCHEMA.split(".")[0]:
        raise InvalidFile(
            f"{source} has a layout that this version of dnnlik cannot read; it reads {SCHEMA}. "
            f"Received: dnnlik.schema = {schema!r}"
        )
    parameters = _parameters(properties, source)
    objects = ("terms", "conventions", "accuracy", "settings", "provenance")
    return PublishedMetadata(
        schema=schema,
        parameters=parameters,
        domain=_domain(properties, len(parameters), source),
        author=properties.get("model_author", ""),
        license=properties.get("model_license", ""),
        asimov=_asimov(properties, parameters, source),
        kind=_kind(properties, source),
        **{name: _document(properties, f"dnnlik.{name}", dict, source) for name in objects},
    )


def _outputs(description: SurrogateDescription) -> dict[str, str]:
    several = len(description.networks) > 1
    return {**OUTPUTS, "uncertainty": UNCERTAINTY} if several else OUTPUTS


def _summands(description: SurrogateDescription) -> list[str]:
    quadratic = ["quadratic"] if description.quadratic is not None else []
    several = len(description.networks) > 1
    network = [f"mean of {len(description.networks)} networks" if several else "network"]
    return (["log_constraint"] if description.adds_constraint else []) + quadratic + network


def _domain_document(domain: Domain) -> dict[str, Any]:
    return {"lower": finite(domain.lower), "upper": finite(domain.upper), "note": DOMAIN_NOTE}


_JSON_KINDS: dict[type, str] = {dict: "a JSON object", list: "a JSON list", str: "a JSON string"}


def _document(properties: Mapping[str, str], key: str, kind: type, source: str) -> Any:
    if key not in properties:
        found = ", ".join(sorted(k for k in properties if k.startswith("dnnlik.")))
        raise InvalidFile(
            f"{source} lacks {key}: it is no likelihood published by dnnlik. "
            f"Received: {found or 'no dnnlik.* keys'}"
        )
    text = properties[key]
    try:
        document = json.loads(text)
    except (TypeError, ValueError) as error:
        raise _malformed(source, key, "JSON", text) from error
    if not isinstance(document, kind):
        raise _malformed(source, key, _JSON_KINDS[kind], text)
    return document


def _kind(properties: Mapping[str, str], source: str) -> str:
    if "dnnlik.kind" not in properties:
        return "surrogate"
    kind: str = _document(properties, "dnnlik.kind", str, source)
    if kind not in KINDS:
        raise _malformed(source, "dnnlik.kind", " or ".join(KINDS), kind)
    return kind


def _parameters(properties: Mapping[str, str], source: str) -> ParameterSet:
    document = _document(properties, "dnnlik.parameters", list, source)
    try:
        return ParameterSet.from_json(document)
    except (InvalidInput, TypeError, AttributeError) as error:
        raise InvalidFile(f"{source} has unusable dnnlik.parameters: {error}") from error


def _asimov(
    properties: Mapping[str, str], parameters: ParameterSet, source: str
) -> tuple[AsimovCurve, ...]:
    if "dnnlik.asimov" not in properties:
        return ()
    document = _document(properties, "dnnlik.asimov", list, source)
    try:
        return curves_from_json(document, parameters.names)
    except InvalidInput as error:
        raise InvalidFile(f"{source} has unusable dnnlik.asimov: {error}") from error


def _domain(properties: Mapping[str, str], size: int, source: str) -> dict[str, Any]:
    document: dict[str, Any] = _document(properties, "dnnlik.domain", dict, source)
    try:
        shapes = [_limits(document[side], np.nan).shape for side in ("lower", "upper")]
    except (KeyError, TypeError, ValueError):
        shapes = []
    if shapes != [(size,), (size,)]:
        expected = f"an object with lower and upper, {size} numbers or nulls each"
        raise _malformed(source, "dnnlik.domain", expected, properties["dnnlik.domain"])
    return document


def _limits(values: list[float | None], missing: float) -> NDArray[np.float64]:
    return np.array([missing if value is None else value for value in values], dtype=np.float64)


def _malformed(source: str, key: str, expected: str, text: object) -> InvalidFile:
    shown = repr(text)
    shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
    return InvalidFile(f"{source} must hold {expected} in {key}. Received: {shown}")
