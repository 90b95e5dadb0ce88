"""Is a bundle what it was? Everything that a reader can check without its makers.

Needs NumPy and onnxruntime alone, as reading does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnnlik.bundle.checksums import FILE_NAME as CHECKSUMS
from dnnlik.bundle.checksums import checksums_text, verify_checksums
from dnnlik.bundle.reader import COPY_NAME, MODEL_NAME
from dnnlik.bundle.schema import can_check, check_metadata
from dnnlik.bundle.texts import metadata_document
from dnnlik.bundle.vectors import FILE_NAME as VECTORS
from dnnlik.bundle.vectors import TOLERANCES, largest_difference
from dnnlik.documents import read_json
from dnnlik.exceptions import DnnlikError, InvalidFile
from dnnlik.onnx.metadata import KINDS
from dnnlik.onnx.runtime import PublishedLikelihood
from dnnlik.typing import JSON

__all__ = ["REQUIRED", "BundleCheck", "verify_bundle"]

_ALWAYS = (MODEL_NAME, "metadata.json", "README.md", VECTORS, CHECKSUMS)

REQUIRED = {
    "surrogate": (*_ALWAYS, COPY_NAME, "validation.json", "report.html"),
    "exact": _ALWAYS,
}
"""Files that every bundle of a kind has; an exact likelihood needs no validation and no copy."""


@dataclass(frozen=True)
class BundleCheck:
    """One thing that was checked; ``problem`` is empty where it holds, ``note`` says what could
    not be looked at."""

    name: str
    problem: str = ""
    note: str = ""

    @property
    def passed(self) -> bool:
        return not self.problem


def verify_bundle(folder: str | Path) -> tuple[BundleCheck, ...]:
    """Check files, checksums, metadata and test vectors of a bundle; all of them, whatever
    the first ones say.

    Raises:
        InvalidFile: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InvalidFile(f"there is no such bundle. Received: {folder}")
    kind = _kind(folder)
    models = [name for name in (MODEL_NAME, COPY_NAME) if name in REQUIRED[kind]]
    unchecked = "" if can_check() else "not compared with its schema: jsonschema is not installed"
    return (
        BundleCheck("files", _problem(_files(kind), folder)),
        BundleCheck("checksums", _problem(_checksums, folder)),
        BundleCheck("metadata", _problem(_metadata(models), folder), unchecked),
        *(
            BundleCheck(f"test vectors of {name}", _problem(_vectors(name), folder))
            for name in models
        ),
    )


def _kind(folder: Path) -> str:
    """What a bundle says it is; that its model says the same is checked with the metadata."""
    try:
        kind = read_json(folder / "metadata.json").get("kind")
    except InvalidFile:
        return "surrogate"
    return kind if kind in KINDS else "surrogate"


def _problem(step: Callable[[Path], None], folder: Path) -> str:
    try:
        step(folder)
    except DnnlikError as error:
        return str(error)
    return ""


def _files(kind: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        missing = [name for name in REQUIRED[kind] if not (folder / name).is_file()]
        if missing:
            raise InvalidFile(f"the bundle is incomplete. Received: no {', '.join(missing)}")

    return check


def _checksums(folder: Path) -> None:
    verify_checksums(folder)
    present, listed = checksums_text(folder), (folder / CHECKSUMS).read_text(encoding="utf-8")
    more = sorted(set(_names(present)) - set(_names(listed)))
    if more:
        raise InvalidFile(f"the bundle has files that its list lacks. Received: {', '.join(more)}")


def _names(text: str) -> Iterator[str]:
    return (line.split("  ", 1)[1] for line in text.splitlines())


def _metadata(models: Sequence[str]) -> Callable[[Path], None]:
    """The document beside the models is what its schema says, and says what they say."""

    def check(folder: Path) -> None:
        document = read_json(folder / "metadata.json")
        for name in models:
            published = PublishedLikelihood.open(folder / name)
            _check_parameters(document, published, name)
            inside = metadata_document(published.properties)
            differing = [k for k in {**inside, **document} if inside.get(k) != document.get(k)]
            if differing:
                raise InvalidFile(
                    f"metadata.json says something else than {name}. "
                    f"Received: another {', '.join(sorted(differing))}"
                )
        check_metadata(document)

    return check


def _check_parameters(document: JSON, published: PublishedLikelihood, name: str) -> None:
    stated = document.get("parameters")
    if stated != published.parameters.to_json():
        rows = stated if isinstance(stated, list) else []
        names = [row.get("name") if isinstance(row, dict) else row for row in rows]
        raise InvalidFile(
            f"metadata.json names other parameters than {name}, or another order. Received: {names}"
        )


def _vectors(name: str) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        published = PublishedLikelihood.open(folder / name)
        found = largest_difference(published, read_json(folder / VECTORS))
        if found > TOLERANCES[name]:
            raise InvalidFile(
                f"{name} does not give what its test vectors say, to {TOLERANCES[name]:g}. "
                f"Received: a difference of {found:.2g}"
            )

    return check
