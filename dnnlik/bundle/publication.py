"""Who publishes what, under which licence: the one source of every text about it."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, replace

from dnnlik.exceptions import InvalidInput

__all__ = ["Author", "Publication"]

_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
_MEANT_AS_ORCID = re.compile(r"[\dXx -]{8,}")
_SPDX = re.compile(r"[A-Za-z0-9.+-]+")


@dataclass(frozen=True)
class Author:
    """A person, or a collaboration, which has no given name.

    Attributes:
        family, given: names; of a collaboration ``family`` is all of it.
        orcid: 16 digits in groups of four, or nothing.
        affiliation: free text, or nothing.
    """

    family: str
    given: str = ""
    orcid: str = ""
    affiliation: str = ""

    @property
    def name(self) -> str:
        """ "Family, Given", as catalogues have it."""
        return f"{self.family}, {self.given}" if self.given else self.family

    @property
    def is_person(self) -> bool:
        return bool(self.given)

    @classmethod
    def parse(cls, text: str) -> Author:
        """From "Family, Given; ORCID; affiliation"; the last two may be left out, and a name
        without a comma is that of a collaboration.

        Raises:
            InvalidInput: no name, too many parts, or an ORCID whose check digit is wrong.

        >>> Author.parse("Carberry, Josiah; 0000-0002-1825-0097; Brown University").orcid
        '0000-0002-1825-0097'
        >>> Author.parse("The CMS Collaboration").is_person
        False
        """
        name, *rest = (part.strip() for part in text.split(";"))
        family, _, given = (part.strip() for part in name.partition(","))
        orcids = [_orcid(part, text) for part in rest if _is_meant_as_orcid(part)]
        others = [part for part in rest if part and not _is_meant_as_orcid(part)]
        if not family or len(orcids) > 1 or len(others) > 1:
            raise InvalidInput(
                'an author is "Family, Given", with an ORCID and an affiliation if you like: '
                f'"Family, Given; 0000-0000-0000-0000; Affiliation". Received: {text!r}'
            )
        return cls(family, given, "".join(orcids), "".join(others))


def _is_meant_as_orcid(text: str) -> bool:
    return "orcid.org" in text or _MEANT_AS_ORCID.fullmatch(text) is not None


def _orcid(text: str, author: str) -> str:
    """The 16 digits, checked: the last one is that of ISO 7064, MOD 11-2
    (support.orcid.org, "Structure of the ORCID Identifier")."""
    orcid = text.rstrip("/").rpartition("/")[2].upper()
    if not _ORCID.fullmatch(orcid) or orcid[-1] != _check_digit(orcid[:-1]):
        raise InvalidInput(
            "an ORCID is four groups of four digits of which the last is a check digit, such as "
            f"0000-0002-1825-0097; this one is mistyped. Received: {text!r} of {author!r}"
        )
    return orcid


def _check_digit(digits: str) -> str:
    total = 0
    for digit in digits.replace("-", ""):
        total = (total + int(digit)) * 2
    result = (12 - total % 11) % 11
    return "X" if result == 10 else str(result)


@dataclass(frozen=True)
class Publication:
    """Who publishes what.

    Args:
        title: of the publication.
        authors: each "Family, Given; ORCID; affiliation", see `Author.parse`.
        license: an SPDX identifier.
        version: of the publication.
        description: a sentence or more.
        date: of publication, YYYY-MM-DD; nothing is taken from the clock. RO-Crate demands one:
            without it ``ro-crate-metadata.json`` is incomplete.

    Raises:
        InvalidInput: an author, a licence or a date that means nothing.

    >>> Publication("A search", ("Carberry, Josiah; Brown University",)).creators[0].affiliation
    'Brown University'
    """

    title: str
    authors: tuple[str, ...] = ()
    license: str = "CC-BY-4.0"
    version: str = "1.0.0"
    description: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        _ = self.creators
        if not _SPDX.fullmatch(self.license):
            raise InvalidInput(
                "a licence is an SPDX identifier, such as CC-BY-4.0, CC0-1.0, MIT or Apache-2.0. "
                f"Received: {self.license!r}"
            )
        if self.date and not _is_date(self.date):
            raise InvalidInput(f"a date is YYYY-MM-DD. Received: {self.date!r}")

    @property
    def creators(self) -> tuple[Author, ...]:
        """The authors, in their order."""
        return tuple(Author.parse(text) for text in self.authors)

    def described(self, otherwise: str) -> Publication:
        """The same with a description where it has none."""
        return self if self.description else replace(self, description=otherwise)


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
