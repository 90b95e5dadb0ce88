"""A bundle as one zip file whose bytes repeat, for a deposit."""

from __future__ import annotations

import zipfile
from pathlib import Path

from dnnlik.bundle.checksums import FILE_NAME, verify_checksums
from dnnlik.documents import replaced
from dnnlik.exceptions import InvalidFile

__all__ = ["extract", "write_archive"]

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file can hold
_PERMISSIONS = 0o644 << 16


def write_archive(folder: str | Path, path: str | Path) -> Path:
    """Write a bundle's files, sorted, without dates and not compressed: so the bytes depend on
    no clock, no system and no version of a compressor.

    Raises:
        InvalidFile: the folder is no whole bundle, or the file cannot be written.
    """
    folder, path = Path(folder), Path(path)
    verify_checksums(folder)
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    with replaced(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(f"{path.stem}/{name}", _EARLIEST)
            entry.external_attr, entry.create_system = _PERMISSIONS, 3
            archive.writestr(entry, (folder / name).read_bytes())
    return path


def extract(path: str | Path, folder: str | Path) -> Path:
    """Unpack a bundle below a folder; the path of the bundle.

    Raises:
        InvalidFile: the file is no zip file of one bundle, or names files outside of it.
    """
    path, folder = Path(path), Path(folder)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            found = {name.split("/")[0] for name in names}
            inside = not any(name.startswith("/") or ".." in Path(name).parts for name in names)
            if len(found) != 1 or not inside or f"{min(found)}/{FILE_NAME}" not in names:
                raise InvalidFile(
                    f"expected a zip file of one bundle with its {FILE_NAME}. Received: {path}"
                )
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidFile(f"the file is no readable zip file. Received: {path}") from error
    return folder / min(found)
