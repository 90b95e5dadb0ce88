"""What a killed run needs to go on, in one small file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dnnlik.documents import replaced

__all__ = ["RestartState"]

_NAMES = "names of all entries"


class RestartState:
    """Named numbers, texts and arrays; the file is replaced atomically."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what is there.

        Raises:
            InvalidFile: it cannot be written; what was there before stays.
        """
        content: dict[str, Any] = {**state, _NAMES: sorted(state)}
        with replaced(self.path, what="the restart state") as file:
            np.savez(file, **content)

    def load(self) -> dict[str, NDArray[Any]]:
        """What was saved; empty where there is nothing or it cannot be read."""
        try:
            # Opened here, because NumPy leaves a damaged file open.
            with open(self.path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                found = {name: file[name] for name in file.files}
                # A damaged directory may have lost some.
                complete = found.pop(_NAMES).tolist() == sorted(found)
                return found if complete else {}
        except (OSError, ValueError, EOFError, KeyError, RuntimeError, BadZipFile):
            # RuntimeError: a damaged header may ask for a password or an unknown compression.
            return {}

    def remove(self) -> None:
        """Nothing to go on from any more."""
        self.path.unlink(missing_ok=True)
