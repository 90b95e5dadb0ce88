"""What fit, scan and limit share: any likelihood in, JSON and figures out."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import numpy as np
from dnnlik.cli.options import FILE
from dnnlik.cli.output import print_json
from dnnlik.cli.start import Source, opened_likelihood
from numpy.typing import NDArray

__all__ = [
    "any_likelihood",
    "figures_of",
    "finish",
    "in_domain",
    "output_option",
    "parameter_option",
]

parameter_option = click.option(
    "--parameter", help="Name of a parameter.  [default: the parameter of interest]"
)

output_option = click.option(
    "-o", "--output", type=FILE, help="Folder of the figures and the JSON.  [default: none]"
)


def any_likelihood(source: Source) -> Any:
    """An exact likelihood, or a published one: a bundle folder, its zip or an ``.onnx`` file."""
    from dnnlik.bundle.reader import is_published, load
    from dnnlik.exceptions import InvalidInput

    path = source.path
    if not is_published(path):
        return opened_likelihood(source)
    if not source.file_alone:
        raise InvalidInput(f"patches and measurements belong to workspaces. Received: {path}")
    return load(path)


def in_domain(likelihood: Any, points: NDArray[np.float64]) -> list[bool] | None:
    """Whether points (n, d) are where a published likelihood was trained; None of exact ones."""
    if not hasattr(likelihood, "in_domain"):
        return None
    return [bool(inside) for inside in likelihood.in_domain(points)]


def figures_of(module: str) -> Any:
    """The module of `dnnlik.plotting` of this name; None, and a line, without matplotlib."""
    if find_spec("matplotlib") is None:
        click.echo("no figures: matplotlib is not installed (the extra `plots`)", err=True)
        return None
    return import_module(f"dnnlik.plotting.{module}")


def finish(
    document: dict[str, Any], name: str, output: Path | None, figures: dict[str, Any] | None = None
) -> None:
    """Print the result, null where there is no number; with an output folder, write it there
    with its figures."""
    from dnnlik.documents import plain, write_json

    document = plain(document)
    if output is not None:
        write_json(output / name, document)
        if figures:
            from dnnlik.plotting.style import save_figures

            save_figures(figures, output)
    print_json(document)
