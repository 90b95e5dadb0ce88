"""The files of a bundle beside the model: made from one `Publication`, and listed at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from dnnlik.bundle.checksums import FILE_NAME as CHECKSUMS
from dnnlik.bundle.checksums import checksums_text
from dnnlik.bundle.citation import citation_cff
from dnnlik.bundle.crate import FILE_NAME as CRATE
from dnnlik.bundle.crate import ro_crate, root_entity
from dnnlik.bundle.licences import licence_text
from dnnlik.bundle.publication import Publication
from dnnlik.bundle.schema import SCHEMA_FILE, check_metadata
from dnnlik.bundle.zenodo import deposit_metadata
from dnnlik.documents import read_json, write_json, write_text

__all__ = ["author_of", "carries", "metadata_document", "write_metadata", "write_texts"]


def author_of(publication: Publication) -> str:
    """The text of ``model_author``: names alone."""
    return "; ".join(author.name for author in publication.creators) or "not stated"


def metadata_document(properties: Mapping[str, str]) -> dict[str, Any]:
    """The content of ``metadata.json``: what a file says of itself, as one document.

    >>> metadata_document({"dnnlik.schema": '"1.1"', "model_author": "A. N. Other"})
    {'schema': '1.1', 'model_author': 'A. N. Other'}
    """
    return {
        name.removeprefix("dnnlik."): json.loads(text) if name.startswith("dnnlik.") else text
        for name, text in properties.items()
    }


def write_metadata(folder: Path, properties: Mapping[str, str]) -> dict[str, Any]:
    """Write ``metadata.json``, for runtimes that cannot read a file's metadata, and its schema.

    Raises:
        InvalidFile: it is not what the schema says.
    """
    document = metadata_document(properties)
    check_metadata(document)
    write_json(folder / "metadata.json", document)
    schema = resources.files("dnnlik.schemas").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    write_text(folder / "schemas" / SCHEMA_FILE, schema)
    return document


def write_texts(folder: Path, publication: Publication, card: str) -> None:
    """Card, licence, citation, and, last of all, the lists of every file."""
    write_text(folder / "README.md", card)
    write_text(folder / "LICENSE", licence_text(publication))
    if publication.authors:
        # A citation and a deposit must name somebody.
        write_text(folder / "CITATION.cff", citation_cff(publication))
        write_json(folder / ".zenodo.json", deposit_metadata(publication))
    present = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    write_json(folder / CRATE, ro_crate(publication, sorted([*present, CHECKSUMS])))
    write_text(folder / CHECKSUMS, checksums_text(folder))


def carries(folder: Path, publication: Publication) -> bool:
    """Whether the texts of a bundle are those of this publication.

    Raises:
        InvalidFile: the bundle has no texts that can be read.
    """
    metadata, crate = read_json(folder / "metadata.json"), read_json(folder / CRATE)
    wanted = json.loads(json.dumps(root_entity(publication)))
    found = [entity for entity in crate.get("@graph", []) if entity.get("@id") == "./"]
    same = [{key: one[key] for key in one if key != "hasPart"} == wanted for one in found]
    return (
        same == [True]
        and metadata.get("model_author") == author_of(publication)
        and metadata.get("model_license") == publication.license
        and (not publication.authors or _citation_of(folder) == citation_cff(publication))
    )


def _citation_of(folder: Path) -> str:
    path = folder / "CITATION.cff"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
