"""Running Python files that users hand in."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from dnnlik.exceptions import DnnlikError, InvalidFile, InvalidInput

__all__ = ["line_of", "run_file"]


def run_file(path: Path, failure: type[InvalidInput] = InvalidInput) -> ModuleType:
    """The module that a Python file defines.

    Raises:
        InvalidFile: there is none.
        failure: it fails.
    """
    if not path.is_file():
        raise InvalidFile(f"there is no such file. Received: {path}")
    name = f"_dnnlik_file_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidFile(f"the file cannot be run as Python. Received: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except DnnlikError:
        raise
    except (Exception, SystemExit) as error:
        raise failure(f"{path} cannot be run. Received: {line_of(error)}") from error
    return module


def line_of(error: BaseException) -> str:
    """An error in one line: its type and what it says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
