"""``dnnlik inspect``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from dnnlik.cli.combine import summary
from dnnlik.cli.options import FILE
from dnnlik.cli.output import print_json
from dnnlik.cli.start import Source, opened_likelihood

from dnnlik.documents import plain
from dnnlik.exceptions import InvalidFile

__all__ = ["command"]


@click.command("inspect")
@click.argument("path", type=FILE)
def command(path: Path) -> None:
    """Say what PATH is: samples, a surrogate, a bundle or its ONNX file, a combination."""
    from dnnlik.combination import is_combination

    if path.is_dir() or path.suffix == ".onnx":
        print_json(plain(_published(path)))
    elif path.suffix == ".h5":
        print_json(plain(_hdf5(path)))
    elif is_combination(path):
        print_json(plain(_combination(path)))
    else:
        raise InvalidFile(
            "expected a bundle folder, an .onnx file, an .h5 file of samples or a surrogate, or a "
            "combination (.json). "
            f"Received: {path}"
        )


def _published(path: Path) -> dict[str, Any]:
    from dnnlik.bundle.reader import load

    published = load(path)
    metadata = published.metadata
    return {
        "kind": "published likelihood",
        "parameters": published.parameters.to_json(),
        "accuracy": metadata.accuracy,
        "conventions": metadata.conventions,
        "author": metadata.author,
        "license": metadata.license,
        "provenance": metadata.provenance,
    }


def _combination(path: Path) -> dict[str, Any]:
    from dnnlik.combination.document import read_recipe

    combined = opened_likelihood(Source(path))
    recipe = read_recipe(path).to_json()
    return {
        "kind": "combination",
        **summary(combined),
        **{key: recipe[key] for key in ("members", "priors", "constraints")},
        "parameters": combined.parameters.to_json(),
    }


def _hdf5(path: Path) -> dict[str, Any]:
    from dnnlik.sampling.samples import SCHEMA, Samples, schema_of
    from dnnlik.surrogate.file import load_surrogate

    if schema_of(path) == SCHEMA:
        samples = Samples.open(path)
        return {
            "kind": "samples",
            "points": len(samples),
            "unbiased": int(samples.unbiased.sum()),
            "parameters": samples.parameters.to_json(),
            "diagnostics": samples.diagnostics,
            "provenance": samples.provenance,
        }
    surrogate = load_surrogate(path)
    return {
        "kind": "surrogate",
        "networks": len(surrogate.networks),
        "layers": list(surrogate.networks[0].layers),
        "activation": surrogate.networks[0].activation,
        "settings": surrogate.settings,
        "parameters": surrogate.parameters.to_json(),
        "provenance": surrogate.provenance,
    }
