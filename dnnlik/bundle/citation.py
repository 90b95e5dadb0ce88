"""CITATION.cff, version 1.2.0 of the Citation File Format."""

from __future__ import annotations

import json

from dnnlik.bundle.publication import Author, Publication

__all__ = ["citation_cff"]


def citation_cff(publication: Publication) -> str:
    """The text of the file; strings are quoted as in JSON, which YAML reads alike.

    >>> print(citation_cff(Publication("A search", ("Carberry, Josiah",))).splitlines()[3])
    title: "A search"
    """
    lines = ["cff-version: 1.2.0", "message: Please cite this likelihood as below."]
    lines += ["type: dataset", f"title: {json.dumps(publication.title)}"]
    lines += [f"version: {json.dumps(publication.version)}", f"license: {publication.license}"]
    if publication.description:
        lines.append(f"abstract: {json.dumps(publication.description)}")
    if publication.date:
        lines.append(f"date-released: {publication.date}")
    lines.append("authors:")
    for author in publication.creators:
        lines += _author(author)
    return "\n".join(lines) + "\n"


def _author(author: Author) -> list[str]:
    """A person has family and given names, an entity one name."""
    if author.is_person:
        fields = {"family-names": author.family, "given-names": author.given}
    else:
        fields = {"name": author.family}
    if author.orcid:
        fields["orcid"] = f"https://orcid.org/{author.orcid}"
    if author.is_person and author.affiliation:
        fields["affiliation"] = author.affiliation
    marks = ["- ", *["  "] * len(fields)]
    rows = zip(marks, fields.items(), strict=False)
    return [f"  {mark}{key}: {json.dumps(text)}" for mark, (key, text) in rows]
