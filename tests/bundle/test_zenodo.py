"""The payload of a deposit against the documented fields of both interfaces.

The schemas here are written from developers.zenodo.org ("Deposit metadata") and
inveniordm.docs.cern.ch ("Metadata reference", "Drafts and records"): names, required fields,
controlled vocabularies. They refuse fields that are not documented.
"""

from __future__ import annotations

import json

import jsonschema
import pytest

from dnnlik.bundle.publication import Publication
from dnnlik.bundle.zenodo import deposit_metadata, draft_record, zenodo_payload
from dnnlik.exceptions import InvalidInput

ORCID = r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$"
DATE = r"^\d{4}-\d{2}-\d{2}$"
TEXT = {"type": "string", "minLength": 1}
# Licence identifiers of both are the SPDX ones in small letters.
LICENCE = {"enum": ["cc-by-4.0", "cc0-1.0", "mit", "apache-2.0", "bsd-3-clause"]}


def an_object(required, optional=None):
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def a_list(items):
    return {"type": "array", "items": items, "minItems": 1}


LEGACY = an_object(
    {
        "upload_type": {
            "enum": ["publication", "poster", "presentation", "dataset", "image", "video",
                     "software", "lesson", "physicalobject", "other"],
        },
        "publication_date": {"type": "string", "pattern": DATE},
        "title": {"type": "string", "minLength": 3},
        "creators": a_list(
            an_object(
                {"name": TEXT},
                {"affiliation": TEXT, "orcid": {"type": "string", "pattern": ORCID}, "gnd": TEXT},
            )
        ),
        "description": TEXT,
        "access_right": {"enum": ["open", "embargoed", "restricted", "closed"]},
        # Required because the access right is "open".
        "license": LICENCE,
    },
    {"keywords": a_list(TEXT), "version": TEXT, "notes": TEXT, "language": TEXT, "doi": TEXT},
)  # fmt: skip

PERSON = an_object(
    {"type": {"const": "personal"}, "family_name": TEXT},
    {
        "given_name": TEXT,
        "identifiers": a_list(
            an_object(
                {
                    "scheme": {"enum": ["orcid", "gnd", "isni", "ror"]},
                    "identifier": {"type": "string", "pattern": ORCID},
                }
            )
        ),
    },
)
ORGANISATION = an_object({"type": {"const": "organizational"}, "name": TEXT})
RECORD = an_object(
    {
        "access": an_object(
            {
                "record": {"enum": ["public", "restricted"]},
                "files": {"enum": ["public", "restricted"]},
            }
        ),
        "files": an_object({"enabled": {"type": "boolean"}}),
        "metadata": an_object(
            {
                "resource_type": an_object({"id": {"enum": ["dataset", "software", "model"]}}),
                "title": {"type": "string", "minLength": 3},
                "publication_date": {"type": "string", "pattern": DATE},
                "creators": a_list(
                    an_object(
                        {"person_or_org": {"oneOf": [PERSON, ORGANISATION]}},
                        {"affiliations": a_list(an_object({"name": TEXT}))},
                    )
                ),
            },
            {
                "description": TEXT,
                "publisher": TEXT,
                "version": TEXT,
                "rights": a_list(an_object({"id": LICENCE})),
                "subjects": a_list(an_object({"subject": TEXT})),
            },
        ),
    }
)

CASES = [
    Publication("One person", ("Family, Given",), date="2026-01-31"),
    Publication("A collaboration", ("The Collaboration",), "CC0-1.0", date="2026-01-31"),
    Publication(
        "All there is",
        ("F, G; 0000-0002-1694-233X; CERN", "H, I; CERN", "J, K; 0000-0002-1825-0097"),
        license="MIT",
        version="2.1",
        description="ln L > 0 & <more>",
        date="2026-12-01",
    ),
]


@pytest.mark.parametrize("publication", CASES, ids=lambda p: p.title)
def test_bodies_have_the_documented_fields(publication):
    """Every required field, no unknown one, vocabularies as documented."""
    payload = zenodo_payload(publication)
    jsonschema.validate(payload["legacy"]["body"], an_object({"metadata": LEGACY}))
    jsonschema.validate(payload["inveniordm"]["body"], RECORD)
    json.dumps(payload, allow_nan=False)


def test_both_say_the_same():
    """Title, date, names, ORCIDs and description of one publication."""
    publication = CASES[2]
    old, new = deposit_metadata(publication), draft_record(publication)["metadata"]
    assert old["title"] == new["title"]
    assert old["publication_date"] == new["publication_date"]
    assert old["description"] == new["description"] == "<p>ln L &gt; 0 &amp; &lt;more&gt;</p>"
    people = [creator["person_or_org"] for creator in new["creators"]]
    names = [f"{person['family_name']}, {person['given_name']}" for person in people]
    assert names == [creator["name"] for creator in old["creators"]]
    assert people[0]["identifiers"][0]["identifier"] == old["creators"][0]["orcid"]
    assert "identifiers" not in people[1]
    assert old["license"] == new["rights"][0]["id"] == "mit"


@pytest.mark.parametrize(
    ("publication", "option"),
    [
        (Publication("T", date="2026-01-31"), "--author"),
        (Publication("T", ("F, G",)), "--date"),
    ],
)
def test_what_a_deposit_needs_is_asked_for(publication, option):
    """Creators and a date are required by both: without them there is no payload."""
    with pytest.raises(InvalidInput, match=rf"{option}.*Received: "):
        zenodo_payload(publication)


def test_no_date_is_made_up():
    """`.zenodo.json` without a date has none."""
    assert "publication_date" not in deposit_metadata(Publication("T", ("F, G",)))
