"""The JSON schema of ``metadata.json``, and its check where there is a program for that.

Reading a bundle needs NumPy and onnxruntime alone; the check needs jsonschema, and is left out
without it, which whoever asks is told.
"""

from __future__ import annotations

import json
from importlib import resources
from importlib.util import find_spec
from typing import Any

from dnnlik.exceptions import InvalidFile

__all__ = ["SCHEMA_FILE", "can_check", "check_metadata"]

SCHEMA_FILE = "metadata-1.json"


def can_check() -> bool:
    """Whether jsonschema is installed."""
    return find_spec("jsonschema") is not None


def check_metadata(document: Any) -> None:
    """Compare the content of a ``metadata.json`` with its schema, if `can_check`. Layout 1.0,
    of before, had none.

    Raises:
        InvalidFile: it is something else; the message names the first place.
    """
    first_layout = isinstance(document, dict) and document.get("schema") == "1.0"
    if first_layout or not can_check():
        return
    import jsonschema

    text = resources.files("dnnlik.schemas").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    schema = json.loads(text)
    error = jsonschema.exceptions.best_match(
        jsonschema.Draft202012Validator(schema).iter_errors(document)
    )
    if error is not None:
        place = "/".join(map(str, error.absolute_path)) or "the document"
        raise InvalidFile(
            f"metadata.json is not what its schema {SCHEMA_FILE} says, at {place}. "
            f"Received: {error.message[:120]}"
        )
