"""The options of a publication."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click
from dnnlik.cli.grouping import grouped

__all__ = ["Publishing", "accept_option", "publishing_options"]


@dataclass(frozen=True)
class Publishing:
    """Who publishes what; the fields are those of `dnnlik.Publication`."""

    title: str | None
    authors: tuple[str, ...]
    license: str

    def publication(self, name: str) -> Any:
        """The `dnnlik.Publication`; ``name`` stands in for a title."""
        from dnnlik.bundle.card import Publication

        return Publication(self.title or f"Surrogate likelihood {name}", self.authors, self.license)


publishing_options = grouped(
    "publishing",
    Publishing,
    click.option("--title", help="Title of the publication."),
    click.option(
        "--author",
        "authors",
        multiple=True,
        help='"Family, Given"; repeat for more. Without one no citation is written.',
    ),
    click.option("--license", default="CC-BY-4.0", show_default=True, help="SPDX identifier."),
)
"""A `Publishing`, as ``publishing``."""

accept_option = click.option(
    "--accept-below-threshold",
    is_flag=True,
    help="Publish in spite of a failed validation; the files say so.",
)
