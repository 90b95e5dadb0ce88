"""Licences by their SPDX identifiers: name, address, and the short file of a bundle."""

from __future__ import annotations

from dnnlik.bundle.publication import Publication

__all__ = ["licence_name", "licence_text", "licence_url"]

_KNOWN = {
    "CC-BY-4.0": (
        "Creative Commons Attribution 4.0 International",
        "https://creativecommons.org/licenses/by/4.0/",
    ),
    "CC0-1.0": (
        "Creative Commons Zero v1.0 Universal",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    ),
    "MIT": ("MIT License", "https://spdx.org/licenses/MIT.html"),
    "Apache-2.0": ("Apache License 2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
}


def licence_name(identifier: str) -> str:
    """Its full name; the identifier of one that is not known here."""
    return _KNOWN[identifier][0] if identifier in _KNOWN else identifier


def licence_url(identifier: str) -> str:
    """Where its text is.

    >>> licence_url("BSD-3-Clause")
    'https://spdx.org/licenses/BSD-3-Clause.html'
    """
    known = identifier in _KNOWN
    return _KNOWN[identifier][1] if known else f"https://spdx.org/licenses/{identifier}.html"


def licence_text(publication: Publication) -> str:
    """The file LICENSE: which licence, of what, and where its text is."""
    identifier = publication.license
    holders = "; ".join(author.name for author in publication.creators)
    lines = [
        f"SPDX-License-Identifier: {identifier}",
        "",
        f"{publication.title}",
        *([f"by {holders}"] if holders else []),
        "",
        f"All files of this folder are published under {licence_name(identifier)}.",
        f"Its text: {licence_url(identifier)}",
    ]
    return "\n".join(lines) + "\n"
