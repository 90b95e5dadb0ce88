"""Copying the page, and the runtime that it needs, into a bundle.

The runtime is the npm package onnxruntime-web, which Python packages cannot require: whoever
publishes gives its folder. The page is the folder ``page`` beside this file, as it is.
"""

from __future__ import annotations

import os
import shutil
from importlib import resources
from pathlib import Path

from dnnlik.bundle.checksums import FILE_NAME as CHECKSUMS
from dnnlik.bundle.checksums import checksums_text, verify_checksums
from dnnlik.documents import read_json, write_text
from dnnlik.exceptions import InvalidFile

__all__ = ["FOLDER", "RUNTIME_FILES", "add_explorer"]

FOLDER = "explorer"
"""Where the page is in a bundle."""

RUNTIME_FILES = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
"""Of the package's ``dist``: single-threaded WebAssembly on the processor, nothing else."""

_PACKAGE = "onnxruntime-web"


def add_explorer(bundle: str | Path, runtime: str | Path) -> Path:
    """Put the page into a bundle, or renew it, and list its files in ``SHA256SUMS``.

    Args:
        bundle: the folder; it must be what its checksums say.
        runtime: the folder of the npm package, usually ``node_modules/onnxruntime-web``.

    Returns:
        The path of ``index.html``. A browser needs a server, such as
        ``python -m http.server --directory BUNDLE``, and no network.

    Raises:
        InvalidFile: no bundle, a damaged one, another package, or a folder that cannot be
            written.

    >>> add_explorer("nowhere", "node_modules/onnxruntime-web")
    Traceback (most recent call last):
    ...
    dnnlik.exceptions.InvalidFile: there is no such bundle. Received: nowhere
    """
    bundle, runtime = Path(bundle), Path(runtime)
    if not bundle.is_dir():
        raise InvalidFile(f"there is no such bundle. Received: {bundle}")
    verify_checksums(bundle)
    _check_runtime(runtime)
    place = bundle.resolve()  # "." has no name
    partial = place.with_name(f".{place.name}.dnnlik-{FOLDER}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        _copy(runtime, partial)
        # Killed from here on, it is a bundle with a page that its list does not know yet.
        write_text(bundle / CHECKSUMS, _without_page(bundle))
        shutil.rmtree(bundle / FOLDER, ignore_errors=True)
        os.replace(partial, bundle / FOLDER)
    except OSError as error:
        raise InvalidFile(
            f"cannot write the page ({error.strerror or error}). Received: {bundle}"
        ) from error
    write_text(bundle / CHECKSUMS, checksums_text(bundle))
    return bundle / FOLDER / "index.html"


def _without_page(bundle: Path) -> str:
    """The list of a bundle, but for the files of the page."""
    lines = (bundle / CHECKSUMS).read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if f"  {FOLDER}/" not in line)


def _check_runtime(runtime: Path) -> None:
    package = runtime / "package.json"
    name = read_json(package).get("name") if package.is_file() else None
    missing = [file for file in RUNTIME_FILES if not (runtime / "dist" / file).is_file()]
    if name != _PACKAGE or missing:
        raise InvalidFile(
            f"the runtime is the folder of the npm package {_PACKAGE} "
            f"(npm install {_PACKAGE}; node_modules/{_PACKAGE}). Received: {runtime}"
            + (f" without {', '.join(missing)}" if name == _PACKAGE else "")
        )


def _copy(runtime: Path, folder: Path) -> None:
    """The page, and beside it the runtime with its licence and the file that names its version."""
    own = resources.files("dnnlik.explorer")
    (folder / "runtime").mkdir(parents=True)
    for file in own.joinpath("page").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    # The npm package names its licence and has no file of it.
    licence = own.joinpath("licences", f"{_PACKAGE}.txt")
    (folder / "runtime" / "LICENSE").write_bytes(licence.read_bytes())
    shutil.copyfile(runtime / "package.json", folder / "runtime" / "package.json")
    for name in RUNTIME_FILES:
        shutil.copyfile(runtime / "dist" / name, folder / "runtime" / name)
