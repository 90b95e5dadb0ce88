"""What a deposit on Zenodo is described with. Nothing is ever sent.

Two interfaces: `POST /api/deposit/depositions` with the fields of developers.zenodo.org
("Deposit metadata"), which is also the content of ``.zenodo.json``; and `POST /api/records`
with those of InvenioRDM (inveniordm.docs.cern.ch, "Metadata reference", "Drafts and records").
"""

from __future__ import annotations

import html

from dnnlik.bundle.publication import Author, Publication
from dnnlik.exceptions import InvalidInput
from dnnlik.typing import JSON

__all__ = ["SCHEMA", "deposit_metadata", "draft_record", "zenodo_payload"]

SCHEMA = "dnnlik.zenodo/1"

_KEYWORDS = ("likelihood", "ONNX", "statistics", "high energy physics")


def zenodo_payload(publication: Publication) -> JSON:
    """The bodies of both requests that begin a deposit.

    Raises:
        InvalidInput: no author or no date, which both interfaces ask for.
    """
    for what, option, present in (
        ("an author", "--author", publication.authors),
        ("a date of publication", "--date YYYY-MM-DD", publication.date),
    ):
        if not present:
            raise InvalidInput(
                f"a deposit needs {what}: give {option}. Received: {publication.title!r} without"
            )
    return {
        "schema": SCHEMA,
        "note": "nothing was sent; one of the two is the body of a request, see docs/bundles.md",
        "legacy": {
            "request": "POST /api/deposit/depositions",
            "body": {"metadata": deposit_metadata(publication)},
        },
        "inveniordm": {"request": "POST /api/records", "body": draft_record(publication)},
    }


def deposit_metadata(publication: Publication) -> JSON:
    """The metadata of a deposition; also the content of ``.zenodo.json``."""
    found: JSON = {
        "title": publication.title,
        "version": publication.version,
        "upload_type": "dataset",
        "creators": [_creator(author) for author in publication.creators],
        "license": publication.license.lower(),
        "access_right": "open",
        "keywords": list(_KEYWORDS),
        "description": _html(publication),
    }
    return found | ({"publication_date": publication.date} if publication.date else {})


def _creator(author: Author) -> JSON:
    more = {"orcid": author.orcid, "affiliation": author.affiliation}
    return {"name": author.name, **{key: text for key, text in more.items() if text}}


def draft_record(publication: Publication) -> JSON:
    """The body of a new draft; its files come with later requests."""
    return {
        "access": {"record": "public", "files": "public"},
        "files": {"enabled": True},
        "metadata": {
            "resource_type": {"id": "dataset"},
            "title": publication.title,
            "publication_date": publication.date,
            "creators": [_person_or_org(author) for author in publication.creators],
            "description": _html(publication),
            "rights": [{"id": publication.license.lower()}],
            "subjects": [{"subject": word} for word in _KEYWORDS],
            "version": publication.version,
            "publisher": "Zenodo",
        },
    }


def _person_or_org(author: Author) -> JSON:
    if author.is_person:
        found: JSON = {
            "type": "personal",
            "family_name": author.family,
            "given_name": author.given,
        }
    else:
        found = {"type": "organizational", "name": author.family}
    if author.orcid:
        found["identifiers"] = [{"scheme": "orcid", "identifier": author.orcid}]
    affiliated = {"affiliations": [{"name": author.affiliation}]} if author.affiliation else {}
    return {"person_or_org": found, **affiliated}


def _html(publication: Publication) -> str:
    """Both interfaces take HTML."""
    return f"<p>{html.escape(publication.description or publication.title, quote=False)}</p>"
