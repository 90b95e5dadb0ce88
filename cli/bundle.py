"""``dnnlik bundle``: what is published, made, checked and packed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
from dnnlik.cli import exact, export, inspect
from dnnlik.cli.options import FILE
from dnnlik.cli.output import print_json

from dnnlik.exceptions import InvalidFile

__all__ = ["command"]


@click.group("bundle")
def command() -> None:
    """Make, check, pack and look into what is published: a surrogate, or a workspace itself."""


command.add_command(export.command, "create")
command.add_command(exact.command, "exact")
command.add_command(inspect.command, "inspect")


@command.command("verify")
@click.argument("path", type=FILE)
def verify(path: Path) -> None:
    """Check files, checksums, metadata and test vectors of the bundle PATH, a folder or a zip file.

    A line for each on stderr, OK or what is wrong; exit code 3 if anything is.
    """
    from dnnlik.bundle.archive import extract
    from dnnlik.bundle.verification import verify_bundle

    with tempfile.TemporaryDirectory() as place:
        checks = verify_bundle(extract(path, place) if path.suffix == ".zip" else path)
    for check in checks:
        note = f" ({check.note})" if check.note else ""
        click.echo(f"{check.name}: {check.problem or 'OK'}{note}", err=True)
    failed = [check.name for check in checks if not check.passed]
    print_json({"bundle": str(path), "passed": not failed, "failed": failed})
    if failed:
        raise InvalidFile(f"the bundle is not what it was. Received: {', '.join(failed)} in {path}")


@command.command("pack")
@click.argument("folder", type=FILE)
@click.option("-o", "--output", type=FILE, help="[default: FOLDER.zip]")
def pack(folder: Path, output: Path | None) -> None:
    """Write the bundle FOLDER as one zip file whose bytes repeat."""
    from dnnlik.bundle.archive import write_archive
    from dnnlik.bundle.checksums import sha256_of

    named = folder if folder.name not in ("", "..") else folder.resolve()
    path = write_archive(folder, output or named.with_name(f"{named.name}.zip"))
    print_json({"archive": str(path), "sha256": sha256_of(path)})


@command.command("explorer")
@click.argument("folder", type=FILE)
@click.option(
    "--runtime",
    type=FILE,
    default=Path("node_modules/onnxruntime-web"),
    show_default=True,
    help="Folder of the npm package onnxruntime-web.",
)
def explorer(folder: Path, runtime: Path) -> None:
    """Put a page into the bundle FOLDER that explores it in a browser, without a network.

    Some 14 MB, nearly all of them ONNX Runtime Web: npm install onnxruntime-web. Then
    python -m http.server --directory FOLDER, and open http://localhost:8000/explorer/
    """
    from dnnlik.explorer import add_explorer

    print_json({"page": str(add_explorer(folder, runtime))})
