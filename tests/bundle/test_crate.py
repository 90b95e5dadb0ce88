"""RO-Crate 1.1: what the specification says MUST be there, and that nothing is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import unquote

import pytest

from dnnlik.bundle.crate import FILE_NAME, ro_crate
from dnnlik.bundle.publication import Publication

PUBLICATION = Publication(
    "A crate",
    ("F, G; 0000-0002-1825-0097; CERN", "H, I; CERN", "The Collaboration"),
    description="What it is.",
    date="2026-01-31",
)


def entities(crate):
    found = {entity["@id"]: entity for entity in crate["@graph"]}
    assert len(found) == len(crate["@graph"]), "each @id once"
    return found


def references(value):
    """Every {"@id": ...} in a value."""
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    return [value["@id"]] if isinstance(value, dict) else []


def is_whole(crate):
    """The descriptor, the root with all it MUST have, and every reference resolved."""
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    found = entities(crate)
    descriptor = found[FILE_NAME]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    root = found["./"]
    assert root["@type"] == "Dataset"
    assert {"name", "description", "datePublished", "license", "hasPart", "creator"} <= set(root)
    for entity in crate["@graph"]:
        wanted = [i for key in entity if key != "conformsTo" for i in references(entity[key])]
        assert set(wanted) <= set(found), entity
    for part in references(root["hasPart"]):
        assert found[part]["@type"] == "File"
        assert found[part]["encodingFormat"]
    return root


def test_a_crate_lists_every_file(exact_run):
    """All files of the folder but the document itself, and no other."""
    root = is_whole(json.loads((exact_run.folder / FILE_NAME).read_text()))
    present = [p.relative_to(exact_run.folder) for p in exact_run.folder.rglob("*") if p.is_file()]
    parts = [unquote(part) for part in references(root["hasPart"])]
    assert sorted(parts) == sorted(str(p) for p in present if p.name != FILE_NAME)
    assert root["name"] == exact_run.publication.title


def test_people_institutes_and_collaborations():
    """An ORCID is the identifier of a person; an institute of two people is there once."""
    crate = ro_crate(PUBLICATION, ["README.md"])
    is_whole(crate)
    found = entities(crate)
    person = found["https://orcid.org/0000-0002-1825-0097"]
    assert (person["@type"], person["name"]) == ("Person", "G F")
    assert found[person["affiliation"]["@id"]]["name"] == "CERN"
    kinds = [entity["@type"] for entity in crate["@graph"]]
    assert kinds.count("Person") == 2
    assert kinds.count("Organization") == 2


def test_names_of_files_become_references():
    """Blanks and percent signs are escaped, slashes stay."""
    crate = ro_crate(PUBLICATION, ["figures/t 50%.png", FILE_NAME])
    assert references(is_whole(crate)["hasPart"]) == ["figures/t%2050%25.png"]


@pytest.mark.parametrize("date", ["", "2026-01-31"])
def test_the_date_is_the_one_given(date):
    """No clock is asked: without a date there is none."""
    root = entities(ro_crate(replace(PUBLICATION, date=date), []))["./"]
    assert root.get("datePublished", "") == date
