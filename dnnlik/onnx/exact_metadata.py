"""What the file of an exact likelihood says about itself: as a surrogate's, of another kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dnnlik.asimov import AsimovCurve, curves_to_json
from dnnlik.onnx.conventions import (
    EXACT_CONVENTIONS,
    EXACT_DOMAIN_NOTE,
    EXACT_OUTPUTS,
    finite,
    texts_of,
)
from dnnlik.onnx.metadata import SCHEMA
from dnnlik.parameters import ParameterSet

__all__ = ["exact_properties"]


def exact_properties(
    parameters: ParameterSet,
    *,
    accuracy: Mapping[str, Any],
    settings: Mapping[str, Any],
    provenance: Mapping[str, Any],
    author: str,
    license: str,
    asimov: Sequence[AsimovCurve] = (),
) -> dict[str, str]:
    """The metadata of an exact likelihood, string to string; `read_metadata` is the inverse.

    Args:
        parameters: the free parameters, in input order.
        accuracy: how the file was verified, and how well it agreed.
        settings: what the likelihood depends on beside its workspace.
        provenance: digests of the sources, seeds, software versions.
        author, license: for ``model_author`` and ``model_license`` (SPDX).
        asimov: tables for upper limits.

    Raises:
        InvalidInput: a document that JSON cannot hold, such as a NaN.

    >>> from dnnlik.onnx.metadata import read_metadata
    >>> from dnnlik.parameters import Parameter
    >>> one = ParameterSet([Parameter("mu", init=1, bounds=(0, 5), poi=True)])
    >>> found = read_metadata(exact_properties(
    ...     one, accuracy={}, settings={}, provenance={}, author="A", license="CC0-1.0"))
    >>> found.kind, found.upper.tolist(), found.terms["log_likelihood"]
    ('exact', [5.0], ['log_main', 'log_constraint'])
    """
    lower, upper = finite(parameters.lower), finite(parameters.upper)
    documents: dict[str, Any] = {
        "dnnlik.schema": SCHEMA,
        "dnnlik.kind": "exact",
        "dnnlik.parameters": parameters.to_json(),
        "dnnlik.terms": {
            "log_likelihood": ["log_main", "log_constraint"],
            "outputs": EXACT_OUTPUTS,
        },
        "dnnlik.conventions": EXACT_CONVENTIONS,
        "dnnlik.domain": {"lower": lower, "upper": upper, "note": EXACT_DOMAIN_NOTE},
        "dnnlik.accuracy": dict(accuracy),
        "dnnlik.settings": dict(settings),
        "dnnlik.provenance": dict(provenance),
    }
    if asimov:
        documents["dnnlik.asimov"] = curves_to_json(asimov)
    return {**texts_of(documents), "model_author": author, "model_license": license}
