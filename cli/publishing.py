"""The options of a publication."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from dnnlik.cli.grouping import grouped
from dnnlik.cli.options import FILE

__all__ = [
    "Publishing",
    "accept_option",
    "check_payload",
    "payload_option",
    "publishing_options",
    "warn_without_date",
    "write_payload",
]


@dataclass(frozen=True)
class Publishing:
    """Who publishes what; the fields are those of `dnnlik.Publication`."""

    title: str | None
    authors: tuple[str, ...]
    license: str
    description: str
    date: str

    def publication(self, name: str, kind: str = "Surrogate") -> Any:
        """The `dnnlik.Publication`; ``name`` stands in for a title."""
        from dnnlik.bundle.publication import Publication

        return Publication(
            self.title or f"{kind} likelihood {name}",
            self.authors,
            self.license,
            description=self.description,
            date=self.date,
        )


publishing_options = grouped(
    "publishing",
    Publishing,
    click.option("--title", help="Title of the publication."),
    click.option(
        "--author",
        "authors",
        multiple=True,
        help='"Family, Given", or "Family, Given; ORCID; Affiliation"; a name without a comma is '
        "a collaboration; repeat for more. Without one no citation is written.",
    ),
    click.option("--license", default="CC-BY-4.0", show_default=True, help="SPDX identifier."),
    click.option("--description", default="", help="A sentence on what it is."),
    click.option(
        "--date",
        default="",
        help="Of publication, YYYY-MM-DD. Nothing is taken from the clock: without it the files "
        "have none, which RO-Crate demands; a warning says so.",
    ),
)
"""A `Publishing`, as ``publishing``."""

payload_option = click.option(
    "--zenodo-payload",
    "payload",
    type=FILE,
    help="Write what a deposit on Zenodo is described with, for both of its interfaces (JSON); "
    "nothing is sent. Needs --author and --date.",
)
"""Path of the payload, as ``payload``."""

accept_option = click.option(
    "--accept-below-threshold",
    is_flag=True,
    help="Publish in spite of a failed validation; the files say so.",
)


def check_payload(payload: Path | None, publishing: Publishing) -> None:
    """Refuse a payload without what it needs before anything is computed.

    Raises:
        click.UsageError: no author, or no date.
    """
    if payload is not None and not (publishing.authors and publishing.date):
        raise click.UsageError("--zenodo-payload needs --author and --date YYYY-MM-DD.")


def warn_without_date(publishing: Publishing) -> None:
    """On stderr, that a bundle was written without what its RO-Crate must have."""
    if not publishing.date:
        click.echo(
            "Warning: the bundle has no date of publication, and RO-Crate demands one: its "
            "ro-crate-metadata.json is incomplete. Give the same command with --date YYYY-MM-DD.",
            err=True,
        )


def write_payload(payload: Path | None, publication: Any) -> None:
    """Write the payload of a `dnnlik.Publication`, if one was asked for."""
    if payload is None:
        return
    from dnnlik.bundle.zenodo import zenodo_payload
    from dnnlik.documents import write_json

    write_json(payload, zenodo_payload(publication))
    click.echo(f"wrote {payload}; nothing was sent (docs/bundles.md says how to)", err=True)
