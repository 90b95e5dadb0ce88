"""Combinations as small JSON files that name their members."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dnnlik.bundle.checksums import sha256_of
from dnnlik.bundle.reader import MODEL_NAME, load
from dnnlik.bundle.reader import is_published as is_bundle
from dnnlik.combination.combine import combine, renames_of
from dnnlik.combination.likelihood import CombinedLikelihood
from dnnlik.combination.recipe import Member, Recipe
from dnnlik.constraints import Constraint, Normal
from dnnlik.documents import read_json, reason_of, write_json
from dnnlik.exceptions import InvalidFile, InvalidInput
from dnnlik.typing import LogDensity

__all__ = [
    "is_combination",
    "is_published",
    "open_combination",
    "read_recipe",
    "write_combination",
]


def write_combination(
    path: str | Path,
    members: Sequence[str | Path],
    *,
    rename: Sequence[Mapping[str, str]] | None = None,
    shared: Sequence[str] | None = None,
    poi: Sequence[str] | None = None,
    priors: Mapping[str, Normal | None] | None = None,
    constraints: Mapping[str, Constraint | None] | None = None,
) -> CombinedLikelihood:
    """Write a combination file after opening all of it, and give the combination.

    Args:
        path: the file; an existing one is replaced.
        members: a path each: bundle folder or its ``.zip``, ``.onnx``, workspace, ``.py``,
            combination file. They are not copied: the file has their paths relative to itself,
            and SHA-256.
        rename, shared, poi, priors, constraints: as of `dnnlik.combine`.

    Raises:
        InvalidFile: a member is missing or no likelihood; the file cannot be written.
        InvalidInput: they cannot be combined; the file is one of its members.
    """
    path = Path(path)
    if path.resolve() in [Path(member).resolve() for member in members]:
        raise InvalidInput(
            "a combination cannot take the place of one of its members; give another output. "
            f"Received: {path}"
        )
    new = renames_of(rename, len(members))
    recipe = Recipe(
        tuple(_member(Path(m), n, path.parent) for m, n in zip(members, new, strict=True)),
        None if shared is None else tuple(shared),
        None if poi is None else tuple(poi),
        dict(priors or {}),
        dict(constraints or {}),
    )
    combined = _combined(recipe, path.parent)
    write_json(path, recipe.to_json())
    return combined


def open_combination(path: str | Path) -> CombinedLikelihood:
    """Open a combination file and all its members.

    Raises:
        InvalidFile: missing, damaged, or a member that is missing or was changed.
        InvalidInput: the members cannot be combined.
    """
    return _combined(read_recipe(path), Path(path).parent)


def read_recipe(path: str | Path) -> Recipe:
    """What a combination file says, without opening its members."""
    return Recipe.from_json(read_json(path), str(path))


def is_combination(path: str | Path) -> bool:
    """Whether a file says that it is a combination; of whatever cannot be read, False."""
    path = Path(path)
    try:
        return path.suffix == ".json" and _says_combination(read_json(path))
    except InvalidFile:
        return False


def is_published(path: str | Path) -> bool:
    """Whether a path is a published likelihood, or a combination of such alone: what opens
    without TensorFlow."""
    path = Path(path)
    if not is_combination(path):
        return is_bundle(path)
    return all(is_published(_place(m, path.parent)) for m in read_recipe(path).members)


def _says_combination(document: Mapping[str, Any]) -> bool:
    return str(document.get("schema", "")).startswith("dnnlik.combination/")


def _member(path: Path, rename: Mapping[str, str], folder: Path) -> Member:
    sha256 = _sha256(path)  # first: it says so if there is no such file
    relative = os.path.relpath(path.resolve(), folder.resolve())
    return Member(Path(relative).as_posix(), sha256, dict(rename))


def _combined(recipe: Recipe, folder: Path) -> CombinedLikelihood:
    _check_different(recipe)
    return combine(
        [_opened(member, folder) for member in recipe.members],
        rename=[member.rename for member in recipe.members],
        shared=recipe.shared,
        poi=recipe.poi,
        priors=recipe.priors,
        constraints=recipe.constraints,
    )


def _check_different(recipe: Recipe) -> None:
    keys = [(m.sha256, tuple(sorted(m.rename.items()))) for m in recipe.members]
    if len(set(keys)) < len(keys):
        raise InvalidInput(
            "a combination of a likelihood with itself counts its data twice. "
            f"Received: {', '.join(m.path for m in recipe.members)}"
        )


def _opened(member: Member, folder: Path) -> LogDensity:
    path = _place(member, folder)
    found = _sha256(path)
    if found != member.sha256:
        raise InvalidFile(
            "a member was changed since the combination was written; combine again if that is "
            f"meant. Received: {path} with SHA-256 {found[:12]} in place of {member.sha256[:12]}"
        )
    if is_combination(path):
        return open_combination(path)
    if is_published(path):
        return load(path)
    from dnnlik.likelihoods import open_likelihood

    return open_likelihood(path)


def _place(member: Member, folder: Path) -> Path:
    # Normalised, because the folder of a file to be written may not be there yet.
    return Path(os.path.normpath(folder.resolve() / member.path))


def _sha256(path: Path) -> str:
    """Of a file; of a bundle folder that of its model."""
    try:
        return sha256_of(path / MODEL_NAME if path.is_dir() else path)
    except FileNotFoundError:
        raise InvalidFile(f"there is no such likelihood to combine. Received: {path}") from None
    except OSError as error:
        raise InvalidFile(f"cannot read a member ({reason_of(error)}). Received: {path}") from error
