"""Writing a bundle: one folder that is all a reader needs, ready for a deposit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dnnlik.bundle.card import surrogate_card
from dnnlik.bundle.folder import new_bundle
from dnnlik.bundle.publication import Publication
from dnnlik.bundle.reader import COPY_NAME, MODEL_NAME
from dnnlik.bundle.texts import author_of, carries, write_metadata, write_texts
from dnnlik.bundle.vectors import FILE_NAME as VECTORS
from dnnlik.bundle.vectors import vectors_of
from dnnlik.documents import write_json, write_text
from dnnlik.environment import software_versions
from dnnlik.exceptions import BelowThreshold
from dnnlik.onnx.checks import Verification, require
from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.metadata import metadata_properties
from dnnlik.onnx.runtime import PublishedLikelihood
from dnnlik.onnx.verify import verify, verify_copy, write
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.typing import JSON
from dnnlik.validation.document import SCHEMA_FILE
from dnnlik.validation.page import page

__all__ = ["is_of", "write_bundle"]

DESCRIPTION = (
    "A neural surrogate of a statistical likelihood as ONNX, with its validation against the "
    "exact one."
)
_METHOD = (
    "surrogate minus exact log-likelihood at points that were held out of the training; t_errors: "
    "profile likelihood ratios t of both, fitted at `points` values; details in validation.json"
)


def write_bundle(
    folder: str | Path,
    description: SurrogateDescription,
    validation: JSON,
    *,
    expected: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    uncertainty: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    points: NDArray[np.float64],
    publication: Publication,
    figures: Path | None = None,
    accept_below_threshold: bool = False,
) -> Verification:
    """Export a validated surrogate and verify what was written.

    Args:
        folder: where; an existing bundle is replaced once the new one is verified.
        description: the surrogate.
        validation: the JSON of its validation.
        expected: the surrogate's log-likelihood by an independent program (Keras).
        uncertainty: that of an ensemble, likewise.
        points: (n, d) to verify at.
        publication: title, authors, licence.
        figures: the folder of a validation, whose ``report.html`` is taken along.
        accept_below_threshold: publish in spite of a failed verdict, which the files say.

    Raises:
        BelowThreshold: the validation failed.
        NotGoodEnough: the written graph does not reproduce the surrogate.
        InvalidFile: the folder cannot be written, or holds something else.
    """
    if not accept_below_threshold:
        _require_passed(validation)
    publication = publication.described(DESCRIPTION)
    with new_bundle(Path(folder)) as partial:
        verification = _write_model(
            partial, description, validation, publication, expected, uncertainty, points
        )
        _write_validation(partial, validation, figures)
        metadata = {"parameters": description.parameters.to_json()}
        write_texts(partial, publication, surrogate_card(publication, metadata, validation))
    return verification


def _require_passed(validation: JSON) -> None:
    """The error names the checks that failed, with what was measured and the limit."""
    if validation["passed"]:
        return
    missed = ", ".join(
        f"{c['name']} {_number(c['measured'])} "
        f"(at {'most' if c['at_most'] else 'least'} {c['limit']:g})"
        for c in validation["checks"]
        if c["passed"] is False
    )
    raise BelowThreshold(
        "the surrogate misses its thresholds and is not published; train on more points or "
        f"for more epochs, or pass --accept-below-threshold. Received: {missed}"
    )


def _number(measured: float | None) -> str:
    return "none" if measured is None else f"{measured:.3g}"


def is_of(folder: Path, publication: Publication) -> bool:
    """Whether a bundle carries the texts of this publication.

    Raises:
        InvalidFile: the bundle has no texts that can be read.
    """
    return carries(folder, publication.described(DESCRIPTION))


def _write_model(
    folder: Path,
    description: SurrogateDescription,
    validation: JSON,
    publication: Publication,
    expected: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    uncertainty: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None,
    points: NDArray[np.float64],
) -> Verification:
    properties = metadata_properties(
        _with_provenance(description),
        accuracy=_accuracy(validation),
        author=author_of(publication),
        license=publication.license,
    )
    path, copy = folder / MODEL_NAME, folder / COPY_NAME
    write(surrogate_model(description, metadata=properties), path)
    verification = verify(
        path, description, points=points, expected=expected, uncertainty=uncertainty
    )
    require(verification)
    write(surrogate_model(description, metadata=properties, precision="float32"), copy)
    require(verify_copy(copy, path, points=points))
    write_json(folder / VECTORS, vectors_of(PublishedLikelihood.open(path), points))
    write_metadata(folder, properties)
    return verification


def _with_provenance(description: SurrogateDescription) -> SurrogateDescription:
    """The same where the digest of the likelihood and all seeds can be found at once."""
    request = description.provenance.get("samples", {}).get("request", {})
    seeds = {"sampling": request.get("seed"), "training": description.settings.get("seed")}
    stated = {
        "likelihood": request.get("likelihood") or "not stated",
        "seeds": {key: seed for key, seed in seeds.items() if seed is not None},
        "written_with": software_versions(),
    }
    return replace(description, provenance=stated | description.provenance)


def _accuracy(validation: JSON) -> JSON:
    """The part of a validation that goes into the file itself."""
    keep = ("passed", "posterior_error", "effective_fraction", "error_bands", "intervals")
    scans = [
        {
            "points": len(s["values"]),
            **{k: s[k] for k in ("name", "mean_error", "largest_error")},
        }
        for s in validation["scans"]
    ]
    return {"method": _METHOD, **{key: validation[key] for key in keep}, "t_errors": scans}


def _write_validation(folder: Path, validation: JSON, figures: Path | None) -> None:
    write_json(folder / "validation.json", validation)
    write_text(folder / "report.html", _report(validation, figures))
    schema = resources.files("dnnlik.schemas").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    write_text(folder / "schemas" / SCHEMA_FILE, schema)


def _report(validation: JSON, figures: Path | None) -> str:
    """The report with its figures inside, or one without them."""
    written = None if figures is None else figures / "report.html"
    if written is not None and written.is_file():
        return written.read_text(encoding="utf-8")
    return page(validation, {})
