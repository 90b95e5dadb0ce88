"""The software that made a result, for provenance and bug reports."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["software_versions"]

_PACKAGES = (
    "dnnlik",
    "emcee",
    "h5py",
    "keras",
    "numpy",
    "onnx",
    "onnxruntime",
    "pyhf",
    "scipy",
    "tensorflow",
)


def software_versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on.

    >>> sorted(software_versions())[:3]
    ['dnnlik', 'emcee', 'h5py']
    """
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            # The CPU build of TensorFlow has a name of its own.
            found[name] = _cpu_build(name)
    return found


def _cpu_build(name: str) -> str:
    try:
        return version(f"{name}-cpu")
    except PackageNotFoundError:
        return "absent"
