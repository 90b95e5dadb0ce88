"""Opening what was published. Needs NumPy and onnxruntime alone."""

from __future__ import annotations

from pathlib import Path

from dnnlik.bundle.checksums import FILE_NAME as CHECKSUMS
from dnnlik.bundle.checksums import verify_checksums
from dnnlik.exceptions import InvalidFile
from dnnlik.onnx.runtime import PublishedLikelihood

__all__ = ["MODEL_NAME", "load"]

MODEL_NAME = "likelihood.onnx"


def load(path: str | Path, *, threads: int | None = None) -> PublishedLikelihood:
    """Open a published likelihood: a bundle folder or an ``.onnx`` file.

    The files of a bundle are checked against its checksums first.

    Args:
        path: the folder or the file.
        threads: threads of ONNX Runtime; its own choice by default.

    Raises:
        InvalidFile: missing, damaged, or no published likelihood.

    Example::

        likelihood = dnnlik.load("bundle")
        likelihood.parameters.names
        likelihood.log_likelihood(points)     # (n, d) → (n,), natural log
        likelihood.gradient(points)           # (n, d)
        likelihood.in_domain(points)          # (n,) bool
    """
    path = Path(path)
    if path.is_dir():
        path = path / MODEL_NAME
        verify_checksums(path.parent)
    elif not path.is_file():
        raise InvalidFile(f"there is no such bundle or file. Received: {path}")
    elif path.name == MODEL_NAME and (path.parent / CHECKSUMS).is_file():
        verify_checksums(path.parent)
    return PublishedLikelihood.open(path, threads=threads)
