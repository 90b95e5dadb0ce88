"""ro-crate-metadata.json: the folder as linked data, RO-Crate 1.1 (w3id.org/ro/crate/1.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from dnnlik.bundle.licences import licence_name, licence_url
from dnnlik.bundle.publication import Author, Publication
from dnnlik.typing import JSON

__all__ = ["FILE_NAME", "ro_crate", "root_entity"]

FILE_NAME = "ro-crate-metadata.json"

_ONNX = "https://github.com/onnx/onnx/blob/main/docs/IR.md"
_FORMATS = {
    ".onnx": "application/octet-stream",
    ".json": "application/json",
    ".html": "text/html",
    ".md": "text/markdown",
    ".cff": "application/yaml",
    ".png": "image/png",
}
_NAMES = {
    "likelihood.onnx": "The likelihood as an ONNX graph, float64",
    "likelihood_float32.onnx": "The same with float32 inside the networks",
    "metadata.json": "Parameters, conventions, accuracy and provenance",
    "test_vectors.json": "Points, and what the likelihood is there",
    "validation.json": "The validation against the exact likelihood",
    "report.html": "The report of the validation",
    "README.md": "The model card",
    "LICENSE": "The licence",
    "SHA256SUMS": "SHA-256 of every file",
}


def ro_crate(publication: Publication, files: Sequence[str]) -> JSON:
    """The document of a folder.

    Args:
        publication: whose texts they are. RO-Crate demands a date: without one the document
            is incomplete, because nothing here looks at a clock; commands warn of it.
        files: names relative to the folder, with ``/``; this document is left out of them.
    """
    names = [name for name in files if name != FILE_NAME]
    entities = [
        {
            "@id": FILE_NAME,
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {**root_entity(publication), "hasPart": [{"@id": quote(name)} for name in names]},
        *(_file(name) for name in names),
        {
            "@id": licence_url(publication.license),
            "@type": "CreativeWork",
            "name": licence_name(publication.license),
            "description": f"SPDX: {publication.license}",
        },
        *(entity for author in publication.creators for entity in _creator(author)),
        {"@id": _ONNX, "@type": "WebSite", "name": "Open Neural Network Exchange (ONNX)"},
    ]
    # Two authors of one institute name it once.
    unique = {entity["@id"]: entity for entity in entities}
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": list(unique.values())}


def root_entity(publication: Publication) -> JSON:
    """What the document says of the folder as a whole, but for its parts."""
    found: JSON = {
        "@id": "./",
        "@type": "Dataset",
        "name": publication.title,
        "description": publication.description or publication.title,
        "version": publication.version,
        "license": {"@id": licence_url(publication.license)},
        "creator": [{"@id": _id(author)} for author in publication.creators],
    }
    return found | ({"datePublished": publication.date} if publication.date else {})


def _file(name: str) -> JSON:
    path = PurePosixPath(name)
    kind = _FORMATS.get(path.suffix, "application/json" if name == ".zenodo.json" else "text/plain")
    return {
        "@id": quote(name),
        "@type": "File",
        "name": _NAMES.get(name, path.name),
        "encodingFormat": [kind, {"@id": _ONNX}] if path.suffix == ".onnx" else kind,
    }


def _id(author: Author) -> str:
    return f"https://orcid.org/{author.orcid}" if author.orcid else f"#{quote(author.name)}"


def _creator(author: Author) -> list[JSON]:
    """A person and the institute, or a collaboration."""
    if not author.is_person:
        return [{"@id": _id(author), "@type": "Organization", "name": author.name}]
    person: JSON = {
        "@id": _id(author),
        "@type": "Person",
        "name": f"{author.given} {author.family}",
        "familyName": author.family,
        "givenName": author.given,
    }
    if not author.affiliation:
        return [person]
    institute = f"#{quote(author.affiliation)}"
    return [
        {**person, "affiliation": {"@id": institute}},
        {"@id": institute, "@type": "Organization", "name": author.affiliation},
    ]
