"""Bundles that tests of this folder share."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from generated_workspaces import EXAMPLE

from dnnlik.bundle.publication import Publication
from dnnlik.exact import ExactBundle, publish_exact

PUBLICATION = Publication(
    "Exact & tested",
    authors=("Carberry, Josiah; 0000-0002-1825-0097; Brown University", "The Test Collaboration"),
    license="CC0-1.0",
    date="2026-01-31",
)


@dataclass(frozen=True)
class ExactRun:
    """A workspace file and the bundle that was made of it."""

    workspace: Path
    folder: Path
    made: ExactBundle
    publication: Publication

    def copy(self, path: Path) -> Any:
        return shutil.copytree(self.folder, path)


@pytest.fixture(scope="session")
def exact_run(tmp_path_factory):
    """The bundle of a workspace with every kind of modifier, made once."""
    place = tmp_path_factory.mktemp("exact")
    workspace = place / "example.json"
    workspace.write_text(json.dumps(EXAMPLE))
    made = publish_exact(workspace, place / "bundle", publication=PUBLICATION, seed=4)
    return ExactRun(workspace, made.folder, made, PUBLICATION)
