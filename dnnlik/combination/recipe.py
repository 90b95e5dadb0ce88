"""What a combination file says: its members, and how they are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dnnlik.combination.terms import (
    constraints_from_json,
    constraints_to_json,
    priors_from_json,
    priors_to_json,
)
from dnnlik.constraints import Constraint, Normal
from dnnlik.exceptions import InvalidFile, InvalidInput

__all__ = ["SCHEMA", "Member", "Recipe"]

SCHEMA = "dnnlik.combination/1"
_KEYS = {"schema", "members", "shared", "poi", "priors", "constraints"}


@dataclass(frozen=True)
class Member:
    """One likelihood of a combination.

    Attributes:
        path: a bundle folder or its ``.zip``, ``.onnx``, workspace, ``.py`` or combination,
            relative to the combination file.
        sha256: of the file; of a bundle folder that of its ``likelihood.onnx``.
        rename: new names of its parameters by old ones.
    """

    path: str
    sha256: str
    rename: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Any) -> Member:
        """The inverse of what `Recipe.to_json` writes.

        Raises:
            InvalidFile: the object means nothing.
        """
        rename = document.get("rename", {}) if isinstance(document, dict) else None
        texts = [document.get(key) for key in ("path", "sha256")] if rename is not None else [None]
        if isinstance(rename, dict):
            texts += list(rename.values())
        if not isinstance(rename, dict) or not all(isinstance(text, str) for text in texts):
            raise InvalidFile(
                "a member of a combination is an object of path, sha256 and, where names "
                f"change, rename. Received: {document}"
            )
        return cls(document["path"], document["sha256"], rename)


@dataclass(frozen=True)
class Recipe:
    """The arguments of `dnnlik.combine`, with files in the place of likelihoods."""

    members: tuple[Member, ...]
    shared: tuple[str, ...] | None = None
    poi: tuple[str, ...] | None = None
    priors: Mapping[str, Normal | None] = field(default_factory=dict)
    constraints: Mapping[str, Constraint | None] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A JSON object of schema ``dnnlik.combination/1``."""
        return {
            "schema": SCHEMA,
            "members": [
                {"path": m.path, "sha256": m.sha256, "rename": dict(m.rename)} for m in self.members
            ],
            "shared": None if self.shared is None else list(self.shared),
            "poi": None if self.poi is None else list(self.poi),
            "priors": priors_to_json(self.priors),
            "constraints": constraints_to_json(self.constraints),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any], source: str) -> Recipe:
        """The inverse of `to_json`.

        Raises:
            InvalidFile: another schema, an unknown key, or something that means nothing.
        """
        if document.get("schema") != SCHEMA or not isinstance(document.get("members"), list):
            raise InvalidFile(
                f"{source} must be an object of schema {SCHEMA} with a list of members. "
                f"Received: schema {document.get('schema')!r}"
            )
        unknown = sorted(set(document) - _KEYS)
        if unknown:
            raise InvalidFile(f"{source} has keys that mean nothing. Received: {unknown}")
        try:
            return cls(
                tuple(Member.from_json(member) for member in document["members"]),
                _names(document.get("shared")),
                _names(document.get("poi")),
                priors_from_json(document.get("priors", {})),
                constraints_from_json(document.get("constraints", {})),
            )
        except InvalidInput as error:
            raise InvalidFile(f"{source} is no usable combination: {error}") from error


def _names(document: Any) -> tuple[str, ...] | None:
    if document is None:
        return None
    if not isinstance(document, list) or not all(isinstance(name, str) for name in document):
        raise InvalidFile(f"expected a list of names of parameters, or null. Received: {document}")
    return tuple(document)
