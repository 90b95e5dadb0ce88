"""``dnnlik inspect``."""

from __future__ import annotations

import tempfile
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
    """Say what PATH is: samples, a surrogate, a bundle or its ONNX file, a combination.

    Of a bundle also whether it is exact or learned, how accurate, and how fast: measured at this
    moment, with the lines for people on stderr.
    """
    from dnnlik.bundle.reader import is_published
    from dnnlik.combination import is_combination

    if is_published(path):
        document = plain(_published(path))
        print_json(document)
        # After the JSON, which is long: these lines are what stays on the screen.
        for line in _summary(document):
            click.echo(line, err=True)
    elif path.suffix == ".h5":
        print_json(plain(_hdf5(path)))
    elif is_combination(path):
        print_json(plain(_combination(path)))
    elif not path.exists():
        raise InvalidFile(f"there is no such file or folder. Received: {path}")
    else:
        raise InvalidFile(
            "expected a bundle folder or its .zip, an .onnx file, an .h5 file of samples or a "
            "surrogate, or a combination (.json). "
            f"Received: {path}"
        )


def _published(path: Path) -> dict[str, Any]:
    from dnnlik.bundle.archive import extract

    if path.suffix != ".zip":
        return _opened(path)
    with tempfile.TemporaryDirectory() as place:
        return _opened(extract(path, place))


def _opened(path: Path) -> dict[str, Any]:
    from dnnlik.bundle.reader import COPY_NAME, MODEL_NAME, load
    from dnnlik.bundle.timing import speed_of
    from dnnlik.onnx.runtime import PublishedLikelihood

    published = load(path)
    files = [path / MODEL_NAME, path / COPY_NAME] if path.is_dir() else [path]
    metadata = published.metadata
    return {
        "kind": "published likelihood",
        "likelihood": metadata.kind,
        "source": metadata.provenance.get("likelihood"),
        "poi": list(published.parameters.poi_names),
        "microseconds_a_point": {
            file.name: vars(speed_of(PublishedLikelihood.open(file)))
            for file in files
            if file.is_file()
        },
        "accuracy": metadata.accuracy,
        "conventions": metadata.conventions,
        "author": metadata.author,
        "license": metadata.license,
        "provenance": metadata.provenance,
        "parameters": published.parameters.to_json(),
    }


def _summary(document: dict[str, Any]) -> list[str]:
    """For people: what it is, how good, how fast; a line each."""
    from dnnlik.bundle.accuracy import accuracy_line
    from dnnlik.bundle.timing import BATCH

    kind, source = document["likelihood"], document["source"]
    what = {"exact": "exact likelihood", "surrogate": "surrogate (learned) likelihood"}[kind]
    lines = [
        f"{what} of {source[:16] if source else 'an unknown source'}",
        f"{len(document['parameters'])} parameters; of interest: {', '.join(document['poi'])}",
        f"accuracy: {accuracy_line(kind, document['accuracy'])}",
    ]
    lines += [
        f"{name}: {speed['value']:.3g} µs a point, {speed['value_and_gradient']:.3g} µs with "
        f"gradient ({BATCH} points at once, measured now)"
        for name, speed in document["microseconds_a_point"].items()
    ]
    return lines


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
