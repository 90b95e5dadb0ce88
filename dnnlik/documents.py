"""JSON documents: reading them with clear errors, writing them atomically, digests."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dnnlik.exceptions import InvalidFile

__all__ = [
    "digest_of",
    "plain",
    "read_json",
    "reason_of",
    "replaced",
    "write_bytes",
    "write_json",
    "write_text",
]


def read_json(path: str | Path) -> dict[str, Any]:
    """A JSON object from a file, or one clear line."""
    path = Path(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InvalidFile(
            f"there is no such file; give the path of a JSON file. Received: {path}"
        ) from None
    except OSError as error:
        raise InvalidFile(f"cannot read the file ({reason_of(error)}). Received: {path}") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InvalidFile(f"the file is no valid JSON ({error}). Received: {path}") from error
    if not isinstance(document, dict):
        raise InvalidFile(
            f"expected a JSON object. Received: a {type(document).__name__} in {path}"
        )
    return document


def digest_of(document: Any) -> str:
    """SHA-256 of the canonical JSON: sorted keys, no white space."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """What JSON can hold: arrays as lists, NaN and infinity as null.

    >>> plain({"t": np.array([1.0, np.nan]), "n": np.int64(2), "names": ("a", "b")})
    {'t': [1.0, None], 'n': 2, 'names': ['a', 'b']}
    """
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value


def reason_of(error: Exception) -> str:
    """Why the system refused, in one line.

    HDF5 tells long stories of times and addresses; the number of the system's error is
    somewhere in them.

    >>> reason_of(OSError(2, "a long\\nstory")), reason_of(ValueError("failed, errno = 2, in x"))
    ('No such file or directory', 'No such file or directory')
    """
    told = re.search(r"errno = (\d+)", str(error))
    number = getattr(error, "errno", None) or (int(told[1]) if told else None)
    return os.strerror(number) if number else " ".join(str(error).split())[:200]


def write_json(path: str | Path, document: Any) -> None:
    """Write readable JSON; an existing file is replaced only by a whole one."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write a text file; an existing one is replaced only by a whole one."""
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, content: bytes, *, what: str = "the file") -> None:
    """Write a file; an existing one is replaced only by a whole one."""
    with replaced(path, what=what) as file:
        file.write(content)


@contextmanager
def replaced(path: str | Path, *, what: str = "the file") -> Iterator[BinaryIO]:
    """A new file to write to, which takes the place of ``path`` when it is whole and on disk.

    Its folder is made where there is none; whatever is raised meanwhile leaves an older file,
    and nothing else.

    Args:
        path: of the file.
        what: it is called in the error.

    Raises:
        InvalidFile: it cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise InvalidFile(f"cannot write {what} ({reason_of(error)}). Received: {path}") from error
    finally:
        with suppress(OSError):  # where the folder itself is none, nothing was left behind
            temporary.unlink(missing_ok=True)
