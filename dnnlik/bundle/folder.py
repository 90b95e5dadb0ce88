"""A bundle's folder: made beside the old one, and put in its place when it is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dnnlik.bundle.reader import MODEL_NAME
from dnnlik.exceptions import InvalidFile

__all__ = ["check_replaceable", "new_bundle"]


@contextmanager
def new_bundle(folder: Path) -> Iterator[Path]:
    """An empty folder that takes the place of ``folder`` at the end; whatever is raised
    meanwhile leaves the old one as it was, and nothing else.

    Raises:
        InvalidFile: it cannot be written, or the folder holds something else than a bundle.
    """
    check_replaceable(folder)
    partial = folder.with_name(f".{folder.name}.dnnlik-new")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        _swap(partial, folder)
    except OSError as error:
        raise InvalidFile(
            f"cannot write the bundle ({error.strerror or error}). Received: {folder}"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_replaceable(folder: Path) -> None:
    """Whether a bundle may be written to this place.

    Raises:
        InvalidFile: a file, a folder that holds something else than a bundle, or the present
            one, which cannot be replaced under whoever is in it.
    """
    if folder.resolve() == Path.cwd():
        raise InvalidFile(
            "a bundle takes the place of its folder, and this one is in use: give the name of "
            f"another. Received: {folder}, the present folder"
        )
    if folder.exists() and not folder.is_dir():
        raise InvalidFile(f"a bundle is a folder, and this is a file. Received: {folder}")
    if folder.exists() and not (folder / MODEL_NAME).exists() and any(folder.iterdir()):
        raise InvalidFile(f"the folder exists and holds no bundle. Received: {folder}")


def _swap(partial: Path, folder: Path) -> None:
    """Put the new folder in place of the old one, which is removed last of all.

    A kill between the two renames leaves the old one beside under its hidden name.
    """
    old = folder.with_name(f".{folder.name}.dnnlik-old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(partial, folder)
    shutil.rmtree(old, ignore_errors=True)
