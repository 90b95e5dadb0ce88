"""The software that made a result, for provenance and bug reports."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["software_versions", "system"]

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


def system() -> dict[str, str | int]:
    """Operating system, kind of processor, and how many of them this process may use.

    >>> sorted(system())
    ['machine', 'platform', 'processors']
    """
    return {
        "platform": platform.platform(),
        "machine": platform.machine(),
        "processors": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")  # Linux alone has it
        else os.cpu_count() or 1,
    }


def _cpu_build(name: str) -> str:
    try:
        return version(f"{name}-cpu")
    except PackageNotFoundError:
        return "absent"
