"""Writing a bundle: one folder that is all a reader needs, ready for a deposit."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dnnlik.bundle.card import Publication, citation_cff, model_card, zenodo_json
from dnnlik.bundle.checksums import FILE_NAME, checksums_text
from dnnlik.bundle.reader import COPY_NAME, MODEL_NAME
from dnnlik.bundle.vectors import FILE_NAME as VECTORS
from dnnlik.bundle.vectors import vectors_of
from dnnlik.documents import read_json, write_json, write_text
from dnnlik.exceptions import BelowThreshold, InvalidFile, NotGoodEnough
from dnnlik.onnx.graph import surrogate_model
from dnnlik.onnx.metadata import metadata_properties
from dnnlik.onnx.runtime import PublishedLikelihood
from dnnlik.onnx.verify import Verification, verify, verify_copy, write
from dnnlik.surrogate.description import SurrogateDescription
from dnnlik.typing import JSON
from dnnlik.validation.document import SCHEMA_FILE
from dnnlik.validation.page import page

__all__ = ["is_of", "write_bundle"]


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
        figures: a folder of PNG files and of ``report.html`` to take along.
        accept_below_threshold: publish in spite of a failed verdict, which the files say.

    Raises:
        BelowThreshold: the validation failed.
        NotGoodEnough: the written graph does not reproduce the surrogate.
        InvalidFile: the folder cannot be written, or holds something else.
    """
    if not accept_below_threshold:
        _require_passed(validation)
    folder = Path(folder)
    _check_replaceable(folder)
    partial = folder.with_name(f".{folder.name}.dnnlik-new")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        verification = _write_model(
            partial, description, validation, publication, expected, uncertainty, points
        )
        _write_texts(partial, description, validation, publication, figures)
        _swap(partial, folder)
    except OSError as error:
        raise InvalidFile(
            f"cannot write the bundle ({error.strerror or error}). Received: {folder}"
        ) from error
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
    """Whether a bundle carries the texts of this publication."""
    metadata = read_json(folder / "metadata.json")
    card = (folder / "README.md").read_text(encoding="utf-8")
    same = metadata.get("model_author") == _author(publication)
    same &= metadata.get("model_license") == publication.license
    return bool(same) and f"# {publication.title}\n" in card


def _author(publication: Publication) -> str:
    return "; ".join(publication.authors) or "not stated"


def _check_replaceable(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InvalidFile(f"a bundle is a folder, and this is a file. Received: {folder}")
    if folder.exists() and not (folder / MODEL_NAME).exists() and any(folder.iterdir()):
        raise InvalidFile(f"the folder exists and holds no bundle. Received: {folder}")


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
        description,
        accuracy=_accuracy(validation),
        author=_author(publication),
        license=publication.license,
    )
    path, copy = folder / MODEL_NAME, folder / COPY_NAME
    write(surrogate_model(description, metadata=properties), path)
    verification = verify(
        path, description, points=points, expected=expected, uncertainty=uncertainty
    )
    _require(verification)
    write(surrogate_model(description, metadata=properties, precision="float32"), copy)
    _require(verify_copy(copy, path, points=points))
    write_json(folder / VECTORS, vectors_of(PublishedLikelihood.open(path), points))
    # Some runtimes cannot read a file's metadata: the same again as a document.
    write_json(folder / "metadata.json", _document(properties))
    return verification


def _require(verification: Verification) -> None:
    if not verification.passed:
        raise NotGoodEnough(
            f"the written graph does not reproduce the surrogate. Received: {verification.message}"
        )


def _document(properties: dict[str, str]) -> dict[str, Any]:
    """``{"dnnlik.parameters": "[...]"}`` → ``{"parameters": [...]}``."""
    return {name.removeprefix("dnnlik."): _value(text) for name, text in properties.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _accuracy(validation: JSON) -> JSON:
    """The part of a validation that goes into the file itself."""
    keep = ("passed", "posterior_error", "effective_fraction", "error_bands", "intervals")
    scans = [
        {k: s[k] for k in ("name", "mean_error", "largest_error")} for s in validation["scans"]
    ]
    return {**{key: validation[key] for key in keep}, "t_errors": scans}


def _write_texts(
    folder: Path,
    description: SurrogateDescription,
    validation: JSON,
    publication: Publication,
    figures: Path | None,
) -> None:
    metadata = {"parameters": description.parameters.to_json()}
    write_json(folder / "validation.json", validation)
    write_text(folder / "README.md", model_card(publication, metadata, validation))
    write_text(folder / "report.html", _report(validation, figures))
    schema = resources.files("dnnlik.schemas").joinpath(SCHEMA_FILE).read_text()
    write_text(folder / "schemas" / SCHEMA_FILE, schema)
    if publication.authors:
        # A citation and a deposit must name somebody.
        write_text(folder / "CITATION.cff", citation_cff(publication))
        write_json(folder / ".zenodo.json", zenodo_json(publication))
    for figure in sorted(figures.glob("*.png")) if figures else ():
        (folder / "figures").mkdir(exist_ok=True)
        shutil.copyfile(figure, folder / "figures" / figure.name)
    write_text(folder / FILE_NAME, checksums_text(folder))


def _report(validation: JSON, figures: Path | None) -> str:
    """The report beside the figures, or one without them."""
    written = None if figures is None else figures / "report.html"
    if written is not None and written.is_file():
        return written.read_text(encoding="utf-8")
    return page(validation, {})


def _swap(partial: Path, folder: Path) -> None:
    """Put the new folder in place of the old one, which is removed last of all.

    A kill between the two renames leaves the old one beside under its hidden name.
    """
    old = folder.with_name(f".{folder.name}.dnnlik-old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(partial, folder)
    shutil.rmtree(old, ignore_errors=True)
