"""Is a bundle what it was? Everything that a reader can check without its makers.

Needs NumPy and onnxruntime alone, as reading does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dnnlik.bundle.checksums import FILE_NAME as CHECKSUMS
from dnnlik.bundle.checksums import checksums_text, verify_checksums
from dnnlik.bundle.reader import COPY_NAME, MODEL_NAME
from dnnlik.bundle.vectors import FILE_NAME as VECTORS
from dnnlik.bundle.vectors import TOLERANCES, largest_difference
from dnnlik.documents import read_json
from dnnlik.exceptions import DnnlikError, InvalidFile
from dnnlik.onnx.runtime import PublishedLikelihood

__all__ = ["REQUIRED", "BundleCheck", "verify_bundle"]

REQUIRED = (
    MODEL_NAME,
    COPY_NAME,
    "metadata.json",
    "validation.json",
    "README.md",
    "report.html",
    VECTORS,
    CHECKSUMS,
)
"""Files that every bundle has."""


@dataclass(frozen=True)
class BundleCheck:
    """One thing that was checked; ``problem`` is empty where it holds."""

    name: str
    problem: str = ""

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
    steps: list[tuple[str, Callable[[Path], None]]] = [
        ("files", _files),
        ("checksums", _checksums),
        ("metadata", _metadata),
        *((f"test vectors of {name}", _vectors(name)) for name in (MODEL_NAME, COPY_NAME)),
    ]
    return tuple(BundleCheck(name, _problem(step, folder)) for name, step in steps)


def _problem(step: Callable[[Path], None], folder: Path) -> str:
    try:
        step(folder)
    except DnnlikError as error:
        return str(error)
    return ""


def _files(folder: Path) -> None:
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if missing:
        raise InvalidFile(f"the bundle is incomplete. Received: no {', '.join(missing)}")


def _checksums(folder: Path) -> None:
    verify_checksums(folder)
    present, listed = checksums_text(folder), (folder / CHECKSUMS).read_text(encoding="utf-8")
    more = sorted(set(_names(present)) - set(_names(listed)))
    if more:
        raise InvalidFile(f"the bundle has files that its list lacks. Received: {', '.join(more)}")


def _names(text: str) -> Iterator[str]:
    return (line.split("  ", 1)[1] for line in text.splitlines())


def _metadata(folder: Path) -> None:
    """The document beside the models says what is inside of them."""
    document = read_json(folder / "metadata.json")
    for name in (MODEL_NAME, COPY_NAME):
        published = PublishedLikelihood.open(folder / name)
        if document.get("parameters") != published.parameters.to_json():
            raise InvalidFile(
                f"metadata.json names other parameters than {name}, or another order. "
                f"Received: {[p.get('name') for p in document.get('parameters', [])]}"
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
