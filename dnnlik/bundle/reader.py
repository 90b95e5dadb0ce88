"""Opening what was published. Needs NumPy and onnxruntime alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from dnnlik.bundle.archive import extract
from dnnlik.bundle.checksums import FILE_NAME as CHECKSUMS
from dnnlik.bundle.checksums import verify_checksums
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.onnx.runtime import PublishedLikelihood

__all__ = ["COPY_NAME", "MODEL_NAME", "is_published", "load"]

MODEL_NAME = "likelihood.onnx"
COPY_NAME = "likelihood_float32.onnx"
"""The same with float32 arithmetic inside the networks; its inputs and outputs are float64."""


def is_published(path: str | Path) -> bool:
    """Whether a path is what `load` opens, by its kind: a folder, ``.zip`` or ``.onnx``."""
    path = Path(path)
    return path.is_dir() or path.suffix in (".onnx", ".zip")


def load(
    path: str | Path, *, precision: str = "float64", threads: int | None = None
) -> PublishedLikelihood:
    """Open a published likelihood: a bundle folder, the same as ``.zip``, or an ``.onnx`` file.

    The files of a bundle are checked against its checksums first.

    Args:
        path: the folder or the file.
        precision: of the folder of a surrogate, "float32" for the faster copy, right to some
            10⁻⁵.
        threads: threads of ONNX Runtime; its own choice by default.

    Raises:
        InvalidFile: missing, damaged, or no published likelihood.
        InvalidInput: another precision, or one that the bundle does not have.

    Example::

        likelihood = dnnlik.load("bundle")
        likelihood.parameters.names
        likelihood.log_likelihood(points)     # (n, d) → (n,), natural log
        likelihood.gradient(points)           # (n, d)
        likelihood.in_domain(points)          # (n,) bool
    """
    path = Path(path)
    if path.suffix == ".zip" and path.is_file():
        with tempfile.TemporaryDirectory() as folder:
            return load(extract(path, folder), precision=precision, threads=threads)
    if path.is_dir():
        path = path / _name(precision)
        _check_folder(path.parent)
        verify_checksums(path.parent)
        if precision != "float64" and not path.is_file():
            raise InvalidInput(
                "this bundle has no float32 copy, as that of an exact likelihood has none: leave "
                f"the precision out. Received: {path.parent}"
            )
    elif not path.is_file():
        raise InvalidFile(f"there is no such bundle or file. Received: {path}")
    elif path.name in (MODEL_NAME, COPY_NAME) and (path.parent / CHECKSUMS).is_file():
        verify_checksums(path.parent)
    return PublishedLikelihood.open(path, threads=threads)


def _check_folder(folder: Path) -> None:
    """Say where the likelihood is in what `dnnlik optimise` leaves, which is no bundle."""
    workspace = folder / "workspace.json"
    if workspace.is_file() and not (folder / MODEL_NAME).exists():
        raise InvalidFile(
            f"the folder is no bundle, but has a likelihood: {workspace}. Received: {folder}"
        )


def _name(precision: str) -> str:
    names = {"float64": MODEL_NAME, "float32": COPY_NAME}
    if precision not in names:
        raise InvalidInput(f"precision is float64 or float32. Received: {precision!r}")
    return names[precision]
