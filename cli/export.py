"""``dnnlik export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.options import FILE
from dnnlik.cli.output import ProgressBar, print_json
from dnnlik.cli.publishing import (
    Publishing,
    accept_option,
    check_payload,
    payload_option,
    publishing_options,
    warn_without_date,
    write_payload,
)
from dnnlik.cli.start import start_tensorflow

__all__ = ["command"]


@click.command("export")
@click.argument("samples", type=FILE)
@click.argument("surrogate", type=FILE)
@click.argument("validation", type=FILE)
@publishing_options
@accept_option
@payload_option
@click.option("-o", "--output", type=FILE, default=Path("bundle"), show_default=True)
def command(
    samples: Path,
    surrogate: Path,
    validation: Path,
    publishing: Publishing,
    accept_below_threshold: bool,
    payload: Path | None,
    output: Path,
) -> None:
    """Publish SURROGATE as ONNX in a bundle, with its VALIDATION (validation.json).

    The file that was written is verified at held-out points of SAMPLES.
    """
    check_payload(payload, publishing)
    from dnnlik.bundle.checksums import sha256_of
    from dnnlik.bundle.writer import DESCRIPTION
    from dnnlik.exceptions import InvalidInput
    from dnnlik.sampling import Samples
    from dnnlik.surrogate.file import load_surrogate
    from dnnlik.validation.document import read_validation

    publication = publishing.publication(output.resolve().parent.name)
    report: dict[str, Any] = read_validation(validation)
    description = load_surrogate(surrogate)
    if report["subject"].get("surrogate") != sha256_of(surrogate):
        raise InvalidInput(
            f"the validation is of another surrogate file. Received: {validation} for {surrogate}"
        )
    opened = Samples.open(samples)
    start_tensorflow()
    from dnnlik.steps import export_step, verification_points

    with ProgressBar() as progress:
        export_step(
            description,
            report,
            output,
            points=verification_points(opened),
            publication=publication,
            figures=validation.parent,
            accept_below_threshold=accept_below_threshold,
            progress=progress,
        )
    write_payload(payload, publication.described(DESCRIPTION))
    warn_without_date(publishing)
    print_json({"bundle": str(output), "passed": report["passed"]})
