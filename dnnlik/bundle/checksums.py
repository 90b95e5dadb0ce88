"""SHA-256 of files, in the GNU format that ``sha256sum -c`` reads."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dnnlik.exceptions import InvalidFile

__all__ = ["FILE_NAME", "checksums_text", "sha256_of", "verify_checksums"]

FILE_NAME = "SHA256SUMS"


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums_text(folder: Path) -> str:
    """A line for each file below a folder but the list itself, sorted by name."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != FILE_NAME)
    names = sorted(path.relative_to(folder).as_posix() for path in files)
    return "".join(f"{sha256_of(folder / name)}  {name}\n" for name in names)


def verify_checksums(folder: str | Path) -> None:
    """Check every file of the list in a folder.

    Raises:
        InvalidFile: the list or a file is missing, or a file was changed.
    """
    folder = Path(folder)
    try:
        lines = (folder / FILE_NAME).read_text(encoding="utf-8").splitlines()
        listed = [line.split("  ", 1) for line in lines]
        expected = {name: digest for digest, name in listed}
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise InvalidFile(f"the bundle has no readable {FILE_NAME}. Received: {folder}") from error
    if not expected:
        raise InvalidFile(f"the bundle's {FILE_NAME} is empty. Received: {folder}")
    for name, digest in expected.items():
        if not (folder / name).is_file():
            raise InvalidFile(f"the bundle is incomplete: {name} is missing. Received: {folder}")
        if sha256_of(folder / name) != digest:
            raise InvalidFile(
                f"the bundle is damaged: {name} does not have its recorded checksum. "
                f"Received: {folder}"
            )
