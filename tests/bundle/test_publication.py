"""Authors, licences and dates: what they mean, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnnlik.bundle.citation import citation_cff
from dnnlik.bundle.licences import licence_text, licence_url
from dnnlik.bundle.publication import Author, Publication
from dnnlik.exceptions import InvalidInput

# ORCIDs of support.orcid.org and of fictitious persons in the documentation of ORCID and Zenodo.
KNOWN = ["0000-0002-1825-0097", "0000-0001-5109-3700", "0000-0002-1694-233X"]


@pytest.mark.parametrize("orcid", KNOWN)
@pytest.mark.parametrize("form", ["{}", "https://orcid.org/{}", "https://orcid.org/{}/"])
def test_orcids_that_exist_are_accepted(orcid, form):
    """As digits and as an address; an affiliation stands on either side."""
    for text in (f"F, G; {form.format(orcid)}; CERN", f"F, G; CERN; {form.format(orcid)}"):
        assert Author.parse(text) == Author("F", "G", orcid, "CERN")


def remainder(orcid):
    """ISO 7064, MOD 11-2, written as its definition: Σ aᵢ 2^(i-1) ≡ 1 (mod 11)."""
    digits = [10 if c == "X" else int(c) for c in orcid.replace("-", "")]
    return sum(digit * 2**power for power, digit in enumerate(reversed(digits))) % 11


@given(st.text("0123456789", min_size=16, max_size=16))
def test_an_orcid_passes_if_its_check_digit_is_right(digits):
    """Accepted exactly if the weighted sum is 1 modulo 11."""
    orcid = "-".join(digits[i : i + 4] for i in range(0, 16, 4))
    if remainder(orcid) == 1:
        assert Author.parse(f"F, G; {orcid}").orcid == orcid
    else:
        with pytest.raises(InvalidInput, match="mistyped"):
            Author.parse(f"F, G; {orcid}")


@pytest.mark.parametrize("orcid", KNOWN)
@pytest.mark.parametrize("position", range(15))
def test_one_wrong_digit_is_noticed(orcid, position):
    """Whichever of the first fifteen it is."""
    place = position + position // 4
    wrong = orcid[:place] + str((int(orcid[place]) + 1) % 10) + orcid[place + 1 :]
    with pytest.raises(InvalidInput, match=r"mistyped\. Received: ") as caught:
        Author.parse(f"F, G; {wrong}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "; CERN", ", Given", "F, G; CERN; DESY", "F, G; 0000-0002-1825-0097; 0000-0001-5109-3700"],
)
def test_authors_that_mean_nothing(text):
    """No name, two institutes, two ORCIDs: one line with the form that is expected."""
    with pytest.raises(InvalidInput, match=r"Family, Given; 0000.*Received: "):
        Publication("T", (text,))


@pytest.mark.parametrize(
    "text", ["F, G; 1234", "F, G; 0000-0002-1825-009", "F, G; https://orcid.org/me"]
)
def test_what_is_meant_as_an_orcid_is_read_as_one(text):
    """Too short, or an address without digits; four digits alone are an institute's affair."""
    if text.endswith("1234"):
        assert Author.parse(text).affiliation == "1234"
    else:
        with pytest.raises(InvalidInput, match="mistyped"):
            Author.parse(text)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"license": "CC BY 4.0"}, "SPDX"),
        ({"license": ""}, "SPDX"),
        ({"date": "31.1.2026"}, "YYYY-MM-DD"),
        ({"date": "2026-02-30"}, "YYYY-MM-DD"),
        ({"date": "20260131"}, "YYYY-MM-DD"),
    ],
)
def test_licences_and_dates_are_checked(changes, complaint):
    """Before anything is written, in one line."""
    with pytest.raises(InvalidInput, match=rf"{complaint}.*Received: "):
        Publication("T", **changes)


def test_a_citation_has_what_cff_asks_for():
    """Persons with family and given names, a collaboration with one name; strings quoted, so
    that a colon or a quotation mark in a title is no syntax."""
    text = citation_cff(
        Publication(
            'A "quoted": title',
            ("Carberry, Josiah; 0000-0002-1825-0097; Brown University", "The Collaboration"),
            date="2026-01-31",
        )
    )
    assert text.startswith("cff-version: 1.2.0\n")
    lines = dict(line.split(": ", 1) for line in text.splitlines() if not line.endswith(":"))
    assert json.loads(lines["title"]) == 'A "quoted": title'
    assert lines["date-released"] == "2026-01-31"
    assert lines["type"] == "dataset"
    assert lines["  - family-names"] == '"Carberry"'
    assert lines["    orcid"] == '"https://orcid.org/0000-0002-1825-0097"'
    assert lines["    affiliation"] == '"Brown University"'
    assert lines["  - name"] == '"The Collaboration"'


@pytest.mark.parametrize("identifier", ["CC-BY-4.0", "CC0-1.0", "MIT", "Apache-2.0", "ISC"])
def test_a_licence_file_is_short_and_says_where_its_text_is(identifier):
    """With the SPDX tag that tools look for."""
    text = licence_text(Publication("T", ("F, G",), license=identifier))
    assert text.splitlines()[0] == f"SPDX-License-Identifier: {identifier}"
    assert licence_url(identifier) in text
    assert "by F, G" in text
    assert len(text.splitlines()) < 10
